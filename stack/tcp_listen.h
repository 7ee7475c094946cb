/* LISTEN, RFC 9293 3.10.7.2: one port serves many connections. */
#ifndef GLASS_TCP_LISTEN_H
#define GLASS_TCP_LISTEN_H

#include "tcp_listen_queue.h"
#include "tcp_segment.h"

struct tcp_listener *listen_open(struct tcp *tcp, struct sock *s, uint32_t backlog); /* NULL: no memory */

/* Resets every connection that was not accepted. */
void listen_close(struct tcp_listener *l);

/* The oldest open connection, taken out of the queue, or NULL. */
struct tcp_conn *listen_accept(struct tcp_listener *l);

/* A segment to the port that belongs to no connection. `after`, if not NULL, is the SND.NXT of a TIME-WAIT record that
 * this SYN replaces: the new ISS lies beyond it (RFC 1122 4.2.2.13). */
enum drop listen_input(struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h,
                       const struct wireseq *after);

/* A connection in SYN-RECEIVED made from an ACK that returns a SYN cookie, for the ACK to be processed; or NULL. */
struct tcp_conn *listen_cookie(struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *ack);

/* The initial sequence number of a connection, RFC 6528 3: a 4 us clock plus a keyed hash of both ends. */
uint32_t tcp_iss(const struct core *core, struct endpoint local, struct endpoint remote);

#endif
