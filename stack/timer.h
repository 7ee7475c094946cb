/* A hierarchical timing wheel: start, stop and expire in O(1), whatever the number of timers.
 *
 * Seven levels of 64 slots; a slot of level n is 64^n microseconds wide. A timer waits in the level of the
 * highest digit in which its due time differs from now, and moves down at most once a level on its way. */
#ifndef GLASS_TIMER_H
#define GLASS_TIMER_H

#include "config.h"

#define WHEEL_LEVELS 7
#define WHEEL_SLOTS  64

struct timer {
    struct timer *next, **link; /* link is NULL while the timer is stopped */
    usec due;
};

struct wheel {
    usec now;
    usec next;                   /* nothing is due before: most of the time that is all there is to know */
    size_t count;                /* of timers that run */
    uint64_t busy[WHEEL_LEVELS]; /* a bit for each slot that holds a timer */
    struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, usec now);

/* (Re)starts t for `due`; a time in the past is due at once. Times beyond 64^7 us (51 days) are held at the
 * wheel's edge and come back early: whoever takes an expired timer looks at its own clock. */
void timer_start(struct wheel *w, struct timer *t, usec due);
void timer_stop(struct wheel *w, struct timer *t);

static inline bool timer_running(const struct timer *t)
{
    return t->link != NULL;
}

/* Takes out the next timer due at or before now, or NULL. */
struct timer *wheel_turn(struct wheel *w, usec now);

static inline struct timer *wheel_expired(struct wheel *w, usec now)
{
    return now < w->next ? NULL : wheel_turn(w, now);
}

/* A time no later than the earliest due time, NEVER when empty. It may be the start of a wide slot: calling
 * wheel_expired then finds nothing yet, but sharpens the answer. */
usec wheel_due(const struct wheel *w);

#endif
