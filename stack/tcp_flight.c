/* The retransmission queue. */
#include "tcp_flight.h"

#include <assert.h>
#include <string.h>

#define FLIGHT_FIRST_ROOM 8
#define FLIGHT_SPARES     32 /* kept for connections that will send again soon */

static struct core *core_of(const struct tcp_conn *c)
{
    return c->tcp->core;
}

static struct flight *flight_new(struct tcp_conn *c)
{
    struct tcp *tcp = c->tcp;
    struct flight *f = tcp->spare;
    if (f) {
        struct sent *at = f->at;
        tcp->spare = f->next_spare;
        tcp->spare_count--;
        *f = (struct flight){.at = at, .room = FLIGHT_FIRST_ROOM};
    } else if ((f = core_alloc(tcp->core, sizeof *f))) {
        f->at = core_alloc(tcp->core, FLIGHT_FIRST_ROOM * sizeof *f->at);
        f->room = FLIGHT_FIRST_ROOM;
        if (!f->at) {
            core_free(tcp->core, f, sizeof *f);
            return NULL;
        }
    }
    return f;
}

static void destroy(struct core *core, struct flight *f)
{
    core_free(core, f->at, f->room * sizeof *f->at);
    core_free(core, f, sizeof *f);
}

void flight_free(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    struct tcp *tcp = c->tcp;
    c->snd.flight = NULL;
    if (!f)
        return;
    if (f->room != FLIGHT_FIRST_ROOM || tcp->spare_count >= FLIGHT_SPARES) {
        destroy(tcp->core, f);
        return;
    }
    f->next_spare = tcp->spare;
    tcp->spare = f;
    tcp->spare_count++;
}

void flight_free_spares(struct tcp *tcp)
{
    for (struct flight *f; (f = tcp->spare); tcp->spare_count--) {
        tcp->spare = f->next_spare;
        destroy(tcp->core, f);
    }
}

/* Moves the records to the front of the array, or of a larger one. */
static bool grow(struct flight *f, struct core *core)
{
    if (f->first > f->room / 2) {
        memmove(f->at, f->at + f->first, f->count * sizeof *f->at);
        f->first = 0;
        return true;
    }
    uint32_t room = f->room * 2u;
    if (room > TCP_FLIGHT_MAX)
        room = TCP_FLIGHT_MAX;
    if (room <= f->count)
        return false;
    struct sent *at = core_alloc(core, room * sizeof *at);
    if (!at)
        return false;
    memcpy(at, f->at + f->first, f->count * sizeof *at);
    core_free(core, f->at, f->room * sizeof *at);
    f->at = at;
    f->room = (uint16_t)room;
    f->first = 0;
    return true;
}

bool flight_reserve(struct tcp_conn *c)
{
    if (!c->snd.flight && !(c->snd.flight = flight_new(c)))
        return false;
    struct flight *f = c->snd.flight;
    return f->first + f->count < f->room || grow(f, core_of(c));
}

/* RFC 6937 3: what leaves during a recovery. */
static void count_sent(struct tcp_conn *c, uint32_t len)
{
    if (c->snd.recovery == RECOVERY_FAST)
        c->snd.flight->prr_out += len;
}

void flight_sent(struct tcp_conn *c, uint32_t len)
{
    struct flight *f = c->snd.flight;
    assert(f->first + f->count < f->room && len > 0);
    f->at[f->first + f->count++] = (struct sent){.left = c->snd.nxt, .len = len, .time = core_of(c)->now};
    c->snd.nxt += len;
    count_sent(c, len);
    if (c->snd.dup_acks == 0 && f->sacked == 0) /* not by limited transmit, RFC 5681 3.2 step 1 */
        f->size = (uint32_t)(c->snd.nxt - c->snd.una);
}

void flight_extend(struct tcp_conn *c, struct sent *s, uint32_t len)
{
    assert(s->lost && s->left + s->len == c->snd.nxt);
    s->len += len;
    c->snd.flight->lost += len;
    c->snd.nxt += len;
}

/* Cuts record i after its first `len` bytes. NULL: no room. */
static struct sent *split(struct tcp_conn *c, uint16_t i, uint32_t len)
{
    if (!flight_reserve(c))
        return NULL;
    struct flight *f = c->snd.flight;
    struct sent *s = flight_at(f, i);
    memmove(s + 1, s, (size_t)(f->count - i) * sizeof *s);
    f->count++;
    s[0].len = len;
    s[1].left += len;
    s[1].len -= len;
    return s;
}

void flight_resent(struct tcp_conn *c, struct sent *s, uint32_t len)
{
    struct flight *f = c->snd.flight;
    assert(s->lost && len > 0 && len <= s->len);
    struct sent *front = len < s->len ? split(c, (uint16_t)(s - f->at - f->first), len) : s;
    if (!front)
        front = s; /* no memory for another record: all of it counts as sent, and what was not is found lost
                      again */
    f->undo_resent += tcb_segments(c, len);
    f->lost -= front->len;
    front->lost = false;
    front->resent = true;
    front->time = core_of(c)->now;
    count_sent(c, len);
}

