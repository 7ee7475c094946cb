/* TIME-WAIT, RFC 9293 3.6: a small record that answers in place of the connection for 2 MSL.
 *
 * tcp_set_state makes the record; the connection then leaves the table, and is kept only while its owner has
 * something left to read. All records wait equally long, so their order of age is their order of expiry. */
#ifndef GLASS_TCP_TIMEWAIT_H
#define GLASS_TCP_TIMEWAIT_H

#include "tcb.h"

/* False without memory: the connection then just closes, counted. */
bool timewait_enter(struct tcp_conn *c);

struct tcp_timewait *timewait_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote);
void timewait_delete(struct tcp *tcp, struct tcp_timewait *tw, enum rule why);
void timewait_restart(struct tcp *tcp, struct tcp_timewait *tw);

/* Whether a segment is a SYN that may open the connection again, if somebody listens: RFC 9293 3.6.1 MAY-2. */
bool timewait_reopens(const struct tcp *tcp, const struct tcp_timewait *tw, const struct tcp_header *h);

/* Any other segment for a record. *rule is set where another one than the reason's usual decides. */
enum drop timewait_input(struct tcp *tcp, struct tcp_timewait *tw, const struct tcp_header *h, enum rule *rule);

/* Ends the records whose 2 MSL are over. */
void timewait_expire(struct tcp *tcp);

void timewait_free(struct tcp *tcp);

struct endpoint timewait_local(const struct tcp *tcp, const struct tcp_timewait *tw);
struct endpoint timewait_remote(const struct tcp_timewait *tw);

#endif
