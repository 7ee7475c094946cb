/* Sequence numbers of a ladder: positions of what was seen on the wire, and what they tell of a segment (sent
 * again, out of order, behind a gap). RFC 9293 3.4.
 *
 * ladder_model.c, ladder_flight.c and ladder_capture.c call. */
#include <stdlib.h>
#include <string.h>
#include "ladder_model.h"

static void set_isn(struct ladder_way *way, uint32_t isn)
{
    if (way->has_isn && way->isn != isn) {
        way->old_isn = way->isn;
        way->old_next = way->next;
        way->has_old = true;
        way->next = way->has_sent = 0;
    }
    way->isn = isn;
    way->has_isn = true;
}

/* Learns the initial sequence numbers from a segment whose positions are known. */
void ladder_model_learn(struct ladder_conversation *c, const struct ladder_segment *s)
{
    struct ladder_way *back = &c->way[!s->from];
    set_isn(&c->way[s->from], s->wire_seq - (uint32_t)s->seq);
    if ((s->flags & TCP_ACK) && !back->has_isn)
        set_isn(back, s->wire_ack - (uint32_t)s->ack);
}

/* The position of a number in this connection; or in the one before, when that makes more sense. */
static int64_t position(const struct ladder_way *way, uint32_t number)
{
    int64_t now = seq_unwrap((struct wireseq){number}, way->isn, way->next);
    int64_t before = seq_unwrap((struct wireseq){number}, way->old_isn, way->old_next);
    return way->has_old && llabs(before - way->old_next) < llabs(now - way->next) ? before : now;
}

void ladder_model_relate(struct ladder_conversation *c, struct ladder_segment *s)
{
    struct ladder_way *way = &c->way[s->from], *back = &c->way[!s->from];
    if (s->flags & TCP_SYN)
        set_isn(way, s->wire_seq);
    else if (!way->has_isn) /* as tshark counts: what is seen first is 1 when there was no SYN */
        set_isn(way, s->wire_seq - 1);
    if (!back->has_isn && (s->flags & TCP_ACK)) {
        set_isn(back, s->wire_ack - 1);
        back->next = 1;
    }
    s->seq = position(way, s->wire_seq);
    s->ack = s->flags & TCP_ACK ? position(back, s->wire_ack) : 0;
    s->is_relative = true;
}

uint32_t ladder_seq_len(const struct ladder_segment *s)
{
    return s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

/* --- what was seen before --- */

static void remove_hole(struct ladder_way *way, unsigned i)
{
    memmove(&way->hole[i], &way->hole[i + 1], (--way->holes - i) * sizeof way->hole[0]);
}

static void add_hole(struct ladder_way *way, int64_t left, int64_t right)
{
    if (way->holes == LADDER_HOLES)
        remove_hole(way, 0);
    way->hole[way->holes].left = left;
    way->hole[way->holes++].right = right;
}

/* Whether [left, right) fills a part of a hole. */
static bool fill_hole(struct ladder_way *way, int64_t left, int64_t right)
{
    bool fills = false;
    for (unsigned i = way->holes; i > 0; i--) {
        int64_t a = way->hole[i - 1].left, b = way->hole[i - 1].right;
        if (right <= a || left >= b)
            continue;
        fills = true;
        remove_hole(way, i - 1);
        if (a < left)
            add_hole(way, a, left);
        if (right < b)
            add_hole(way, right, b);
    }
    return fills;
}

/* Retransmitted, out of order, behind a gap: by sequence numbers alone. */
static void judge(struct ladder_way *way, struct ladder_segment *s, int64_t end)
{
    if (s->seq < way->next && s->seq < end) {
        s->late = fill_hole(way, s->seq, end);
        s->again = !s->late && end <= way->next && !s->probe;
    } else if (s->seq > way->next) {
        s->gap = true;
        add_hole(way, way->next, s->seq);
    }
}

void ladder_model_follow(struct ladder_conversation *c, struct ladder_segment *s, bool infers)
{
    struct ladder_way *way = &c->way[s->from];
    int64_t end = s->seq + ladder_seq_len(s);
    if (s->flags & TCP_RST)
        return;
    s->probe = way->has_sent && way->next > 0 && s->len <= 1 && !(s->flags & (TCP_SYN | TCP_FIN)) &&
               s->seq == way->next - 1;
    if (infers && way->has_sent)
        judge(way, s, end);
    way->next = !way->has_sent || end > way->next ? end : way->next;
    way->has_sent = true;
    if (s->flags & TCP_ACK)
        way->acked = s->ack;
}
