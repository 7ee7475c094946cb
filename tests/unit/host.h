/* A host without TCP for the tests of the IP family: IPv4, ICMP, UDP and sockets as udp.c and icmp.c see
 * them, in virtual time, with memory that can be made to fail. What TCP is handed is only noted. */
#ifndef GLASS_TEST_HOST_H
#define GLASS_TEST_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "../../stack/checksum.h"
#include "../../stack/ip.h"

#define US   IP_ADDR(10, 7, 0, 2)
#define PEER IP_ADDR(10, 7, 0, 1)

struct tcp {
    unsigned segments, errors;
    struct icmp_error last_error;
    size_t last_len;
    bool match;
};

struct host {
    struct core core;
    struct sock_list socks;
    struct ports ports;
    struct outbox outbox;
    struct icmp icmp;
    struct udp udp;
    struct tcp tcp;
    struct ip ip;
    size_t allocations, fail_at; /* the number of the allocation that fails, and all after it; 0: none */
    struct event last[EVENT_CALL + 1];
    unsigned events[EVENT_CALL + 1];
};

void tcp_input(struct tcp *tcp, const struct ip_packet *p);
bool tcp_icmp_error(struct tcp *tcp, const struct icmp_error *e);

void tcp_input(struct tcp *tcp, const struct ip_packet *p)
{
    tcp->segments++;
    tcp->last_len = p->body.len;
}

bool tcp_icmp_error(struct tcp *tcp, const struct icmp_error *e)
{
    tcp->errors++;
    tcp->last_error = *e;
    return tcp->match;
}

static void *host_allocate(void *context, size_t size)
{
    struct host *h = context;
    h->allocations++;
    return h->fail_at && h->allocations >= h->fail_at ? NULL : malloc(size);
}

static void host_release(void *context, void *at, size_t size)
{
    (void)context, (void)size;
    free(at);
}

static void host_observe(void *context, const struct event *e)
{
    struct host *h = context;
    h->events[e->kind]++;
    h->last[e->kind] = *e;
}

static inline void host_start(struct host *h, uint32_t addr, void (*adjust)(struct stack_config *))
{
    memset(h, 0, sizeof *h);
    struct stack_config config;
    stack_config_init(&config);
    config.addr = addr;
    config.prefix = 24;
    memcpy(config.key, "a key for tests", 16);
    config.memory = (struct stack_memory){host_allocate, host_release, h};
    config.observe = host_observe;
    config.observe_context = h;
    if (adjust)
        adjust(&config);
    core_init(&h->core, &config, SEC(1));
    sock_list_init(&h->socks, &h->core);
    ports_init(&h->ports, &h->core);
    outbox_init(&h->outbox, &h->core);
    h->icmp = (struct icmp){.core = &h->core, .outbox = &h->outbox, .ports = &h->ports};
    h->udp = (struct udp){.core = &h->core, .outbox = &h->outbox, .ports = &h->ports};
    ip_init(&h->ip, &h->core, &h->icmp, &h->udp, &h->tcp);
}

static inline struct host *host_new(void)
{
    struct host *h = malloc(sizeof *h);
    host_start(h, US, NULL);
    return h;
}

static inline void host_close(struct host *h, struct sock *s)
{
    outbox_disown(&h->outbox, &s->dgram->unsent);
    dgram_free(&h->core, s->dgram);
    port_release(&h->ports, s->port);
    sock_delete(s);
}

/* Closes every socket, and counts what leaked. */
static inline void host_stop(struct host *h)
{
    while (h->socks.first)
        host_close(h, h->socks.first);
    outbox_free(&h->outbox);
    ports_free(&h->ports);
    ip_free(&h->ip);
    assert_int_equal(h->core.memory_used, 0);
}

static inline void host_end(struct host *h)
{
    host_stop(h);
    free(h);
}

/* A socket bound to addr (0: any) and port; NULL when memory is short. */
static inline struct sock *host_open(struct host *h, enum sock_type type, uint32_t addr, uint16_t port)
{
    struct sock *s = sock_new(&h->socks, type);
    if (!s)
        return NULL;
    s->send_buffer = s->receive_buffer = UDP_BUFFER_DEFAULT;
    s->local = (struct endpoint){addr, port};
    s->dgram = dgram_new(&h->core);
    uint8_t protocol = type == SOCK_PING ? IP_ICMP : IP_UDP;
    if (s->dgram && port_take(&h->ports, protocol, addr, port, s, &s->port) == 0)
        return s;
    dgram_free(&h->core, s->dgram);
    sock_delete(s);
    return NULL;
}

