/* What is in flight, what is lost, what to send again. */
#include "tcp_loss.h"

#include <assert.h>
#include <string.h>

#define FLIGHT_FIRST_ROOM 8

static struct core *core_of(const struct tcp_conn *c)
{
    return c->tcp->core;
}

/* Moves the records to the front of the array, or of a larger one. */
static bool flight_grow(struct flight *f, struct core *core)
{
    if (f->first > f->room / 2) {
        memmove(f->at, f->at + f->first, f->count * sizeof *f->at);
        f->first = 0;
        return true;
    }
    uint32_t room = f->room ? f->room * 2u : FLIGHT_FIRST_ROOM;
    if (room > TCP_FLIGHT_MAX)
        room = TCP_FLIGHT_MAX;
    if (room <= f->count)
        return false;
    struct sent *at = core_alloc(core, room * sizeof *at);
    if (!at)
        return false;
    if (f->count)
        memcpy(at, f->at + f->first, f->count * sizeof *at);
    core_free(core, f->at, f->room * sizeof *at);
    f->at = at;
    f->room = (uint16_t)room;
    f->first = 0;
    return true;
}

bool loss_reserve(struct tcp_conn *c)
{
    struct flight *f = &c->snd.flight;
    return f->first + f->count < f->room || flight_grow(f, core_of(c));
}

void loss_sent(struct tcp_conn *c, uint32_t len, bool pushed)
{
    struct flight *f = &c->snd.flight;
    assert(f->first + f->count < f->room && len > 0);
    f->at[f->first + f->count++] =
        (struct sent){.left = c->snd.nxt, .len = len, .time = core_of(c)->now, .pushed = pushed};
    c->snd.nxt += len;
}

struct sent *loss_next(const struct tcp_conn *c)
{
    const struct flight *f = &c->snd.flight;
    if (f->lost == 0)
        return NULL;
    for (uint16_t i = 0; i < f->count; i++)
        if (f->at[f->first + i].lost)
            return &f->at[f->first + i];
    return NULL;
}

/* Cuts s after its first `len` bytes. */
static struct sent *split(struct tcp_conn *c, struct sent *s, uint32_t len)
{
    struct flight *f = &c->snd.flight;
    size_t i = (size_t)(s - f->at) - f->first;
    if (!loss_reserve(c))
        return NULL;
    s = f->at + f->first + i;
    memmove(s + 1, s, (f->count - i) * sizeof *s);
    f->count++;
    s[0].len = len;
    s[1].left += len;
    s[1].len -= len;
    return s;
}

void loss_extend(struct tcp_conn *c, struct sent *s, uint32_t len)
{
    assert(s->lost && s->left + s->len == c->snd.nxt);
    s->len += len;
    c->snd.flight.lost += len;
    c->snd.nxt += len;
}

bool loss_resent(struct tcp_conn *c, struct sent *s, uint32_t len)
{
    assert(s->lost && len > 0 && len <= s->len);
    if (len < s->len && !(s = split(c, s, len)))
        return false;
    s->lost = false;
    s->resent = true;
    s->time = core_of(c)->now;
    c->snd.flight.lost -= s->len;
    return true;
}

uint32_t loss_pipe(const struct tcp_conn *c)
{
    int64_t pipe = c->snd.nxt - c->snd.una - c->snd.flight.lost;
    if (c->snd.recovery != RECOVERY_TIMEOUT)
        pipe -= (int64_t)c->snd.dup_acks * c->snd.mss;
    return pipe > 0 ? (uint32_t)pipe : 0;
}

static void mark_lost(struct flight *f, struct sent *s)
{
    if (s->lost)
        return;
    s->lost = true;
    f->lost += s->len;
}

static void mark_first_lost(struct tcp_conn *c)
{
    struct flight *f = &c->snd.flight;
    if (f->count)
        mark_lost(f, &f->at[f->first]);
    c->snd.rescue_now = true; /* the hole is repaired at once, whatever cwnd says */
}

static void mark_all_lost(struct tcp_conn *c)
{
    struct flight *f = &c->snd.flight;
    for (uint16_t i = 0; i < f->count; i++)
        mark_lost(f, &f->at[f->first + i]);
}

void loss_resend_all(struct tcp_conn *c)
{
    mark_all_lost(c);
    c->snd.rescue_now = true;
}

static void window_event(struct tcp_conn *c, enum rule rule, const char *why)
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

static void take_sample(struct tcp_conn *c, usec sent_at)
{
    usec sample = core_of(c)->now - sent_at;
    rtt_sample(&c->rtt, &core_of(c)->config, sample);
    if (!core_observed(core_of(c)))
        return;
    struct event e = tcb_event(c, EVENT_RTT);
    e.rule = RULE_RTT_SAMPLE;
    e.u.rtt.sample = sample;
    e.u.rtt.srtt = c->rtt.srtt;
    e.u.rtt.rttvar = c->rtt.rttvar;
    e.u.rtt.rto = c->rtt.rto;
    core_emit(core_of(c), &e);
}

/* Drops the records below SND.UNA. The newest of them gives the round trip, if all it covers was sent but
 * once: RFC 6298 3, Karn's algorithm. */
