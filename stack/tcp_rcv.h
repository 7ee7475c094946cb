/* The receiving half: what is acceptable, text into the ring, the window to offer, ACKs owed.
 * RFC 9293 3.4, 3.8.6; RFC 5681 4.2. */
#ifndef GLASS_TCP_RCV_H
#define GLASS_TCP_RCV_H

#include "tcp_segment.h"

/* The acceptability test, RFC 9293 table 6. */
bool rcv_acceptable(const struct tcp_conn *c, const struct tcp_segment *seg);

/* Takes the text [position, position + len) into the ring, trimmed to the window; RCV.NXT advances over what is
 * now complete. DROP_NONE, or why it was not kept (the peer sends it again). */
enum drop rcv_text(struct tcp_conn *c, int64_t position, struct span text);

/* RFC 2883 4: text that came although we hold it, to be reported in the next ACK. */
void rcv_note_duplicate(struct tcp_conn *c, int64_t left, int64_t right);

/* Owes an ACK: for text in order, at once when it should not wait (RFC 5681 4.2), otherwise delayed. `segment`: the
 * text of the largest segment that came. */
void rcv_owe_ack(struct tcp_conn *c, uint32_t segment, bool at_once);

/* The user's next bytes; how many. `bytes` NULL: they are thrown away. */
size_t rcv_read(struct tcp_conn *c, void *bytes, size_t len, bool peek);

/* Moves RCV.NXT + RCV.WND to where silly-window avoidance allows it (RFC 9293 3.8.6.2.2); never back. */
void rcv_offer(struct tcp_conn *c);

/* Whether the window opened enough to tell the peer without being asked. */
bool rcv_update_due(const struct tcp_conn *c);

/* The window field of a segment that leaves now; RCV.WND becomes what it says. */
uint16_t rcv_window_field(struct tcp_conn *c, bool syn);

static inline uint32_t rcv_wnd(const struct tcp_conn *c)
{
    return (uint32_t)(c->rcv.adv - c->rcv.nxt);
}

/* Text that the user can read. */
static inline uint32_t rcv_unread(const struct tcp_conn *c)
{
    return ring_used(&c->rcv.q);
}

/* The peer's FIN was reached: nothing more will come. */
static inline bool rcv_fin_taken(const struct tcp_conn *c)
{
    return c->rcv.fin && c->rcv.nxt > c->rcv.fin;
}

/* An ACK is to leave at once, or a duplicate one more; `why` is shown with it. */
static inline void rcv_ack_now(struct tcp_conn *c, enum rule why)
{
    c->rcv.ack_now = true;
    c->rcv.ack_rule = (uint8_t)why;
}

static inline void rcv_duplicate_ack(struct tcp_conn *c, enum rule why)
{
    c->rcv.dup_acks_owed += c->rcv.dup_acks_owed < UINT16_MAX;
    c->rcv.dup_rule = (uint8_t)why;
}

#endif
