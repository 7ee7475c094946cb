/* What comes in to the stack of a replay: the peer's frames as the capture holds them, but for
 * acknowledgments of what ours sends later than the capture's side did. Called by replay_run.c. */
#include "replay_run.h"

#include <stdlib.h>
#include <string.h>

#define COMMENT_MAX 16384 /* bytes of a frame's comment after which no more is said */

static void remark(struct replay_run *r, struct replay_frame *frame)
{
    if (!r->options->annotate)
        return;
    const char *text = annotation_done(&r->annotation);
    size_t len = strlen(text) + 1, had = frame->comment ? strlen(frame->comment) : 0;
    if (had > COMMENT_MAX)
        return;
    char *all = realloc(frame->comment, had + 1 + len);
    if (!all) {
        r->bad = true;
        return;
    }
    if (had)
        all[had++] = '\n';
    memcpy(all + had, text, len);
    frame->comment = all;
}

static void input(struct replay_run *r, const uint8_t *bytes, size_t len)
{
    if (r->options->annotate)
        annotation_incoming(&r->annotation, bytes, len);
    r->reset = false;
    stack_input(&r->stack, r->now, bytes, len);
    remark(r, r->flow->step[r->at].frame);
}

/* The peer cannot acknowledge what ours has not sent yet: it acknowledges what there is, and the rest once it
 * is there. */
static void clamp(struct replay_run *r, uint8_t *bytes, size_t len, const struct tcp_header *h)
{
    const struct tcp_conn *c = replay_connection(r);
    if (!c || !(h->flags & TCP_ACK) || h->flags & TCP_RST || c->state == TCP_SYN_SENT ||
        c->state == TCP_LISTEN)
        return;
    int64_t ack = seq_unwrap(h->ack, c->iss, c->snd.una);
    if (c->id != r->owed_by)
        r->owed = r->told = 0;
    r->owed_by = c->id;
    r->owed = ack > r->owed ? ack : r->owed;
    r->ack = *h;
    r->has_ack = true;
    const struct replay_life *l = r->app.life >= 0 ? &r->flow->life[r->app.life] : NULL;
    if (ack <= c->snd.nxt || !l || ack > l->length + 2)
        return; /* an ACK of what the capture's side never sent is the peer's own doing */
    size_t head = (bytes[0] & 15u) * 4u;
    struct wireseq there = seq_wrap(c->snd.nxt, c->iss);
    struct writer w = writer_of(bytes + head + 8, 4);
    put32(&w, there.n);
    replay_complete(bytes, len, true);
    r->flow->clamped++;
}

void replay_feed(struct replay_run *r, const struct replay_step *s)
{
    const struct replay_frame *f = s->frame;
    uint8_t *copy = malloc(f->len);
    if (!copy) {
        r->bad = true;
        return;
    }
    memcpy(copy, f->bytes, f->len);
    if (f->is_tcp)
        clamp(r, copy, f->len, &f->tcp);
    input(r, copy, f->len);
    free(copy);
}

/* The rest of an ACK that came too early for ours: a plain one, as the peer would send it now. */
bool replay_catch_up(struct replay_run *r)
{
    const struct tcp_conn *c = replay_connection(r);
    if (!c || !r->has_ack || c->id != r->owed_by || r->owed <= c->snd.una || c->snd.una >= c->snd.nxt ||
        c->state == TCP_SYN_SENT)
        return false;
    int64_t ack = r->owed < c->snd.nxt ? r->owed : c->snd.nxt;
    if (ack <= r->told)
        return false;
    r->told = ack;
    struct tcp_header h = r->ack;
    uint8_t bytes[IP_HEADER_MIN + TCP_HEADER_MAX];
    h.seq.n += tcp_seq_len(&h);
    h.text = (struct span){NULL, 0};
    h.flags = TCP_ACK;
    h.ack = seq_wrap(ack, c->iss);
    h.options.sack_count = 0;
    size_t len = tcp_write(&h, bytes + IP_HEADER_MIN);
    struct ip_fields ip = {
        .src = r->flow->remote.addr, .dst = r->flow->local.addr, .protocol = IP_TCP, .ttl = IP_TTL_DEFAULT};
    ip_fill(bytes, &ip, len);
    replay_complete(bytes, IP_HEADER_MIN + len, true);
    int64_t before = c->snd.una;
    input(r, bytes, IP_HEADER_MIN + len);
    c = replay_connection(r);
    return c && c->snd.una > before;
}
