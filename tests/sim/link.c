/* What happens to a packet on its way. Each direction of the wire is a struct link; what it does is drawn
 * from the run's dice. Called by run.c alone. */
#include "sim.h"
#include "../../stack/checksum.h"
#include "../../stack/ip_wire.h"

#include <assert.h>
#include <stdlib.h>

#define ICMP_QUOTE 28u /* IPv4 header and eight bytes, RFC 792 */

static bool earlier(const struct packet *a, const struct packet *b)
{
    return a->arrives != b->arrives ? a->arrives < b->arrives : a->order < b->order;
}

static void swap(struct packet *a, struct packet *b)
{
    struct packet t = *a;
    *a = *b;
    *b = t;
}

static void push(struct sim *sim, struct packet p)
{
    if (sim->wire_count == sim->wire_room) {
        sim->wire_room = sim->wire_room ? 2 * sim->wire_room : 64;
        sim->wire = realloc(sim->wire, sim->wire_room * sizeof *sim->wire);
        assert(sim->wire);
    }
    p.order = sim->order++;
    size_t i = sim->wire_count++;
    sim->wire[i] = p;
    for (; i > 0 && earlier(&sim->wire[i], &sim->wire[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&sim->wire[i], &sim->wire[(i - 1) / 2]);
}

static struct packet pop(struct sim *sim)
{
    struct packet first = sim->wire[0];
    sim->wire[0] = sim->wire[--sim->wire_count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < sim->wire_count; child++)
            if (earlier(&sim->wire[child], &sim->wire[least]))
                least = child;
        if (least == i)
            return first;
        swap(&sim->wire[i], &sim->wire[least]);
        i = least;
    }
}

static struct packet packet_of(const uint8_t *bytes, size_t len, unsigned to)
{
    struct packet p = {.len = len, .to = (uint8_t)to, .bytes = malloc(len ? len : 1)};
    assert(p.bytes);
    memcpy(p.bytes, bytes, len);
    return p;
}

/* Gilbert's model: a good and a bad state, each with its own loss. */
static bool lost(struct sim *sim, struct link *l)
{
    if (chance(sim, l->bad ? l->to_good : l->to_bad))
        l->bad = !l->bad;
    return chance(sim, l->bad ? l->bad_loss : l->loss);
}

/* One bit, or a burst within 15 bits: what the Internet checksum always finds (RFC 1071). */
static void corrupt(struct sim *sim, struct packet *p)
{
    uint32_t bit = below(sim, (uint32_t)p->len * 8);
    p->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    p->damaged = true;
}

static void truncate_packet(struct sim *sim, struct packet *p)
{
    p->len = below(sim, (uint32_t)p->len);
    p->damaged = true;
}

/* RFC 3168 5: congestion experienced, on a packet whose sender understands it. */
static void mark(struct packet *p)
{
    uint8_t ecn = p->bytes[1] & 3;
    if (ecn == 0 || ecn == 3)
        return;
    p->bytes[1] |= 3;
    poke16(p->bytes + 10, 0);
    poke16(p->bytes + 10, checksum_of(p->bytes, IP_HEADER_MIN));
}

/* The bottleneck: when the packet has left it, or NEVER when the queue was full. */
static usec through_bottleneck(struct sim *sim, struct link *l, struct packet *p)
{
    if (!l->rate)
        return sim->now;
    usec start = l->free_at > sim->now ? l->free_at : sim->now;
    uint64_t waiting = (uint64_t)(start - sim->now) * l->rate / 1000000;
    if (waiting + p->len > l->queue)
        return NEVER;
    if (l->mark && waiting > l->mark)
        mark(p);
    l->free_at = start + (usec)((uint64_t)p->len * 1000000 / l->rate) + 1;
    return l->free_at;
}

/* "Fragmentation needed and DF set", RFC 1191 4, from a router on the way. */
static void say_too_big(struct sim *sim, const struct link *l, const struct packet *p, unsigned sender)
{
    uint8_t m[IP_HEADER_MIN + 8 + ICMP_QUOTE] = {0}, *icmp = m + IP_HEADER_MIN;
    struct ip_fields ip = {
        .src = SIM_ROUTER, .dst = sim->config[sender].addr, .protocol = IP_ICMP, .ttl = 64};
    ip_fill(m, &ip, 8 + ICMP_QUOTE);
    icmp[0] = 3;
    icmp[1] = 4;
    poke16(icmp + 6, l->mtu);
    memcpy(icmp + 8, p->bytes, ICMP_QUOTE);
    poke16(icmp + 2, checksum_of(icmp, 8 + ICMP_QUOTE));
    struct packet reply = packet_of(m, sizeof m, sender);
    reply.arrives = sim->now + l->delay;
    push(sim, reply);
}

static usec travel(struct sim *sim, const struct link *l)
{
    usec t = l->delay + (l->jitter ? (usec)below(sim, (uint32_t)l->jitter) : 0);
    return chance(sim, l->reorder) ? t + (usec)below(sim, (uint32_t)l->reorder_by + 1) : t;
}

static void damage(struct sim *sim, const struct link *l, struct packet *p)
{
    if (chance(sim, l->corrupt))
        corrupt(sim, p);
    else if (chance(sim, l->truncate))
        truncate_packet(sim, p);
}

void link_send(struct sim *sim, unsigned from, const uint8_t *bytes, size_t len)
{
    struct link *l = &sim->link[from];
    struct packet p = packet_of(bytes, len, 1 - from);
    sim->packets++;
    bool too_big = l->mtu && p.len > l->mtu;
    if (too_big && l->icmp)
        say_too_big(sim, l, &p, from);
    usec left = too_big || lost(sim, l) ? NEVER : through_bottleneck(sim, l, &p);
    if (left == NEVER) {
        free(p.bytes);
        return;
    }
    if (chance(sim, l->duplicate)) {
        struct packet again = packet_of(p.bytes, p.len, p.to);
        again.arrives = left + travel(sim, l);
        push(sim, again);
    }
    damage(sim, l, &p);
    p.arrives = left + travel(sim, l);
    push(sim, p);
}

bool link_take(struct sim *sim, struct packet *out)
{
    if (sim->wire_count == 0 || sim->wire[0].arrives > sim->now)
        return false;
    *out = pop(sim);
    return true;
}

bool link_peek(const struct sim *sim, struct packet *out)
{
    if (sim->wire_count == 0 || sim->wire[0].arrives > sim->now)
        return false;
    *out = sim->wire[0];
    return true;
}

usec link_due(const struct sim *sim)
{
    return sim->wire_count ? sim->wire[0].arrives : NEVER;
}

/* From now on nothing is lost but what does not fit the path or the queue. */
void link_heal(struct sim *sim)
{
    for (int i = 0; i < 2; i++) {
        struct link *l = &sim->link[i];
        l->loss = l->bad_loss = l->corrupt = l->truncate = 0;
    }
}

void link_free(struct sim *sim)
{
    while (sim->wire_count)
        free(sim->wire[--sim->wire_count].bytes);
    free(sim->wire);
}
