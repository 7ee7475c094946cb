/* What a conversation tells of the side that our stack takes: what its application did. An application is
 * known by its traces: it connected when a SYN left, listened when one was answered, wrote what was sent for
 * the first time, closed when a FIN left, read when the window moved on. Called by replay.c and annotate.c.
 */
#include "replay_step.h"

#include <stdlib.h>
#include <string.h>

/* --- connections --- */

static bool same_life(const struct replay_life *l, const struct tcp_header *syn)
{
    if (l->iss != syn->seq.n)
        return false;
    return !(syn->flags & TCP_ACK) || !l->has_irs || l->irs == syn->ack.n - 1;
}

static struct replay_life *new_life(struct replay_flow *f, size_t at)
{
    struct replay_life *l = f->lives ? &f->life[f->lives - 1] : NULL;
    size_t room = f->life_room;
    l = replay_grow(f->life, f->lives, &room, sizeof *f->life);
    if (!l)
        return NULL;
    f->life = l;
    f->life_room = (unsigned)room;
    const struct tcp_header *syn = tcp_of(&f->step[at]);
    l = &f->life[f->lives++];
    *l = (struct replay_life){.first = at, .iss = syn->seq.n, .active = !(syn->flags & TCP_ACK)};
    return l;
}

/* The peer's initial sequence number: our SYN,ACK names it, or its SYN does. */
static void learn_irs(struct replay_flow *f, struct replay_life *l)
{
    for (size_t i = l->first; i < f->count && !l->has_irs; i++) {
        const struct replay_step *s = &f->step[i];
        if (!has(s, TCP_SYN))
            continue;
        if (s->out && has(s, TCP_ACK) && tcp_of(s)->seq.n == l->iss) {
            l->irs = tcp_of(s)->ack.n - 1;
            l->has_irs = true;
        } else if (!s->out && l->active && (!has(s, TCP_ACK) || tcp_of(s)->ack.n == l->iss + 1)) {
            l->irs = tcp_of(s)->seq.n;
            l->has_irs = true;
        }
    }
}

static bool find_lives(struct replay_flow *f)
{
    struct replay_life *l = NULL;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!s->frame->is_tcp)
            continue;
        if (s->out && has(s, TCP_SYN) && (!l || !same_life(l, tcp_of(s)))) {
            l = new_life(f, i);
            if (!l)
                return false;
            learn_irs(f, l);
        }
        s->life = l ? (int)f->lives - 1 : -1;
    }
    return true;
}

/* --- what was written --- */

static const char *put_text(struct replay_life *l, int64_t at, const struct span *text)
{
    int64_t end = at - 1 + (int64_t)text->len;
    if (end <= 0 || text->len == 0)
        return NULL;
    if (end > REPLAY_STREAM_MAX || at - 1 - l->length > REPLAY_GAP_MAX || at < 1)
        return "the capture misses too much of what that side sent";
    if (end > l->room) {
        int64_t room = end * 2 < 4096 ? 4096 : end * 2;
        uint8_t *more = realloc(l->stream, (size_t)room);
        if (!more)
            return "out of memory";
        memset(more + l->room, 0, (size_t)(room - l->room));
        l->stream = more;
        l->room = room;
    }
    if (at - 1 > l->length)
        l->missing += at - 1 - l->length;
    memcpy(l->stream + at - 1, text->at, text->len);
    if (end > l->length)
        l->length = end;
    return NULL;
}

/* Positions of all that left, and the stream they carried. */
static const char *find_stream(struct replay_flow *f)
{
    int64_t top = 0;
    int life = -1;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!s->out || s->life < 0 || !s->frame->is_tcp)
            continue;
        struct replay_life *l = &f->life[s->life];
        top = s->life == life ? top : 0;
        life = s->life;
        s->left = seq_unwrap(tcp_of(s)->seq, l->iss, top);
        s->right = s->left + tcp_seq_len(tcp_of(s));
        if (has(s, TCP_RST))
            continue;
        if (s->right > top)
            top = s->right;
        const char *why = put_text(l, s->left + (has(s, TCP_SYN) ? 1 : 0), &tcp_of(s)->text);
        if (why)
            return why;
        if (has(s, TCP_FIN))
            l->fin = s->right - 1;
    }
    return NULL;
}

/* A write ends with what is pushed (RFC 9293 3.9.1.2), with the FIN, or where the peer had its say. */
static int64_t write_end(const struct replay_flow *f, size_t from, bool *closes)
{
    int64_t end = f->step[from].right;
    for (size_t i = from; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!s->frame->is_tcp || s->life != f->step[from].life)
            continue;
        if (!s->out && tcp_of(s)->text.len > 0 && !s->lost)
            break;
        if (!s->out || s->right <= s->left || s->right < end)
            continue;
        end = s->right;
        *closes = has(s, TCP_FIN);
        if (has(s, TCP_FIN | TCP_PSH))
            break;
    }
    return *closes ? end - 1 : end;
}

/* Text that an ACK let go was waiting for it: the windows, or Nagle's algorithm, held it back. */
static struct replay_step *awaited(struct replay_flow *f, size_t i)
{
    struct replay_step *found = NULL;
    for (size_t k = i; k-- > 0;) {
        struct replay_step *s = &f->step[k];
        if (s->out || !s->frame->is_tcp || tcp_seq_len(tcp_of(s)) > 0 || has(s, TCP_RST) || s->lost ||
            s->life != f->step[i].life || f->step[i].time - s->time > AT_ONCE)
            break;
        found = s;
    }
    return found;
}

