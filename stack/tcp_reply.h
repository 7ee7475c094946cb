/* Segments without a connection behind them: RST to strangers (RFC 9293 3.10.7.1) and ACKs of TIME-WAIT. They wait
 * in the outbox. */
#ifndef GLASS_TCP_REPLY_H
#define GLASS_TCP_REPLY_H

#include "tcb.h"

/* Answers a segment that should not have come: <SEQ=SEG.ACK><CTL=RST> if it had an ACK, otherwise
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. Never answers a RST. `rule` is why, here and below. */
void tcp_reply_rst(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h, enum rule rule);

/* A segment without text from local to remote: its whole header, options included. */
void tcp_reply_header(struct tcp *tcp, struct endpoint local, struct endpoint remote, const struct tcp_header *h,
                      enum rule rule);

/* The same for a connection that will not send it itself: a RST, or the last ACK before TIME-WAIT. Positions. */
void tcp_reply_of(const struct tcp_conn *c, uint8_t flags, int64_t seq, int64_t ack, uint16_t window, enum rule rule);

/* The budgets of ACKs that nobody waits for, RFC 5961 7: of one connection, ten in five seconds; of the stack, a
 * number each second that is partly random, or counting would tell a stranger what others were sent. */
bool challenge_connection(struct tcp_conn *c);
bool challenge_stack(struct tcp *tcp);

#endif
