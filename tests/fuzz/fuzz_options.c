/* TCP headers and options, RFC 9293 3.1, 3.2: what tcp_parse understood, tcp_write can say, and tcp_parse
 * then understands the same. */
#include "../../stack/tcp_wire.h"
#include "targets.h"

#include <assert.h>
#include <string.h>

#define BODY_MAX 256

static struct ip_packet packet_of(const uint8_t *bytes, size_t len)
{
    return (struct ip_packet){
        .src = IP_ADDR(10, 7, 0, 1), .dst = IP_ADDR(10, 7, 0, 2), .protocol = IP_TCP, .body = {bytes, len}};
}

static size_t padded(bool has, size_t len)
{
    return has ? len : 0;
}

/* What the peer packed tightly may not fit with our padding: then fewer SACK blocks go back. */
static void fit(struct tcp_options *o)
{
    size_t used = padded(o->mss, 4) + padded(o->sack_permitted, 4) + padded(o->has_timestamps, 12) +
                  padded(o->has_window_scale, 4);
    while (o->sack_count > 0 && used + 4 + 8u * o->sack_count > TCP_HEADER_MAX - TCP_HEADER_MIN)
        o->sack_count--;
}

static void assert_same_options(const struct tcp_options *a, const struct tcp_options *b)
{
    assert(a->mss == b->mss && a->sack_permitted == b->sack_permitted);
    assert(a->has_window_scale == b->has_window_scale && a->window_scale == b->window_scale);
    assert(a->has_timestamps == b->has_timestamps && a->ts_value == b->ts_value && a->ts_echo == b->ts_echo);
    assert(a->sack_count == b->sack_count);
    for (unsigned i = 0; i < a->sack_count; i++)
        assert(a->sack[i].left.n == b->sack[i].left.n && a->sack[i].right.n == b->sack[i].right.n);
}

static void assert_same(const struct tcp_header *a, const struct tcp_header *b)
{
    assert(a->source == b->source && a->destination == b->destination);
    assert(a->seq.n == b->seq.n && a->ack.n == b->ack.n && a->flags == b->flags);
    assert(a->window == b->window && a->urgent == b->urgent);
    assert(a->text.len == b->text.len && memcmp(a->text.at, b->text.at, a->text.len) == 0);
    assert_same_options(&a->options, &b->options);
}

static void write_back(struct tcp_header *h)
{
    uint8_t again[TCP_HEADER_MAX + BODY_MAX];
    struct tcp_header read;
    struct span text[2] = {h->text, {0}};
    fit(&h->options);
    size_t len = tcp_write(h, again);
    assert(len >= TCP_HEADER_MIN && len <= TCP_HEADER_MAX);
    tcp_checksum(again, len, text, 2, IP_ADDR(10, 7, 0, 1), IP_ADDR(10, 7, 0, 2));
    memcpy(again + len, h->text.at, h->text.len);
    struct ip_packet p = packet_of(again, len + h->text.len);
    enum drop why = tcp_parse(&p, &read);
    assert(why == DROP_NONE);
    (void)why;
    assert_same(h, &read);
}

void fuzz_options(const uint8_t *bytes, size_t len)
{
    uint8_t segment[BODY_MAX];
    struct tcp_header h;
    len = len < BODY_MAX ? len : BODY_MAX;
    memcpy(segment, bytes, len);
    struct ip_packet p = packet_of(segment, len);
    enum drop first = tcp_parse(&p, &h); /* as it came: mostly a wrong checksum */
    assert(first < DROP_COUNT);
    if (len < TCP_HEADER_MIN)
        assert(first == DROP_TCP_SHORT);
    else
        tcp_checksum(segment, len, NULL, 0, p.src, p.dst);
    enum drop why = tcp_parse(&p, &h);
    assert(why != DROP_TCP_CHECKSUM);
    if (why == DROP_NONE)
        write_back(&h);
}
