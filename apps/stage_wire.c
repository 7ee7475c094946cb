/* The laboratory's wire: packets on their way, the rules of a scenario about them, and what the capturing
 * host sees.
 *
 * Owns all that is between the two stacks. stage_engine.c sends and delivers; scenarios make the rules
 * (stage.h).
 */
#include "stage_engine.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/checksum.h"
#include "../stack/ip_wire.h"
#include "ladder.h"

#define ICMP_QUOTE 28 /* what a router quotes: the IPv4 header and 8 bytes */

/* The array with room for one more, or NULL: then the old one stays. */
static void *grow(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    size_t more = *room ? 2 * *room : 64;
    void *bigger = realloc(at, more * size);
    if (bigger)
        *room = more;
    return bigger;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *at = malloc(len ? len : 1);
    if (at)
        memcpy(at, bytes, len);
    return at;
}

/* --- what the capturing host sees --- */

static void see(struct stage *st, uint32_t id, unsigned from, const uint8_t *bytes, size_t len)
{
    struct stage_packet *seen = grow(st->seen, st->seen_count, &st->seen_room, sizeof *seen);
    uint8_t *copy = copy_of(bytes, len);
    if (seen)
        st->seen = seen;
    if (!seen || !copy) {
        free(copy);
        stage_fail(st, "no memory for the capture");
        return;
    }
    seen[st->seen_count++] = (struct stage_packet){
        .time = st->now, .id = id, .from = from, .act = st->act, .bytes = copy, .len = len};
}

static void lose(struct stage *st, unsigned from, const uint8_t *bytes, size_t len)
{
    struct event e = ladder_lost(st->now, bytes, len);
    if (from != STAGE_NOBODY)
        stage_log(st, &e, from);
}

/* --- on its way --- */

void stage_wire_put(struct stage *st, unsigned from, unsigned to, const uint8_t *bytes, size_t len,
                    usec arrives)
{
    struct stage_flying *wire = grow(st->wire, st->wire_count, &st->wire_room, sizeof *wire);
    uint8_t *copy = copy_of(bytes, len);
    if (wire)
        st->wire = wire;
    if (!wire || !copy) {
        free(copy);
        stage_fail(st, "no memory for the wire");
        return;
    }
    wire[st->wire_count++] = (struct stage_flying){.arrives = arrives,
                                                   .order = st->order++,
                                                   .id = st->last_id,
                                                   .from = from,
                                                   .to = to,
                                                   .bytes = copy,
                                                   .len = len};
}

static size_t first(const struct stage *st)
{
    size_t first = 0;
    for (size_t i = 1; i < st->wire_count; i++) {
        const struct stage_flying *a = &st->wire[i], *b = &st->wire[first];
        if (a->arrives != b->arrives ? a->arrives < b->arrives : a->order < b->order)
            first = i;
    }
    return first;
}

usec stage_wire_due(const struct stage *st)
{
    return st->wire_count ? st->wire[first(st)].arrives : NEVER;
}

bool stage_wire_deliver(struct stage *st)
{
    if (stage_wire_due(st) > st->now)
        return false;
    size_t i = first(st);
    struct stage_flying p = st->wire[i];
    st->wire[i] = st->wire[--st->wire_count];
    if (st->up[p.to]) {
        if (st->scenario->host == p.to)
            see(st, p.id, p.from, p.bytes, p.len);
        st->arriving = p.id;
        stack_input(&st->stack[p.to], st->now, p.bytes, p.len);
        st->arriving = 0;
    } else {
        lose(st, p.from, p.bytes, p.len);
    }
    free(p.bytes);
    return true;
}

void stage_wire_clear(struct stage *st)
{
    while (st->wire_count)
        free(st->wire[--st->wire_count].bytes);
}

/* --- which packet is meant --- */

