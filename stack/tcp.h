/* All of one stack's TCP: its beginning, its clock and its end. */
#ifndef GLASS_TCP_H
#define GLASS_TCP_H

#include "tcp_input.h"
#include "tcp_output.h"

void tcp_init(struct tcp *tcp, struct core *core, struct outbox *outbox, struct ports *ports);

/* A timer of the core's wheel expired. */
void tcp_timer_expired(struct tcp *tcp, struct timer *t);

/* Forgets all connections and records without a word to the peers. Sockets are deleted before. */
void tcp_free(struct tcp *tcp);

#endif
