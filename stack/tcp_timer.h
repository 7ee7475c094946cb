/* What a connection does when its time comes, RFC 9293 3.10.8. */
#ifndef GLASS_TCP_TIMER_H
#define GLASS_TCP_TIMER_H

#include "tcb.h"

/* The connection's wheel entry expired: runs every deadline that has passed, and arms the entry again. Marks what
 * is to be sent; may free the connection. */
void tcp_timer_run(struct tcp_conn *c);

/* Starts the keep-alive timer of an open connection if its owner wants one, or stops it. */
void tcp_keepalive_arm(struct tcp_conn *c);

#endif
