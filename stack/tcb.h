/* The transmission control block, RFC 9293 3.3.1, and what all connections of one stack share.
 *
 * Variables carry the RFC's names; all sequence variables are stream positions (seq.h): ISS and IRS are position
 * 0 of their direction. tcb_check states the invariants and is run at the end of each verb. */
#ifndef GLASS_TCB_H
#define GLASS_TCB_H

#include "cc.h"
#include "outbox.h"
#include "port.h"
#include "ranges.h"
#include "ring.h"
#include "rtt.h"
#include "sendq.h"
#include "seq.h"
#include "sock.h"
#include "table.h"
#include "tcp_peers.h"
#include "timewaits.h"
#include "tcp_wire.h"

/* One transmission that is not yet acknowledged: [left, left + len) left at `time`. In order, without gaps, they
 * cover [SND.UNA, SND.NXT). */
struct sent {
    int64_t left;
    usec time;    /* of the last time */
    uint32_t len;
    bool lost;    /* believed lost, not yet sent again */
    bool sacked;  /* RFC 2018: the peer holds it */
    bool resent;  /* more than once on the wire: no RTT sample (Karn) */
};

enum recovery {
    RECOVERY_NONE,
    RECOVERY_FAST,    /* from the first loss found to the ACK of all that was in flight then */
    RECOVERY_TIMEOUT, /* after the retransmission timer */
};

/* Everything about what is in flight; exists only while something is. The records are an array whose front moves
 * as ACKs come in. */
struct flight {
    struct sent *at;
    uint16_t first, count, room;
    uint32_t lost, sacked; /* bytes of records so marked; a record is not both */
    int64_t fack_before;   /* fack as it was before the ACK at hand */
    int64_t fack;          /* the highest position sacked or acknowledged */
    /* RACK, RFC 8985 5.2 */
    usec rack_time;       /* RACK.xmit_ts: when the newest delivered transmission left */
    int64_t rack_end;     /* RACK.end_seq */
    usec rack_rtt;        /* RACK.rtt */
    uint32_t size;        /* FlightSize, RFC 5681 2, when something new last left in good order, since the last loss */
    int64_t tlp_end;      /* TLP.end_seq: a tail loss probe is out; 0: none */
    bool tlp_is_resend;   /* TLP.is_retrans */
    /* PRR, RFC 6937 3 */
    uint32_t prr_delivered, prr_out, recover_fs;
    /* to take back what turns out to have been no loss: RFC 5682, RFC 2883 */
    struct cc undo_cc;    /* the congestion control as it was before */
    int64_t undo_una;     /* where this recovery began; 0: nothing to undo */
    uint32_t undo_resent; /* retransmissions of this recovery that no D-SACK has called needless */
    struct flight *next_spare;
    usec frto_at;         /* when that time-out was */
    uint8_t frto;         /* RFC 5682: 0 off, 1 first segment sent again, 2 new data sent */
};

/* una <= nxt; ring holds [max(una, 1), tail); nxt <= tail, or tail + 1 once the FIN was sent. */
struct tcp_snd {
    int64_t una, nxt;      /* SND.UNA, SND.NXT */
    int64_t wl1, wl2;      /* SND.WL1 (a position of the peer's), SND.WL2 */
    int64_t up;            /* SND.UP: the position behind the last urgent byte; 0: none */
    uint32_t wnd, max_wnd; /* SND.WND, and the largest ever offered (RFC 9293 3.8.6.2.1, RFC 5961 5.2) */
    struct sendq q;        /* text: unacknowledged, then unsent */
    struct flight *flight; /* NULL: nothing is outstanding */
    int64_t recover;       /* RFC 6582 3.2, RFC 6675 RecoveryPoint */
    int64_t limited_at;    /* up to here the congestion window was what held us back */
    int64_t reduced_at;    /* SND.NXT when an ECN mark or a tail loss last slowed us down */
    int64_t dup_from;      /* SND.NXT at the first duplicate ACK: what limited transmit adds lies beyond */
    usec progress;         /* since when the peer owes us an answer; R2 counts from here */
    usec sent_at;          /* when text last left: RFC 5681 4.1 */
    int64_t user_mark;     /* RFC 5482: this position is to be acknowledged ... */
    usec user_since;       /* ... within the user timeout from here */
    uint32_t bound;        /* of the ring, bytes */
    uint32_t resent_total; /* segments sent again so far */
    uint32_t min_rtt;      /* the smallest seen, microseconds; 0: none yet */
    usec reo_since;        /* RACK.reo_wnd was last widened at */
    uint16_t mss;          /* Eff.snd.MSS, RFC 9293 3.7.1; options come off it */
    uint16_t dup_acks;
    uint8_t reo_mult;      /* RACK.reo_wnd_mult, from 1 */
    uint8_t reo_persist;   /* RACK.reo_wnd_persist: recoveries until it is 1 again */
    bool reordered;        /* RACK.reordering_seen */
    uint8_t shift;         /* Snd.Wind.Shift, RFC 7323 2.3 */
    uint8_t recovery;      /* enum recovery */
    uint8_t retries;       /* expiries of the running timer in a row */
    bool fin;              /* the user closed: a FIN stands at q.tail */
    bool probing;          /* a byte was sent into a closed window */
    bool partial;          /* this recovery has had its first partial ACK */
    bool cwr_owed;         /* RFC 3168 6.1.2: the next new segment says that we slowed down */
    bool probe_now, override_now, keepalive_now, rescue_now, tlp_now;
    uint8_t resend_rule;   /* enum rule: why what is lost is believed to be */
};

