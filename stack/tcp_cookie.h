/* SYN cookies, RFC 4987 3.6: when the queue of half-open connections is full, what a SYN said travels in our sequence
 * number and timestamp, and comes back with the peer's ACK. Nothing is kept meanwhile.
 *
 *     sequence number   5 bits: 64-second period   3 bits: MSS   24 bits: keyed hash of all that and both ends
 *     timestamp         low 6 bits: window scale (15: none), SACK, ECN */
#ifndef GLASS_TCP_COOKIE_H
#define GLASS_TCP_COOKIE_H

#include "tcp_segment.h"

/* Answers a SYN by a SYN,ACK that carries a cookie; `buffer`: bytes the connection will have to receive. */
void cookie_send(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *syn, uint32_t buffer);

/* Whether the ACK returns a cookie of ours, not older than two periods; then *syn is what its sender's SYN had said. */
bool cookie_check(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *ack, struct tcp_header *syn);

#endif
