/* The state machine's table and its one door: RFC 9293 3.3.2, figure 5. */
#include "tcp_state.h"
#include "tcp_listen_queue.h"
#include "tcp_flight.h"
#include "tcp_rcv.h"
#include "tcp_reply.h"
#include "tcp_snd.h"
#include "tcp_timewait.h"

#include <assert.h>

#define TO(state) (1u << TCP_##state)

/* The legal arrows. CLOSED is reached from everywhere: RST, ABORT, time-out, no memory. */
static const uint16_t arrows[TCP_STATES] = {
    [TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT),
    [TCP_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
    [TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(LISTEN) | TO(CLOSED), /* LISTEN: note 1 */
    [TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED), /* TIME-WAIT: note 2 */
    [TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_LAST_ACK] = TO(CLOSED),
    [TCP_TIME_WAIT] = TO(CLOSED), /* taken by the record, tcp_timewait.c */
};

bool tcp_may_change(enum tcp_state from, enum tcp_state to)
{
    return arrows[from] >> to & 1;
}

static void stop_timers(struct tcp_conn *c)
{
    for (int i = 0; i < TCP_TIMERS; i++)
        c->due[i] = NEVER;
    timer_stop(&c->tcp->core->wheel, &c->timer);
}

/* Nothing more is sent or received; what the owner has still to read stays. */
static void leave_the_wire(struct tcp_conn *c)
{
    struct core *core = c->tcp->core;
    stop_timers(c);
    c->rcv.ack_now = false;
    c->rcv.dup_acks_owed = 0;
    tcb_unmark(c);
    tcb_remove(c);
    listen_queue_leave(c);
    flight_free(c);
    sendq_free(&c->snd.q, core);
    ranges_free(&c->rcv.held, core);
    if (c->rcv.q.head == c->rcv.q.tail)
        ring_free(&c->rcv.q, core);
}

/* An ACK may still be owed, of the FIN that brought us here: it leaves without the connection. */
static void last_ack(struct tcp_conn *c)
{
    if (c->rcv.acked < c->rcv.nxt || c->rcv.ack_now || c->rcv.dup_acks_owed)
        tcp_reply_of(c, TCP_ACK, c->snd.nxt, c->rcv.nxt, rcv_window_field(c, false), RULE_ACK_FIN);
}

/* RFC 4022, by the letter: which transitions tcpAttemptFails and tcpEstabResets count. */
static void count_transition(struct core *core, enum tcp_state from, enum tcp_state next)
{
    bool gone = next == TCP_CLOSED;
    if ((from == TCP_SYN_SENT && gone) || (from == TCP_SYN_RECEIVED && (gone || next == TCP_LISTEN)))
        core_count(core, COUNT_TCP_ATTEMPT_FAILS);
    else if ((from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT) && gone)
        core_count(core, COUNT_TCP_ESTAB_RESETS);
}

void tcp_set_state(struct tcp_conn *c, enum tcp_state next, enum rule why)
{
    enum tcp_state from = c->state;
    assert(tcp_may_change(from, next));
    c->state = (uint8_t)next;
    count_transition(c->tcp->core, from, next);
    if (core_observed(c->tcp->core)) {
        struct event e = tcb_event(c, EVENT_STATE);
        e.rule = why;
        e.u.change.from = from;
        e.u.change.to = next;
        core_emit(c->tcp->core, &e);
    }
    if (next == TCP_TIME_WAIT) {
        last_ack(c);
        leave_the_wire(c);
        timewait_enter(c);
    } else if (next == TCP_CLOSED) {
        leave_the_wire(c);
    }
    sock_signal(c->sock);
}

void tcp_end(struct tcp_conn *c, int error, enum rule why)
{
    c->error = (int16_t)error;
    if (error) {
        c->rcv.q.head = c->rcv.q.tail;
        if (c->sock)
            c->sock->error = error;
    }
    tcp_set_state(c, TCP_CLOSED, why);
}

void tcp_reset(struct tcp_conn *c, int error, enum rule why)
{
    if (c->state != TCP_LISTEN && c->state != TCP_SYN_SENT)
        tcp_reply_of(c, TCP_RST, snd_ack_position(c), 0, 0, why);
    tcp_end(c, error, why);
}
