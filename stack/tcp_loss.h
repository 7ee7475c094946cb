/* What is in flight, what of it is lost, what to send again: RFC 6298 5, RFC 5681 3.2, RFC 6582 (NewReno).
 *
 * tcp_loss answers "what is missing"; the congestion control (cc.h) "how much may be in flight"; tcp_output.c sends. */
#ifndef GLASS_TCP_LOSS_H
#define GLASS_TCP_LOSS_H

#include "tcp_segment.h"

/* Room to record one more transmission (allocates). False: do not send now. */
bool loss_reserve(struct tcp_conn *c);

/* [SND.NXT, SND.NXT + len) leaves for the first time; SND.NXT advances. After loss_reserve. */
void loss_sent(struct tcp_conn *c, uint32_t len, bool pushed);

/* The first transmission that is believed lost, or NULL. */
struct sent *loss_next(const struct tcp_conn *c);

/* Adds `len` new bytes to a lost transmission that is the last one, so that both leave in one segment; SND.NXT
 * advances. */
void loss_extend(struct tcp_conn *c, struct sent *s, uint32_t len);

/* The first `len` bytes of a lost transmission leave again. False: no room to split its record; do not send. */
bool loss_resent(struct tcp_conn *c, struct sent *s, uint32_t len);

/* Bytes believed to be in the network: what is outstanding, less what is lost, less a segment for each duplicate
 * ACK (each says that one has arrived: RFC 5681's inflation of cwnd, seen from the other side). */
uint32_t loss_pipe(const struct tcp_conn *c);

/* An ACK moved SND.UNA from `una` to where it is now: forgets what it covers, samples the round trip (Karn's rule),
 * lets the window grow or repairs the next hole. */
void loss_on_ack(struct tcp_conn *c, int64_t una);

/* A duplicate ACK, RFC 5681 2. */
void loss_on_duplicate(struct tcp_conn *c);

/* The retransmission timer expired. */
void loss_on_timeout(struct tcp_conn *c);

/* All that is outstanding is to be sent again, without blame on the network: a probed window opened, or our SYN
 * must travel again as SYN,ACK. */
void loss_resend_all(struct tcp_conn *c);

void loss_free(struct tcp_conn *c);

#endif
