/* Connections at rest: established, with nothing under way in either direction. RFC 9293 3.3.1 names what must be
 * remembered of a connection; of an idle one that is little.
 *
 * Of those that are awake, config.tcp_awake_max may be idle; beyond that the one that has been quiet longest is folded
 * into a record of this kind, and unfolded when a segment or a call of its owner comes. Nobody can tell from outside.
 * The code of the state machine never meets one: tcp_input.c, socket_call.c and stack.c wake it first. */
#ifndef GLASS_TCP_REST_H
#define GLASS_TCP_REST_H

#include "tcb.h"

struct tcp_rest {
    struct table_node node; /* by four-tuple */
    struct tcp_alarm alarm; /* keep-alive's, if its owner wants that */
    struct sock *sock;      /* its owner's, there is always one; it knows both ends */
    uint32_t id, iss, irs;
    uint32_t wl1_back, wl2_back, recover_back, reduced_back; /* how far behind RCV.NXT and SND.UNA these lie */
    uint32_t snd_wnd, snd_max_wnd, snd_bound, resent_total, min_rtt;
    uint32_t rcv_wnd, rcv_bound, ts_recent;
    int64_t una; /* SND.UNA, and SND.NXT: nothing is in flight */
    int64_t nxt; /* RCV.NXT: nothing waits to be read */
    usec sent_at, heard, challenged, ts_recent_at;
    struct cc cc;
    struct rtt rtt;
    uint16_t mss, full;
    int16_t soft_error;
    uint8_t snd_shift, rcv_shift, reo_mult, reo_persist, challenges, syn_resent;
    bool passive, scale_ok, ts_ok, sack_ok, ecn_ok, reordered;
};

/* The connection has had its turn and has nothing to send. It goes to the end of the line of those awake; when that has
 * grown too long the first in it lies down, or goes to the end if it has something under way. `c` may be gone. */
void rest_settled(struct tcp_conn *c);

/* The owner has read. A connection that this leaves with nothing under way asks for a turn, if others crowd it. */
void rest_read(struct tcp_conn *c);

/* The record of that four-tuple, or NULL. */
struct tcp_rest *rest_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote);

/* The connection again; the record is gone. NULL: no memory, nothing changed. */
struct tcp_conn *rest_wake(struct tcp *tcp, struct tcp_rest *r);

/* The same for reading only: a connection that is in no table and no list. */
void rest_show(struct tcp *tcp, const struct tcp_rest *r, struct tcp_conn *view);

/* ABORT without waking, RFC 9293 3.10.5: a RST waits to be sent, the owner is told `error` (errno). Needs no memory
 * but the RST's. */
void rest_abort(struct tcp *tcp, struct tcp_rest *r, int error, enum rule why);

/* Keep-alive's time has come for a record. */
void rest_alarm(struct tcp *tcp, struct timer *t);

/* Drops every record without a word. */
void rest_free(struct tcp *tcp);

#define REST_OF_NODE(n) ((struct tcp_rest *)((char *)(n) - offsetof(struct tcp_rest, node)))

#endif
