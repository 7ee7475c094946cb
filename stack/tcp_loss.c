/* When a recovery begins, goes on and ends. */
#include "tcp_loss.h"
#include "tcp_ecn.h"
#include "tcp_rack.h"
#include "tcp_sack.h"
#include "tcp_timestamps.h"

#include <assert.h>

static struct core *core_of(const struct tcp_conn *c)
{
    return c->tcp->core;
}

static const struct stack_config *config_of(const struct tcp_conn *c)
{
    return &c->tcp->core->config;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void loss_window_event(struct tcp_conn *c, enum rule rule, const char *why)
{
    if (!core_observed(core_of(c)))
        return;
    struct event e = tcb_event(c, EVENT_WINDOW);
    e.rule = rule;
    e.u.window.cwnd = c->cc.cwnd;
    e.u.window.ssthresh = c->cc.ssthresh;
    e.u.window.why = why;
    core_emit(core_of(c), &e);
}

/* --- round trips --- */

static void take_sample(struct tcp_conn *c, usec sample, enum rule rule)
{
    rtt_sample(&c->rtt, config_of(c), sample);
    if (!core_observed(core_of(c)))
        return;
    struct event e = tcb_event(c, EVENT_RTT);
    e.rule = rule;
    e.u.rtt.sample = sample;
    e.u.rtt.srtt = c->rtt.srtt;
    e.u.rtt.rttvar = c->rtt.rttvar;
    e.u.rtt.rto = c->rtt.rto;
    core_emit(core_of(c), &e);
}

/* Our own records are finer than a timestamp's milliseconds; where Karn's rule forbids them, the echo still
 * tells which transmission was answered (RFC 7323 4.1). */
static void measure(struct tcp_conn *c, const struct tcp_segment *seg, const struct delivery *d)
{
    if (d->sent_at != NEVER && !d->resent) {
        take_sample(c, core_of(c)->now - d->sent_at, RULE_RTT_SAMPLE);
        return;
    }
    usec echoed = d->acked ? ts_round_trip(c, &seg->header->options) : -1;
    if (echoed >= 0)
        take_sample(c, echoed, RULE_RTT_TIMESTAMP);
}

/* --- undoing what was no loss --- */

static void remember_for_undo(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    assert(f); /* something was lost, so it is in flight */
    f->undo_una = c->snd.una;
    f->undo_cc = c->cc;
    f->undo_resent = 0;
}

static void undo(struct tcp_conn *c, enum rule rule, const char *why)
{
    struct flight *f = c->snd.flight;
    c->cc.cwnd = larger(c->cc.cwnd, f->undo_cc.cwnd);
    c->cc.ssthresh = larger(c->cc.ssthresh, f->undo_cc.ssthresh);
    c->cc.cubic = f->undo_cc.cubic; /* RFC 9438 4.9.2: W_max and its epoch, too */
    f->undo_una = 0;
    f->frto = 0;
    c->snd.recovery = RECOVERY_NONE;
    c->snd.dup_acks = 0;
    core_count(core_of(c), COUNT_TCP_SPURIOUS);
    loss_window_event(c, rule, why);
}

/* Every retransmission of this recovery was reported as needless: nothing had been lost. */
static void undo_if_all_needless(struct tcp_conn *c, const struct delivery *d, uint32_t resent_before)
{
    struct flight *f = c->snd.flight;
    if (!f || !d->duplicate || !f->undo_una || resent_before == 0 || f->undo_resent > 0)
        return;
    c->snd.reordered = true; /* RFC 8985 6.2 step 3 looks only at what was sent once; here the D-SACK tells */
    undo(c, RULE_DSACK_UNDO, "undone, nothing was lost");
}

/* --- fast recovery --- */

/* RFC 5681 3.2: FlightSize without what limited transmit has added since the first duplicate. */
static uint32_t flight_size(const struct tcp_conn *c)
{
    int64_t end = !c->sack_ok && c->snd.dup_acks ? c->snd.dup_from : c->snd.nxt;
    return (uint32_t)(end - c->snd.una);
}

/* What a recovery begins from: FlightSize as if each ACK before this one had been answered at once. Where
 * they are read many at a time, what they acknowledge has been counted off, and what may leave for it still
 * waits; but what a window holds back would wait anyway. */
static uint32_t flight_before(const struct tcp_conn *c, const struct delivery *d)
{
    uint32_t before = c->snd.flight ? c->snd.flight->size : 0, size = flight_size(c);
    int64_t possible = smaller(smaller(c->snd.q.tail - c->snd.una, c->snd.wnd), c->cc.cwnd);
    return larger(size, (uint32_t)smaller(before > d->acked ? before - d->acked : 0, possible));
}

static void mark_first_lost(struct tcp_conn *c)
{
    struct sent *first = flight_first_segment(c);
    if (!first && c->snd.flight && c->snd.flight->count)
        first = flight_at(c->snd.flight, 0); /* no memory to split it: all of it goes again */
    if (first)
        flight_mark_lost(c->snd.flight, first);
    c->snd.rescue_now = true; /* the hole is repaired at once, whatever cwnd says */
}

/* By what losses are found on this connection. */
static enum rule detection(const struct tcp_conn *c)
{
    return !c->sack_ok ? RULE_FAST_RETRANSMIT : config_of(c)->tcp_rack ? RULE_RACK : RULE_SACK_LOSS;
}

static void enter_recovery(struct tcp_conn *c, uint32_t flight_size)
{
    struct flight *f = c->snd.flight;
    remember_for_undo(c);
    core_count(core_of(c), COUNT_TCP_FAST_RETRANS);
    c->snd.recovery = RECOVERY_FAST;
    c->snd.recover = c->snd.nxt;
    f->recover_fs = larger(flight_size, c->snd.mss);
    f->prr_delivered = f->prr_out = 0;
    f->size = 0; /* the next one counts what leaves from here on */
    /* RFC 3168 6.1.2: once for what one window lost and had marked; and CWR tells, whatever the reason. */
    if (c->snd.una >= c->snd.reduced_at) {
        c->cc.ops->on_loss(&c->cc, flight_size, core_of(c)->now);
        c->snd.cwr_owed = c->ecn_ok;
    }
    c->snd.rescue_now = true;
    c->snd.resend_rule = (uint8_t)detection(c);
    loss_window_event(c, detection(c), "fast retransmit");
}

/* Proportional Rate Reduction, RFC 6937 3.1: for each byte delivered, so much may leave that the window ends
 * at ssthresh when the recovery does. */
static void reduce_proportionally(struct tcp_conn *c, const struct delivery *d)
{
    struct flight *f = c->snd.flight;
    uint32_t pipe = flight_pipe(c), ssthresh = c->cc.ssthresh, before = c->cc.cwnd;
    int64_t may_send;
    f->prr_delivered += d->bytes;
    if (pipe > ssthresh) {
        may_send = ((int64_t)f->prr_delivered * ssthresh + f->recover_fs - 1) / f->recover_fs - f->prr_out;
    } else { /* slow start reduction bound */
        int64_t owed = (int64_t)f->prr_delivered - f->prr_out;
        int64_t limit = (owed > d->bytes ? owed : d->bytes) + c->snd.mss;
        may_send = (int64_t)ssthresh - pipe < limit ? (int64_t)ssthresh - pipe : limit;
    }
    c->cc.cwnd = pipe + (may_send > 0 ? (uint32_t)may_send : 0);
    if (c->cc.cwnd != before)
        loss_window_event(c, RULE_PRR, "rate reduction");
}

/* RFC 6582 3.2 step 3, a partial ACK without SACK: the next hole is lost too. Of the duplicate ACKs counted
 * so far, those for the segments now acknowledged have done their work. */
static void partial_ack(struct tcp_conn *c, const struct delivery *d)
{
    uint32_t segments = (d->acked + c->snd.mss - 1) / c->snd.mss;
    uint32_t used = segments ? segments - 1 : 0;
    c->snd.dup_acks = (uint16_t)(c->snd.dup_acks > used ? c->snd.dup_acks - used : 0);
    c->snd.resend_rule = RULE_FAST_RECOVERY;
    c->snd.dup_from = c->snd.nxt; /* what was sent since may draw duplicates of its own */
    mark_first_lost(c);
}

/* What was found lost beyond the point of recovery begins another one. */
static bool recovered(struct tcp_conn *c)
{
    if (c->snd.recovery == RECOVERY_FAST) {
        if (c->sack_ok && config_of(c)->tcp_prr)
            c->cc.cwnd = c->cc.ssthresh; /* RFC 6937 3.1, end of recovery */
        else
            c->cc.ops->on_recovered(&c->cc, (uint32_t)(c->snd.nxt - c->snd.una), core_of(c)->now);
        loss_window_event(c, c->sack_ok ? RULE_RECOVERED_SACK : RULE_RECOVERED, "recovered");
    }
    if (c->snd.reo_persist > 0 && --c->snd.reo_persist == 0) /* RFC 8985 6.2 step 4 */
        c->snd.reo_mult = 1;
    c->snd.recovery = RECOVERY_NONE;
    c->snd.dup_acks = 0;
    return c->snd.flight && c->snd.flight->lost > 0;
}

/* --- after a time-out: F-RTO --- */

/* RFC 5682 2.1: the first ACK after the time-out that covers more than what was sent again suggests that the
 * rest is still on its way: send something new (2b); when that, too, is answered by progress, the time-out
 * was spurious (3b). */
static void frto_on_ack(struct tcp_conn *c, const struct delivery *d, bool duplicate)
{
    struct flight *f = c->snd.flight;
    if (!f || f->frto == 0 || (d->acked == 0 && !duplicate))
        return;
    bool news = d->acked > 0 && c->snd.una < c->snd.recover;
    bool can_send = c->snd.nxt < c->snd.q.tail && c->snd.nxt < c->snd.una + c->snd.wnd;
    if (f->frto == 1 && news && can_send) {
        f->frto = 2;
        c->cc.cwnd = flight_pipe(c) + 2u * c->snd.mss;
        loss_window_event(c, RULE_FRTO_TEST, "new data as a test");
        return;
    }
    if (f->frto == 2 && d->acked > 0) {
        undo(c, RULE_FRTO, "undone, the time-out was spurious");
        return;
    }
    if (f->frto == 2 && c->cc.cwnd > 3u * c->snd.mss) {
        c->cc.cwnd = 3u * c->snd.mss;
        loss_window_event(c, RULE_FRTO_REAL, "the time-out was real");
    }
    f->frto = 0; /* (2a), (3a): it was real */
    flight_mark_older_lost(c, f->frto_at);
}

void loss_on_timeout(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    core_count(core_of(c), COUNT_TCP_TIMEOUTS);
    bool first = c->snd.retries == 0,
         again = c->snd.recovery == RECOVERY_TIMEOUT && c->snd.una < c->snd.recover;
    bool frto = config_of(c)->tcp_frto && !again && c->snd.una > 0 && tcp_synchronized(c);
    if (f->count && flight_at(f, 0)->sacked) /* RFC 2018 8: the receiver reneged */
        flight_forget_sacks(c);
    if (first)
        remember_for_undo(c);
    if (c->snd.una > 0) { /* a lost SYN says little about the path: tcp_input.c, established */
        c->cc.ops->on_rto(&c->cc, (uint32_t)(c->snd.nxt - c->snd.una), first, core_of(c)->now);
        c->snd.cwr_owed = c->ecn_ok; /* RFC 3168 6.1.2: "for any reason" */
    }
    c->snd.recovery = RECOVERY_TIMEOUT;
    c->snd.recover = c->snd.nxt;
    c->snd.dup_acks = 0;
    f->tlp_end = 0;
    f->size = 0;
    f->frto = frto;
    f->frto_at = core_of(c)->now;
    c->snd.resend_rule = RULE_RTO_EXPIRED;
    if (frto)
        mark_first_lost(c);
    else
        loss_resend_all(c, RULE_RTO_EXPIRED);
    if (c->snd.una > 0)
        loss_window_event(c, RULE_RTO_EXPIRED, "timeout");
}

void loss_resend_all(struct tcp_conn *c, enum rule why)
{
    c->snd.resend_rule = (uint8_t)why;
    flight_mark_older_lost(c, NEVER);
    c->snd.rescue_now = true;
}

/* --- every ACK --- */

static enum rule avoidance(const struct tcp_conn *c)
{
    return c->cc.ops == &cc_cubic ? RULE_CUBIC : RULE_CONGESTION_AVOIDANCE;
}

static void grow_window(struct tcp_conn *c, int64_t una, uint32_t acked)
{
    uint32_t before = c->cc.cwnd;
    bool slow_start = cc_in_slow_start(&c->cc);
    if (acked > 0 && snd_fin_acked(c)) /* RFC 5681 3.1 counts bytes: a FIN has a number, but is none */
        acked--;
    /* The window grows only by what was sent while it held us back (RFC 5681 3.1, RFC 7661 3); what
     * acknowledges a SYN does not open it. After a time-out whatever is sent again was held back. */
    if (una == 0 || acked == 0 || (una >= c->snd.limited_at && c->snd.recovery != RECOVERY_TIMEOUT))
        return;
    if (c->snd.recovery == RECOVERY_TIMEOUT && acked > c->snd.mss)
        acked = c->snd.mss; /* RFC 3465 2.3: after a time-out an ACK may cover what arrived long ago */
    c->cc.ops->on_ack(&c->cc, acked, c->rtt.srtt, core_of(c)->now);
    if (c->cc.cwnd != before)
        loss_window_event(c, slow_start ? RULE_SLOW_START : avoidance(c),
                          slow_start ? "slow start" : "congestion avoidance");
}

/* RFC 3168 6.1.2: not by an ACK that echoes a mark. After a time-out it may: the window was reduced, and what
 * is echoed ends only with the CWR of new text, which has to wait. */
static bool may_grow(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return c->snd.recovery == RECOVERY_TIMEOUT || (c->snd.recovery == RECOVERY_NONE && !ecn_echoed(c, seg));
}

static void count_duplicate(struct tcp_conn *c)
{
    core_count(core_of(c), COUNT_TCP_DUP_ACKS_IN);
    if (c->snd.dup_acks == 0)
        c->snd.dup_from = c->snd.nxt;
    /* RFC 5681 3.2: no more than were in flight when they began, or inventing them would open the window. */
    uint32_t most = (uint32_t)((c->snd.dup_from - c->snd.una) / c->snd.mss + 1);
    if (c->snd.dup_acks < most && c->snd.dup_acks < UINT16_MAX)
        c->snd.dup_acks++;
}

/* Without SACK a loss is seen by counting duplicates (RFC 5681 3.2); not again for a window already repaired
 * (RFC 6582 3.2 step 2). */
static void detect_by_duplicates(struct tcp_conn *c)
{
    if (c->snd.recovery == RECOVERY_NONE && c->snd.dup_acks >= TCP_DUPACK_THRESHOLD &&
        c->snd.una > c->snd.recover)
        mark_first_lost(c);
}

/* Marks what this ACK, or the time, shows to be lost. True: there is something new among it. */
static bool detect(struct tcp_conn *c, const struct delivery *d, bool duplicate)
{
    struct flight *f = c->snd.flight;
    rack_adapt(c, d);
    if (!f || f->count == 0)
        return false;
    uint32_t before = f->lost;
    if (!c->sack_ok) {
        if (duplicate)
            detect_by_duplicates(c);
    } else if (config_of(c)->tcp_rack) {
        rack_detect_loss(c);
    } else {
        sack_detect_loss(c);
    }
    return f->lost > before;
}

static void go_on(struct tcp_conn *c, const struct delivery *d, bool found)
{
    if (c->snd.recovery == RECOVERY_NONE && found)
        enter_recovery(c, flight_before(c, d));
    else if (c->snd.recovery == RECOVERY_FAST && d->acked && !c->sack_ok)
        partial_ack(c, d);
    if (c->snd.recovery == RECOVERY_FAST && c->sack_ok && config_of(c)->tcp_prr)
        reduce_proportionally(c, d);
}

void loss_on_ack(struct tcp_conn *c, const struct tcp_segment *seg, int64_t una, bool duplicate)
{
    struct delivery d = {.sent_at = NEVER};
    uint32_t resent_before = c->snd.flight ? c->snd.flight->undo_resent : 0;
    if (c->snd.flight)
        c->snd.flight->fack_before = c->snd.flight->fack;
    flight_acked(c, &d);
    sack_input(c, seg, &d);
    measure(c, seg, &d);
    if (duplicate)
        count_duplicate(c);
    else if (d.acked && c->snd.recovery != RECOVERY_FAST)
        c->snd.dup_acks = 0;
    if (tlp_on_ack(c, seg, &d) && c->snd.recovery == RECOVERY_NONE)
        loss_on_congestion_mark(c, RULE_TAIL_LOSS_REPAIRED,
                                "tail loss repaired"); /* nobody else noticed it */
    if (may_grow(c, seg))
        grow_window(c, una, d.acked);
    frto_on_ack(c, &d, duplicate);
    undo_if_all_needless(c, &d, resent_before);
    bool found = c->snd.recovery != RECOVERY_NONE && c->snd.una >= c->snd.recover && recovered(c);
    if (c->snd.flight && c->snd.flight->frto == 0)
        found |= detect(c, &d, duplicate);
    go_on(c, &d, found);
    if (c->snd.flight && c->snd.flight->count == 0) {
        flight_free(c);
        tcb_timer_stop(c, TCP_TIMER_REORDER); /* nothing is late any more */
    }
}

void loss_on_reorder_timer(struct tcp_conn *c)
{
    struct delivery nothing = {.sent_at = NEVER};
    bool found = detect(c, &nothing, false);
    go_on(c, &nothing, found);
}

bool loss_on_congestion_mark(struct tcp_conn *c, enum rule rule, const char *why)
{
    if (c->snd.recovery != RECOVERY_NONE || c->snd.una <= c->snd.reduced_at)
        return false;
    uint32_t before = c->cc.cwnd;
    c->snd.reduced_at = c->snd.nxt;
    c->cc.ops->on_loss(&c->cc, flight_size(c), core_of(c)->now);
    if (c->cc.cwnd > before) /* a window below the least threshold: no reason to grow */
        c->cc.cwnd = before;
    loss_window_event(c, rule, why);
    return true;
}

void loss_restart_after_idle(struct tcp_conn *c)
{
    uint32_t restart = cc_initial_window(config_of(c), c->snd.mss);
    if (!config_of(c)->tcp_idle_restart || c->snd.sent_at == 0 || c->cc.cwnd <= restart ||
        core_of(c)->now - c->snd.sent_at <= c->rtt.rto)
        return;
    cc_restart(&c->cc, restart);
    loss_window_event(c, RULE_IDLE_RESTART, "restart after idle");
}
