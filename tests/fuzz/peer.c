/* The far end of a connection: see peer.h. */
#include "peer.h"

#include "../../stack/tcp_wire.h"

#include <assert.h>

void peer_init(struct peer *p, uint16_t port, uint16_t stack_port, uint32_t iss)
{
    *p = (struct peer){.port = port,
                       .stack_port = stack_port,
                       .iss = iss,
                       .nxt = iss,
                       .acked = iss,
                       .edge = 1,
                       .window = 0xffff};
}

static void add(struct peer_segment *s, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && s->options_len < sizeof s->options; i++)
        s->options[s->options_len++] = bytes[i];
}

void peer_add_timestamps(struct peer_segment *s, uint32_t value, uint32_t echo)
{
    uint8_t option[12];
    struct writer w = writer_of(option, sizeof option);
    put32(&w, 0x0101080a);
    put32(&w, value);
    put32(&w, echo);
    add(s, option, sizeof option);
}

/* One to four blocks near what is in flight: [left, right) somewhere around the last acknowledged byte. */
void peer_add_sack(struct peer_segment *s, const struct peer *p, struct reader *in)
{
    uint8_t option[36], how = get8(in), blocks = 1 + (how & 3);
    uint32_t unit = how & 4 ? 1460 : how & 8 ? 1 : 100;
    struct writer w = writer_of(option, sizeof option);
    put16(&w, 0x0101);
    put16(&w, (uint16_t)(0x0502 + 8 * blocks));
    for (int i = 0; i < blocks; i++) {
        uint32_t left = p->their_iss + p->una + (uint32_t)(int8_t)get8(in) * unit;
        put32(&w, left);
        put32(&w, left + (uint32_t)(int8_t)get8(in) * unit);
    }
    add(s, option, (size_t)(w.at - option));
}

static uint32_t clock_of(const struct world *w)
{
    return (uint32_t)(w->now / 1000) + 0xfffffff0u; /* wraps soon */
}

struct peer_segment peer_segment(const struct peer *p, const struct world *w)
{
    struct peer_segment s = {
        .flags = p->heard ? TCP_ACK : 0,
        .seq = p->nxt,
        .ack = p->their_iss + (uint32_t)p->heard,
        .window = p->window,
    };
    if (p->ts)
        peer_add_timestamps(&s, clock_of(w), p->ts_recent);
    return s;
}

/* An acknowledgment of something that was sent moves the right edge of our window; it never comes back. */
static void offer(struct peer *p, const struct peer_segment *s)
{
    int64_t ack = p->heard + (int32_t)(s->ack - p->their_iss - (uint32_t)p->heard);
    int64_t edge = 1 + s->window;
    if (p->heard && s->flags & TCP_ACK && ack <= p->heard)
        edge = ack + ((int64_t)s->window << p->shift);
    if (edge > p->edge && (s->flags & (TCP_ACK | TCP_SYN)))
        p->edge = edge;
}

void peer_send(struct peer *p, struct world *w, const struct peer_segment *s, bool proper)
{
    static uint8_t text[UINT16_MAX], bytes[UINT16_MAX + 120];
    uint32_t from = s->seq + (s->flags & TCP_SYN ? 1 : 0);
    for (uint32_t i = 0; i < s->len; i++)
        text[i] = stream_byte(from + i);
    struct packet packet = {
        .src = WORLD_PEER,
        .dst = WORLD_US,
        .protocol = IP_TCP,
        .tos = s->tos,
        .sport = p->port,
        .dport = p->stack_port,
        .seq = s->seq,
        .ack = s->ack,
        .flags = s->flags,
        .window = s->window,
        .urgent = s->urgent,
        .options_len = s->options_len,
        .payload = {text, s->len},
    };
    memcpy(packet.options, s->options, s->options_len);
    size_t room = IP_MTU_MAX, len = packet_build(&packet, bytes, room);
    if (len == 0) /* too long for IPv4 */
        return;
    offer(p, s);
    if (proper)
        p->nxt = s->seq + s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
    if (proper && s->flags & TCP_ACK)
        p->una = (uint32_t)p->heard;
    world_input(w, bytes, len);
}

