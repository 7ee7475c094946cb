/* One stack under attack, in virtual time: packets from any address go in, what comes out is counted and the last
 * segment kept. The memory it holds is watched at every step. */
#ifndef GLASS_TEST_ATTACK_H
#define GLASS_TEST_ATTACK_H

#include "../../stack/stack.h"
#include "../../stack/tcp_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define VICTIM IP_ADDR(10, 0, 0, 2)
#define PEER   IP_ADDR(10, 0, 0, 1)
#define PORT   80

struct attack {
    struct stack stack, client; /* client.core.config.addr is 0 while there is no client */
    usec now;
    uint64_t dice, frames, bytes;
    size_t memory, most_memory;
    struct tcp_header last; /* the last TCP segment that came out */
    uint32_t last_dst;
    struct sock *listener;
};

static inline uint64_t attack_random(struct attack *a)
{
    a->dice ^= a->dice << 13;
    a->dice ^= a->dice >> 7;
    a->dice ^= a->dice << 17;
    return a->dice;
}

static inline void *attack_allocate(void *context, size_t size)
{
    struct attack *a = context;
    a->memory += size;
    if (a->memory > a->most_memory)
        a->most_memory = a->memory;
    return malloc(size);
}

static inline void attack_release(void *context, void *at, size_t size)
{
    ((struct attack *)context)->memory -= size;
    free(at);
}

static inline void *plain_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static inline void plain_release(void *context, void *at, size_t size)
{
    (void)context, (void)size;
    free(at);
}

static inline void attack_config(struct stack_config *c, uint32_t addr)
{
    stack_config_init(c);
    c->addr = addr;
    c->prefix = 24;
    memcpy(c->key, "a key nobody has", sizeof c->key);
}

/* With a listener at PORT, `backlog` deep. */
static inline struct attack *attack_new(void (*tune)(struct stack_config *), int backlog)
{
    struct attack *a = calloc(1, sizeof *a);
    struct stack_config c;
    attack_config(&c, VICTIM);
    c.memory = (struct stack_memory){attack_allocate, attack_release, a};
    if (tune)
        tune(&c);
    a->dice = 0x9e3779b97f4a7c15;
    a->now = SEC(10);
    assert_int_equal(stack_init(&a->stack, &c, a->now), 0);
    assert_int_equal(sock_open(&a->stack, SOCK_TCP, &a->listener), 0);
    assert_int_equal(sock_bind(a->listener, (struct endpoint){VICTIM, PORT}), 0);
    assert_int_equal(sock_listen(a->listener, backlog), 0);
    return a;
}

static inline void attack_end(struct attack *a)
{
    stack_free(&a->stack);
    assert_int_equal(a->memory, 0);
    if (a->client.core.config.addr)
        stack_free(&a->client);
    free(a);
}

/* An honest client, another stack at PEER. */
static inline struct sock *attack_client(struct attack *a, uint16_t port)
{
    struct stack_config c;
    struct sock *s;
    attack_config(&c, PEER);
    c.memory = (struct stack_memory){plain_allocate, plain_release, NULL};
    if (!a->client.core.config.addr)
        assert_int_equal(stack_init(&a->client, &c, a->now), 0);
    assert_int_equal(sock_open(&a->client, SOCK_TCP, &s), 0);
    assert_int_equal(sock_connect(s, (struct endpoint){VICTIM, port}), -EINPROGRESS);
    return s;
}

static inline void attack_note(struct attack *a, const uint8_t *bytes, size_t len)
{
    struct ip_packet p;
    a->frames++;
    a->bytes += len;
    assert_int_equal(ip_parse(bytes, len, &p), DROP_NONE);
    if (p.protocol != IP_TCP)
        return;
    assert_int_equal(tcp_parse(&p, &a->last), DROP_NONE);
    a->last.text = (struct span){0};
    a->last_dst = p.dst;
}

/* All there is to send leaves; what is for the client arrives there, and its answers here. Returns how many frames
 * the stack sent. */
