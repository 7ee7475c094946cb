/* RFC 791 3.1, RFC 9293 3.1, RFC 768, RFC 792: headers for the script runner, by its own arithmetic. */
#include "packet.h"

enum { ICMP = 1, TCP = 6, UDP = 17 };

uint8_t pattern(enum side side, int64_t k)
{
    return (uint8_t)(k * (side == SIDE_PEER ? 7 : 11) + (k >> 8) * 3 + (side == SIDE_PEER ? 0 : 100));
}

/* RFC 1071, sixteen bits at a time. */
static uint32_t sum16(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t pseudo_sum(const struct packet *p, size_t len)
{
    if (p->protocol == ICMP)
        return 0;
    return (p->src >> 16) + (p->src & 0xffff) + (p->dst >> 16) + (p->dst & 0xffff) + p->protocol +
           (uint32_t)len;
}

static void write_ip(struct writer *w, const struct packet *p)
{
    put16(w, 0x4500 | p->tos);
    put16(w, 0); /* total length: poked when known */
    put16(w, 1);
    put16(w, 0x4000);
    put8(w, p->ttl ? p->ttl : 64);
    put8(w, p->protocol);
    put16(w, 0);
    put32(w, p->src);
    put32(w, p->dst);
}

static void write_tcp(struct writer *w, const struct packet *p)
{
    size_t padded = (p->options_len + 3) & ~(size_t)3;
    uint8_t words = p->data_offset ? p->data_offset : (uint8_t)((20 + padded) / 4);
    put16(w, p->sport);
    put16(w, p->dport);
    put32(w, p->seq);
    put32(w, p->ack);
    put8(w, (uint8_t)(words << 4));
    put8(w, p->flags);
    put16(w, p->window);
    put16(w, 0);
    put16(w, p->urgent);
    put_bytes(w, p->options, p->options_len);
    for (size_t i = p->options_len; i < padded; i++)
        put8(w, 0);
}

/* Where the transport checksum stands in its header. */
static size_t checksum_at(uint8_t protocol)
{
    return protocol == TCP ? 16 : protocol == UDP ? 6 : 2;
}

size_t packet_build(const struct packet *p, uint8_t *to, size_t room)
{
    struct writer w = writer_of(to, room);
    write_ip(&w, p);
    if (p->protocol == TCP) {
        write_tcp(&w, p);
    } else if (p->protocol == UDP) {
        put16(&w, p->sport);
        put16(&w, p->dport);
        put16(&w, (uint16_t)(8 + p->payload.len));
        put16(&w, 0);
    } else {
        put8(&w, p->icmp_type);
        put8(&w, p->icmp_code);
        put16(&w, 0);
        put32(&w, p->icmp_rest);
    }
    put_bytes(&w, p->payload.at, p->payload.len);
    if (w.bad)
        return 0;
    size_t len = (size_t)(w.at - to), body = len - 20;
    poke16(to + 2, (uint16_t)len);
    poke16(to + 10, (uint16_t)~sum16(to, 20, 0) ^ p->bad_ip_checksum);
    uint16_t sum = (uint16_t)~sum16(to + 20, body, pseudo_sum(p, body));
    poke16(to + 20 + checksum_at(p->protocol), sum ^ p->bad_checksum);
    return len;
}

static const char *parse_tcp(struct reader *r, struct packet *p)
{
    p->sport = get16(r);
    p->dport = get16(r);
    p->seq = get32(r);
    p->ack = get32(r);
    uint8_t offset = get8(r);
    p->data_offset = offset >> 4;
    p->flags = get8(r);
    p->window = get16(r);
    get16(r);
    p->urgent = get16(r);
    if (r->bad || p->data_offset < 5 || offset & 0x0f)
        return "TCP data offset or reserved bits";
    p->options_len = p->data_offset * 4u - 20;
    const uint8_t *options = get_bytes(r, p->options_len);
    if (!options)
        return "TCP header is cut off";
    memcpy(p->options, options, p->options_len);
    return NULL;
}

static const char *parse_transport(struct reader *r, struct packet *p)
{
    if (p->protocol == TCP)
        return parse_tcp(r, p);
    if (p->protocol == UDP) {
        size_t len = reader_left(r);
        p->sport = get16(r);
        p->dport = get16(r);
        return get16(r) != len || (get16(r), r->bad) ? "UDP length" : NULL;
    }
    if (p->protocol != ICMP)
        return "IPv4 protocol";
    p->icmp_type = get8(r);
    p->icmp_code = get8(r);
    get16(r);
    p->icmp_rest = get32(r);
    return r->bad ? "ICMP header is cut off" : NULL;
}

const char *packet_parse(const uint8_t *bytes, size_t len, struct packet *p)
{
    *p = (struct packet){0};
    if (len < 20 || bytes[0] != 0x45)
        return "IPv4 version or header length";
    if (peek16(bytes + 2) != len)
        return "IPv4 total length";
    if (sum16(bytes, 20, 0) != 0xffff)
        return "IPv4 header checksum";
    struct reader r = reader_of(bytes + 12, 8);
    p->src = get32(&r);
    p->dst = get32(&r);
    p->tos = bytes[1];
    p->ttl = bytes[8];
    p->protocol = bytes[9];
    if (sum16(bytes + 20, len - 20, pseudo_sum(p, len - 20)) != 0xffff)
        return "transport checksum";
    r = reader_of(bytes + 20, len - 20);
    const char *wrong = parse_transport(&r, p);
    if (wrong)
        return wrong;
    if (p->protocol != ICMP && (p->sport == 0 || p->dport == 0))
        return "port 0 on the wire";
    p->payload = (struct span){r.at, reader_left(&r)};
    return NULL;
}
