/* The sending half of a connection. */
#include "tcp_snd.h"
#include "tcp_flight.h"
#include "tcp_options.h"

#include <assert.h>
#include <errno.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void snd_acknowledged(struct tcp_conn *c, int64_t ack)
{
    struct tcp_snd *s = &c->snd;
    assert(s->una < ack && ack <= s->nxt);
    s->una = ack;
    int64_t text = smaller(ack, s->q.tail);
    if (text > s->q.head)
        sendq_release(&s->q, c->tcp->core, text);
    if (s->up && s->up <= ack)
        s->up = 0;
    if (s->user_mark && ack >= s->user_mark) { /* all that waited then is delivered: look at what waits now */
        s->user_mark = s->q.tail;
        s->user_since = c->tcp->core->now;
    }
    s->probing = false;
}

bool snd_update_window(struct tcp_conn *c, const struct tcp_segment *seg)
{
    struct tcp_snd *s = &c->snd;
    /* One that acknowledges more than the last is newer even if its own text is old, sent again: without its
     * window, what it acknowledges would move the right edge beyond all that was offered. */
    bool newer = s->wl2 < seg->ack || s->wl1 < seg->seq || (s->wl1 == seg->seq && s->wl2 == seg->ack);
    if (!newer)
        return false;
    bool changed = s->wnd != seg->wnd;
    s->wnd = seg->wnd;
    s->wl1 = seg->seq;
    s->wl2 = seg->ack;
    if (s->wnd > s->max_wnd)
        s->max_wnd = s->wnd;
    return changed;
}

bool snd_pending(const struct tcp_conn *c)
{
    return c->snd.nxt < c->snd.q.tail + (c->snd.fin ? 1 : 0);
}

/* RFC 9293 3.8.6.2.1 and 3.7.4: what lets `len` bytes of the `queued` leave as they are; RULE_NONE: nothing
 * does. */
static enum rule worth_sending(const struct tcp_conn *c, int64_t len, int64_t queued)
{
    const struct tcp_snd *s = &c->snd;
    bool corked = c->sock && (c->sock->corked || c->sock->more), nodelay = c->sock && c->sock->nodelay;
    if (len >= s->mss)
        return RULE_SEND_FULL;
    if (s->override_now)
        return RULE_SWS_OVERRIDE;
    bool idle = s->una == s->nxt || nodelay || s->fin; /* Nagle; a FIN flushes what is left */
    if (len == queued && idle && (!corked || s->fin))
        return s->nxt == s->q.tail ? RULE_CLOSE_CALL : RULE_SEND_ALL;
    return idle && 2 * len >= s->max_wnd && s->max_wnd > 0 && !corked ? RULE_SEND_HALF_WINDOW : RULE_NONE;
}

/* The same for the short end of a super-segment: the full segments before it are outstanding when it leaves.
 */
static bool tail_may_leave(const struct tcp_conn *c, int64_t len, int64_t queued)
{
    const struct sock *owner = c->sock;
    bool corked = owner && (owner->corked || owner->more), nodelay = owner && owner->nodelay;
    return c->snd.override_now || (len == queued && (c->snd.fin || (nodelay && !corked)));
}

uint32_t snd_unit(const struct tcp_conn *c)
{
    const uint32_t headers = IP_HEADER_MIN + TCP_HEADER_MAX;
    uint32_t most = c->tcp->core->config.device_segments, mss = c->snd.mss;
    /* A mark that only the first of them may carry (RFC 3168 6.1.2), an urgent pointer that would have to
     * differ. */
    bool alike = !c->snd.cwr_owed && c->snd.up <= c->snd.una;
    return alike && most > headers + mss ? (most - headers) / mss * mss : mss;
}

/* Of a super-segment's worth only a part is allowed now. While ACKs are on their way that will allow more, a
 * small one is not worth its header; but a quarter of the window is, or the pipe would run dry. */
static bool wait_for_more(const struct tcp_conn *c, int64_t len, int64_t queued, uint32_t unit)
{
    int64_t window = smaller(c->snd.wnd, c->cc.cwnd);
    if (c->snd.recovery != RECOVERY_NONE || c->snd.dup_acks > 0 ||
        (c->snd.flight && c->snd.flight->sacked > 0))
        return false; /* RFC 3042, RFC 5682 2.1 (2b), RFC 6937: there each segment counts */
    return c->snd.nxt > c->snd.una && len < queued && len < unit && len < window / 4;
}

int64_t snd_fits(const struct tcp_conn *c, int64_t left, int64_t len)
{
    struct span pieces[FRAME_SPANS];
    int64_t from = left > 1 ? left : 1, to = smaller(left + len, c->snd.q.tail);
    if (!c->snd.q.loans || to <= from) /* a ring is two pieces at most */
        return len;
    int64_t fits = (int64_t)sendq_spans(&c->snd.q, from, (size_t)(to - from), pieces);
    return fits < to - from ? from + fits - left : len;
}

