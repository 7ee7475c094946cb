/* RACK-TLP, RFC 8985: loss found by time, not by counting; and a probe when the tail is silent. Steps 1 to 3 of 6.2,
 * what each delivery teaches, are in tcp_flight.c. */
#ifndef GLASS_TCP_RACK_H
#define GLASS_TCP_RACK_H

#include "tcp_flight.h"

/* 6.2 step 4: the window for reordering adapts. `d`: what this ACK delivered. */
void rack_adapt(struct tcp_conn *c, const struct delivery *d);

/* 6.2 step 5: marks what is lost; starts the reordering timer for what may become so. */
void rack_detect_loss(struct tcp_conn *c);

/* 7.2: whether a probe may be needed, because nothing else would tell of a loss now. */
bool tlp_wanted(const struct tcp_conn *c);

/* 7.2: (re)starts the probe timer, if so. */
void tlp_arm(struct tcp_conn *c);

/* 7.4: was the probe's ACK the sign of a repaired loss? True: the congestion window must pay for it. */
bool tlp_on_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct delivery *d);

#endif
