/* SACK at the sender, RFC 2018 5, and D-SACK, RFC 2883: what the peer's blocks say about what is in flight. */
#ifndef GLASS_TCP_SACK_H
#define GLASS_TCP_SACK_H

#include "tcp_flight.h"

/* Marks what the blocks of an acceptable ACK report. Blocks about what was never sent, or inside out, are ignored
 * and counted. */
void sack_input(struct tcp_conn *c, const struct tcp_segment *seg, struct delivery *d);

/* Loss detection by counting, for connections without RACK: RFC 6675 4, IsLost. */
void sack_detect_loss(struct tcp_conn *c);

#endif
