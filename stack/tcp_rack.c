/* RACK-TLP, RFC 8985. */
#include "tcp_rack.h"
#include "tcp_timestamps.h"

#define REO_WND_MULT_MAX 255u
#define REO_WND_PERSIST  16       /* recoveries, 6.2 step 4 */
#define TLP_LEAST        MSEC(10) /* on a short path a busy peer is no loss */
#define TLP_ACK_DELAY                                                                                        \
    MSEC(200) /* TLP.max_ack_delay, 7.2: what a lone segment may have to wait for its ACK                    \
               */

static usec now_of(const struct tcp_conn *c)
{
    return c->tcp->core->now;
}

/* "Sent after": by time, then by position (6.2, RACK_sent_after). */
static bool sent_after(usec time_a, int64_t end_a, usec time_b, int64_t end_b)
{
    return time_a > time_b || (time_a == time_b && end_a > end_b);
}

void rack_adapt(struct tcp_conn *c, const struct delivery *d)
{
    if (!d->duplicate)
        return;
    /* A needless retransmission: wait longer, at most once a round trip. */
    if (now_of(c) - c->snd.reo_since < c->rtt.srtt)
        return;
    c->snd.reo_since = now_of(c);
    c->snd.reo_mult = c->snd.reo_mult < REO_WND_MULT_MAX ? (uint8_t)(c->snd.reo_mult + 1) : REO_WND_MULT_MAX;
    c->snd.reo_persist = REO_WND_PERSIST;
}

static usec reordering_window(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    if (!c->snd.reordered) {
        bool enough = f->sacked >= TCP_DUPACK_THRESHOLD * (uint32_t)c->snd.mss;
        if (c->snd.recovery != RECOVERY_NONE || enough)
            return 0;
    }
    usec window = (usec)c->snd.reo_mult * c->snd.min_rtt / 4;
    return window < c->rtt.srtt ? window : c->rtt.srtt;
}

void rack_detect_loss(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    usec wait = 0;
    if (!f || f->rack_time == 0)
        return;
    usec patience = f->rack_rtt + reordering_window(c);
    for (uint16_t i = 0; i < f->count; i++) {
        struct sent *s = flight_at(f, i);
        if (s->sacked || s->lost)
            continue;
        if (!sent_after(f->rack_time, f->rack_end, s->time, s->left + s->len)) {
            if (!s->resent)
                break; /* those behind it left even later */
            continue;
        }
        usec left = s->time + patience - now_of(c);
        if (left <= 0)
            flight_mark_lost(f, s);
        else if (left > wait)
            wait = left;
    }
    if (wait > 0)
        tcb_timer_start(c, TCP_TIMER_REORDER, now_of(c) + wait);
    else
        tcb_timer_stop(c, TCP_TIMER_REORDER);
}

/* 7.2: a probe helps only where nothing else would find the loss sooner. That leaves a recovery to the ACKs
 * of what was sent later; but where all of that has been answered already, the hole's own second
 * transmission, or its ACK, is lost without a sign. So here a probe is armed in fast recovery too, once all
 * holes are filled. */
bool tlp_wanted(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    bool possible = c->tcp->core->config.tcp_tlp && c->sack_ok && f && f->count > 0 && c->snd.una > 0;
    if (!possible || f->lost > 0 || f->tlp_end != 0 || c->snd.probing || c->snd.wnd == 0)
        return false;
    bool reneged = flight_at(f, 0)->sacked; /* RFC 2018 8: the time-out's */
    if (c->snd.recovery == RECOVERY_FAST)
        return !tcb_timer_on(c, TCP_TIMER_REORDER) && !reneged;
    return c->snd.recovery == RECOVERY_NONE && f->sacked == 0;
}

void tlp_arm(struct tcp_conn *c)
{
    if (!tlp_wanted(c)) {
        tcb_timer_stop(c, TCP_TIMER_TAIL_LOSS);
        return;
    }
    usec wait = c->rtt.srtt ? 2 * (usec)c->rtt.srtt : c->tcp->core->config.tcp_rto_initial;
    if (c->rtt.srtt && c->snd.nxt - c->snd.una <= c->snd.mss)
        wait += TLP_ACK_DELAY;
    if (wait < TLP_LEAST)
        wait = TLP_LEAST;
    usec due = now_of(c) + (wait < c->rtt.rto ? wait : c->rtt.rto), rto = c->due[TCP_TIMER_RETRANSMIT];
    tcb_timer_start(c, TCP_TIMER_TAIL_LOSS, due < rto ? due : rto); /* 7.2: in its place, if that is sooner */
}

bool tlp_on_ack(struct tcp_conn *c, const struct tcp_segment *seg, const struct delivery *d)
{
    struct flight *f = c->snd.flight;
    if (!f || f->tlp_end == 0 || seg->ack < f->tlp_end)
        return false;
    bool repaired = f->tlp_is_resend && !d->duplicate;
    f->tlp_end = 0;
    return repaired;
}