/* Our offer, in the order of the bits; all of it, as a kernel does, when the input has ended. */
static void add_syn_options(struct peer *p, struct peer_segment *s, const struct world *w, struct reader *in)
{
    static const uint16_t sizes[] = {1460, 1, 536, 65535};
    static const uint8_t sack_permitted[] = {1, 1, 4, 2};
    uint8_t bits = get8(in), scale = bits & 0x20 ? get8(in) : 7;
    if (bits & 0x20)
        s->window = p->window = (uint16_t)(get8(in) * 257);
    if (!(bits & 1)) {
        uint16_t mss = sizes[bits >> 6];
        add(s, (uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
    }
    if (!(bits & 2))
        add(s, sack_permitted, sizeof sack_permitted);
    p->offers_ts = !(bits & 4);
    if (p->offers_ts)
        peer_add_timestamps(s, clock_of(w), p->ts_recent);
    if (!(bits & 8)) {
        add(s, (uint8_t[]){1, 3, 3, scale}, 4);
        uint8_t shift = scale < TCP_WINDOW_SCALE_MAX ? scale : TCP_WINDOW_SCALE_MAX;
        p->shift = shift > p->shift ? shift : p->shift;
    }
    if (!(bits & 0x10))
        s->flags |= s->flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR;
}

void peer_send_syn(struct peer *p, struct world *w, struct reader *in)
{
    struct peer_segment s = peer_segment(p, w);
    s.seq = p->iss;
    s.flags = TCP_SYN | (p->heard ? TCP_ACK : 0);
    s.options_len = 0;
    add_syn_options(p, &s, w, in);
    peer_send(p, w, &s, true);
}

/* A SYN begins a connection of the stack; one with another ISS is a new one. */
static void hear_syn(struct peer *p, const struct packet *s)
{
    if (p->heard && p->their_iss == s->seq)
        return;
    p->their_iss = s->seq;
    p->heard = 1;
    p->una = 0;
    p->edge = p->edge > 1 + p->window ? p->edge : 1 + p->window;
}

static void hear_options(struct peer *p, const struct packet *s)
{
    for (size_t i = 0; i + 1 < s->options_len && s->options[i] != 0;) {
        size_t len = s->options[i] == 1 ? 1 : s->options[i + 1];
        assert(len >= 1 && i + len <= s->options_len);
        if (s->options[i] == 8) {
            struct reader r = reader_of(s->options + i + 2, 8);
            p->ts_recent = get32(&r);
            p->ts = p->offers_ts;
        }
        i += len;
    }
}

void peer_hear(struct peer *p, const struct packet *s)
{
    if (s->flags & TCP_RST)
        return;
    if (s->flags & TCP_SYN)
        hear_syn(p, s);
    if (!p->heard)
        return;
    int64_t left = p->heard + (int32_t)(s->seq - p->their_iss - (uint32_t)p->heard);
    int64_t right = left + (int64_t)s->payload.len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
    if (right > left) /* RFC 9293 3.8.6.1: one byte beyond is the zero-window probe */
        assert(right <= p->edge + 1);
    uint32_t text = s->seq + (s->flags & TCP_SYN ? 1 : 0);
    for (uint32_t i = 0; i < s->payload.len; i++)
        assert(s->payload.at[i] == stream_byte(text + i));
    p->heard = right > p->heard ? right : p->heard;
    if (s->flags & TCP_ACK)
        p->acked = s->ack;
    hear_options(p, s);
}

static void hear(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len)
{
    struct peers *all = w->context;
    (void)bytes, (void)len;
    for (int i = 0; i < PEERS; i++) {
        struct peer *peer = &all->peer[i];
        if (p->protocol != IP_TCP || p->dport != peer->port)
            continue;
        if (peer->listening && p->flags & TCP_SYN)
            peer->stack_port = p->sport;
        if (p->sport == peer->stack_port)
            peer_hear(peer, p);
    }
}

void peers_start(struct peers *all, struct world *w)
{
    for (int i = 0; i < PEERS; i++)
        peer_init(&all->peer[i], (uint16_t)(40000 + i), STACK_HTTP, i == 1 ? UINT32_MAX - 20 : 5000);
    all->peer[PEERS - 1].port = PEER_LISTENS;
    all->peer[PEERS - 1].listening = true;
    w->sent = hear;
    w->context = all;
}
