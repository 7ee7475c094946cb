/* What an ACK, a duplicate or a silence means for what is in flight: RFC 5681 3.2, RFC 6582, RFC 6675, RFC 8985,
 * RFC 6937, RFC 5682.
 *
 * tcp_flight.c knows what is outstanding, tcp_sack.c and tcp_rack.c what of it is lost; here it is decided when a
 * recovery begins and ends and how much may leave meanwhile. The congestion control (cc.h) says how far to slow down,
 * tcp_output.c sends. */
#ifndef GLASS_TCP_LOSS_H
#define GLASS_TCP_LOSS_H

#include "tcp_flight.h"

/* An acceptable ACK came; SND.UNA was `una` and has been moved. `duplicate`: in the sense of RFC 5681 2. */
void loss_on_ack(struct tcp_conn *c, const struct tcp_segment *seg, int64_t una, bool duplicate);

/* The retransmission timer expired. */
void loss_on_timeout(struct tcp_conn *c);

/* The reordering timer expired: what was given time to arrive has not. */
void loss_on_reorder_timer(struct tcp_conn *c);

/* All that is outstanding is to be sent again, without blame on the network: a probed window opened, the path takes
 * only smaller segments, or our SYN must travel again as SYN,ACK. */
void loss_resend_all(struct tcp_conn *c, enum rule why);

/* The peer echoed a congestion mark (RFC 3168 6.1.2), or a tail loss probe repaired a loss (RFC 8985 7.4): slow down
 * once a round trip. False: this round trip has paid already. */
bool loss_on_congestion_mark(struct tcp_conn *c, enum rule rule, const char *why);

/* Tells the observer what cwnd and ssthresh are now, and why. */
void loss_window_event(struct tcp_conn *c, enum rule rule, const char *why);

/* RFC 5681 4.1: the connection sends again after a silence longer than a time-out. */
void loss_restart_after_idle(struct tcp_conn *c);

#endif
