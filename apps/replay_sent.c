/* What the stack of a replay sends: keeps every frame, with what it says of it, and finds at the end where it
 * stands in the capture's connections. Called by replay_run.c. */
#include "replay_run.h"

#include <stdlib.h>
#include <string.h>

#define SENT_MAX (1u << 20)

static void keep(struct replay_run *r, const struct frame *f)
{
    struct replay_flow *flow = r->flow;
    struct replay_sent *grown =
        replay_grow(flow->sent, flow->sent_count, &flow->sent_room, sizeof *flow->sent);
    size_t len = frame_len(f);
    uint8_t *bytes = grown && flow->sent_count < SENT_MAX ? malloc(len) : NULL;
    if (grown)
        flow->sent = grown;
    if (!bytes) {
        r->bad = true;
        return;
    }
    frame_gather(f, bytes, len);
    struct replay_sent *s = &flow->sent[flow->sent_count++];
    *s = (struct replay_sent){
        .time = r->now - flow->plan.clock, .bytes = bytes, .len = len, .life = -1, .match = -1};
    s->rule = r->rule;
    s->resent = r->resent;
    if (ip_parse(bytes, len, &s->ip) == DROP_NONE)
        s->is_tcp = s->ip.protocol == IP_TCP && tcp_parse(&s->ip, &s->tcp) == DROP_NONE;
}

void replay_collect(struct replay_run *r)
{
    struct frame f;
    r->rule = RULE_NONE;
    r->resent = false;
    for (int i = 0; i < REPLAY_TURNS_MAX && !r->bad && stack_output(&r->stack, r->now, &f); i++) {
        keep(r, &f);
        if (r->options->annotate && !r->bad) {
            annotation_outgoing(&r->annotation, &f);
            r->flow->sent[r->flow->sent_count - 1].comment = strdup(annotation_done(&r->annotation));
        }
        r->rule = RULE_NONE;
        r->resent = false;
    }
}

/* Retransmissions of what the capture's end cut off say nothing. */
static void drop_aftermath(struct replay_flow *f, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < f->sent_count; i++) {
        struct replay_sent *s = &f->sent[i];
        if (s->is_tcp && tcp_seq_len(&s->tcp) == 0) {
            f->sent[kept++] = *s;
            continue;
        }
        free(s->bytes);
        free(s->comment);
    }
    f->sent_count = kept;
}

/* Positions, and which of the capture's connections it belongs to. */
static void place(struct replay_flow *f)
{
    int life = -1;
    int64_t top = 0, ack = 0;
    for (size_t i = 0; i < f->sent_count; i++) {
        struct replay_sent *s = &f->sent[i];
        if (!s->is_tcp)
            continue;
        for (int k = (int)f->lives - 1; s->tcp.flags & TCP_SYN && k > life; k--)
            if (s->tcp.seq.n == f->life[k].iss &&
                (!(s->tcp.flags & TCP_ACK) || s->tcp.ack.n == f->life[k].irs + 1)) {
                life = k;
                top = ack = 0;
                break;
            }
        s->life = life;
        if (life < 0)
            continue;
        s->left = seq_unwrap(s->tcp.seq, f->life[life].iss, top);
        s->right = s->left + tcp_seq_len(&s->tcp);
        if (s->tcp.flags & TCP_ACK && f->life[life].has_irs)
            ack = s->ack = seq_unwrap(s->tcp.ack, f->life[life].irs, ack);
        if (!(s->tcp.flags & TCP_RST) && s->right > top)
            top = s->right;
    }
}

void replay_place_sent(struct replay_flow *f, size_t aftermath)
{
    drop_aftermath(f, aftermath);
    place(f);
}