/* RFC 8985 6.2, steps 1 to 3: what a delivery teaches about time and order. */
static void learn_from(struct tcp_conn *c, const struct sent *s)
{
    struct flight *f = c->snd.flight;
    usec rtt = core_of(c)->now - s->time;
    int64_t end = s->left + s->len;
    if (s->resent && rtt < c->snd.min_rtt) /* too quick for the second time: it answers the first */
        return;
    if (!s->resent && (c->snd.min_rtt == 0 || rtt < c->snd.min_rtt))
        c->snd.min_rtt = rtt > 0 ? (uint32_t)rtt : 1;
    if (s->time > f->rack_time || (s->time == f->rack_time && end > f->rack_end)) {
        f->rack_time = s->time;
        f->rack_end = end;
        f->rack_rtt = rtt;
    }
    if (!s->resent && end < f->fack_before) /* it came after something that was sent later */
        c->snd.reordered = true;
}

/* A record arrived, told by the ACK number or by SACK. The newest of what was sent but once is the RTT sample
 * (Karn, RFC 6298 3). */
static void deliver(struct tcp_conn *c, const struct sent *s, struct delivery *d)
{
    learn_from(c, s);
    if (s->resent)
        d->resent = true;
    else if (d->sent_at == NEVER || s->time > d->sent_at)
        d->sent_at = s->time;
}

void flight_acked(struct tcp_conn *c, struct delivery *d)
{
    struct flight *f = c->snd.flight;
    while (f && f->count) {
        struct sent *s = flight_at(f, 0);
        int64_t covered = c->snd.una - s->left;
        if (covered <= 0)
            break;
        uint32_t gone = covered < s->len ? (uint32_t)covered : s->len;
        d->acked += gone;
        if (s->sacked)
            f->sacked -= gone; /* it was counted and timed when it was sacked */
        else {
            d->bytes += gone;
            struct sent part = *s; /* what lies behind it is still on its way */
            part.len = gone;
            deliver(c, &part, d);
        }
        if (s->lost)
            f->lost -= gone;
        s->left += gone;
        s->len -= gone;
        if (s->len > 0)
            break;
        f->first++;
        f->count--;
    }
    if (f && f->fack < c->snd.una)
        f->fack = c->snd.una;
}

uint16_t flight_index(const struct flight *f, int64_t position)
{
    uint16_t low = 0, high = f->count;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        const struct sent *s = flight_at(f, middle);
        if (s->left + s->len <= position)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static void mark_sacked(struct tcp_conn *c, struct sent *s, struct delivery *d)
{
    struct flight *f = c->snd.flight;
    if (s->lost)
        f->lost -= s->len;
    s->lost = false;
    s->sacked = true;
    f->sacked += s->len;
    d->bytes += s->len;
    d->sacked = true;
    deliver(c, s, d);
    if (s->left + s->len > f->fack)
        f->fack = s->left + s->len;
}

void flight_sacked(struct tcp_conn *c, int64_t left, int64_t right, struct delivery *d)
{
    struct flight *f = c->snd.flight;
    for (uint16_t i = flight_index(f, left); i < f->count; i++) {
        struct sent *s = flight_at(f, i);
        if (s->left >= right)
            return;
        if (s->sacked)
            continue;
        if (s->left < left) { /* its front is still missing */
            if (!split(c, i, (uint32_t)(left - s->left)))
                return; /* no memory: told less is no harm */
            continue;
        }
        if (s->left + s->len > right && !(s = split(c, i, (uint32_t)(right - s->left))))
            return;
        mark_sacked(c, s, d);
    }
}

struct sent *flight_next_lost(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    if (!f || f->lost == 0)
        return NULL;
    for (uint16_t i = 0; i < f->count; i++)
        if (flight_at(f, i)->lost)
            return flight_at(f, i);
    return NULL;
}

struct sent *flight_last(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    return f && f->count ? flight_at(f, (uint16_t)(f->count - 1)) : NULL;
}

struct sent *flight_first_segment(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    if (!f || f->count == 0)
        return NULL;
    struct sent *s = flight_at(f, 0);
    return s->len <= c->snd.mss || s->left == 0 ? s : split(c, 0, c->snd.mss);
}

struct sent *flight_last_segment(struct tcp_conn *c)
{
    struct sent *s = flight_last(c);
    if (!s || s->len <= c->snd.mss)
        return s;
    uint32_t rest = s->len % c->snd.mss;
    if (!split(c, (uint16_t)(c->snd.flight->count - 1), s->len - (rest ? rest : c->snd.mss)))
        return NULL;
    return flight_last(c);
}

void flight_mark_lost(struct flight *f, struct sent *s)
{
    if (s->lost || s->sacked)
        return;
    s->lost = true;
    f->lost += s->len;
}

void flight_mark_older_lost(struct tcp_conn *c, usec time)
{
    struct flight *f = c->snd.flight;
    for (uint16_t i = 0; f && i < f->count; i++)
        if (flight_at(f, i)->time < time)
            flight_mark_lost(f, flight_at(f, i));
}

void flight_forget_sacks(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    for (uint16_t i = 0; f && i < f->count; i++)
        flight_at(f, i)->sacked = false;
    if (f)
        f->sacked = 0;
}

uint32_t flight_pipe(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    if (!f)
        return 0;
    int64_t pipe = c->snd.nxt - c->snd.una - f->lost - f->sacked;
    bool limited = c->tcp->core->config.tcp_limited_transmit || c->snd.recovery == RECOVERY_FAST;
    if (!c->sack_ok && c->snd.recovery != RECOVERY_TIMEOUT && limited)
        pipe -= (int64_t)c->snd.dup_acks * c->snd.mss;
    return pipe > 0 ? (uint32_t)pipe : 0;
}
