/* Two stacks on one wire in virtual time, for tests: frames take `delay`, and a seeded dice loses, doubles or
 * delays them. Everything is deterministic. */
#ifndef GLASS_TEST_PAIR_H
#define GLASS_TEST_PAIR_H

#include "../../stack/stack.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../stack/event_text.h"

#define PAIR_WIRE_MAX 4096

struct pair_packet {
    usec arrives;
    uint64_t order;
    int to;
    size_t len;
    uint8_t *bytes;
};

struct pair {
    struct stack stack[2];
    usec now, delay;
    unsigned loss, duplicate, reorder; /* per mille */
    uint64_t dice, order;
    size_t wire_count;
    struct pair_packet wire[PAIR_WIRE_MAX];
    long allocations, fail_at; /* fail_at: which allocation fails, 0: none */
    bool trace;
};

static inline uint64_t pair_random(struct pair *p)
{
    p->dice ^= p->dice << 13;
    p->dice ^= p->dice >> 7;
    p->dice ^= p->dice << 17;
    return p->dice;
}

static inline void *pair_allocate(void *context, size_t size)
{
    struct pair *p = context;
    p->allocations++;
    return p->allocations == p->fail_at ? NULL : malloc(size);
}

static inline void pair_release(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    free(at);
}

static inline void pair_observe(void *context, const struct event *e)
{
    struct pair *p = context;
    char line[256];
    if (!p->trace)
        return;
    event_text(e, line, sizeof line);
    printf("%c %s\n", e->local.addr == p->stack[0].core.config.addr ? 'A' : 'B', line);
}

/* Stack 0 is 10.0.0.1, stack 1 is 10.0.0.2. `tune` may change the configuration before they start. */
static inline struct pair *pair_new(uint64_t seed, void (*tune)(struct stack_config *, int which))
{
    struct pair *p = calloc(1, sizeof *p);
    assert(p);
    p->dice = seed * 0x9e3779b97f4a7c15u + 1;
    p->delay = MSEC(10);
    p->now = SEC(1);
    for (int i = 0; i < 2; i++) {
        struct stack_config c;
        stack_config_init(&c);
        c.addr = IP_ADDR(10, 0, 0, 1 + i);
        c.memory = (struct stack_memory){pair_allocate, pair_release, p};
        c.observe = getenv("TRACE") ? pair_observe : NULL;
        p->trace = c.observe != NULL;
        c.observe_context = p;
        for (int k = 0; k < 16; k++)
            c.key[k] = (uint8_t)pair_random(p);
        if (tune)
            tune(&c, i);
        int error = stack_init(&p->stack[i], &c, p->now);
        assert(error == 0);
        (void)error;
    }
    return p;
}

static inline void pair_put(struct pair *p, int to, const struct frame *f, usec arrives)
{
    assert(p->wire_count < PAIR_WIRE_MAX);
    struct pair_packet *k = &p->wire[p->wire_count++];
    *k = (struct pair_packet){arrives, p->order++, to, frame_len(f), malloc(frame_len(f))};
    size_t len = frame_gather(f, k->bytes, k->len);
    assert(len == k->len);
    (void)len;
}

static inline void pair_send(struct pair *p, int from, const struct frame *f)
{
    if (pair_random(p) % 1000 < p->loss)
        return;
    usec arrives = p->now + p->delay;
    if (pair_random(p) % 1000 < p->reorder)
        arrives += (usec)(pair_random(p) % (uint64_t)(2 * p->delay + 1));
    pair_put(p, 1 - from, f, arrives);
    if (pair_random(p) % 1000 < p->duplicate)
        pair_put(p, 1 - from, f, arrives + 1);
}

static inline size_t pair_next(const struct pair *p)
{
    size_t first = 0;
    for (size_t i = 1; i < p->wire_count; i++)
        if (p->wire[i].arrives < p->wire[first].arrives ||
            (p->wire[i].arrives == p->wire[first].arrives && p->wire[i].order < p->wire[first].order))
            first = i;
    return first;
}

/* Sends all there is to send; false: nothing will ever happen again by itself before `until`. */
static inline bool pair_step(struct pair *p, usec until)
{
    for (int i = 0; i < 2; i++)
        for (struct frame f; stack_output(&p->stack[i], p->now, &f);)
            pair_send(p, i, &f);
    usec next = until;
    for (int i = 0; i < 2; i++) {
        usec due = stack_due(&p->stack[i]);
        next = due < next ? due : next;
    }
    size_t k = p->wire_count ? pair_next(p) : 0;
    if (p->wire_count && p->wire[k].arrives <= next) {
        struct pair_packet packet = p->wire[k];
        p->wire[k] = p->wire[--p->wire_count];
        if (packet.arrives > p->now)
            p->now = packet.arrives;
        stack_input(&p->stack[packet.to], p->now, packet.bytes, packet.len);
        free(packet.bytes);
        return true;
    }
    if (next >= until)
        return false;
    p->now = next > p->now ? next : p->now;
    return true;
}

static inline void pair_free(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        stack_free(&p->stack[i]);
        assert(p->stack[i].core.memory_used == 0);
    }
    for (size_t i = 0; i < p->wire_count; i++)
        free(p->wire[i].bytes);
    free(p);
}

#endif
