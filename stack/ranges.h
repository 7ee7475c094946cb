/* A sorted set of disjoint ranges [left, right) of stream positions: what a receiver holds beyond RCV.NXT.
 * Touching ranges are one. */
#ifndef GLASS_RANGES_H
#define GLASS_RANGES_H

#include "core.h"

struct range {
    int64_t left, right;
};

struct ranges {
    struct range *at;
    uint16_t count, room;
};

/* Adds [left, right). False when it would need one range more than `max`, or memory: nothing changed. */
bool ranges_add(struct ranges *r, struct core *core, int64_t left, int64_t right, uint16_t max);

/* Forgets all below `position`; returns the end of the range that reached over it, or position itself. */
int64_t ranges_absorb(struct ranges *r, struct core *core, int64_t position);

void ranges_free(struct ranges *r, struct core *core);

#endif
