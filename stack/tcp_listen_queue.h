/* The two queues of a listener, RFC 9293 3.10.1: half open (SYN-RECEIVED) and open, waiting to be accepted. */
#ifndef GLASS_TCP_LISTEN_QUEUE_H
#define GLASS_TCP_LISTEN_QUEUE_H

#include "tcb.h"

void listen_queue_half(struct tcp_listener *l, struct tcp_conn *c); /* enters, half open */
void listen_queue_open(struct tcp_conn *c);                          /* moves on, open; tells the listener's owner */
void listen_queue_leave(struct tcp_conn *c);                         /* leaves either; fine when in none */

static inline bool listen_queue_full(const struct tcp_listener *l)
{
    return l->half >= l->backlog || l->waiting >= l->backlog;
}

#endif