/* head <= nxt <= adv; the ring holds [head, nxt) to be read and, further on, what `held` says. */
struct tcp_rcv {
    int64_t nxt;   /* RCV.NXT */
    int64_t adv;   /* RCV.NXT + RCV.WND as last offered: never taken back */
    int64_t up;    /* RCV.UP; 0: none */
    int64_t fin;   /* where the peer's FIN stands; 0: not seen */
    int64_t acked; /* Last.ACK.sent, RFC 7323 4.3 */
    struct ring q;
    struct ranges held;     /* text beyond RCV.NXT */
    struct range duplicate; /* RFC 2883: what came twice, for the next ACK; empty: nothing */
    int64_t rate_from;      /* the read position, and ... */
    usec rate_since;        /* ... the time at which the measured round began */
    uint32_t bound;         /* of the ring, bytes */
    uint32_t ts_recent;     /* TS.Recent */
    usec ts_recent_at;      /* when it was set; NEVER: not yet */
    uint16_t dup_acks_owed;
    uint16_t full; /* the largest text of one segment so far: what "full-sized" means to this peer */
    uint8_t shift; /* Rcv.Wind.Shift */
    bool ack_now;
    bool shut; /* the user reads no more: text is acknowledged and thrown away */
    uint8_t ack_rule, dup_rule; /* enum rule: why ack_now is set, and dup_acks_owed */
    bool ce;   /* RFC 3168 6.1.3: congestion was experienced, the ACKs say so until CWR comes */
};

struct tcp;
struct tcp_listener;

/* A wheel entry, of a connection or of a record of one at rest. */
struct tcp_alarm {
    struct timer timer; /* first member */
    bool of_rest;
};

struct tcp_conn {
    struct table_node node; /* by four-tuple */
    struct tcp_alarm alarm; /* one wheel entry, at or before the earliest of due[] */
    struct tcp_conn *out_next, **out_link; /* marked: tcp_output will ask it for segments */
    struct tcp_conn *wait_next, **wait_link; /* in its listener's queue, until accepted; then in the line of those awake */
    struct tcp *tcp;
    struct sock *sock;             /* NULL: not accepted yet, or its owner let go */
    struct tcp_listener *listener; /* until accepted */
    struct endpoint local, remote;
    uint32_t id; /* in events, from 1 */
    uint32_t iss, irs;
    uint8_t state; /* enum tcp_state; assigned by tcp_set_state alone */
    bool passive;  /* came from LISTEN */
    uint8_t syn_resent; /* how often our SYN timed out: RFC 6298 5.7, RFC 6928 2 */
    bool in_table, orphan;
    bool open_queue;     /* which of its listener's queues it waits in */
    bool in_line;        /* of those awake, tcp_rest.h */
    uint8_t keepalive_sent;
    bool scale_ok, ts_ok, sack_ok, ecn_ok; /* both ends offered it */
    uint8_t challenges;          /* challenge ACKs left in this interval, RFC 5961 7 */
    int16_t soft_error; /* RFC 5461: reported if the connection times out */
    int16_t error;      /* why it ended, errno; 0: in order */
    uint32_t ts_offset;  /* of our timestamp clock, RFC 7323 5.4 */
    usec challenged;     /* when that interval began */
    usec heard;         /* when the peer last sent something acceptable */
    usec due[TCP_TIMERS]; /* deadlines, NEVER when off */
    struct tcp_snd snd;
    struct tcp_rcv rcv;
    struct rtt rtt;
    struct cc cc;
};

struct tcp_listener {
    struct tcp *tcp;
    struct sock *sock;
    struct tcp_conn *half_first;                   /* in SYN-RECEIVED */
    struct tcp_conn *accept_first, **accept_last;  /* open, waiting to be accepted */
    uint32_t half, waiting, backlog;
};

