/* A sorted set of disjoint ranges [left, right) of stream positions: what a receiver holds beyond RCV.NXT.
 * Touching ranges are one. */
#ifndef GLASS_RANGES_H
#define GLASS_RANGES_H

#include "core.h"

struct range {
    int64_t left, right;
    uint32_t stamp; /* grows with each change: who changed last */
};

struct ranges {
    struct range *at;
    uint16_t count, room;
    uint32_t stamp;
};

/* Adds [left, right). False when it would need one range more than `max`, or memory: nothing changed. */
bool ranges_add(struct ranges *r, struct core *core, int64_t left, int64_t right, uint16_t max);

/* Forgets all below `position`; returns the end of the range that reached over it, or position itself. */
int64_t ranges_absorb(struct ranges *r, struct core *core, int64_t position);

/* The range that changed last of those whose stamp is below `before`, or NULL. */
const struct range *ranges_newest(const struct ranges *r, uint32_t before);

void ranges_free(struct ranges *r, struct core *core);

#endif
