/* What a scenario says must have come of it. No RFC: the scenarios name theirs.
 *
 * Owns the list of what is not so. Called by the scenarios, through stage.h. */
#include "stage_engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *stage_side_name(unsigned side)
{
    return side == LEFT ? "left" : side == RIGHT ? "right" : "nobody";
}

__attribute__((format(printf, 2, 0))) static void add_failure(struct stage *st, const char *format,
                                                              va_list list)
{
    if (st->failures == STAGE_FAILURES)
        return;
    char *line = st->failure[st->failures++];
    int n = st->act ? snprintf(line, STAGE_LINE, "act %u, ", st->act) : 0;
    n += snprintf(line + n, STAGE_LINE - (size_t)n, "at %.3f s: ", (double)(st->now - st->act_start) / 1e6);
    vsnprintf(line + n, STAGE_LINE - (size_t)n, format, list);
}

void stage_fail(struct stage *st, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_failure(st, format, list);
    va_end(list);
}

void stage_expect(struct stage *st, bool so, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!so)
        add_failure(st, format, list);
    va_end(list);
}

/* --- questions --- */

struct ends {
    struct endpoint local;
    enum tcp_state state;
};

static void find_state(void *context, const struct sock_info *info)
{
    struct ends *e = context;
    if (info->protocol == IP_TCP && info->state != TCP_LISTEN && info->local.port == e->local.port)
        e->state = info->state;
}

/* The connection outlives its application's socket: the table of the stack knows it. */
enum tcp_state stage_state(const struct stage *st, enum stage_side side)
{
    struct ends e = {.local = st->end[side]};
    if (!st->up[side])
        return TCP_CLOSED;
    if (st->current[side] && st->current[side]->s)
        sock_name(st->current[side]->s, &e.local);
    stack_each_socket(&st->stack[side], find_state, &e);
    return e.state;
}

void stage_info(const struct stage *st, enum stage_side side, struct tcp_info *info)
{
    const struct stage_app *a = st->current[side];
    memset(info, 0, sizeof *info);
    if (a && a->s)
        sock_tcp_info(a->s, info);
}

uint64_t stage_count(const struct stage *st, enum stage_side side, enum counter which)
{
    return st->up[side] ? st->stack[side].core.counter[which] : 0;
}

uint64_t stage_dropped(const struct stage *st, enum stage_side side, enum drop why)
{
    return st->up[side] ? st->stack[side].core.dropped[why] : 0;
}

uint64_t stage_received(const struct stage *st, enum stage_side side)
{
    return st->current[side] ? st->current[side]->received : 0;
}

/* --- claims --- */

void stage_expect_state(struct stage *st, enum stage_side side, enum tcp_state state)
{
    enum tcp_state now = stage_state(st, side);
    stage_expect(st, now == state, "the %s connection is in %s, not %s", stage_side_name(side),
                 tcp_state_name(now), tcp_state_name(state));
}

void stage_expect_count(struct stage *st, enum stage_side side, enum counter which, uint64_t n)
{
    uint64_t now = stage_count(st, side, which);
    stage_expect(st, now == n, "the %s stack counts %llu %s, not %llu", stage_side_name(side),
                 (unsigned long long)now, counter_text(which), (unsigned long long)n);
}

static const char *name_of(int error)
{
    const char *name = error ? strerrorname_np(error) : "no error";
    return name ? name : "?";
}

void stage_expect_told(struct stage *st, enum stage_side side, int error)
{
    const struct stage_app *a = st->current[side];
    int now = a ? a->error : 0;
    stage_expect(st, now == error, "the %s application was told %s, not %s", stage_side_name(side),
                 name_of(now), name_of(error));
}

void stage_expect_told_at(struct stage *st, enum stage_side side, int error, usec from, usec to)
{
    const struct stage_app *a = st->current[side];
    stage_expect_told(st, side, error);
    if (!a || !a->error)
        return;
    usec at = a->error_at - st->act_start;
    stage_expect(st, from <= at && at <= to,
                 "the %s application was told after %.3f s, not between %.3f and %.3f", stage_side_name(side),
                 (double)at / 1e6, (double)from / 1e6, (double)to / 1e6);
}

void stage_expect_end(struct stage *st, enum stage_side side)
{
    const struct stage_app *a = st->current[side];
    stage_expect(st, a && a->at_end, "the %s application never read the end of the stream",
                 stage_side_name(side));
}
