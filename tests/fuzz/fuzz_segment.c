/* A peer that knows the protocol: it opens connections to our listener and answers ours, then does what the
 * input says: proper segments, mutated ones, time, and the calls of the application meanwhile. RFC
 * 9293 3.10.7, RFC 7323, RFC 2018, RFC 5961. */
#include "peer.h"
#include "targets.h"

#include <assert.h>
#include <errno.h>

#define APPS 4

struct play {
    struct world w;
    struct peers peers;
    struct sock *listener;
    struct sock *app[APPS]; /* the last is our active connection */
};

/* --- what the peer does --- */

/* Everything that may be wrong with a segment, each by one bit of a mask. */
static void mutate(struct peer_segment *s, const struct peer *p, uint8_t mask, struct reader *in)
{
    if (mask & 0x01)
        s->flags = get8(in);
    if (mask & 0x02)
        s->seq += (uint32_t)(int16_t)get16(in);
    if (mask & 0x04)
        s->seq += (uint32_t)get16(in) << 16;
    if (mask & 0x08)
        s->ack += (uint32_t)(int16_t)get16(in);
    if (mask & 0x10)
        s->window = get16(in);
    if (mask & 0x20)
        s->len = get16(in) & 0x3fff;
    if (mask & 0x40)
        s->urgent = get16(in);
    if (mask & 0x80)
        peer_add_sack(s, p, in);
}

static void send_mutated(struct play *y, struct peer *p, struct reader *in)
{
    struct peer_segment s = peer_segment(p, &y->w);
    mutate(&s, p, get8(in), in);
    peer_send(p, &y->w, &s, false);
}

/* Timestamps that are old, far ahead, or not there; congestion marks. */
static void send_odd_timestamp(struct play *y, struct peer *p, struct reader *in)
{
    struct peer_segment s = peer_segment(p, &y->w);
    uint8_t how = get8(in);
    s.options_len = 0;
    s.tos = how & 3;
    s.len = get8(in);
    if (how & 4)
        peer_add_timestamps(&s, (uint32_t)get16(in) << 16, p->ts_recent + (uint32_t)(int8_t)get8(in));
    if (how & 8)
        s.flags |= TCP_ECE | TCP_CWR;
    peer_send(p, &y->w, &s, how & 0x10);
}

static void send_text(struct play *y, struct peer *p, struct reader *in)
{
    struct peer_segment s = peer_segment(p, &y->w);
    uint8_t how = get8(in);
    s.len = (uint16_t)(get8(in) * (how & 1 ? 6 : 1));
    s.flags |= how & 2 ? TCP_PSH : 0;
    s.flags |= how & 4 ? TCP_FIN : 0;
    s.seq += how & 8 ? get8(in) * 10u : 0; /* behind a hole */
    peer_send(p, &y->w, &s, !(how & 8));
}

/* Acknowledges part of what came, as a receiver with holes does, so often. */
static void send_partial_ack(struct play *y, struct peer *p, struct reader *in)
{
    uint8_t how = get8(in);
    p->una += (uint32_t)((p->heard - p->una) * (how & 3) / 4);
    for (int i = 0; i < 1 + (how >> 5); i++) {
        struct peer_segment s = peer_segment(p, &y->w);
        s.ack = p->their_iss + p->una;
        s.window = how & 4 ? 0 : p->window;
        if (how & 8)
            peer_add_sack(&s, p, in);
        peer_send(p, &y->w, &s, false);
        if (how & 0x10)
            world_settle(&y->w);
    }
}

static void send_reset(struct play *y, struct peer *p, struct reader *in)
{
    struct peer_segment s = peer_segment(p, &y->w);
    s.flags = TCP_RST;
    s.seq = p->acked + get8(in);
    peer_send(p, &y->w, &s, false);
}

/* What was not acknowledged goes again; or the connection starts anew. */
static void go_back(struct peer *p, struct reader *in)
{
    uint8_t how = get8(in);
    p->nxt = p->acked;
    if (how & 1)
        peer_init(p, p->port, p->stack_port, p->iss + 100000);
    p->listening = p->port == PEER_LISTENS;
}

/* --- what the application does --- */

