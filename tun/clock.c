/* The clock of a process, and what a debugger's stops are taken out of. No RFC. Called by loop.c, link.c and
 * the commands of apps/. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* --- what one stretch of time counts --- */

static bool steps(const struct clock *c)
{
    return c->step == CLOCK_STEP_ON || (c->step == CLOCK_STEP_AUTO && c->traced);
}

static void look(struct clock *c, usec wall)
{
    c->looked = wall;
    c->traced = c->from.traced();
}

/* Of `passed` microseconds, those in which the process was held. */
static usec held_of(struct clock *c, usec passed)
{
    if (c->asleep)
        return passed > c->slice ? passed - c->slice : 0;
    usec work = c->from.work(), worked = work - c->work;
    c->work = work;
    return passed > worked ? passed - worked : 0;
}

/* A debugger came in a stretch of unknown parts: none of it counts. */
static usec held_until_found(struct clock *c, usec wall, usec passed)
{
    bool told = c->told;
    c->told = false;
    if (passed < CLOCK_STRANGE)
        return 0;
    look(c, wall);
    if (!c->traced && !told)
        return 0;
    c->work = c->from.work();
    return passed;
}

usec clock_read(struct clock *c)
{
    usec wall = c->from.wall(), passed = wall - c->wall;
    if (c->step == CLOCK_STEP_OFF)
        return wall - c->held;
    c->wall = wall;
    c->held += steps(c) ? held_of(c, passed) : held_until_found(c, wall, passed);
    if (c->traced && wall - c->looked >= CLOCK_LOOK)
        look(c, wall);
    return wall - c->held;
}

usec clock_sleep_of(struct clock *c, usec due, usec *now)
{
    usec longest = c->step == CLOCK_STEP_OFF ? NEVER : CLOCK_NAP;
    *now = clock_read(c); /* what came before was work */
    usec left = due == NEVER ? NEVER : due > *now ? due - *now : 0;
    if (steps(c))
        longest = CLOCK_SLICE;
    c->slice = left < longest ? left : longest;
    c->asleep = true;
    return c->slice;
}

usec clock_wake_of(struct clock *c)
{
    usec now = clock_read(c);
    c->asleep = false;
    if (steps(c))
        c->work = c->from.work();
    return now;
}

void clock_init(struct clock *c, struct clock_sources from, enum clock_step step)
{
    *c = (struct clock){.from = from, .step = step};
    c->wall = from.wall();
    if (step == CLOCK_STEP_AUTO)
        look(c, c->wall);
    c->work = from.work();
}

/* --- the process's own --- */

static usec usec_of(const struct timespec *t)
{
    return SEC(t->tv_sec) + t->tv_nsec / 1000;
}

static usec wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return usec_of(&t);
}

static usec work_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return usec_of(&t);
}

/* "TracerPid:	1234" in proc(5); false where there is no /proc. */
bool clock_traced(void)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "\nTracerPid:");
    return line && strtol(line + strlen("\nTracerPid:"), NULL, 10) != 0;
}

static struct clock process_clock = {.from = {wall_now, work_now, clock_traced}, .step = CLOCK_STEP_OFF};

usec clock_now(void)
{
    return clock_read(&process_clock);
}

usec clock_wall_offset(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return usec_of(&t) - clock_now();
}

void clock_set_step(enum clock_step step)
{
    usec held = process_clock.held;
    clock_init(&process_clock, process_clock.from, step);
    process_clock.held = held;
}

usec clock_sleep(usec due, usec *now)
{
    return clock_sleep_of(&process_clock, due, now);
}

usec clock_wake(void)
{
    return clock_wake_of(&process_clock);
}