static void forget_acked(struct tcp_conn *c)
{
    struct flight *f = &c->snd.flight;
    usec sent_at = NEVER;
    bool resent = false;
    while (f->count) {
        struct sent *s = &f->at[f->first];
        int64_t covered = c->snd.una - s->left;
        if (covered <= 0)
            break;
        uint32_t gone = covered < s->len ? (uint32_t)covered : s->len;
        if (s->lost)
            f->lost -= gone;
        resent |= s->resent;
        sent_at = s->time;
        s->left += gone;
        s->len -= gone;
        if (s->len > 0)
            break;
        f->first++;
        f->count--;
    }
    if (f->count == 0)
        f->first = 0;
    if (sent_at != NEVER && !resent)
        take_sample(c, sent_at);
}

static void grow_window(struct tcp_conn *c, int64_t una)
{
    uint32_t before = c->cc.cwnd;
    bool slow_start = cc_in_slow_start(&c->cc);
    /* The window grows only by what was sent while it held us back (RFC 5681 3.1, RFC 7661 3); what
     * acknowledges a SYN does not open it. */
    if (una == 0 || (una >= c->snd.limited_at && c->snd.recovery != RECOVERY_TIMEOUT))
        return;
    uint32_t acked = (uint32_t)(c->snd.una - una);
    if (c->snd.recovery == RECOVERY_TIMEOUT && acked > c->snd.mss)
        acked = c->snd.mss; /* RFC 3465 2.3: after a time-out an ACK may cover what arrived long ago */
    c->cc.ops->on_ack(&c->cc, acked, core_of(c)->now);
    if (c->cc.cwnd != before)
        window_event(c, slow_start ? RULE_SLOW_START : RULE_CONGESTION_AVOIDANCE,
                     slow_start ? "slow start" : "congestion avoidance");
}

/* RFC 6582 3.2 step 3, a partial ACK: the next hole is lost too. Of the duplicate ACKs counted so far, those
 * for the segments now acknowledged have done their work. */
static void partial_ack(struct tcp_conn *c, int64_t una)
{
    uint32_t segments = (uint32_t)((c->snd.una - una + c->snd.mss - 1) / c->snd.mss);
    uint32_t used = segments ? segments - 1 : 0;
    c->snd.dup_acks = (uint16_t)(c->snd.dup_acks > used ? c->snd.dup_acks - used : 0);
    mark_first_lost(c);
}

static void recovered(struct tcp_conn *c)
{
    if (c->snd.recovery == RECOVERY_FAST) {
        c->cc.ops->on_recovered(&c->cc, (uint32_t)(c->snd.nxt - c->snd.una), core_of(c)->now);
        window_event(c, RULE_FAST_RECOVERY, "recovered");
    }
    c->snd.recovery = RECOVERY_NONE;
    c->snd.dup_acks = 0;
}

void loss_on_ack(struct tcp_conn *c, int64_t una)
{
    forget_acked(c);
    if (c->snd.recovery != RECOVERY_FAST) {
        c->snd.dup_acks = 0;
        grow_window(c, una);
    }
    if (c->snd.recovery == RECOVERY_NONE)
        return;
    if (c->snd.una >= c->snd.recover)
        recovered(c);
    else if (c->snd.recovery == RECOVERY_FAST)
        partial_ack(c, una);
}

static void enter_fast_recovery(struct tcp_conn *c)
{
    core_count(core_of(c), COUNT_TCP_FAST_RETRANS);
    c->snd.recovery = RECOVERY_FAST;
    c->snd.recover = c->snd.nxt;
    c->cc.ops->on_loss(&c->cc, (uint32_t)(c->snd.dup_from - c->snd.una), core_of(c)->now);
    mark_first_lost(c);
    window_event(c, RULE_FAST_RETRANSMIT, "fast retransmit");
}

void loss_on_duplicate(struct tcp_conn *c)
{
    core_count(core_of(c), COUNT_TCP_DUP_ACKS_IN);
    if (c->snd.dup_acks == 0)
        c->snd.dup_from = c->snd.nxt;
    /* No more duplicates than segments in flight: inventing them must not open the window. */
    uint32_t most = (uint32_t)((c->snd.nxt - c->snd.una) / c->snd.mss + 1);
    if (c->snd.dup_acks < most && c->snd.dup_acks < UINT16_MAX)
        c->snd.dup_acks++;
    if (c->snd.recovery != RECOVERY_NONE || c->snd.dup_acks < TCP_DUPACK_THRESHOLD)
        return;
    if (c->snd.una > c->snd.recover) /* RFC 6582 3.2 step 2: not again for a window already repaired */
        enter_fast_recovery(c);
}

void loss_on_timeout(struct tcp_conn *c)
{
    core_count(core_of(c), COUNT_TCP_TIMEOUTS);
    bool first = c->snd.retries == 0;
    c->cc.ops->on_rto(&c->cc, (uint32_t)(c->snd.nxt - c->snd.una), first, core_of(c)->now);
    c->snd.recovery = RECOVERY_TIMEOUT;
    c->snd.recover = c->snd.nxt;
    c->snd.dup_acks = 0;
    mark_all_lost(c);
    c->snd.rescue_now = true;
    window_event(c, RULE_RTO_EXPIRED, "timeout");
}

void loss_free(struct tcp_conn *c)
{
    core_free(core_of(c), c->snd.flight.at, c->snd.flight.room * sizeof *c->snd.flight.at);
    c->snd.flight = (struct flight){0};
}