/* All of one stack's TCP. */
struct tcp {
    struct core *core;
    struct outbox *outbox;
    struct ports *ports;
    struct table conns;
    struct tcp_conn *latest; /* heard last: segments come in trains, and the next is probably its, too */
    struct timewaits timewaits; /* all wait equally long: by age is in order of expiry */
    struct timer tw_timer;      /* of the oldest */
    struct tcp_conn *out_first, **out_last;
    struct table resting;                    /* tcp_rest.h */
    struct tcp_conn *line_first, **line_last; /* open connections that are awake, the one quiet longest first */
    uint32_t line_count;
    uint32_t open; /* connections in conns and resting */
    uint32_t next_id;
    usec challenged; /* when the second began in which ... */
    uint32_t challenges; /* ... so many challenge ACKs may still be sent */
    struct table peers;             /* how many connections each address has */
    usec cookie_time;               /* when the last SYN cookie left, RFC 4987 */
    bool cookies_sent;
    uint32_t spare_count;
    struct flight *spare;           /* kept for the next connection that sends */
};

/* Whose options hold: the owner's, before that the listener's. */
static inline const struct sock *tcb_owner(const struct tcp_conn *c)
{
    return c->sock ? c->sock : c->listener ? c->listener->sock : NULL;
}

#define CONN_OF_TIMER(t) ((struct tcp_conn *)((char *)(t) - offsetof(struct tcp_conn, alarm)))
#define CONN_OF_NODE(n)  ((struct tcp_conn *)((char *)(n) - offsetof(struct tcp_conn, node)))

/* How many segments so much text is. */
static inline uint32_t tcb_segments(const struct tcp_conn *c, int64_t len)
{
    return (uint32_t)((len + c->snd.mss - 1) / c->snd.mss);
}

/* The FIN's position, once the user has closed. */
static inline int64_t snd_fin(const struct tcp_conn *c)
{
    return c->snd.q.tail;
}

static inline bool snd_fin_sent(const struct tcp_conn *c)
{
    return c->snd.fin && c->snd.nxt > snd_fin(c);
}

static inline bool snd_fin_acked(const struct tcp_conn *c)
{
    return c->snd.fin && c->snd.una > snd_fin(c);
}

/* Handshake done in our direction: the peer knows our ISS. */
static inline bool tcp_synchronized(const struct tcp_conn *c)
{
    return c->state >= TCP_ESTABLISHED;
}

void tcb_check(const struct tcp_conn *c);

/* An event about this connection, with all that is common filled in. */
struct event tcb_event(const struct tcp_conn *c, enum event_kind kind);

/* A packet of this connection, or a part of it, is thrown away: counted and told. */
void tcb_drop(const struct tcp_conn *c, enum drop why, const uint8_t *packet, size_t len);

/* Tells that a timer was set, stopped or (EVENT_TIMER_FIRED) has fired. `why` RULE_NONE: by its own rule. */
void tcb_emit_timer_event(const struct tcp_conn *c, enum tcp_timer which, enum event_kind kind, enum rule why);

static inline void tcb_timer_event(const struct tcp_conn *c, enum tcp_timer which, enum event_kind kind, enum rule why)
{
    if (core_observed(c->tcp->core))
        tcb_emit_timer_event(c, which, kind, why);
}

/* Asks for the connection's turn in tcp_output. */
void tcb_mark(struct tcp_conn *c);
void tcb_unmark(struct tcp_conn *c);

/* Deadlines: due[which] is the truth; the wheel entry may be earlier and then finds nothing to do. */
void tcb_timer_start(struct tcp_conn *c, enum tcp_timer which, usec due);
void tcb_timer_end(struct tcp_conn *c, enum tcp_timer which); /* one that is on */
usec tcb_timer_earliest(const struct tcp_conn *c, enum tcp_timer *which); /* NEVER: none */

static inline bool tcb_timer_on(const struct tcp_conn *c, enum tcp_timer which)
{
    return c->due[which] != NEVER;
}

static inline void tcb_timer_stop(struct tcp_conn *c, enum tcp_timer which)
{
    if (tcb_timer_on(c, which))
        tcb_timer_end(c, which);
}

/* The key of a four-tuple in the tables. */
uint32_t tcb_hash(const struct core *core, struct endpoint local, struct endpoint remote);

/* The four-tuple's connection, or NULL. */
struct tcp_conn *tcb_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote);

/* A connection in state CLOSED, or NULL without memory; in no table yet. */
struct tcp_conn *tcb_new(struct tcp *tcp, struct endpoint local, struct endpoint remote);

/* Enters it in the table of connections. False: no memory. */
bool tcb_insert(struct tcp_conn *c);
void tcb_remove(struct tcp_conn *c);
void tcb_unlist(struct tcp_conn *c); /* it cannot be found any more; it still counts, for its record at rest */

/* The line of those awake: to its end, from wherever it was; out of it. */
void tcb_join_line(struct tcp_conn *c);
void tcb_leave_line(struct tcp_conn *c);

/* Gives the memory back when nobody needs the connection any more: CLOSED, and no socket holds it. True if so. */
bool tcb_release(struct tcp_conn *c);

#endif
