/* A segment as the state machine sees it: stream positions instead of sequence numbers. */
#ifndef GLASS_TCP_SEGMENT_H
#define GLASS_TCP_SEGMENT_H

#include "tcb.h"

struct tcp_segment {
    int64_t seq, ack;  /* SEG.SEQ, SEG.ACK */
    uint32_t len;      /* SEG.LEN, with SYN and FIN */
    uint32_t wnd;      /* SEG.WND, bytes */
    int64_t up;        /* SEG.UP: the position behind the urgent data */
    uint8_t flags;
    struct span text;
    const struct tcp_header *header;
    const struct ip_packet *packet;
};

/* The header in positions of the connection. */
struct tcp_segment segment_of(const struct tcp_conn *c, const struct ip_packet *p, const struct tcp_header *h);

/* "A segment came", told before it is looked at: for a connection; for none. */
void segment_in_event(struct tcp_conn *c, const struct tcp_segment *seg);
void segment_stranger_event(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h);

/* How many segments its sender made of it: more than one when the device brought them in one piece. */
static inline uint32_t seg_count(const struct tcp_segment *seg)
{
    uint32_t each = seg->packet->segment_size;
    return each && seg->text.len > each ? (uint32_t)((seg->text.len + each - 1) / each) : 1;
}

/* The text of the largest of them. */
static inline uint32_t seg_largest(const struct tcp_segment *seg)
{
    uint32_t each = seg->packet->segment_size;
    return each && seg->text.len > each ? each : (uint32_t)seg->text.len;
}

/* Where the text begins: a SYN comes before it. */
static inline int64_t seg_text(const struct tcp_segment *seg)
{
    return seg->seq + (seg->flags & TCP_SYN ? 1 : 0);
}

#endif
