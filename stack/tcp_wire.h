/* The TCP header and its options, RFC 9293 3.1 and 3.2: bytes <-> fields. */
#ifndef GLASS_TCP_WIRE_H
#define GLASS_TCP_WIRE_H

#include "checksum.h"
#include "event.h"
#include "frame.h"
#include "ip_wire.h"
#include "seq.h"

#define TCP_HEADER_MIN     20
#define TCP_HEADER_MAX     60
#define TCP_SACK_BLOCKS    4

struct tcp_sack_block {
    struct wireseq left, right;
};

struct tcp_options {
    uint16_t mss;  /* 0: not offered */
    bool has_window_scale, sack_permitted, has_timestamps;
    uint8_t window_scale; /* RFC 7323 2.2 */
    uint8_t sack_count;
    uint32_t ts_value, ts_echo; /* RFC 7323 3.2 */
    struct tcp_sack_block sack[TCP_SACK_BLOCKS]; /* RFC 2018 3 */
};

/* A header in host byte order, as on the wire otherwise. */
struct tcp_header {
    uint16_t source, destination; /* ports */
    struct wireseq seq, ack;
    uint8_t flags; /* TCP_SYN ... */
    uint16_t window, urgent;
    struct tcp_options options;
    struct span text;
};

/* Reads and validates the segment that is the body of `p`: lengths, checksum, options, ports. */
enum drop tcp_parse(const struct ip_packet *p, struct tcp_header *h);

/* Writes header and options; returns their length. The checksum is left 0: tcp_checksum fills it. */
size_t tcp_write(const struct tcp_header *h, uint8_t to[TCP_HEADER_MAX]);

#define TCP_CHECKSUM_AT    16 /* offset of the checksum in the header */

/* Fills the checksum field of the header at `head`, over the pseudo-header, the header and the spans of text. */
void tcp_checksum(uint8_t *head, size_t head_len, const struct span *text, int spans, uint32_t src, uint32_t dst);

/* Fills it with the pseudo-header's part alone: a device adds the rest, of each segment that it cuts. */
void tcp_checksum_begin(uint8_t *head, size_t len, uint32_t src, uint32_t dst);

/* What the segment takes of the sequence space, RFC 9293 3.4: text, and one each for SYN and FIN. */
static inline uint32_t tcp_seq_len(const struct tcp_header *h)
{
    return (uint32_t)h->text.len + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN);
}

#endif
