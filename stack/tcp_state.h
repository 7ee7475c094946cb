/* The state machine's table and its one door. */
#ifndef GLASS_TCP_STATE_H
#define GLASS_TCP_STATE_H

#include "tcb.h"

/* Whether RFC 9293 (figure 5 and its notes, 3.10) knows the arrow. */
bool tcp_may_change(enum tcp_state from, enum tcp_state to);

/* The only way a connection changes its state: asserts the arrow, tells the observer, runs the entry actions.
 * CLOSED and TIME-WAIT stop every timer and take it out of the table; TIME-WAIT leaves a record behind that lasts
 * 2 MSL. A connection that nobody owns is freed later, by tcb_release. */
void tcp_set_state(struct tcp_conn *c, enum tcp_state next, enum rule why);

/* Ends the connection: its owner is told `error` (errno; 0: in order). With an error, what was received and not
 * yet read is gone (RFC 9293 3.10.7.4: "all segment queues should be flushed"). */
void tcp_end(struct tcp_conn *c, int error, enum rule why);

/* The same with a RST to the peer first, if it knows of the connection (RFC 9293 3.10.5). */
void tcp_reset(struct tcp_conn *c, int error, enum rule why);

#endif
