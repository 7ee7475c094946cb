/* Cuts and joins TCP segments. Called by soft_offload.c and the simulator.
 *
 * All segments of a super-segment have the same headers but for six fields: length and checksum of IP;
 * sequence number, FIN, PSH and CWR, and checksum of TCP. Sums may be made in any order (RFC 1071 2), so that
 * of the rest is made once. The same six, and IP's identification, are where segments that continue each
 * other may differ. */
#include "segment.h"
#include "../stack/ip_wire.h"
#include "../stack/tcp_wire.h"

#include <assert.h>

enum { /* offsets, RFC 791 3.1 and RFC 9293 3.1 */
       IP_LENGTH = 2,
       IP_FRAGMENT = 6,
       IP_PROTOCOL = 9,
       IP_CHECKSUM = 10,
       IP_SOURCE = 12,
       IP_ENDS_LEN = 8, /* both addresses */
       SEQ = 4,
       ACK = 8,
       DATA_OFFSET = 12,
       FLAGS = 13,
       WINDOW = 14,
       URGENT = 18,
};

#define IP_PLAIN       0x45 /* version 4, no options */
#define IP_MORE_OFFSET 0x3fff

static uint32_t peek32(const uint8_t *at)
{
    return (uint32_t)peek16(at) << 16 | peek16(at + 2);
}

static void poke32(uint8_t *at, uint32_t v)
{
    poke16(at, (uint16_t)(v >> 16));
    poke16(at + 2, (uint16_t)v);
}

/* --- out --- */

void segment_cut(struct segment_cut *cut, const struct iovec *part, int count, uint16_t size)
{
    *cut = (struct segment_cut){.head_len = part[0].iov_len, .size = size, .first = true, .part = part + 1};
    assert(size > 0 && count > 1 && cut->head_len <= sizeof cut->head);
    for (int i = 1; i < count; i++)
        cut->left += part[i].iov_len;
    memcpy(cut->head, part[0].iov_base, cut->head_len);
    cut->ip_len = (cut->head[0] & 15) * 4u;
    uint8_t *ip = cut->head, *tcp = ip + cut->ip_len;
    cut->seq = peek32(tcp + SEQ);
    cut->flags = tcp[FLAGS];
    poke16(ip + IP_LENGTH, 0);
    poke16(ip + IP_CHECKSUM, 0);
    poke32(tcp + SEQ, 0);
    poke16(tcp + TCP_CHECKSUM_AT, 0);
    tcp[FLAGS] = 0;
    checksum_add(&cut->ip_common, ip, cut->ip_len);
    checksum_add(&cut->tcp_common, tcp, cut->head_len - cut->ip_len);
    checksum_add_pseudo(&cut->tcp_common, peek32(ip + IP_SOURCE), peek32(ip + IP_SOURCE + 4), IP_TCP, 0);
}

static void take_text(struct segment_cut *cut, uint8_t *to, size_t len)
{
    while (len > 0) {
        size_t here = cut->part->iov_len - cut->at, n = here < len ? here : len;
        memcpy(to, (const uint8_t *)cut->part->iov_base + cut->at, n);
        to += n;
        len -= n;
        cut->at += n;
        if (n == here) {
            cut->part++;
            cut->at = 0;
        }
    }
}

/* A FIN and a PSH come after all the text, so with the last; that the window was reduced is said once, by the
 * first (RFC 3168 6.1.2). */
static uint8_t flags_of_next(const struct segment_cut *cut, bool last)
{
    uint8_t not_here = (uint8_t)((last ? 0 : TCP_FIN | TCP_PSH) | (cut->first ? 0 : TCP_CWR));
    return cut->flags & (uint8_t)~not_here;
}

size_t segment_next(struct segment_cut *cut, uint8_t *to)
{
    size_t text = cut->left < cut->size ? cut->left : cut->size, len = cut->head_len + text;
    size_t tcp_len = len - cut->ip_len;
    uint8_t *tcp = to + cut->ip_len, flags = flags_of_next(cut, cut->left == text);
    struct checksum ip_sum = cut->ip_common, tcp_sum = cut->tcp_common;
    if (text == 0)
        return 0;
    memcpy(to, cut->head, cut->head_len);
    take_text(cut, to + cut->head_len, text);
    ip_sum.sum += len;
    poke16(to + IP_LENGTH, (uint16_t)len);
    poke16(to + IP_CHECKSUM, checksum_finish(&ip_sum));
    poke32(tcp + SEQ, cut->seq);
    tcp[FLAGS] = flags;
    tcp_sum.sum += (cut->seq >> 16) + (cut->seq & 0xffff) + flags + tcp_len;
    checksum_add(&tcp_sum, to + cut->head_len, text);
    poke16(tcp + TCP_CHECKSUM_AT, checksum_finish(&tcp_sum));
    cut->left -= text;
    cut->seq += (uint32_t)text;
    cut->first = false;
    return len;
}