static void connect_out(struct play *y)
{
    struct sock **s = &y->app[APPS - 1];
    if (!*s && sock_open(&y->w.stack, SOCK_TCP, s))
        return;
    sock_connect(*s, (struct endpoint){WORLD_PEER, PEER_LISTENS});
}

static void accept_in(struct play *y)
{
    for (int i = 0; i < APPS; i++) {
        if (y->app[i])
            continue;
        if (sock_accept(y->listener, &y->app[i], NULL))
            y->app[i] = NULL;
        return;
    }
}

static void let_go(struct sock **s, struct reader *in)
{
    switch (get8(in) & 7) {
    case 0:
        sock_abort(*s);
        *s = NULL;
        break;
    case 1:
    case 2:
        sock_close(*s);
        *s = NULL;
        break;
    case 3:
        sock_shutdown(*s, SOCK_SHUT_READ);
        break;
    case 4:
        sock_shutdown(*s, SOCK_SHUT_BOTH);
        break;
    default:
        sock_shutdown(*s, SOCK_SHUT_WRITE);
        break;
    }
}

static void call(struct play *y, struct sock **s, uint8_t what, struct reader *in)
{
    if (!*s) {
        if (s == &y->app[APPS - 1])
            connect_out(y);
        else
            accept_in(y);
        return;
    }
    switch (what) {
    case 0:
        app_send(*s, in);
        break;
    case 1:
        app_receive(*s, in);
        break;
    case 2:
        let_go(s, in);
        break;
    default:
        app_set_option(*s, in);
        break;
    }
}

/* --- one step --- */

static void time_passes(struct play *y, struct reader *in)
{
    uint8_t how = get8(in);
    if (how & 0x80)
        world_wait(&y->w, how & 0x40 ? SEC(how & 0x3f) : MSEC(how & 0x3f));
    else if (how & 0x40)
        y->w.fail_in = how & 0x3f;
    else
        world_wait_due(&y->w);
}

static void step(struct play *y, struct reader *in)
{
    uint8_t op = get8(in);
    struct peer *p = &y->peers.peer[(op >> 4) % PEERS];
    struct peer_segment s = peer_segment(p, &y->w);
    switch (op & 15) {
    case 0:
    case 1:
        send_mutated(y, p, in);
        break;
    case 2:
        peer_send(p, &y->w, &s, true);
        break;
    case 3:
        send_text(y, p, in);
        break;
    case 4:
        send_partial_ack(y, p, in);
        break;
    case 5:
        peer_send_syn(p, &y->w, in);
        break;
    case 6:
        send_odd_timestamp(y, p, in);
        break;
    case 7:
        send_reset(y, p, in);
        break;
    case 8:
        go_back(p, in);
        break;
    case 9:
    case 10:
        time_passes(y, in);
        break;
    default:
        call(y, &y->app[op >> 4 & 3], (op & 15) - 11, in);
        break;
    }
    if (get8(in) & 1) /* else the next step meets a stack that had no turn yet */
        return;
    world_settle(&y->w);
}

/* A connection each way, so that the input starts with something to break. */
static void handshakes(struct play *y, struct reader *in)
{
    struct peer *client = &y->peers.peer[0], *server = &y->peers.peer[PEERS - 1];
    uint8_t how = get8(in);
    if (!(how & 1)) {
        peer_send_syn(client, &y->w, in);
        world_settle(&y->w);
        struct peer_segment ack = peer_segment(client, &y->w);
        peer_send(client, &y->w, &ack, true);
        accept_in(y);
    }
    if (!(how & 2)) {
        connect_out(y);
        world_settle(&y->w);
        peer_send_syn(server, &y->w, in);
    }
    world_settle(&y->w);
}

void fuzz_segment(const uint8_t *bytes, size_t len)
{
    static struct play y;
    struct reader in = reader_of(bytes, len);
    struct stack_config config;
    y = (struct play){0};
    world_config(&config, &in);
    world_start(&y.w, &config);
    peers_start(&y.peers, &y.w);
    if (sock_open(&y.w.stack, SOCK_TCP, &y.listener) == 0 &&
        sock_bind(y.listener, (struct endpoint){0, STACK_HTTP}) == 0)
        sock_listen(y.listener, 8);
    handshakes(&y, &in);
    while (reader_left(&in) > 0)
        step(&y, &in);
    world_end(&y.w);
}
