/* Whose side our stack takes, the conversations of that side, and each of them as its host saw it. Called by
 * replay.c and annotate.c. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/icmp.h"

#define STACK_ADDRESS IP_ADDR(10, 7, 0, 2) /* what glass up gives it */
#define LOOK          256                  /* frames on the way to an answer */
#define LOOPBACK      127                  /* the network 127/8 */
#define FAR           MSEC(2) /* a host that answers later than this was not where the capture was made */

/* --- whose side --- */

static bool is_syn(const struct replay_frame *f)
{
    return f->is_tcp && (f->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool has_end(const struct replay_capture *c, uint32_t addr)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->frame[i].parsed && (c->frame[i].ip.src == addr || c->frame[i].ip.dst == addr))
            return true;
    return false;
}

static bool is_echo_request(const struct replay_frame *f)
{
    return f->parsed && f->ip.protocol == IP_ICMP && f->ip.body.len > 0 && f->ip.body.at[0] == ICMP_ECHO;
}

uint32_t replay_guess(const struct replay_capture *c, const char **reason)
{
    *reason = "the stack's address in its laboratory";
    if (has_end(c, STACK_ADDRESS))
        return STACK_ADDRESS;
    *reason = "the first connection's server";
    for (size_t i = 0; i < c->count; i++) {
        const struct replay_frame *f = &c->frame[i];
        if (is_syn(f))
            return f->ip.dst;
        if (f->is_tcp && (f->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
            return f->ip.src;
    }
    *reason = "who was asked first";
    for (size_t i = 0; i < c->count; i++)
        if (is_echo_request(&c->frame[i]))
            return c->frame[i].ip.dst;
    for (size_t i = 0; i < c->count; i++)
        if (c->frame[i].parsed)
            return c->frame[i].ip.dst;
    return 0;
}

/* --- conversations --- */

struct ends {
    bool tcp, out;
    struct endpoint local, remote;
};

/* An ICMP error goes to the conversation that it quotes (RFC 792). */
static bool quoted(const struct replay_frame *f, struct ends *e)
{
    struct reader r = reader_of(f->ip.body.at, f->ip.body.len);
    uint8_t type = get8(&r);
    get_bytes(&r, ICMP_HEADER - 1);
    size_t head = (get8(&r) & 15u) * 4u;
    get_bytes(&r, 8);
    uint8_t protocol = get8(&r);
    get16(&r);
    uint32_t src = get32(&r), dst = get32(&r);
    if (head > IP_HEADER_MIN)
        get_bytes(&r, head - IP_HEADER_MIN);
    uint16_t from = get16(&r), to = get16(&r);
    bool error = type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
    if (r.bad || !error || protocol != IP_TCP || src != f->ip.dst)
        return false;
    *e = (struct ends){true, false, {src, from}, {dst, to}};
    return true;
}

static bool ends_of(const struct replay *r, const struct replay_frame *f, struct ends *e)
{
    *e = (struct ends){0};
    if (!f->parsed || (f->ip.src != r->addr && f->ip.dst != r->addr))
        return false;
    e->out = f->ip.src == r->addr;
    e->local.addr = r->addr;
    e->remote.addr = e->out ? f->ip.dst : f->ip.src;
    if (!e->out && f->ip.protocol == IP_ICMP && quoted(f, e))
        return true;
    if (f->ip.protocol != IP_TCP || f->ip.offset || f->ip.body.len < 4)
        return true; /* a damaged or cut segment is fed as any datagram is */
    e->tcp = true;
    e->local.port = peek16(f->ip.body.at + (e->out ? 0 : 2));
    e->remote.port = peek16(f->ip.body.at + (e->out ? 2 : 0));
    return true;
}

static size_t bucket_of(const struct ends *e)
{
    uint32_t key = e->tcp ? e->remote.addr * 2654435761u ^ (uint32_t)e->remote.port << 16 ^ e->local.port : 0;
    return (key ^ key >> 16) % REPLAY_BUCKETS;
}

static bool is_flow_of(const struct replay_flow *f, const struct ends *e)
{
    if (!e->tcp)
        return f->protocol == 0;
    return f->protocol == IP_TCP && f->local.port == e->local.port && f->remote.port == e->remote.port &&
           f->remote.addr == e->remote.addr;
}

static struct replay_flow *flow_of(struct replay *r, const struct ends *e)
{
    size_t *bucket = &r->bucket[bucket_of(e)];
    for (size_t i = *bucket; i > 0; i = r->flow[i - 1].next)
        if (is_flow_of(&r->flow[i - 1], e))
            return &r->flow[i - 1];
    struct replay_flow *grown = replay_grow(r->flow, r->count, &r->room, sizeof *r->flow);
    if (!grown)
        return NULL;
    r->flow = grown;
    struct replay_flow *f = &r->flow[r->count++];
    *f = (struct replay_flow){.protocol = e->tcp ? IP_TCP : 0, .local = e->local, .remote = e->remote};
    f->next = *bucket;
    *bucket = r->count;
    if (e->local.addr == e->remote.addr ||
        e->local.addr >> 24 == LOOPBACK) /* RFC 1122 3.2.1.3 (g): never on a wire */
        f->skipped = "it never left its host (loopback), and which end sent a frame cannot be told";
    return f;
}

static bool add_step(struct replay_flow *f, struct replay_frame *frame, bool out)
{
    struct replay_step *grown = replay_grow(f->step, f->count, &f->room, sizeof *f->step);
    if (!grown)
        return false;
    f->step = grown;
    f->step[f->count++] =
        (struct replay_step){.frame = frame, .time = frame->time, .out = out, .life = -1, .match = -1};
    return true;
}

/* --- as its host saw it --- */

/* It acknowledges the end, or refuses it (RFC 9293 3.10.7.1). */
static bool answers(const struct tcp_header *out, const struct tcp_header *in, uint32_t end)
{
    if (out->flags & TCP_ACK)
        return out->ack.n == end;
    return out->flags & TCP_RST && in->flags & TCP_ACK && out->seq.n == in->ack.n;
}

/* Whether the same was sent already: which of the two is acknowledged cannot be told. */
static bool came_before(const struct replay_flow *f, size_t i, uint32_t end)
{
    for (size_t k = i; k-- > 0 && i - k < LOOK;) {
        const struct replay_frame *in = f->step[k].frame;
        if (f->step[k].out == f->step[i].out && in->is_tcp && tcp_seq_len(&in->tcp) > 0 &&
            in->tcp.seq.n + tcp_seq_len(&in->tcp) == end)
            return true;
    }
    return false;
}

/* How long that host, or its peer, takes at least to acknowledge something: next to nothing where the capture
 * was made on it, a round trip where it was made on the other end. */
static usec quickest_answer(const struct replay_flow *f, bool of_peer)
{
    usec best = NEVER;
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_frame *in = f->step[i].frame;
        if (f->step[i].out != of_peer || !in->is_tcp || tcp_seq_len(&in->tcp) == 0 || in->tcp.flags & TCP_RST)
            continue;
        uint32_t end = in->tcp.seq.n + tcp_seq_len(&in->tcp);
        if (came_before(f, i, end))
            continue;
        for (size_t k = i + 1; k < f->count && k < i + LOOK; k++) {
            const struct replay_frame *out = f->step[k].frame;
            if (f->step[k].out == f->step[i].out && out->is_tcp && out->tcp.flags == in->tcp.flags &&
                out->tcp.seq.n + tcp_seq_len(&out->tcp) == end)
                break; /* sent again: which of the two will be answered cannot be told */
            if (f->step[k].out == of_peer || !out->is_tcp || !answers(&out->tcp, &in->tcp, end))
                continue;
            if (out->time - in->time < best)
                best = out->time - in->time;
            break;
        }
    }
    return best;
}

static int by_time(const void *a, const void *b)
{
    const struct replay_step *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->frame->number < y->frame->number ? -1 : x->frame->number > y->frame->number;
}

static void move_to_host(struct replay_flow *f)
{
    usec answer = f->protocol == IP_TCP ? quickest_answer(f, false) : NEVER;
    if (answer != NEVER && answer >= FAR)
        f->distance = answer / 2;
    f->far = f->protocol == IP_TCP && answer >= FAR && quickest_answer(f, true) < FAR;
    for (size_t i = 0; i < f->count; i++)
        f->step[i].time += f->step[i].out ? 0 : 2 * f->distance; /* on that host's clock, or as good */
    qsort(f->step, f->count, sizeof *f->step, by_time);
}

bool replay_flows(struct replay *r)
{
    for (size_t i = 0; i < r->capture.count; i++) {
        struct ends e;
        if (!ends_of(r, &r->capture.frame[i], &e))
            continue;
        struct replay_flow *f = flow_of(r, &e);
        if (!f || !add_step(f, &r->capture.frame[i], e.out))
            return false;
    }
    for (size_t i = 0; i < r->count; i++)
        move_to_host(&r->flow[i]);
    return true;
}

static void free_flow(struct replay_flow *f)
{
    for (unsigned i = 0; i < f->lives; i++)
        free(f->life[i].stream);
    for (size_t i = 0; i < f->sent_count; i++) {
        free(f->sent[i].bytes);
        free(f->sent[i].comment);
    }
    free(f->step);
    free(f->life);
    free(f->sent);
}

void replay_free(struct replay *r)
{
    for (size_t i = 0; i < r->count; i++)
        free_flow(&r->flow[i]);
    free(r->flow);
    replay_unload(&r->capture);
    *r = (struct replay){0};
}
