/* Raw datagrams to a stack that has a listener, a connection in every state of RFC 9293 3.3.2, a UDP socket
 * and a ping socket.
 *
 * Input: a byte of settings, then for each datagram a time step, two bytes of length and flags, and the
 * bytes. So that more than the checksum tests is reached, a flag asks for right lengths and checksums. */
#include "peer.h"
#include "targets.h"

#include <assert.h>
#include <stdlib.h>

#define UDP_PORT  9999
#define PING_PORT 77
#define FIX       0x8000 /* lengths and checksums are to be right */
#define LEN       0x07ff

/* The states, as what is done to a connection that was opened by a peer, or by us. */
struct way {
    bool active;
    const char
        *moves; /* S: SYN, h: handshake, t: text, c: we close, a: it acknowledges, f: its FIN, F: before it */
};

static const struct way ways[] = {
    {true, ""},      /* SYN-SENT */
    {false, "S"},    /* SYN-RECEIVED */
    {false, "h"},    /* ESTABLISHED, to be accepted */
    {false, "ht"},   /* ESTABLISHED, with text in flight both ways */
    {false, "hc"},   /* FIN-WAIT-1 */
    {false, "hca"},  /* FIN-WAIT-2 */
    {false, "hf"},   /* CLOSE-WAIT */
    {false, "hcF"},  /* CLOSING */
    {false, "hfc"},  /* LAST-ACK */
    {false, "hcaf"}, /* TIME-WAIT */
};

#define WAYS (sizeof ways / sizeof *ways)

static struct {
    struct world w;
    struct peer peer[WAYS];
    struct sock *listener, *sock[WAYS];
} y;

static void hear(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len)
{
    (void)w, (void)bytes, (void)len;
    for (size_t i = 0; i < WAYS; i++)
        if (p->protocol == IP_TCP && p->dport == y.peer[i].port && p->sport == y.peer[i].stack_port)
            peer_hear(&y.peer[i], p);
}

static void handshake(size_t i, bool complete)
{
    struct reader nothing = no_input();
    peer_send_syn(&y.peer[i], &y.w, &nothing);
    world_settle(&y.w);
    if (!complete)
        return;
    struct peer_segment ack = peer_segment(&y.peer[i], &y.w);
    peer_send(&y.peer[i], &y.w, &ack, true);
    if (sock_accept(y.listener, &y.sock[i], NULL))
        y.sock[i] = NULL;
}

static void text_both_ways(size_t i)
{
    const uint8_t how[] = {0xc0, 20, 0, 0};
    struct reader in = reader_of(how, sizeof how);
    if (y.sock[i])
        app_send(y.sock[i], &in);
    struct peer_segment s = peer_segment(&y.peer[i], &y.w);
    s.seq += 100; /* behind a hole */
    s.len = 50;
    peer_send(&y.peer[i], &y.w, &s, false);
}

static void move(size_t i, char what)
{
    struct peer *p = &y.peer[i];
    struct peer_segment s = peer_segment(p, &y.w);
    switch (what) {
    case 'S':
    case 'h':
        handshake(i, what == 'h');
        break;
    case 't':
        text_both_ways(i);
        break;
    case 'c':
        if (y.sock[i])
            sock_shutdown(y.sock[i], SOCK_SHUT_WRITE);
        break;
    case 'F': /* it has not seen ours */
        s.ack -= 1;
        s.flags |= TCP_FIN;
        peer_send(p, &y.w, &s, true);
        break;
    default:
        s.flags |= what == 'f' ? TCP_FIN : 0;
        peer_send(p, &y.w, &s, true);
        break;
    }
    world_settle(&y.w);
}

static void open_all(void)
{
    struct sock *other;
    struct stack *stack = &y.w.stack;
    int error = sock_open(stack, SOCK_TCP, &y.listener) ||
                sock_bind(y.listener, (struct endpoint){0, STACK_HTTP}) || sock_listen(y.listener, 8) ||
                sock_open(stack, SOCK_UDP, &other) || sock_bind(other, (struct endpoint){0, UDP_PORT}) ||
                sock_open(stack, SOCK_PING, &other) || sock_bind(other, (struct endpoint){0, PING_PORT});
    assert(!error);
    (void)error;
    for (size_t i = 0; i < WAYS; i++) {
        peer_init(&y.peer[i], (uint16_t)(1000 + i), STACK_HTTP, 5000);
        if (ways[i].active && sock_open(stack, SOCK_TCP, &y.sock[i]) == 0) {
            sock_bind(y.sock[i], (struct endpoint){0, (uint16_t)(2000 + i)});
            sock_connect(y.sock[i], (struct endpoint){WORLD_PEER, y.peer[i].port});
            y.peer[i].stack_port = (uint16_t)(2000 + i);
        }
        for (const char *m = ways[i].moves; *m; m++)
            move(i, *m);
    }
}

/* The mutator seldom guesses a checksum: version, lengths and sums are put right, if there is room for them.
 */
static void put_right(uint8_t *b, size_t len)
{
    if (len < 28)
        return;
    size_t header = (b[0] & 15u) * 4u >= 20 && (b[0] & 15u) * 4u + 8u <= len ? (b[0] & 15u) * 4u : 20;
    b[0] = (uint8_t)(0x40 | header / 4);
    poke16(b + 2, (uint16_t)len);
    poke16(b + 10, 0);
    poke16(b + 10, checksum_of(b, header));
    size_t at = b[9] == IP_TCP ? 16 : b[9] == IP_UDP ? 6 : 2, body = len - header;
    if (body < at + 2 || peek16(b + 6) & 0x3fff)
        return;
    struct checksum c = {0};
    struct reader ends = reader_of(b + 12, 8);
    uint32_t src = get32(&ends), dst = get32(&ends);
    poke16(b + header + at, 0);
    if (b[9] != IP_ICMP)
        checksum_add_pseudo(&c, src, dst, b[9], body);
    checksum_add(&c, b + header, body);
    poke16(b + header + at, checksum_finish(&c));
}

static void send_one(struct reader *in)
{
    uint8_t bytes[LEN], time = get8(in);
    uint16_t how = get16(in);
    size_t len = how & LEN;
    if (len > reader_left(in))
        len = reader_left(in);
    const uint8_t *from = get_bytes(in, len);
    if (len)
        memcpy(bytes, from, len);
    if (how & FIX)
        put_right(bytes, len);
    if (time & 0x80)
        world_wait(&y.w, MSEC(1) << (time & 15));
    world_input(&y.w, bytes, len);
    if (!(time & 0x40)) /* else the next one comes before the stack has its turn */
        world_settle(&y.w);
}

/* What a socket received can be read, whatever it is; nothing more is expected of it. */
static void read_all(void)
{
    static uint8_t room[65536];
    for (struct sock *s = y.w.stack.socks.first; s; s = s->next)
        for (int i = 0; i < 100 && !s->listening && sock_recv(s, room, sizeof room, 0) > 0; i++)
            ;
}

void fuzz_datagram(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    struct stack_config config;
    struct reader settings = no_input();
    world_config(&config, &settings);
    config.tcp_sack = config.tcp_timestamps = !(get8(&in) & 1);
    memset(&y, 0, sizeof y);
    world_start(&y.w, &config);
    y.w.sent = hear;
    open_all();
    y.w.sent = NULL; /* from here on anything may be answered in any way */
    while (reader_left(&in) > 0)
        send_one(&in);
    read_all();
    world_settle(&y.w);
    world_end(&y.w);
}
