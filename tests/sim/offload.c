/* What two devices do between a stack and the wire: cut what leaves, merge what arrives. The cut is
 * glass's own; merging follows its rules or those of the kernel's generic receive offload. Called by link.c
 * and run.c.
 */
#include "sim.h"
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"
#include "../../tun/segment.h"

#include <assert.h>
#include <stdlib.h>

#define OFFSET_LEN   2 /* in the IPv4 header */
#define OFFSET_SEQ   4 /* in the TCP header */
#define OFFSET_DATA  12
#define OFFSET_FLAGS 13

static uint8_t *tcp_of(uint8_t *ip)
{
    return ip + (ip[0] & 15) * 4;
}

static size_t headers_of(uint8_t *ip)
{
    return (size_t)(ip[0] & 15) * 4 + (size_t)(tcp_of(ip)[OFFSET_DATA] >> 4) * 4;
}

static uint32_t seq_of(const uint8_t *tcp)
{
    return (uint32_t)peek16(tcp + OFFSET_SEQ) << 16 | peek16(tcp + OFFSET_SEQ + 2);
}

/* Both checksums, over what the lengths say. */
static void sum(uint8_t *ip, size_t len)
{
    size_t head = (size_t)(ip[0] & 15) * 4;
    struct reader r = reader_of(ip + 12, 8);
    uint32_t src = get32(&r), dst = get32(&r);
    poke16(ip + OFFSET_LEN, (uint16_t)len);
    poke16(ip + 10, 0);
    poke16(ip + 10, checksum_of(ip, head));
    tcp_checksum(ip + head, len - head, NULL, 0, src, dst);
}

void offload_cut(struct sim *sim, unsigned from, uint8_t *bytes, size_t len, const struct offload *how)
{
    static uint8_t piece[65536];
    struct segment_cut cut;
    size_t head = headers_of(bytes), n;
    if (how->segment_size == 0) {
        if (how->checksum_at)
            sum(bytes, len);
        link_send(sim, from, bytes, len);
        return;
    }
    assert(head + how->segment_size <= sim->config[from].mtu && len - head > how->segment_size);
    assert(!(tcp_of(bytes)[OFFSET_FLAGS] & (TCP_SYN | TCP_RST | TCP_URG | TCP_CWR)));
    segment_cut(&cut, (struct iovec[]){{bytes, head}, {bytes + head, len - head}}, 2, how->segment_size);
    while ((n = segment_next(&cut, piece)) > 0)
        link_send(sim, from, piece, n);
}

/* Text of one that may be merged at all; 0: it may not. */
static size_t mergeable(const struct packet *p)
{
    uint8_t flags;
    if (p->damaged || p->len < IP_HEADER_MIN + TCP_HEADER_MIN || p->bytes[9] != IP_TCP)
        return 0;
    flags = tcp_of(p->bytes)[OFFSET_FLAGS];
    return (flags & ~(TCP_PSH | TCP_FIN)) == TCP_ACK ? p->len - headers_of(p->bytes) : 0;
}

/* Whether b continues a: the same but for length, sums, PSH, FIN and the sequence number, which follows. */
static bool continues(const struct packet *a, const struct packet *b)
{
    uint8_t *x = tcp_of(a->bytes), *y = tcp_of(b->bytes);
    size_t head = headers_of(a->bytes);
    return headers_of(b->bytes) == head && a->len + b->len < 65536 &&
           memcmp(a->bytes + 12, b->bytes + 12, 8) == 0 && a->bytes[1] == b->bytes[1] &&
           memcmp(x, y, OFFSET_SEQ) == 0 && seq_of(y) == seq_of(x) + (uint32_t)(a->len - head) &&
           memcmp(x + 8, y + 8, 5) == 0 && memcmp(x + 14, y + 14, 2) == 0 &&
           memcmp(x + 18, y + 18, head - 18 - (size_t)(x - a->bytes)) == 0 &&
           !(x[OFFSET_FLAGS] & (TCP_FIN | TCP_PSH));
}

/* What glass itself does before a device that cannot. */
static struct offload merge_in_software(struct sim *sim, struct packet *p)
{
    struct offload how = {0};
    struct segment_join join;
    struct packet next;
    if (!segment_join(&join, p->bytes, p->len))
        return how;
    while (chance(sim, sim->link[1 - p->to].merge) && link_peek(sim, &next) && next.to == p->to &&
           segment_continues(&join, next.bytes, next.len)) {
        link_take(sim, &next);
        p->bytes = join.at = realloc(p->bytes, join.len);
        assert(p->bytes && !p->damaged && !next.damaged);
        memcpy(p->bytes + p->len, next.bytes + join.head_len, join.len - p->len);
        p->len = join.len;
        free(next.bytes);
    }
    segment_joined(&join, &how);
    if (how.segment_size) {
        sum(p->bytes, p->len); /* for whoever looks at it later */
        sim->merged++;
    }
    return how;
}

static struct offload merge_as_the_kernel(struct sim *sim, struct packet *p)
{
    struct offload how = {0};
    size_t each = mergeable(p), latest = each;
    struct packet next;
    while (each > 0 && latest == each && chance(sim, sim->link[1 - p->to].merge) && link_peek(sim, &next) &&
           next.to == p->to && mergeable(&next) > 0 && mergeable(&next) <= each && continues(p, &next)) {
        link_take(sim, &next);
        latest = mergeable(&next);
        p->bytes = realloc(p->bytes, p->len + latest);
        assert(p->bytes);
        memcpy(p->bytes + p->len, next.bytes + next.len - latest, latest);
        p->len += latest;
        tcp_of(p->bytes)[OFFSET_FLAGS] |= tcp_of(next.bytes)[OFFSET_FLAGS];
        how.segment_size = (uint16_t)each;
        free(next.bytes);
    }
    if (how.segment_size) {
        sum(p->bytes, p->len);
        how.checksum_good = true;
        sim->merged++;
    }
    return how;
}

struct offload offload_merge(struct sim *sim, struct packet *p)
{
    return sim->link[1 - p->to].soft ? merge_in_software(sim, p) : merge_as_the_kernel(sim, p);
}