static inline uint64_t attack_drain(struct attack *a)
{
    static uint8_t bytes[IP_MTU_MAX];
    uint64_t before = a->frames;
    bool client = a->client.core.config.addr != 0, more = true;
    while (more) {
        more = false;
        for (struct frame f; stack_output(&a->stack, a->now, &f); more = client) {
            size_t len = frame_gather(&f, bytes, sizeof bytes);
            attack_note(a, bytes, len);
            if (client && a->last_dst == PEER)
                stack_input(&a->client, a->now, bytes, len);
        }
        for (struct frame f; client && stack_output(&a->client, a->now, &f); more = true)
            stack_input(&a->stack, a->now, bytes, frame_gather(&f, bytes, sizeof bytes));
    }
    return a->frames - before;
}

/* Time passes, timers fire. */
static inline void attack_wait(struct attack *a, usec time)
{
    usec end = a->now + time;
    for (;;) {
        attack_drain(a);
        usec due = stack_due(&a->stack), other = NEVER;
        if (a->client.core.config.addr)
            other = stack_due(&a->client);
        due = other < due ? other : due;
        if (due > end)
            break;
        a->now = due > a->now ? due : a->now;
    }
    a->now = end;
    attack_drain(a);
}

/* A raw datagram from `src` to the stack. */
static inline void attack_raw(struct attack *a, struct ip_fields f, const void *body, size_t len)
{
    uint8_t *datagram = malloc(IP_HEADER_MIN + len);
    ip_fill(datagram, &f, len);
    if (len)
        memcpy(datagram + IP_HEADER_MIN, body, len);
    stack_input(&a->stack, a->now, datagram, IP_HEADER_MIN + len);
    free(datagram);
}

/* A segment with `len` bytes of text, all alike. */
static inline void attack_segment(struct attack *a, uint32_t src, struct tcp_header h, size_t len)
{
    static uint8_t body[TCP_HEADER_MAX + 2000];
    h.destination = h.destination ? h.destination : PORT;
    size_t head = tcp_write(&h, body);
    memset(body + head, 'x', len);
    tcp_checksum(body, head, &(struct span){body + head, len}, 1, src, VICTIM);
    attack_raw(a, (struct ip_fields){.src = src, .dst = VICTIM, .protocol = IP_TCP, .ttl = 64}, body, head + len);
}

static inline const struct core *attack_core(const struct attack *a)
{
    return stack_core(&a->stack);
}

/* A connection whose peer is the attacker: positions count from its ISN, 0 here, and from our ISS. */
struct hostile {
    struct attack *a;
    struct sock *sock;
    uint32_t addr, iss;
    uint16_t port;
    struct tcp_options options; /* of the SYN */
};

static inline void hostile_send(struct hostile *h, uint8_t flags, uint32_t seq, uint32_t ack, uint16_t window,
                                size_t len)
{
    struct tcp_header header = {.source = h->port,
                                .seq = {seq},
                                .ack = {h->iss + ack},
                                .flags = flags,
                                .window = window};
    attack_segment(h->a, h->addr, header, len);
}

static inline struct hostile hostile_open(struct attack *a, uint32_t addr, uint16_t port,
                                          struct tcp_options options)
{
    struct hostile h = {.a = a, .addr = addr, .port = port, .options = options};
    struct tcp_header syn = {.source = port, .flags = TCP_SYN, .window = 65535, .options = options};
    attack_segment(a, addr, syn, 0);
    attack_drain(a);
    assert_int_equal(a->last.flags & (TCP_SYN | TCP_ACK), TCP_SYN | TCP_ACK);
    h.iss = a->last.seq.n;
    hostile_send(&h, TCP_ACK, 1, 1, 65535, 0);
    attack_drain(a);
    assert_int_equal(sock_accept(a->listener, &h.sock, NULL), 0);
    return h;
}

/* The connection itself, to see what it keeps. */
static inline const struct tcp_conn *hostile_conn(const struct hostile *h)
{
    return tcb_find(&h->a->stack.tcp, (struct endpoint){VICTIM, PORT}, (struct endpoint){h->addr, h->port});
}

#endif
