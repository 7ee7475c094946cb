/* Exhaustive exploration: every order in which a short conversation's segments are delivered, lost or doubled, its
 * timers fire and its programs act.
 *
 *     explore_world.c   a world that can be copied and put back: all its memory lies in one arena at one address
 *     explore_digest.c  what makes two worlds the same
 *     explore.c         depth first through all of them, each only once
 *
 * It shares the simulator's programs (app.c) and invariants (check.c). */
#ifndef GLASS_EXPLORE_H
#define GLASS_EXPLORE_H

#include "sim.h"

#define WIRE_MAX    16  /* packets on their way at once; more is a storm */
#define PACKET_MAX  96  /* bytes */
#define ARENA_SIZE  (256u << 10)
#define CLASSES     12  /* block sizes 32, 64 ... 64 KB */

struct flying {
    uint8_t to, len;
    uint8_t bytes[PACKET_MAX];
};

/* What may still go wrong on the way from here. */
struct budget {
    uint8_t losses, doubles, late; /* late: timers that fire while packets are on their way */
};

/* A scenario: two stacks, what the programs do, how far faults go. */
struct scenario {
    const char *name;
    uint32_t a_sends, b_sends;
    bool both_open; /* simultaneous open; otherwise A opens, B listens */
    bool modern;    /* SACK, RACK-TLP, F-RTO, PRR; otherwise NewReno alone */
    bool aborts;    /* A may abort at any time */
    bool lazy;      /* several packets may be read before an answer leaves */
    unsigned reach; /* of the packets on their way, so many may be next */
    struct budget budget;
};

struct world {
    struct sim sim;
    const struct scenario *scenario;
    struct budget left;
    struct flying wire[WIRE_MAX];
    unsigned flying;
    bool aborted;
    void *unused[CLASSES]; /* blocks given back, by size */
    size_t used;           /* of the arena */
    max_align_t arena[ARENA_SIZE / sizeof(max_align_t)];
};

enum act_kind {
    ACT_DELIVER,
    ACT_LOSE,
    ACT_DOUBLE, /* delivered, and still on its way */
    ACT_OUTPUT, /* stack `which` sends what it has to say */
    ACT_TIME,   /* to the next deadline */
    ACT_OPEN,   /* end `which` */
    ACT_CLOSE,
    ACT_ABORT,
};

struct act {
    uint8_t kind, which;
};

#define ACTS_MAX 64

void world_begin(struct world *w, const struct scenario *scenario, bool trace);
unsigned world_acts(const struct world *w, struct act acts[ACTS_MAX]); /* 0: this is the end */
void world_do(struct world *w, struct act a);
void world_finish(struct world *w); /* closes what is left and checks that nothing stays */
size_t world_size(const struct world *w); /* bytes that make a copy of it */

uint64_t digest(const struct world *w);

#endif
