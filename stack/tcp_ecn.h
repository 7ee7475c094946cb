/* Explicit congestion notification, RFC 3168 6.1. What the two ends agreed in their SYNs is tcp_options.c's. */
#ifndef GLASS_TCP_ECN_H
#define GLASS_TCP_ECN_H

#include "tcp_segment.h"

/* Notes a mark on the datagram, or the peer's word that it has slowed down. */
void ecn_received(struct tcp_conn *c, const struct tcp_segment *seg);

/* Whether the segment echoes a mark to us; in a SYN,ACK the same bit means "agreed". */
bool ecn_echoed(const struct tcp_conn *c, const struct tcp_segment *seg);

/* ECE while a mark is to be echoed, CWR once on new text after we slowed down. */
uint8_t ecn_flags(struct tcp_conn *c, bool new_text);

/* The IPv4 ECN bits: ECT(0) on new text; a retransmission, an ACK or a probe must not be marked (6.1.4 to 6.1.6). */
uint8_t ecn_codepoint(const struct tcp_conn *c, bool new_text);

#endif
