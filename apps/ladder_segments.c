/* Keeps the segments of a ladder: all of them, or in a ring what may still matter. ladder_model.c,
 * ladder_flight.c and ladder_capture.c call; whoever draws looks them up. */
#include "ladder_segments.h"

#include <stdlib.h>

#define SEGMENTS_KEPT 4096 /* of a model that does not keep all: what may be on the wire at once */

struct ladder_segment *ladder_segment_kept(const struct ladder_model *m, size_t which)
{
    return &m->segment[m->keeps ? which : which % SEGMENTS_KEPT];
}

const struct ladder_segment *ladder_segment_at(const struct ladder_model *m, size_t which)
{
    return ladder_segment_kept(m, which);
}

size_t ladder_segments_oldest(const struct ladder_model *m)
{
    return m->keeps || m->segments < SEGMENTS_KEPT ? 0 : m->segments - SEGMENTS_KEPT;
}

static bool room_for_segment(struct ladder_model *m)
{
    if (m->segments < m->segment_room || (!m->keeps && m->segment_room == SEGMENTS_KEPT))
        return true;
    size_t room = m->keeps ? (m->segment_room ? m->segment_room * 2 : 256) : SEGMENTS_KEPT;
    struct ladder_segment *at = realloc(m->segment, room * sizeof *at);
    if (!at) {
        m->bad = true;
        return false;
    }
    m->segment = at;
    m->segment_room = room;
    return true;
}

size_t ladder_model_keep(struct ladder_model *m, const struct ladder_segment *s)
{
    if (!room_for_segment(m))
        return LADDER_NO_SEGMENT;
    *ladder_segment_kept(m, m->segments) = *s;
    if (!m->keeps && m->segments - m->first_flying >= SEGMENTS_KEPT)
        m->first_flying++;
    struct ladder_conversation *c = s->conversation ? ladder_conversation_at(m, s->conversation) : NULL;
    if (c) {
        c->began = c->segments ? c->began : s->sent != NEVER ? s->sent : s->arrived;
        c->segments++;
        c->bytes += s->again ? 0 : s->len;
    }
    return m->segments++;
}
