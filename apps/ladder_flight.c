/* Segments between two stacks: who is who. Which segment that arrives is which that was sent, when several
 * are alike; and which of them the wire lost. ladder_model.c calls. */
#include "ladder_segments.h"

#include <stdlib.h>

#define NONE LADDER_NO_SEGMENT

bool ladder_segment_is_same(const struct ladder_segment *a, const struct ladder_segment *b)
{
    return a->conversation == b->conversation && a->from == b->from && a->wire_seq == b->wire_seq &&
           a->wire_ack == b->wire_ack && a->flags == b->flags && a->len == b->len &&
           a->wire_window == b->wire_window && a->options.ts_value == b->options.ts_value &&
           a->options.sack_count == b->options.sack_count;
}

/* The segment on the wire that `s`, which arrives now, is. Of several that are alike (an ACK twice, what was
 * sent again) the one that then took as long as the last before it, or the other way's; the latest when
 * nothing is known. */
static size_t find_flying(const struct ladder_model *m, const struct ladder_segment *s, usec now)
{
    size_t best = NONE, from = ladder_segments_oldest(m);
    usec took = m->took[s->from] ? m->took[s->from] : m->took[!s->from], off = NEVER;
    for (size_t i = m->first_flying > from ? m->first_flying : from; i < m->segments; i++) {
        const struct ladder_segment *sent = ladder_segment_kept(m, i);
        if (sent->fate != LADDER_FLIES || !ladder_segment_is_same(sent, s))
            continue;
        usec error = llabs(now - sent->sent - took);
        if (error < off) {
            best = i;
            off = error;
        }
    }
    return best;
}

static size_t find_landed(const struct ladder_model *m, const struct ladder_segment *s)
{
    for (size_t i = m->segments; i > ladder_segments_oldest(m); i--) {
        const struct ladder_segment *sent = ladder_segment_kept(m, i - 1);
        if (sent->fate != LADDER_FLIES && sent->sent != NEVER && ladder_segment_is_same(sent, s))
            return i - 1;
    }
    return NONE;
}

static void skip_landed(struct ladder_model *m)
{
    while (m->first_flying < m->segments && ladder_segment_kept(m, m->first_flying)->fate != LADDER_FLIES)
        m->first_flying++;
}

/* One that nobody sent is drawn too: an attacker's, or an old duplicate. */
static size_t arrive_unsent(struct ladder_model *m, const struct ladder_segment *s, usec now)
{
    struct ladder_segment arrived = *s;
    size_t before = find_landed(m, s);
    arrived.sent = before == NONE ? NEVER : ladder_segment_kept(m, before)->sent;
    arrived.copy = before != NONE;
    arrived.arrived = now;
    arrived.fate = LADDER_ARRIVED;
    return ladder_model_keep(m, &arrived);
}

size_t ladder_flight_land(struct ladder_model *m, struct ladder_segment *s, usec now)
{
    size_t which = find_flying(m, s, now);
    if (which == NONE) {
        if (s->conversation)
            ladder_model_relate(ladder_conversation_at(m, s->conversation), s);
        return arrive_unsent(m, s, now);
    }
    struct ladder_segment *sent = ladder_segment_kept(m, which);
    sent->arrived = now;
    sent->fate = LADDER_ARRIVED;
    m->took[s->from] = sent->arrived - sent->sent;
    skip_landed(m);
    return which;
}

void ladder_flight_lose(struct ladder_model *m, unsigned side, const struct ladder_peek *lost)
{
    size_t oldest = m->first_flying;
    for (size_t i = m->segments; i > oldest; i--) {
        struct ladder_segment *s = ladder_segment_kept(m, i - 1);
        if (s->from != side || s->fate != LADDER_FLIES)
            continue;
        if (lost && (s->wire_seq != lost->header.seq.n || s->wire_ack != lost->header.ack.n ||
                     s->flags != lost->header.flags || s->len != lost->len))
            continue;
        s->fate = LADDER_LOST;
        break;
    }
    skip_landed(m);
}

void ladder_flight_end(struct ladder_model *m)
{
    for (size_t i = m->first_flying; i < m->segments; i++)
        if (ladder_segment_kept(m, i)->fate == LADDER_FLIES)
            ladder_segment_kept(m, i)->fate = LADDER_LOST;
}
