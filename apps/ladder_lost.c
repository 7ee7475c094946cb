/* Which segments seem to have been lost, where nobody says so: sent again, and not acknowledged in between.
 *
 * Called at the end by ladder_model.c. */
#include "ladder_model.h"

#define LOSS_REACH 2048 /* segments looked at around one that was sent again */

static bool overlaps(const struct ladder_segment *a, const struct ladder_segment *b)
{
    return a->seq < b->seq + ladder_seq_len(b) && b->seq < a->seq + ladder_seq_len(a);
}

/* RFC 2883 4: the first block below the acknowledgment, of what had arrived before. */
static bool reports_duplicate(const struct ladder_segment *s, const struct ladder_segment *again)
{
    if (s->options.sack_count == 0)
        return false;
    int64_t left = s->ack + (int32_t)(s->options.sack[0].left.n - s->wire_ack);
    return left < s->ack && left == again->seq;
}

/* Whether the receiver says that `again` came twice. */
static bool was_needless(const struct ladder_model *m, size_t again)
{
    const struct ladder_segment *sent = ladder_segment_at(m, again);
    for (size_t i = again + 1; i < m->segments && i < again + LOSS_REACH; i++) {
        const struct ladder_segment *s = ladder_segment_at(m, i);
        if (s->conversation == sent->conversation && s->from != sent->from && reports_duplicate(s, sent))
            return true;
    }
    return false;
}

/* The latest that carried the same and was not acknowledged before it was sent again. */
static void find_lost(struct ladder_model *m, size_t again)
{
    const struct ladder_segment *r = ladder_segment_at(m, again);
    for (size_t i = again; i > 0 && again - i < LOSS_REACH; i--) {
        struct ladder_segment *s = &m->segment[i - 1];
        if (s->conversation != r->conversation)
            continue;
        if (s->from != r->from && (s->flags & TCP_ACK) && s->ack >= r->seq + ladder_seq_len(r))
            return;
        if (s->from == r->from && ladder_seq_len(s) > 0 && overlaps(s, r)) {
            s->fate = was_needless(m, again) ? s->fate : LADDER_SEEMS_LOST;
            return;
        }
    }
}

void ladder_model_lost(struct ladder_model *m)
{
    for (size_t i = 0; !m->both && i < m->segments; i++)
        if (ladder_segment_at(m, i)->again && (m->wire || ladder_segment_at(m, i)->from == LADDER_RIGHT))
            find_lost(m, i);
}