/* --- in --- */

static bool sums_are_good(const uint8_t *ip, size_t len)
{
    struct checksum tcp = {0};
    checksum_add_pseudo(&tcp, peek32(ip + IP_SOURCE), peek32(ip + IP_SOURCE + 4), IP_TCP,
                        len - IP_HEADER_MIN);
    checksum_add(&tcp, ip + IP_HEADER_MIN, len - IP_HEADER_MIN);
    return checksum_of(ip, IP_HEADER_MIN) == 0 && checksum_finish(&tcp) == 0;
}

bool segment_join(struct segment_join *join, uint8_t *at, size_t len)
{
    const uint8_t *tcp = at + IP_HEADER_MIN;
    if (len <= IP_HEADER_MIN + TCP_HEADER_MIN || at[0] != IP_PLAIN || at[IP_PROTOCOL] != IP_TCP ||
        peek16(at + IP_LENGTH) != len || peek16(at + IP_FRAGMENT) & IP_MORE_OFFSET)
        return false;
    size_t tcp_head = (tcp[DATA_OFFSET] >> 4) * 4u, head = IP_HEADER_MIN + tcp_head;
    if (tcp_head < TCP_HEADER_MIN || head >= len || (tcp[FLAGS] & ~TCP_PSH) != TCP_ACK ||
        !sums_are_good(at, len))
        return false;
    *join = (struct segment_join){.at = at,
                                  .len = len,
                                  .head_len = head,
                                  .size = len - head,
                                  .next = peek32(tcp + SEQ) + (uint32_t)(len - head),
                                  .complete = tcp[FLAGS] & TCP_PSH};
    return true;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

/* All that is not one of the fields that may differ. */
static bool headers_agree(const struct segment_join *join, const uint8_t *ip)
{
    const uint8_t *first = join->at, *a = first + IP_HEADER_MIN, *b = ip + IP_HEADER_MIN;
    return same(first, ip, 0, IP_LENGTH) && same(first, ip, IP_FRAGMENT, IP_CHECKSUM) &&
           same(first, ip, IP_SOURCE, IP_SOURCE + IP_ENDS_LEN) && same(a, b, 0, SEQ) &&
           same(a, b, ACK, FLAGS) && same(a, b, WINDOW, TCP_CHECKSUM_AT) &&
           same(a, b, URGENT, join->head_len - IP_HEADER_MIN);
}

bool segment_continues(struct segment_join *join, const uint8_t *ip, size_t len)
{
    const uint8_t *tcp = ip + IP_HEADER_MIN;
    if (join->complete || len <= join->head_len || len - join->head_len > join->size ||
        join->len + (len - join->head_len) > OFFLOAD_LARGEST || peek16(ip + IP_LENGTH) != len)
        return false;
    if (!headers_agree(join, ip) || peek32(tcp + SEQ) != join->next || (tcp[FLAGS] & ~TCP_PSH) != TCP_ACK ||
        !sums_are_good(ip, len))
        return false;
    size_t text = len - join->head_len;
    join->at[IP_HEADER_MIN + FLAGS] |= tcp[FLAGS];
    join->len += text;
    join->next += (uint32_t)text;
    join->complete = text < join->size || tcp[FLAGS] & TCP_PSH;
    return true;
}

void segment_joined(struct segment_join *join, struct offload *offload)
{
    bool several = join->len > join->head_len + join->size;
    *offload = (struct offload){.segment_size = several ? (uint16_t)join->size : 0, .checksum_good = true};
    if (!several)
        return;
    poke16(join->at + IP_LENGTH, (uint16_t)join->len);
    poke16(join->at + IP_CHECKSUM, 0);
    poke16(join->at + IP_CHECKSUM, checksum_of(join->at, IP_HEADER_MIN));
}
