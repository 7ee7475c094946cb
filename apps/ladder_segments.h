/* The segments of a ladder's model, for the files that own them: what is kept, and what is on its way between
 * two stacks. Everybody else looks at them with ladder_segment_at (ladder_model.h). */
#ifndef GLASS_LADDER_SEGMENTS_H
#define GLASS_LADDER_SEGMENTS_H

#include "ladder_model.h"
#include "ladder_peek.h"

/* --- ladder_segments.c --- */

struct ladder_segment *ladder_segment_kept(const struct ladder_model *m, size_t which); /* to be changed */
size_t ladder_segments_oldest(const struct ladder_model *m); /* the first that is still kept */

/* --- ladder_flight.c --- */

/* Whether they are the same on the wire. */
bool ladder_segment_is_same(const struct ladder_segment *a, const struct ladder_segment *b);

/* `s` arrives: which segment it is. One that nobody here has on its way is kept as new: an attacker's, an old
 * duplicate, the wire's copy of what has arrived before. LADDER_NO_SEGMENT: memory is short. */
size_t ladder_flight_land(struct ladder_model *m, struct ladder_segment *s, usec now);

/* The wire lost the latest that `side` sent and that looks like `lost`; NULL: whatever it looks like. */
void ladder_flight_lose(struct ladder_model *m, unsigned side, const struct ladder_peek *lost);

void ladder_flight_end(struct ladder_model *m); /* what has not arrived by now has been lost */

#endif
