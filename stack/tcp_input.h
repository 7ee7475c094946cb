/* SEGMENT ARRIVES, RFC 9293 3.10.7. */
#ifndef GLASS_TCP_INPUT_H
#define GLASS_TCP_INPUT_H

#include "icmp_error.h"
#include "tcp_listen.h"

/* A datagram of protocol 6 for us. Changes state and marks; sends nothing itself. */
void tcp_input(struct tcp *tcp, const struct ip_packet *p);

/* An ICMP error that quotes a segment of ours. Believed only if its sequence number is in flight (RFC 5927 4.1);
 * false when it quotes nothing that is. */
bool tcp_icmp_error(struct tcp *tcp, const struct icmp_error *e);

#endif
