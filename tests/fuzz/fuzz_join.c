/* A device's datagrams, joined in software (tun/soft_offload.c): what comes out, cut again, is what went in,
 * and what was not joined is untouched.
 *
 * Input: for each datagram a byte of what is odd about it, and what that needs. Without oddities they are
 * segments of one stream. */
#include "../../stack/tcp_wire.h"
#include "../../tun/segment.h"
#include "../../tun/soft_offload.h"
#include "targets.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define DATAGRAMS 64
#define LONGEST   4096
#define LATEST    (LONGEST - 100) /* bytes of text */
#define ROOM      (2 * 65536)

enum {                /* what is odd */
       CHANGED = 1,   /* bytes of the headers */
       UNSUMMED = 2,  /* and the checksums are not those of what was changed */
       PUSHED = 4,    /* a PSH */
       GAP = 8,       /* in the sequence */
       RESIZED = 16,  /* this and those that follow have another length */
       CUT = 32,      /* off at the end */
       STAMPED = 64,  /* another timestamp from here on */
       WATCHED = 128, /* somebody begins or ceases to watch */
};

struct datagram {
    uint8_t bytes[LONGEST];
    size_t len;
};

static struct {
    struct device device; /* first: the fake */
    struct soft_offload soft;
    struct datagram in[DATAGRAMS];
    size_t count, read, told;
    uint32_t seq, stamp;
    size_t text;
} y;

static ssize_t give(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    (void)device;
    *offload = (struct offload){0};
    if (y.read == y.count)
        return -EAGAIN;
    const struct datagram *d = &y.in[y.read++];
    assert(room >= 65536);
    memcpy(to, d->bytes, d->len);
    return (ssize_t)d->len;
}

static void sum(uint8_t *b, size_t len)
{
    size_t head = (b[0] & 15u) * 4u;
    if (head < IP_HEADER_MIN || len < head + TCP_HEADER_MIN)
        return;
    struct reader ends = reader_of(b + 12, 8);
    uint32_t src = get32(&ends), dst = get32(&ends);
    poke16(b + 10, 0);
    poke16(b + 10, checksum_of(b, head));
    tcp_checksum(b + head, len - head, NULL, 0, src, dst);
}

static void make(struct datagram *d, struct reader *in)
{
    uint8_t odd = get8(in);
    if (odd & RESIZED)
        y.text = get16(in) % LATEST;
    y.seq += odd & GAP ? get16(in) : 0;
    y.stamp += odd & STAMPED ? 1 : 0;
    struct tcp_header h = {.source = 1, .destination = 2, .seq = {y.seq}, .window = 99};
    h.flags = TCP_ACK | (odd & PUSHED ? TCP_PSH : 0);
    h.options = (struct tcp_options){.has_timestamps = true, .ts_value = y.stamp, .ts_echo = 3};
    struct ip_fields ip = {
        .src = IP_ADDR(10, 7, 0, 1), .dst = IP_ADDR(10, 7, 0, 2), .protocol = IP_TCP, .ttl = 64};
    size_t head = tcp_write(&h, d->bytes + IP_HEADER_MIN);
    ip_fill(d->bytes, &ip, head + y.text);
    d->len = IP_HEADER_MIN + head + y.text;
    for (size_t i = 0; i < y.text; i++)
        d->bytes[IP_HEADER_MIN + head + i] = (uint8_t)(y.seq + i);
    y.seq += (uint32_t)y.text;
    sum(d->bytes, d->len);
    for (unsigned i = odd & CHANGED ? 1 + get8(in) % 4 : 0; i > 0; i--) {
        uint8_t at = get8(in) % (IP_HEADER_MIN + 32);
        d->bytes[at] ^= get8(in);
    }
    if (odd & CUT)
        d->len -= get16(in) % d->len;
    if (!(odd & UNSUMMED))
        sum(d->bytes, d->len);
    if (odd & WATCHED)
        y.soft.device.watched = !y.soft.device.watched;
}

/* A segment that was cut out of the whole: that it was pushed shows in the last, and IP's identification is
 * the first's.
 */
static void assert_was(const uint8_t *bytes, size_t len, const struct datagram *d, bool first, bool last)
{
    static uint8_t want[LONGEST];
    assert(len == d->len);
    memcpy(want, d->bytes, len);
    if (!first)
        memcpy(want + 4, bytes + 4, 2);
    assert(last || !(want[IP_HEADER_MIN + 13] & TCP_PSH));
    sum(want, len);
    assert(memcmp(want, bytes, len) == 0);
}

static void assert_joined(const uint8_t *whole, size_t len, uint16_t size)
{
    static uint8_t bytes[65536];
    size_t head = IP_HEADER_MIN + (whole[IP_HEADER_MIN + 12] >> 4) * 4u;
    struct iovec part[2] = {{(void *)whole, head}, {(void *)(whole + head), len - head}};
    struct segment_cut cut;
    bool first = true;
    segment_cut(&cut, part, 2, size);
    assert(segments_left(&cut) > 1 && peek16(whole + 2) == len && checksum_of(whole, IP_HEADER_MIN) == 0);
    for (size_t n; (n = segment_next(&cut, bytes)) > 0; first = false)
        assert_was(bytes, n, &y.in[y.told++], first, segments_left(&cut) == 0);
}

/* What the device says is good, the stack does not look at again. */
static void assert_alone(const uint8_t *bytes, size_t len, bool good)
{
    struct ip_packet p;
    struct tcp_header h;
    const struct datagram *d = &y.in[y.told++];
    assert(len == d->len && memcmp(bytes, d->bytes, len) == 0);
    assert(!good || (ip_parse(bytes, len, &p) == DROP_NONE && tcp_parse(&p, &h) != DROP_TCP_CHECKSUM));
}

static bool read_one(void)
{
    static uint8_t room[ROOM];
    struct offload how;
    ssize_t n = y.soft.device.read(&y.soft.device, room, sizeof room, &how);
    assert(n > 0 || n == -EAGAIN);
    if (n < 0)
        return false;
    if (how.segment_size)
        assert_joined(room, (size_t)n, how.segment_size);
    else
        assert_alone(room, (size_t)n, how.checksum_good);
    return true;
}

void fuzz_join(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    y.device = (struct device){.fd = -1, .read = give};
    y.count = y.read = y.told = 0;
    y.seq = (uint32_t)get16(&in) << 16;
    y.text = 1448;
    int error = soft_offload_open(&y.soft, &y.device);
    assert(!error);
    (void)error;
    while (reader_left(&in) > 0 && y.count < DATAGRAMS)
        make(&y.in[y.count++], &in);
    while (read_one())
        ;
    assert(y.told == y.count && y.read == y.count);
    soft_offload_close(&y.soft);
}