static bool is_kind(const struct tcp_header *h, enum stage_kind kind)
{
    switch (kind) {
    case STAGE_ANY:
        return true;
    case STAGE_SYN:
        return (h->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    case STAGE_SYN_ACK:
        return (h->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    case STAGE_ACK:
        return h->flags & TCP_ACK && tcp_seq_len(h) == 0 && !(h->flags & TCP_RST);
    case STAGE_TEXT:
        return h->text.len > 0;
    case STAGE_FIN:
        return h->flags & TCP_FIN;
    case STAGE_RST:
        return h->flags & TCP_RST;
    }
    return false;
}

static bool read_segment(const uint8_t *bytes, size_t len, struct ip_packet *p, struct tcp_header *h)
{
    return ip_parse(bytes, len, p) == DROP_NONE && p->protocol == IP_TCP && tcp_parse(p, h) == DROP_NONE;
}

static void remember(struct stage *st, enum stage_side from, const struct ip_packet *p,
                     const struct tcp_header *h)
{
    for (unsigned kind = STAGE_ANY; kind <= STAGE_RST; kind++)
        st->sent[from][kind] += is_kind(h, kind);
    st->ts[from] = h->options.ts_value;
    if (!(h->flags & TCP_SYN) || p->dst != st->config[1 - from].addr)
        return;
    st->isn[from] = h->seq.n;
    st->end[from] = (struct endpoint){p->src, h->source};
    st->end[1 - from] = (struct endpoint){p->dst, h->destination};
}

unsigned stage_sent(const struct stage *st, enum stage_side from, enum stage_kind kind)
{
    return st->sent[from][kind];
}

/* --- what happens to it --- */

struct fate {
    bool lost, late;
    usec by, again; /* again: a copy so much later, 0: none */
};

/* RFC 3168 5: congestion experienced, if its sender understands that. */
static void mark(uint8_t *bytes)
{
    if ((bytes[1] & 3) == 0 || (bytes[1] & 3) == 3)
        return;
    bytes[1] |= 3;
    poke16(bytes + 10, 0);
    poke16(bytes + 10, checksum_of(bytes, IP_HEADER_MIN));
}

static void apply(const struct stage_rule *r, struct fate *f, uint8_t *bytes)
{
    switch (r->effect) {
    case STAGE_LOSE:
        f->lost = true;
        break;
    case STAGE_LATE:
        f->late = true;
        f->by = r->by;
        break;
    case STAGE_TWICE:
        f->again = r->by;
        break;
    case STAGE_MARK:
        mark(bytes);
        break;
    }
}

static struct fate judge(struct stage *st, enum stage_side from, const struct tcp_header *h, uint8_t *bytes)
{
    struct fate f = {0};
    for (unsigned i = 0; i < st->rules; i++) {
        struct stage_rule *r = &st->rule[i];
        if (r->spent || r->from != from || !is_kind(h, r->kind))
            continue;
        if (!r->every && --r->nth > 0)
            continue;
        apply(r, &f, bytes);
        r->spent = !r->every;
    }
    return f;
}

/* The router before a slow line: when the packet has left it, NEVER when its queue is full. */
static usec through_router(struct stage *st, struct stage_link *k, uint8_t *bytes, size_t len)
{
    if (!k->rate)
        return st->now;
    usec start = k->free_at > st->now ? k->free_at : st->now;
    uint64_t waiting = (uint64_t)(start - st->now) * k->rate / 1000000;
    if (waiting + len > k->queue)
        return NEVER;
    if (k->mark && waiting > k->mark)
        mark(bytes);
    k->free_at = start + (usec)((uint64_t)len * 1000000 / k->rate);
    return k->free_at;
}

/* "Fragmentation needed and DF set" with the MTU of the next link, RFC 1191 4. */
static void say_too_big(struct stage *st, enum stage_side from, const uint8_t *bytes)
{
    uint8_t m[IP_HEADER_MIN + 8 + ICMP_QUOTE] = {0}, *icmp = m + IP_HEADER_MIN;
    struct ip_fields ip = {
        .src = STAGE_ROUTER, .dst = st->config[from].addr, .protocol = IP_ICMP, .ttl = IP_TTL_DEFAULT};
    ip_fill(m, &ip, 8 + ICMP_QUOTE);
    icmp[0] = 3;
    icmp[1] = 4;
    poke16(icmp + 6, st->path_mtu);
    memcpy(icmp + 8, bytes, ICMP_QUOTE);
    poke16(icmp + 2, checksum_of(icmp, 8 + ICMP_QUOTE));
    st->last_id++;
    stage_wire_put(st, STAGE_NOBODY, from, m, sizeof m, st->now + st->link[from].delay);
}

/* In order, and never two at the same moment. */
static usec arrival(struct stage_link *k, usec left)
{
    usec at = left + k->delay;
    if (at < k->last_arrival + STAGE_SPACING)
        at = k->last_arrival + STAGE_SPACING;
    return k->last_arrival = at;
}

void stage_wire_send(struct stage *st, enum stage_side from, const struct frame *frame)
{
    uint8_t bytes[STAGE_PACKET];
    size_t len = frame_gather(frame, bytes, sizeof bytes);
    struct stage_link *k = &st->link[from];
    struct ip_packet p;
    struct tcp_header h = {0};
    st->last_id++;
    bool tcp = read_segment(bytes, len, &p, &h);
    if (tcp)
        remember(st, from, &p, &h);
    if (st->scenario->host == from)
        see(st, st->last_id, from, bytes, len);
    if (!tcp || p.dst != st->config[1 - from].addr) {
        lose(st, from, bytes, len); /* to a spoofed address: nobody is there */
        return;
    }
    if (st->path_mtu && len > st->path_mtu) {
        lose(st, from, bytes, len);
        say_too_big(st, from, bytes);
        return;
    }
    struct fate f = judge(st, from, &h, bytes);
    usec left = f.lost ? NEVER : through_router(st, k, bytes, len);
    if (left == NEVER) {
        lose(st, from, bytes, len);
        return;
    }
    stage_wire_put(st, from, 1 - from, bytes, len, f.late ? left + k->delay + f.by : arrival(k, left));
    if (f.again) {
        st->last_id++;
        stage_wire_put(st, from, 1 - from, bytes, len, left + k->delay + f.again);
    }
}

/* --- rules of a scenario --- */

static void add_rule(struct stage *st, struct stage_rule rule)
{
    if (st->rules < STAGE_RULES)
        st->rule[st->rules++] = rule;
    else
        stage_fail(st, "more than %d rules for the wire", STAGE_RULES);
}

void stage_lose(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth)
{
    add_rule(st, (struct stage_rule){.effect = STAGE_LOSE, .from = from, .kind = kind, .nth = nth});
}

void stage_lose_all(struct stage *st, enum stage_side from, enum stage_kind kind)
{
    add_rule(st, (struct stage_rule){.effect = STAGE_LOSE, .from = from, .kind = kind, .every = true});
}

void stage_late(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth, usec by)
{
    add_rule(st, (struct stage_rule){.effect = STAGE_LATE, .from = from, .kind = kind, .nth = nth, .by = by});
}

void stage_twice(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth, usec by)
{
    add_rule(st,
             (struct stage_rule){.effect = STAGE_TWICE, .from = from, .kind = kind, .nth = nth, .by = by});
}

void stage_mark(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth)
{
    add_rule(st, (struct stage_rule){.effect = STAGE_MARK, .from = from, .kind = kind, .nth = nth});
}

void stage_no_rules(struct stage *st)
{
    st->rules = 0;
}

void stage_path_mtu(struct stage *st, uint16_t mtu)
{
    st->path_mtu = mtu;
}

void stage_delay(struct stage *st, enum stage_side from, usec delay)
{
    st->link[from].delay = delay;
}

void stage_bottleneck(struct stage *st, enum stage_side from, uint32_t rate, uint32_t queue,
                      uint32_t mark_above)
{
    st->link[from].rate = rate;
    st->link[from].queue = queue;
    st->link[from].mark = mark_above;
}
