/* The stack that core.c measures, and its peers. */
#include <arpa/inet.h>

#include "core_world.h"

#define US       IP_ADDR(10, 7, 0, 2)
#define PORT     7
#define FROM_ONE 28000 /* connections of one address */
#define TS_VALUE 1000
#define WINDOW   65535
#define SCALE    7

static void *allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void release(void *context, void *at, size_t size)
{
    (void)context, (void)size;
    free(at);
}

void world_begin(struct world *w, unsigned room)
{
    struct stack_config config;
    memset(w, 0, sizeof *w);
    stack_config_init(&config);
    config.addr = US;
    config.prefix = 24;
    config.memory = (struct stack_memory){allocate, release, NULL};
    config.memory_limit = (size_t)4 << 30;
    config.tcp_nodelay = true;
    memcpy(config.key, "always the same.", sizeof config.key);
    w->now = SEC(1);
    w->peer = calloc(room, sizeof *w->peer);
    if (!w->peer || stack_init(&w->stack, &config, w->now) < 0 ||
        sock_open(&w->stack, SOCK_TCP, &w->listener) < 0 ||
        sock_bind(w->listener, (struct endpoint){US, PORT}) < 0 || sock_listen(w->listener, 128) < 0)
        fail("no stack");
    sock_setopt(w->listener, SOCK_OPT_KEEPALIVE, 1); /* as the servers do: each connection has a timer */
}

void world_end(struct world *w)
{
    stack_free(&w->stack);
    free(w->peer);
}

static void put32_at(uint8_t *to, uint32_t n)
{
    uint32_t wire = htonl(n);
    memcpy(to, &wire, sizeof wire);
}

/* Timestamps in every segment, the other options in the SYN, as a kernel of today has it. */
static void build(struct peer *p, uint8_t flags, uint32_t text, struct datagram *to)
{
    static uint8_t zeros[TEXT_MAX];
    static const uint8_t syn_options[] = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, SCALE, 1, 1};
    struct packet k = {.src = p->addr,
                       .dst = US,
                       .protocol = IP_TCP,
                       .sport = p->port,
                       .dport = PORT,
                       .seq = p->seq,
                       .ack = p->ack,
                       .flags = flags,
                       .window = WINDOW,
                       .payload = {zeros, text}};
    if (flags & TCP_SYN) {
        memcpy(k.options, syn_options, sizeof syn_options);
        k.options_len = sizeof syn_options;
    }
    uint8_t *ts = k.options + k.options_len;
    memcpy(ts, (uint8_t[]){1, 1, 8, 10}, 4);
    put32_at(ts + 4, TS_VALUE);
    put32_at(ts + 8, p->ts_echo);
    k.options_len += 12;
    to->len = (uint32_t)packet_build(&k, to->bytes, sizeof to->bytes);
    p->seq += text + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
}

void peer_segment(struct peer *p, uint32_t text, struct datagram *to)
{
    build(p, TCP_ACK, text, to);
}

static void give(struct world *w, struct peer *p, uint8_t flags)
{
    struct datagram d;
    build(p, flags, 0, &d);
    stack_input(&w->stack, w->now, d.bytes, d.len);
}

void world_acknowledge(struct world *w, struct peer *p)
{
    give(w, p, TCP_ACK);
}

/* The end of what the frame carries; and of a SYN,ACK the timestamp to echo. */
static void see(struct peer *p, const struct frame *f)
{
    struct ip_packet ip;
    uint8_t bytes[65536];
    size_t len = frame_gather(f, bytes, sizeof bytes);
    if (ip_parse(bytes, len, &ip) != DROP_NONE)
        fail("the stack sent no datagram");
    const uint8_t *tcp = ip.body.at;
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4, seq;
    memcpy(&seq, tcp + 4, sizeof seq);
    p->ack = ntohl(seq) + (uint32_t)ip.body.len - header + !!(tcp[13] & TCP_SYN) + !!(tcp[13] & TCP_FIN);
    for (uint32_t i = 20; tcp[13] & TCP_SYN && i + 10 <= header; i += tcp[i] == 1 ? 1 : tcp[i + 1])
        if (tcp[i] == 8) {
            memcpy(&p->ts_echo, tcp + i + 2, sizeof p->ts_echo);
            p->ts_echo = ntohl(p->ts_echo);
            break;
        }
}

unsigned world_output(struct world *w, struct peer *p)
{
    struct frame f;
    unsigned count = 0;
    for (; stack_output(&w->stack, w->now, &f); count++)
        if (p)
            see(p, &f);
    return count;
}

static void new_peer(struct world *w)
{
    unsigned n = w->peers++;
    w->peer[n] = (struct peer){
        .addr = IP_ADDR(10, 7, 1, 1) + n / FROM_ONE, .port = (uint16_t)(1024 + n % FROM_ONE), .seq = n * 7};
}

static void give_all(struct world *w, const struct datagram *d, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stack_input(&w->stack, w->now, d[i].bytes, d[i].len);
}

/* The answers to so many SYNs come in their order. */
double world_connect(struct world *w, unsigned count)
{
    static struct datagram d[BATCH];
    static struct frame f[BATCH];
    struct peer *p = &w->peer[w->peers];
    unsigned answers = 0;
    for (unsigned i = 0; i < count; i++) {
        new_peer(w);
        build(&p[i], TCP_SYN, 0, &d[i]);
    }
    double start = core_seconds();
    give_all(w, d, count);
    while (answers < count && stack_output(&w->stack, w->now, &f[answers]))
        answers++;
    double spent = core_seconds() - start;
    for (unsigned i = 0; i < answers; i++) {
        see(&p[i], &f[i]);
        build(&p[i], TCP_ACK, 0, &d[i]);
    }
    start = core_seconds();
    give_all(w, d, answers);
    for (unsigned i = 0; i < answers; i++)
        if (sock_accept(w->listener, &p[i].sock, &(struct endpoint){0}) < 0)
            fail("a connection is not there");
    spent += core_seconds() - start;
    if (answers != count)
        fail("%u answers to %u SYNs", answers, count);
    return spent;
}

void world_close(struct world *w, struct peer *p)
{
    sock_close(p->sock);
    p->sock = NULL;
    world_output(w, p);
    give(w, p, TCP_ACK | TCP_FIN);
    world_output(w, NULL);
}
