/* RFC 791 3.1, RFC 1122 3.2.1, RFC 7126: the IPv4 header. ip.c parses what arrives, icmp.c what an error
 * quotes; outbox.c and tcp_output.c write headers. Nothing here knows whose address it is: that is ip.c. */
#include "ip_wire.h"
#include "checksum.h"

#define FLAG_DONT_FRAGMENT  0x4000
#define FLAG_MORE_FRAGMENTS 0x2000
#define OFFSET_MASK         0x1fff

#define OPTION_END                 0
#define OPTION_NOP                 1
#define OPTION_LOOSE_SOURCE_ROUTE  131
#define OPTION_STRICT_SOURCE_ROUTE 137

/* Walks the options, RFC 791 3.1. Unknown ones are skipped (RFC 1122 3.2.1.8). Record route and timestamp are
 * skipped too and not filled in: a reply carries no options.
 * Source routes are refused, as RFC 7126 4.3.5 and 4.4.5 advise: RFC 1122 3.2.1.8 (c) has the transport
 * answer along the reversed route, which lets a sender far away speak for an address beside us. */
static bool options_acceptable(struct reader r)
{
    while (reader_left(&r) > 0) {
        uint8_t type = get8(&r);
        if (type == OPTION_END)
            return true;
        if (type == OPTION_NOP)
            continue;
        if (type == OPTION_LOOSE_SOURCE_ROUTE || type == OPTION_STRICT_SOURCE_ROUTE)
            return false;
        uint8_t len = get8(&r); /* counts type and length too */
        if (len < 2)
            return false;
        get_bytes(&r, len - 2u);
    }
    return !r.bad;
}

enum drop ip_parse(const uint8_t *bytes, size_t len, struct ip_packet *p)
{
    if (len < IP_HEADER_MIN)
        return DROP_IP_SHORT;
    struct reader r = reader_of(bytes, len);
    uint8_t version_ihl = get8(&r);
    if (version_ihl >> 4 != 4)
        return DROP_IP_VERSION;
    size_t header_len = (version_ihl & 15u) * 4u;
    *p = (struct ip_packet){.tos = get8(&r)};
    size_t total = get16(&r);
    if (header_len < IP_HEADER_MIN || header_len > len || header_len > total)
        return DROP_IP_HEADER_LENGTH;
    if (total > len)
        return DROP_IP_SHORT;
    if (checksum_of(bytes, header_len) != 0)
        return DROP_IP_CHECKSUM; /* RFC 1122 3.2.1.2 */

    p->id = get16(&r);
    uint16_t flags = get16(&r);
    p->dont_fragment = flags & FLAG_DONT_FRAGMENT;
    p->more_fragments = flags & FLAG_MORE_FRAGMENTS;
    p->offset = (flags & OFFSET_MASK) * 8u;
    p->ttl = get8(&r); /* RFC 1122 3.2.1.7: a host takes what is addressed to it, even at TTL 0 */
    p->protocol = get8(&r);
    get16(&r); /* the checksum, seen above */
    p->src = get32(&r);
    p->dst = get32(&r);
    if (!options_acceptable(reader_of(r.at, header_len - IP_HEADER_MIN)))
        return DROP_IP_OPTIONS;
    p->header = (struct span){bytes, header_len};
    p->body = (struct span){bytes + header_len, total - header_len};
    return DROP_NONE;
}

void ip_fill(uint8_t header[IP_HEADER_MIN], const struct ip_fields *f, size_t body_len)
{
    uint16_t flags = (uint16_t)(f->offset / 8);
    if (f->dont_fragment)
        flags |= FLAG_DONT_FRAGMENT;
    if (f->more_fragments)
        flags |= FLAG_MORE_FRAGMENTS;

    struct writer w = writer_of(header, IP_HEADER_MIN);
    put8(&w, 4 << 4 | IP_HEADER_MIN / 4);
    put8(&w, f->tos);
    put16(&w, (uint16_t)(IP_HEADER_MIN + body_len));
    put16(&w, f->id);
    put16(&w, flags);
    put8(&w, f->ttl);
    put8(&w, f->protocol);
    put16(&w, 0);
    put32(&w, f->src);
    put32(&w, f->dst);
    poke16(header + 10, checksum_of(header, IP_HEADER_MIN));
}