static inline bool host_signalled(const struct sock *s)
{
    return s->ready_link != NULL;
}

/* Hands the bytes over in memory of exactly their size, so that a sanitizer sees a read beyond the end. */
static inline void feed_raw(struct host *h, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, bytes, len);
    ip_input(&h->ip, copy, len, &(struct offload){0});
    free(copy);
}

static inline void feed(struct host *h, const struct ip_fields *f, const void *body, size_t len)
{
    static uint8_t datagram[2 * IP_MTU_MAX];
    assert_true(len <= IP_MTU_MAX);
    ip_fill(datagram, f, len);
    if (len)
        memcpy(datagram + IP_HEADER_MIN, body, len);
    feed_raw(h, datagram, IP_HEADER_MIN + len);
}

static inline struct ip_fields from_peer(uint8_t protocol)
{
    return (struct ip_fields){.src = PEER, .dst = US, .id = 7, .protocol = protocol, .ttl = 64};
}

/* A UDP datagram in `out`, checksum included; returns its length. */
static inline size_t make_udp(uint8_t *out, const struct ip_fields *f, uint16_t from, uint16_t to,
                              const void *bytes, size_t len)
{
    struct writer w = writer_of(out, UDP_HEADER + len);
    put16(&w, from);
    put16(&w, to);
    put16(&w, (uint16_t)(UDP_HEADER + len));
    put16(&w, 0);
    put_bytes(&w, bytes, len);
    struct checksum c = {0};
    checksum_add_pseudo(&c, f->src, f->dst, IP_UDP, UDP_HEADER + len);
    checksum_add(&c, out, UDP_HEADER + len);
    poke16(out + 6, checksum_finish(&c));
    return UDP_HEADER + len;
}

/* An ICMP message in `out`: `rest` is the second word of its header. */
static inline size_t make_icmp(uint8_t *out, uint8_t type, uint8_t code, uint32_t rest, const void *bytes,
                               size_t len)
{
    struct writer w = writer_of(out, ICMP_HEADER + len);
    put8(&w, type);
    put8(&w, code);
    put16(&w, 0);
    put32(&w, rest);
    put_bytes(&w, bytes, len);
    poke16(out + 2, checksum_of(out, ICMP_HEADER + len));
    return ICMP_HEADER + len;
}

/* A frame that left, parsed. */
struct sent {
    uint8_t bytes[IP_MTU_MAX];
    size_t len;
    struct ip_packet p;
};

static inline bool next_sent(struct host *h, struct sent *out)
{
    struct frame f;
    if (!outbox_next(&h->outbox, &f))
        return false;
    out->len = frame_gather(&f, out->bytes, sizeof out->bytes);
    assert_in_range(out->len, IP_HEADER_MIN, h->core.config.mtu);
    assert_int_equal(ip_parse(out->bytes, out->len, &out->p), DROP_NONE);
    return true;
}

static inline void assert_silent(struct host *h)
{
    struct frame f;
    assert_true(outbox_empty(&h->outbox));
    assert_false(outbox_next(&h->outbox, &f));
}

/* All that `a` has to send arrives at `b`. Returns how many frames. */
static inline unsigned carry(struct host *a, struct host *b)
{
    static struct sent s;
    unsigned frames = 0;
    for (; next_sent(a, &s); frames++)
        feed_raw(b, s.bytes, s.len);
    return frames;
}

/* The sum of all drops: to see that exactly one was counted. */
static inline uint64_t drops(const struct host *h)
{
    uint64_t sum = 0;
    for (int i = 0; i < DROP_COUNT; i++)
        sum += h->core.dropped[i];
    return sum;
}

static inline void assert_dropped_once(struct host *h, enum drop why)
{
    assert_int_equal(h->core.dropped[why], 1);
    assert_int_equal(drops(h), 1);
    assert_int_equal(h->last[EVENT_DROP].u.drop.why, why);
}

/* Test data: bytes that differ from their neighbours and from zero. */
static inline uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251 + 1);
    return bytes;
}

#endif
