/* The invariants. check_event looks at every event of both stacks, check_step at every connection after each
 * step, check_end at what is left. What the core asserts about itself (tcb_check) comes on top. */
#include "sim.h"
#include "../../stack/tcp_snd.h"
#include "../../stack/tcp_state.h"

#include <stdarg.h>
#include <stdio.h>

void fail(struct sim *sim, const char *format, ...)
{
    if (sim->failure[0])
        return; /* the first one tells */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(sim->failure, sizeof sim->failure, format, args);
    va_end(args);
    if (n <= 0)
        sim->failure[0] = '?';
}

static struct track *track_of(struct sim *sim, unsigned stack, uint32_t id)
{
    struct track *t = &sim->track[stack][id % SIM_TRACKS];
    if (t->id != id)
        *t = (struct track){.id = id};
    return t;
}

/* RFC 9293 figure 5: each arrow starts where the last one ended, and is one the RFC knows. */
static void check_state(struct sim *sim, struct track *t, const struct event *e)
{
    enum tcp_state from = e->u.change.from, to = e->u.change.to;
    if (from != t->state)
        fail(sim, "%s left, but it was in %s", tcp_state_name(from), tcp_state_name(t->state));
    if (!tcp_may_change(from, to))
        fail(sim, "no such transition: %s -> %s", tcp_state_name(from), tcp_state_name(to));
    sim->arrows[from][to]++;
    /* Note 2: one segment that brings FIN and the ACK of our FIN goes by way of FIN-WAIT-2. */
    if (t->turn == sim->turn && t->from == TCP_FIN_WAIT_1 && from == TCP_FIN_WAIT_2 && to == TCP_TIME_WAIT)
        sim->arrows[TCP_FIN_WAIT_1][TCP_TIME_WAIT]++;
    if (t->turn != sim->turn)
        t->from = from;
    t->turn = sim->turn;
    t->state = to;
}

/* What has been offered to us, ever: windows never shrink here, so this is what we may use. */
static void check_in(struct sim *sim, struct track *t, const struct event *e)
{
    if (sim->hearing_damage)
        fail(sim, "a damaged packet passed the checksums");
    bool ack = e->u.segment.header->flags & TCP_ACK;
    int64_t edge = (ack ? e->u.segment.ack : 1) + e->u.segment.window;
    if (edge > t->edge && !(e->u.segment.header->flags & TCP_RST))
        t->edge = edge;
}

/* Nothing beyond the window; of a closed one, a single unit may ask whether it opened (RFC 9293 3.8.6.1). */
static void check_out(struct sim *sim, const struct track *t, const struct event *e)
{
    uint8_t flags = e->u.segment.header->flags;
    uint32_t units = e->u.segment.len + !!(flags & TCP_FIN);
    int64_t right = e->u.segment.seq + units;
    if (flags & TCP_SYN || units == 0 || right <= t->edge)
        return;
    if (right == t->edge + 1 && units == 1)
        return;
    fail(sim, "sent %lld:%lld, the window ends at %lld", (long long)e->u.segment.seq, (long long)right,
         (long long)t->edge);
}

void check_event(void *context, const struct event *e)
{
    struct sim *sim = context;
    unsigned stack = e->local.addr == sim->config[1].addr;
    if (sim->trace)
        ladder(sim, stack, e);
    if (e->kind == EVENT_SEGMENT_IN && ++sim->heard > 1)
        fail(sim, "one segment is told of twice");
    if (!e->connection)
        return;
    struct track *t = track_of(sim, stack, e->connection);
    if (e->kind == EVENT_STATE)
        check_state(sim, t, e);
    else if (e->kind == EVENT_SEGMENT_IN)
        check_in(sim, t, e);
    else if (e->kind == EVENT_SEGMENT_OUT)
        check_out(sim, t, e);
}

/* A timer that was set is one that will fire. */
static void check_timers(struct sim *sim, const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    enum tcp_timer which;
    usec due = tcb_timer_earliest(c, &which);
    bool waits = s->una < s->nxt || snd_pending(c);
    bool watched = tcb_timer_on(c, TCP_TIMER_RETRANSMIT) || tcb_timer_on(c, TCP_TIMER_PERSIST);
    if (waits && !watched)
        fail(sim, "#%u waits in %s without a timer", c->id, tcp_state_name(c->state));
    if (due != NEVER && (!timer_running(&c->alarm.timer) || c->alarm.timer.due > due))
        fail(sim, "#%u: the wheel does not know of its %s timer", c->id, tcp_timer_name(which));
    if (c->rcv.acked < c->rcv.nxt && c->state != TCP_SYN_SENT && !tcb_timer_on(c, TCP_TIMER_DELAYED_ACK))
        fail(sim, "#%u owes an ACK and has no timer for it", c->id);
}

static void check_conn(struct sim *sim, unsigned stack, const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    const struct track *t = track_of(sim, stack, c->id);
    tcb_check(c);
    if (!(s->una <= s->nxt && (s->nxt <= s->una + s->max_wnd + 1 || !tcp_synchronized(c))))
        fail(sim, "#%u: SND.UNA %lld, SND.NXT %lld, largest window %u", c->id, (long long)s->una,
             (long long)s->nxt, s->max_wnd);
    if (t->state != c->state)
        fail(sim, "#%u is in %s, its events say %s", c->id, tcp_state_name(c->state),
             tcp_state_name(t->state));
    check_timers(sim, c);
}

void check_step(struct sim *sim)
{
    for (unsigned i = 0; i < 2; i++) {
        if (!sim->up[i])
            continue;
        const struct tcp *tcp = &sim->stack[i].tcp;
        if (tcp->out_first)
            continue; /* has more to say before it sleeps */
        for (struct table_node *n = NULL; (n = table_walk(&tcp->conns, n));)
            check_conn(sim, i, CONN_OF_NODE(n));
    }
}

/* A link that loses nothing needs nothing sent twice; but probes are sent again by design (RFC 9293 3.8.6.1,
 * RFC 8985 7.3), and a SYN when the peer's queue was full. */
static void check_needless(struct sim *sim, unsigned i)
{
    const uint64_t *count = sim->stack[i].core.counter;
    if (sim->stack[1 - i].core.dropped[DROP_TCP_BACKLOG])
        return;
    uint64_t probes = count[COUNT_TCP_PROBES] + count[COUNT_TCP_TAIL_PROBES];
    if (sim->fault_free && sim->plain && count[COUNT_TCP_RETRANS] > probes)
        fail(sim, "%c sent %llu segments again on a link without a fault", "AB"[i],
             (unsigned long long)(count[COUNT_TCP_RETRANS] - probes));
}

void check_end(struct sim *sim)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct stack *s = &sim->stack[i];
        if (!sim->up[i])
            continue;
        if (stack_open_connections(s) || s->tcp.timewaits.count)
            fail(sim, "%c ends with %u connections and %u TIME-WAIT records", "AB"[i],
                 stack_open_connections(s), s -> tcp.timewaits.count);
        if (s->socks.count)
            fail(sim, "%c ends with %u sockets", "AB"[i], s -> socks.count);
        for (uint32_t k = 0; k < SIM_TRACKS; k++)
            if (sim->track[i][k].state != TCP_CLOSED)
                fail(sim, "%c #%u ends in %s", "AB"[i], sim -> track[i][k].id,
                     tcp_state_name(sim->track[i][k].state));
        check_needless(sim, i);
    }
}