static void find_writes(struct replay_flow *f)
{
    int64_t written = 1, top = 1;
    bool closed = false;
    int life = -1;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!s->out || s->life < 0 || !s->frame->is_tcp)
            continue;
        if (s->life != life) {
            written = top = 1;
            closed = false;
            life = s->life;
        }
        s->connects = f->life[life].active && f->life[life].first == i;
        s->resets = has(s, TCP_RST);
        if (s->resets)
            continue;
        bool closes = false;
        int64_t right = s->right - (has(s, TCP_FIN) ? 1 : 0);
        if (right > written) {
            s->written = written = write_end(f, i, &closes);
            s->closes = closes && !closed;
            struct replay_step *ack = awaited(f, i);
            if (ack && top > 1)
                ack->waiting = written;
        }
        if (has(s, TCP_FIN) && !closed && !s->closes)
            s->closes = true;
        closed = closed || s->closes;
        top = s->right > top ? s->right : top;
    }
}

/* --- what was read --- */

struct reading {
    int64_t ack, read, bound;
    size_t last_in, last_out;
};

static void read_by(struct replay_flow *f, size_t i, uint8_t shift, struct reading *r)
{
    struct replay_step *s = &f->step[i];
    int64_t slack = ((int64_t)1 << shift) - 1, window = (int64_t)tcp_of(s)->window << shift;
    int64_t edge = s->ack + window, read = edge - r->bound;
    uint32_t grown = 0;
    if (read > s->ack + slack || (r->bound == 0 && window > 0)) {
        r->bound = window;
        grown = (uint32_t)(window + slack);
    }
    if (read > s->ack || s->ack - read <= slack)
        read = s->ack;
    struct replay_step *when = r->last_in > r->last_out && r->last_in < i ? &f->step[r->last_in] : s;
    if (grown)
        when->bound = grown;
    if (read > r->read)
        when->read = r->read = read;
}

/* The right edge of the window is as far beyond what was read as the buffer is large. */
static void find_reads(struct replay_flow *f)
{
    struct reading r = {0};
    int life = -1;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (s->life < 0 || !s->frame->is_tcp)
            continue;
        if (s->life != life)
            r = (struct reading){.read = 1, .ack = 1, .bound = f->plan.bound, .last_in = i, .last_out = i};
        life = s->life;
        if (!s->out)
            r.last_in = i;
        if (!s->out || !has(s, TCP_ACK) || !f->life[life].has_irs)
            continue;
        s->ack = seq_unwrap(tcp_of(s)->ack, f->life[life].irs, r.ack);
        r.ack = s->ack;
        if (!has(s, TCP_SYN) && !has(s, TCP_RST))
            read_by(f, i, f->plan.shift, &r);
        r.last_out = i;
    }
}

/* --- what cannot be replayed --- */

static bool peer_syn_before(const struct replay_flow *f, const struct replay_life *l)
{
    for (size_t i = 0; i < f->count; i++)
        if (!f->step[i].out && has(&f->step[i], TCP_SYN) &&
            tcp_of(&f->step[i])->seq.n + 1 == tcp_of(&f->step[l->first])->ack.n)
            return true;
    return false;
}

/* What comes before the first SYN is the end of an older connection. */
static const char *find_beginning(struct replay_flow *f)
{
    bool sends = false;
    for (size_t i = 0; i < f->count; i++)
        sends = sends || (f->step[i].out && f->step[i].frame->is_tcp && !has(&f->step[i], TCP_RST));
    if (f->lives == 0)
        return sends ? "the capture does not hold its beginning" : NULL;
    if (!f->life[0].active && !peer_syn_before(f, &f->life[0]))
        return "the capture does not hold the peer's SYN";
    for (size_t i = 0; i < f->life[0].first && f->life[0].active; i++)
        f->step[i].ignored = true;
    for (size_t i = 0; i < f->count && !has(&f->step[i], TCP_SYN); i++)
        f->step[i].ignored = f->step[i].frame->is_tcp;
    return NULL;
}

void replay_plan(struct replay_flow *f)
{
    if (f->skipped)
        return;
    if (f->protocol != IP_TCP) {
        f->plan = (struct replay_plan){.mtu = IP_MTU_DEFAULT, .clock = SEC(1)};
        for (size_t i = 0; i < f->count; i++)
            if (f->step[i].out && f->step[i].frame->len > f->plan.mtu)
                f->plan.mtu = (uint16_t)f->step[i].frame->len;
        return;
    }
    replay_find_losses(f);
    if (!find_lives(f)) {
        f->skipped = "out of memory";
        return;
    }
    f->skipped = find_beginning(f);
    if (!f->skipped)
        f->skipped = find_stream(f);
    if (f->skipped)
        return;
    replay_find_offers(f);
    find_writes(f);
    find_reads(f);
    replay_find_habits(f);
    for (unsigned i = 0; i < f->lives; i++)
        f->plan.listens = f->plan.listens || !f->life[i].active;
}
