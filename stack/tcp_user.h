/* The user's calls, RFC 9293 3.10.1 to 3.10.6: OPEN, SEND, RECEIVE, CLOSE, ABORT. (STATUS is stack_each_socket.)
 * socket_open.c, socket_data.c and socket_close.c give them their BSD names. All return 0 or a count, or a negative
 * errno value. */
#ifndef GLASS_TCP_USER_H
#define GLASS_TCP_USER_H

#include "tcb.h"

/* Active OPEN: s->local is bound, s->remote is where to. 0: a SYN is on its way. */
int tcp_open(struct tcp *tcp, struct sock *s);

/* The socket becomes the connection's owner; its options hold from now on. */
void tcp_attach(struct tcp_conn *c, struct sock *s);

/* SEND; urgent: the last byte of these is (RFC 6093). */
int tcp_lend(struct tcp_conn *c, const struct loan *loan);
int64_t tcp_send(struct tcp_conn *c, const void *bytes, size_t len, bool urgent);

/* RECEIVE. 0: the peer closed and all was read. */
int64_t tcp_receive(struct tcp_conn *c, void *bytes, size_t len, bool peek);

/* CLOSE in the sense of 3.10.4, "I have no more to send": the socket may still receive. */
int tcp_close(struct tcp_conn *c);

/* The owner lets go of the connection: CLOSE, and a RST where it would lose data without telling the peer (3.6.1).
 * The connection may be freed. */
void tcp_detach(struct tcp_conn *c);

/* ABORT; the socket's owner lets go as well. */
void tcp_abort(struct tcp_conn *c);

/* The owner will read no more, but keeps the socket. */
void tcp_shut_read(struct tcp_conn *c);

/* What is true of the connection for its owner: SOCK_READABLE ... */
unsigned tcp_events(const struct tcp_conn *c);

#endif
