/* What the scenarios of broken connections share: three acts each, and what the applications are told. */
#ifndef GLASS_SCENARIOS_BREAKING_H
#define GLASS_SCENARIOS_BREAKING_H

#include <errno.h>
#include "stage.h"

#define R2     TCP_R2_DEFAULT
#define R2_SYN TCP_R2_SYN_DEFAULT
#define DAY    SEC(86400)

#define VANISHES "The peer vanishes"
#define RESTARTS "The peer restarts"
#define DIES     "The application dies"

static inline void told_after(struct stage *st, enum stage_side side, int error, usec time)
{
    stage_until_told(st, side);
    stage_expect_told_at(st, side, error, time, time + SEC(1));
}

/* Whether R2 has passed is looked at when the retransmission timer runs out, and that may be a minute apart.
 */
static inline void gave_up(struct stage *st, enum stage_side side, usec since)
{
    stage_until_told(st, side);
    stage_expect_told_at(st, side, ETIMEDOUT, since + R2, since + R2 + TCP_RTO_MAX);
    stage_expect_count(st, side, COUNT_TCP_GAVE_UP, 1);
}

/* The right host is off for so long, and knows nothing when it is back. */
static inline void restarts_after(struct stage *st, usec time)
{
    stage_power_off(st, RIGHT);
    stage_run(st, time);
    stage_power_on(st, RIGHT);
}

static inline void nobody_told(struct stage *st)
{
    stage_expect_told(st, LEFT, 0);
    stage_expect_told(st, RIGHT, 0);
}

#define BROKEN(NAME, STATE, TEXT, PLAY, HOST, ANALYSIS)                                                      \
    {                                                                                                        \
        .name = "break-" NAME, .title = "What happens when it breaks in " STATE, .text = TEXT, .play = PLAY, \
        .host = HOST, .analysis = ANALYSIS                                                                   \
    }

#endif
