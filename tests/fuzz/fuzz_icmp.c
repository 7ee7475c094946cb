/* ICMP errors that quote what the stack really sent, mutated: RFC 792, RFC 1122 3.2.2, RFC 5927, RFC 5461. In
 * between text, ACKs and time, so that a wrong belief (an MTU, an error) has a chance to show. */
#include "peer.h"
#include "targets.h"

#include <assert.h>

static struct {
    struct world w;
    struct peers peers;
    struct sock *listener, *in, *out, *udp, *ping;
} y;

static void connect_all(struct reader *in)
{
    struct stack *stack = &y.w.stack;
    struct peer *client = &y.peers.peer[0];
    int error = sock_open(stack, SOCK_TCP, &y.listener) ||
                sock_bind(y.listener, (struct endpoint){0, STACK_HTTP}) || sock_listen(y.listener, 8) ||
                sock_open(stack, SOCK_TCP, &y.out) || sock_open(stack, SOCK_UDP, &y.udp) ||
                sock_open(stack, SOCK_PING, &y.ping);
    assert(!error);
    (void)error;
    sock_connect(y.udp, (struct endpoint){WORLD_PEER, 53});
    sock_connect(y.ping, (struct endpoint){WORLD_PEER, 0});
    peer_send_syn(client, &y.w, in);
    world_settle(&y.w);
    struct peer_segment ack = peer_segment(client, &y.w);
    peer_send(client, &y.w, &ack, true);
    if (sock_accept(y.listener, &y.in, NULL))
        y.in = NULL;
    sock_connect(y.out, (struct endpoint){WORLD_PEER, PEER_LISTENS});
    world_settle(&y.w);
}

/* The quoted header's sums are not checked by anyone, so bytes of it may simply be overwritten. */
static size_t quote(uint8_t *to, struct reader *in)
{
    uint8_t how = get8(in);
    const struct quote *q = &y.w.quote[how % WORLD_QUOTE];
    size_t len = how & 8 ? get8(in) % (QUOTE_MAX + 1) : 28;
    len = len < q->len ? len : q->len;
    memcpy(to, q->bytes, len);
    for (int i = how >> 6; i > 0; i--) {
        uint8_t at = get8(in), value = get8(in);
        if (at < len)
            to[at] = how & 0x10 ? value : (uint8_t)(to[at] + value);
    }
    return len;
}

static void send_error(struct reader *in)
{
    static const uint8_t types[] = {3, 3, 3, 3, 11, 12, 4, 5};
    uint8_t quoted[QUOTE_MAX], bytes[QUOTE_MAX + 28], how = get8(in);
    bool too_big = how >> 6 == 0;
    struct packet p = {
        .src = how & 0x20 ? WORLD_PEER : IP_ADDR(10, 9, 9, 9),
        .dst = WORLD_US,
        .protocol = IP_ICMP,
        .icmp_type = types[how & 7],
        .icmp_code = too_big ? 4 : get8(in) & 15,
        .icmp_rest = get16(in),
    };
    p.payload = (struct span){quoted, quote(quoted, in)};
    size_t len = packet_build(&p, bytes, sizeof bytes);
    assert(len);
    world_input(&y.w, bytes, len);
}

/* RFC 1191: nothing that a router says makes segments smaller than the floor, unless the link or the peer is.
 */
static void check_mss(void)
{
    const struct stack_config *config = &y.w.stack.core.config;
    for (struct table_node *n = NULL; (n = table_walk(&y.w.stack.tcp.conns, n));) {
        const struct tcp_conn *c = CONN_OF_NODE(n);
        uint32_t floor = config->mtu < config->tcp_path_mtu_min ? config->mtu : config->tcp_path_mtu_min;
        assert(c->snd.mss + 12u >= floor - 40 || c->snd.mss >= TCP_MSS_MIN - 24);
        assert(c->soft_error >= 0);
    }
}

static void send_datagram(struct sock *s, struct reader *in)
{
    static const uint8_t bytes[4096];
    size_t len = get8(in) * 16u;
    sock_send(s, bytes, len, 0);
}

static void let_out_go(struct reader *in)
{
    if (get8(in) & 1)
        sock_close(y.out);
    else
        sock_abort(y.out);
    y.out = NULL;
}

static void step(struct reader *in)
{
    uint8_t op = get8(in);
    struct peer *p = &y.peers.peer[op & 0x10 ? 0 : PEERS - 1];
    struct sock *s = op & 0x10 ? y.in : y.out;
    struct peer_segment ack = peer_segment(p, &y.w);
    switch (op & 15) {
    case 8:
        if (s)
            app_send(s, in);
        break;
    case 9:
        send_datagram(op & 0x10 ? y.udp : y.ping, in);
        break;
    case 10:
        peer_send(p, &y.w, &ack, true);
        break;
    case 11:
        peer_send_syn(p, &y.w, in);
        break;
    case 12:
        if (s && !(op & 0x60))
            sock_connect(s, (struct endpoint){WORLD_PEER, PEER_LISTENS});
        break;
    case 13:
        if (y.out && !(op & 0xf0))
            let_out_go(in);
        break;
    case 14:
        world_wait_due(&y.w);
        break;
    case 15:
        world_wait(&y.w, MSEC(get8(in)) * 100);
        break;
    default:
        send_error(in);
        break;
    }
    world_settle(&y.w);
    check_mss();
}

void fuzz_icmp(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    struct stack_config config;
    world_config(&config, &in);
    config.memory_limit = 8u << 20;
    memset(&y, 0, sizeof y);
    world_start(&y.w, &config);
    peers_start(&y.peers, &y.w);
    connect_all(&in);
    while (reader_left(&in) > 0)
        step(&in);
    world_end(&y.w);
}
