/* Reads a TCP header wherever one is. The header alone is given a checksum that is right and then goes
 * through the stack's own parser. ladder_model.c and ladder_capture.c call. */
#include "ladder_peek.h"

#include <string.h>

#define FRAGMENT_OFFSET 0x1fff

/* The IPv4 header's part: where TCP's begins, and how long the datagram says it is. */
static bool peek_ip(struct reader *r, struct ladder_peek *out, size_t *segment_len)
{
    uint8_t first = get8(r);
    size_t header_len = (size_t)(first & 15) * 4;
    get8(r);
    size_t total = get16(r);
    get16(r);
    bool is_first = (get16(r) & FRAGMENT_OFFSET) == 0;
    get8(r);
    bool is_tcp = get8(r) == IP_TCP;
    get16(r);
    out->source.addr = get32(r);
    out->destination.addr = get32(r);
    if (r->bad || first >> 4 != 4 || header_len < IP_HEADER_MIN || total < header_len || !is_first || !is_tcp)
        return false;
    get_bytes(r, header_len - IP_HEADER_MIN);
    *segment_len = total - header_len;
    return !r->bad;
}

bool ladder_peek(const uint8_t *bytes, size_t len, struct ladder_peek *out)
{
    static const struct span no_text[2];
    uint8_t head[TCP_HEADER_MAX];
    size_t segment_len;
    struct reader r = reader_of(bytes, len);
    if (!peek_ip(&r, out, &segment_len) || reader_left(&r) < TCP_HEADER_MIN)
        return false;
    size_t head_len = (size_t)(r.at[12] >> 4) * 4;
    if (head_len < TCP_HEADER_MIN || head_len > reader_left(&r) || head_len > segment_len)
        return false;
    memcpy(head, r.at, head_len);
    tcp_checksum(head, head_len, no_text, 2, out->source.addr, out->destination.addr);
    struct ip_packet p = {.src = out->source.addr, .dst = out->destination.addr, .body = {head, head_len}};
    if (tcp_parse(&p, &out->header) != DROP_NONE)
        return false;
    out->header.text = (struct span){0};
    out->source.port = out->header.source;
    out->destination.port = out->header.destination;
    out->len = (uint32_t)(segment_len - head_len);
    return true;
}
