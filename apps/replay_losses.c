/* What a capture shows and its host never saw: by what came again, and by what was answered. Called by
 * replay_plan.c. */
#include "replay_step.h"

#define ACK_OWED MSEC(45) /* what arrived in order is acknowledged within this, RFC 9293 3.8.6.3 */
#define RESTART  SEC(1)   /* what a host needs at least to start again */

static bool sacked(const struct tcp_header *h, uint32_t left, uint32_t right)
{
    for (unsigned i = 0; i < h->options.sack_count; i++)
        if (after(left, h->options.sack[i].left.n) >= 0 && after(h->options.sack[i].right.n, right) >= 0)
            return true;
    return false;
}

/* The next frame of the peer that begins where step k does. */
static size_t sent_again(const struct replay_flow *f, size_t k)
{
    uint32_t left = tcp_of(&f->step[k])->seq.n;
    for (size_t i = k + 1; i < f->count; i++)
        if (!f->step[i].out && f->step[i].frame->is_tcp && tcp_seq_len(tcp_of(&f->step[i])) > 0 &&
            tcp_of(&f->step[i])->seq.n == left)
            return i;
    return f->count;
}

/* RFC 2883: after the repetition the host says that it had the first. */
static bool reported_twice(const struct replay_flow *f, size_t again, uint32_t left)
{
    for (size_t i = again + 1; i < f->count; i++) {
        const struct tcp_header *h = tcp_of(&f->step[i]);
        if (f->step[i].out && f->step[i].frame->is_tcp)
            return h->options.sack_count > 0 && h->options.sack[0].left.n == left &&
                   after(h->ack.n, left) > 0;
    }
    return false;
}

static bool lost_before(const struct replay_flow *f, size_t k)
{
    for (size_t i = k; i-- > 0;)
        if (!f->step[i].out && f->step[i].frame->is_tcp && f->step[i].lost &&
            tcp_of(&f->step[i])->seq.n == tcp_of(&f->step[k])->seq.n)
            return true;
    return false;
}

/* Or answered by a RST. */
static bool ever_acknowledged(const struct replay_flow *f, size_t k, uint32_t right)
{
    for (size_t i = k + 1; i < f->count; i++)
        if (f->step[i].out && (has(&f->step[i], TCP_RST) ||
                               (has(&f->step[i], TCP_ACK) && after(tcp_of(&f->step[i])->ack.n, right) >= 0)))
            return true;
    return false;
}

/* Something of the peer's that came again, and was not acknowledged in between; or that came for the last
 * time after others were lost, and was not acknowledged either. */
static bool text_was_lost(const struct replay_flow *f, size_t k)
{
    uint32_t left = tcp_of(&f->step[k])->seq.n, right = left + tcp_seq_len(tcp_of(&f->step[k]));
    size_t again = sent_again(f, k);
    bool missed = false;
    if (again == f->count)
        return lost_before(f, k) && !ever_acknowledged(f, k, right);
    for (size_t i = k + 1; i < again; i++) {
        const struct tcp_header *h = tcp_of(&f->step[i]);
        if (!f->step[i].out || !f->step[i].frame->is_tcp || !(h->flags & TCP_ACK))
            continue;
        if (after(h->ack.n, right) >= 0 || sacked(h, left, right))
            return false;
        missed = missed || (h->ack.n == left && h->options.sack_count > 0);
    }
    if (!missed && f->step[again].time - f->step[k].time < ACK_OWED)
        return false;
    return !reported_twice(f, again, left);
}

/* Whether a frame of the peer only acknowledges: a plain ACK, or a SYN,ACK for the SYN that is sent again. */
static bool acknowledges(const struct replay_step *s, const struct replay_step *resent)
{
    bool opening = has(resent, TCP_SYN) && !has(resent, TCP_ACK) && has(s, TCP_SYN);
    return !s->out && has(s, TCP_ACK) && !has(s, TCP_RST) && (opening || tcp_seq_len(tcp_of(s)) == 0);
}

/* What acknowledged something that the host then sent again. */
static void lose_acks_before(struct replay_flow *f, size_t resent)
{
    uint32_t left = tcp_of(&f->step[resent])->seq.n;
    for (size_t k = resent; k-- > 0;) {
        struct replay_step *s = &f->step[k];
        if (s->out && s->frame->is_tcp && tcp_of(s)->seq.n == left && tcp_seq_len(tcp_of(s)) > 0)
            return; /* what came before that transmission is another story */
        if (acknowledges(s, &f->step[resent]) && after(tcp_of(s)->ack.n, left) > 0 &&
            f->step[resent].time - s->time > AT_ONCE)
            s->lost = true;
    }
}

static bool answered(const struct replay_flow *f, size_t k)
{
    uint32_t next = tcp_of(&f->step[k])->seq.n + 1;
    for (size_t i = k + 1; i < f->count; i++)
        if (f->step[i].out && has(&f->step[i], TCP_ACK) && tcp_of(&f->step[i])->ack.n == next)
            return true;
    return false;
}

static bool silent_before(const struct replay_flow *f, size_t k)
{
    for (size_t i = k; i-- > 0;)
        if (f->step[i].out)
            return f->step[k].time - f->step[i].time >= RESTART;
    return false;
}

/* RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST> is the answer of a host that knows of no connection. After a
 * silence: an application that aborts may send the same. */
static void forget_before(struct replay_flow *f, size_t rst)
{
    for (size_t k = rst; k-- > 0;) {
        struct replay_step *s = &f->step[k];
        if (s->out || !s->frame->is_tcp || s->lost)
            continue;
        s->forgets = has(s, TCP_ACK) && !has(s, TCP_RST) && f->step[rst].time - s->time <= AT_ONCE &&
                     tcp_of(s)->ack.n == tcp_of(&f->step[rst])->seq.n &&
                     (silent_before(f, k) || lost_before(f, k));
        return;
    }
}

void replay_find_losses(struct replay_flow *f)
{
    bool begun = false;
    uint32_t edge = 0;
    for (size_t k = 0; k < f->count; k++) {
        struct replay_step *s = &f->step[k];
        if (!s->frame->is_tcp)
            continue;
        uint32_t len = tcp_seq_len(tcp_of(s)), right = tcp_of(s)->seq.n + len;
        if (!s->out && len > 0)
            s->lost = text_was_lost(f, k);
        if (!s->out && has(s, TCP_SYN) && !has(s, TCP_ACK) && !begun && !answered(f, k))
            s->ignored = true;
        if (s->out && has(s, TCP_RST) && !has(s, TCP_ACK))
            forget_before(f, k);
        if (!s->out || len == 0 || has(s, TCP_RST))
            continue;
        if (begun && !has(s, TCP_SYN) && after(right, edge) <= 0)
            lose_acks_before(f, k);
        if (begun && has(s, TCP_SYN) && right == edge)
            lose_acks_before(f, k);
        if (!begun || has(s, TCP_SYN) || after(right, edge) > 0)
            edge = right;
        begun = true;
    }
}