uint32_t snd_new(const struct tcp_conn *c, enum rule *why)
{
    const struct tcp_snd *s = &c->snd;
    int64_t queued = s->q.tail + (s->fin ? 1 : 0) - s->nxt;
    if (queued <= 0)
        return 0;
    uint32_t pipe = flight_pipe(c), unit = snd_unit(c);
    int64_t allowed = smaller(snd_edge(c) - s->nxt, (int64_t)c->cc.cwnd - pipe);
    int64_t len = smaller(smaller(queued, allowed), unit);
    if (len > s->mss && !tail_may_leave(c, len, queued))
        len -= len % s->mss;
    if (len <= 0)
        return 0;
    int64_t fits = snd_fits(c, s->nxt, len);
    if (fits < len &&
        fits < s->mss) { /* its pieces are many: no more goes into one frame, however long it waits */
        *why = RULE_SEND_FULL;
        return (uint32_t)fits;
    }
    len = fits < len ? fits - fits % s->mss : len;
    /* The congestion window is no reason for a small segment while others are in flight. */
    if (len < smaller(queued, s->mss) && (int64_t)c->cc.cwnd - pipe == allowed && pipe > 0)
        return 0;
    if (unit > s->mss && wait_for_more(c, len, queued, unit))
        return 0;
    *why = worth_sending(c, len, queued);
    return *why != RULE_NONE ? (uint32_t)len : 0;
}

bool snd_window_full(const struct tcp_conn *c)
{
    int64_t more = smaller(smaller(c->snd.q.tail, snd_edge(c)) - c->snd.nxt, snd_unit(c));
    return more > 0 && (int64_t)c->cc.cwnd - flight_pipe(c) < more;
}

static usec user_timeout(const struct tcp_conn *c)
{
    return c->sock ? MSEC(c->sock->user_timeout) : c->tcp->core->config.tcp_user_timeout;
}

usec snd_patience(const struct tcp_conn *c, usec wait)
{
    usec limit = user_timeout(c), left = c->snd.user_since + limit - c->tcp->core->now;
    return limit > 0 && c->snd.una < c->snd.user_mark && 0 < left && left < wait ? left : wait;
}

/* What is outstanding gets the retransmission timer; but a closed window is asked about by the persist timer,
 * which never gives up as long as it is answered. Neither stands in for the other. */
void snd_arm(struct tcp_conn *c)
{
    struct tcp_snd *s = &c->snd;
    usec now = c->tcp->core->now;
    bool outstanding = s->una < s->nxt || s->nxt == 0; /* a SYN that found no memory counts too */
    bool closed = s->wnd == 0 && tcp_synchronized(c) && (s->probing || (!outstanding && snd_pending(c)));
    if (outstanding && !closed) {
        tcb_timer_stop(c, TCP_TIMER_PERSIST);
        if (!tcb_timer_on(c, TCP_TIMER_RETRANSMIT))
            tcb_timer_start(c, TCP_TIMER_RETRANSMIT, now + snd_patience(c, c->rtt.rto));
        return;
    }
    tcb_timer_stop(c, TCP_TIMER_RETRANSMIT);
    if (!snd_pending(c) && !closed) {
        tcb_timer_stop(c, TCP_TIMER_PERSIST);
        return;
    }
    if (!tcp_synchronized(c) || tcb_timer_on(c, TCP_TIMER_PERSIST))
        return;
    usec wait = closed ? c->rtt.rto : c->tcp->core->config.tcp_sws_override;
    if (closed && s->retries == 0)
        s->progress = now;
    tcb_timer_start(c, TCP_TIMER_PERSIST, now + (closed ? snd_patience(c, wait) : wait));
}

int64_t snd_ack_position(const struct tcp_conn *c)
{
    return c->snd.nxt <= snd_edge(c) || !tcp_synchronized(c) ? c->snd.nxt : snd_edge(c);
}

bool snd_user_timeout(const struct tcp_conn *c)
{
    usec limit = user_timeout(c);
    return limit > 0 && c->snd.una < c->snd.user_mark && c->tcp->core->now - c->snd.user_since >= limit;
}

/* What the ring may hold: twice the congestion window lets it double within a round trip. */
static uint32_t send_bound(const struct tcp_conn *c)
{
    const struct stack_config *config = &c->tcp->core->config;
    bool fixed = c->sock && c->sock->send_buffer_fixed;
    if (fixed || !config->tcp_autotune || c->cc.cwnd < c->snd.bound / 2)
        return c->snd.bound;
    return (uint32_t)smaller(2 * (int64_t)c->cc.cwnd, config->tcp_send_buffer_max);
}

uint32_t snd_room(const struct tcp_conn *c)
{
    uint32_t used = c->snd.q.copied, bound = send_bound(c);
    return bound > used ? bound - used : 0;
}

/* RFC 5482: its clock starts with the first byte that waits. */
static void start_user_timeout(struct tcp_conn *c, int64_t waited)
{
    if (waited > 0)
        return;
    c->snd.user_mark = c->snd.q.tail;
    c->snd.user_since = c->tcp->core->now;
}

int64_t snd_write(struct tcp_conn *c, const void *bytes, size_t len)
{
    struct sendq *q = &c->snd.q;
    size_t room = snd_room(c);
    int64_t waiting = sendq_len(q);
    size_t n = len < room ? len : room;
    if (n == 0)
        return 0;
    n = sendq_write(q, c->tcp->core, bytes, n, c->snd.bound);
    if (n == 0)
        return waiting ? 0 : -1;
    start_user_timeout(c, waiting);
    return (int64_t)n;
}

int snd_lend(struct tcp_conn *c, const struct loan *loan)
{
    int64_t waiting = sendq_len(&c->snd.q);
    if (waiting >= send_bound(c)) /* it costs no memory; but what was promised must be sent, whatever comes */
        return -EAGAIN;
    int error = sendq_lend(&c->snd.q, c->tcp->core, loan);
    if (!error)
        start_user_timeout(c, waiting);
    return error;
}
