/* What makes two worlds the same: everything that decides what happens next, times relative to now, no
 * address and no number of a connection. What is left out (statistics, the challenge-ACK quota) can only
 * merge worlds that differ. */
#include "explore.h"
#include "../../stack/tcp_flight.h"
#include "../../stack/tcp_timewait.h"

static void mix(uint64_t *h, uint64_t v)
{
    *h = (*h ^ v) * 0x9fb21c651e98df25ull;
    *h ^= *h >> 32;
}

static void mix_bytes(uint64_t *h, const uint8_t *at, size_t n)
{
    for (; n >= 8; at += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, at, 8);
        mix(h, v);
    }
    for (; n > 0; at++, n--)
        mix(h, *at);
    mix(h, 0x5eed);
}

static void mix_time(uint64_t *h, const struct world *w, usec t)
{
    mix(h, t == NEVER ? 0x7e7e7e : (uint64_t)(t - w->sim.now));
}

static void mix_queue(uint64_t *h, const struct sendq *q, int64_t from, int64_t to)
{
    struct span s[FRAME_SPANS] = {{0}};
    if (to > from)
        sendq_spans(q, from, (size_t)(to - from), s);
    for (int i = 0; i < FRAME_SPANS; i++)
        mix_bytes(h, s[i].at, s[i].len);
}

static void mix_text(uint64_t *h, const struct ring *q, int64_t from, int64_t to)
{
    struct span s[2] = {{0}};
    if (to > from)
        ring_spans(q, from, (size_t)(to - from), s);
    mix_bytes(h, s[0].at, s[0].len);
    mix_bytes(h, s[1].at, s[1].len);
}

static void mix_flight(uint64_t *h, const struct world *w, const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    for (uint16_t i = 0; f && i < f->count; i++) {
        const struct sent *s = flight_at(f, i);
        mix(h, (uint64_t)s->left);
        mix(h, s->len << 3 | s->lost << 2 | s->sacked << 1 | s->resent);
        mix_time(h, w, s->time);
    }
    if (!f)
        return;
    mix(h, (uint64_t)f->tlp_end << 8 | (uint64_t)f->tlp_is_resend << 4 | f->frto);
    mix(h, (uint64_t)f->undo_una << 16 | f->undo_resent);
    mix(h, (uint64_t)f->prr_delivered << 32 | f->prr_out);
    mix(h, (uint64_t)f->recover_fs << 32 | f->size);
}

static void mix_snd(uint64_t *h, const struct world *w, const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    mix(h, (uint64_t)s->una << 32 ^ (uint64_t)s->nxt);
    mix(h, (uint64_t)s->wl1 << 32 ^ (uint64_t)s->wl2);
    mix(h, (uint64_t)s->wnd << 32 ^ s->max_wnd);
    mix(h, (uint64_t)s->recover << 32 ^ (uint64_t)s->limited_at);
    mix(h, (uint64_t)s->dup_acks << 24 | (uint64_t)s->recovery << 16 | s->retries);
    mix(h, s->fin | s->probing << 1 | s->partial << 2 | s->probe_now << 3 | s->rescue_now << 4 |
               s->tlp_now << 5);
    mix(h, (uint64_t)c->cc.cwnd << 32 ^ c->cc.ssthresh);
    mix(h, (uint64_t)c->rtt.rto << 32 ^ c->rtt.srtt);
    mix_queue(h, &s->q, s->q.head, s->q.tail);
    mix_flight(h, w, c);
}

static void mix_rcv(uint64_t *h, const struct tcp_conn *c)
{
    const struct tcp_rcv *r = &c->rcv;
    mix(h, (uint64_t)r->nxt << 32 ^ (uint64_t)r->adv);
    mix(h, (uint64_t)r->fin << 32 ^ (uint64_t)r->acked);
    mix(h, (uint64_t)r->dup_acks_owed << 8 | r->ack_now << 1 | r->shut);
    for (uint16_t i = 0; i < r->held.count; i++)
        mix(h, (uint64_t)r->held.at[i].left << 32 ^ (uint64_t)r->held.at[i].right);
    mix(h, (uint64_t)r->duplicate.left << 32 ^ (uint64_t)r->duplicate.right);
    mix_text(h, &r->q, r->q.head, r->q.tail);
}

static void mix_conn(uint64_t *h, const struct world *w, const struct tcp_conn *c)
{
    mix(h, c->state | (uint64_t)c->orphan << 8 | (uint64_t)c->passive << 9 | (uint64_t) !!c->out_link << 10);
    for (int i = 0; i < TCP_TIMERS; i++)
        mix_time(h, w, c->due[i]);
    mix_snd(h, w, c);
    mix_rcv(h, c);
}

static void mix_stack(uint64_t *h, const struct world *w, const struct stack *s)
{
    for (struct table_node *n = NULL; (n = table_walk(&s->tcp.conns, n));)
        mix_conn(h, w, CONN_OF_NODE(n));
    for (const struct tcp_timewait *t = NULL; (t = timewaits_by_age(&s->tcp.timewaits, t));) {
        mix_time(h, w, t->due);
        mix(h, (uint64_t)t->rcv_nxt.n << 32 | t->snd_nxt.n);
    }
    for (const struct outbox_entry *e = s->outbox.first; e; e = e->next)
        mix_bytes(h, e->data, e->len);
    mix(h, 0x57ac);
}

static void mix_end(uint64_t *h, const struct end *e)
{
    mix(h, (uint64_t)e->sent << 32 ^ (uint64_t)e->received << 16 ^ (uint64_t)e->error);
    mix(h, e->started | e->finished << 1 | e->fin_asked << 2 | e->eof << 3 | e->hold << 4 | !!e->s << 5);
}

uint64_t digest(const struct world *w)
{
    uint64_t h = 0x243f6a8885a308d3ull;
    for (int i = 0; i < 2; i++) {
        mix_stack(&h, w, &w->sim.stack[i]);
        mix_end(&h, &w->sim.flow[0].end[i]);
    }
    for (unsigned i = 0; i < w->flying; i++) {
        mix(&h, w->wire[i].to);
        mix_bytes(&h, w->wire[i].bytes, w->wire[i].len);
    }
    mix(&h, w->left.losses | w->left.doubles << 8 | w->left.late << 16 | w->aborted << 24);
    return h;
}
