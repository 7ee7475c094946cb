/* The clock of a process: monotonic time in microseconds, read nowhere else in the tree.
 *
 * With a step clock it stands still while a debugger holds the process, so that a breakpoint times no connection
 * out: of the time that passed it counts what the process worked or slept of its own will, and takes out the rest.
 * Nobody tells a process that it was held; the clock finds out. While it is traced its sleeps are cut short
 * (CLOCK_SLICE), so that a sleep that took longer was held that much, and its work is counted by processor time. The
 * stretch in which a debugger came is taken out whole. The other end of the wire knows nothing of all this: its time
 * goes on.
 *
 * One thread of a process asks for it. */
#ifndef GLASS_CLOCK_H
#define GLASS_CLOCK_H

#include "../stack/config.h"

#define CLOCK_SLICE    MSEC(10)  /* the longest sleep of a process that is traced */
#define CLOCK_NAP      SEC(1)    /* and of one that may become so: no more than this is taken out needlessly */
#define CLOCK_STRANGE  MSEC(100) /* after a longer stretch it looks whether it is traced now */
#define CLOCK_LOOK     SEC(1)    /* and, while it is, whether it still is */

enum clock_step {
    CLOCK_STEP_AUTO, /* while the process is traced: gdb, rr, strace */
    CLOCK_STEP_ON,
    CLOCK_STEP_OFF,
};

/* Monotonic microseconds; never backwards. */
usec clock_now(void);

/* What must be added to clock_now to get the time of day, in microseconds since 1970. */
usec clock_wall_offset(void);

/* Whether it is a step clock; CLOCK_STEP_OFF until somebody asks. */
void clock_set_step(enum clock_step step);

/* Whether a debugger, or strace, is there this moment. Asks the kernel. */
bool clock_traced(void);

/* Around a sleep until `due` (NEVER: without end). They say when it begins and ends, since to look at a clock takes
 * as long as a hundred instructions. Returns how many microseconds to sleep at most, perhaps none. */
usec clock_sleep(usec due, usec *now);
usec clock_wake(void);

/* --- the same over any sources of time, for tests --- */

struct clock_sources {
    usec (*wall)(void);  /* monotonic */
    usec (*work)(void);  /* processor time of the process */
    bool (*traced)(void);
};

struct clock {
    struct clock_sources from;
    enum clock_step step;
    bool traced;   /* when it last looked */
    bool told;     /* set by gdb's extension: a debugger was there in this stretch, and may be gone again */
    usec wall;     /* when it was last read */
    usec work;     /* processor time then; meaningful while it steps */
    usec looked;   /* wall time of that look */
    usec held;     /* all that was taken out so far */
    bool asleep;
    usec slice;    /* of that sleep, NEVER: without end */
};

void clock_init(struct clock *c, struct clock_sources from, enum clock_step step);
usec clock_read(struct clock *c);
usec clock_sleep_of(struct clock *c, usec due, usec *now);
usec clock_wake_of(struct clock *c);

#endif
