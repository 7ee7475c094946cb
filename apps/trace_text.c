/* Events as lines on a terminal. up_pieces.c prints them as they happen, trace.c those of another process. */
#include "trace_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "../stack/event_text.h"
#include "args.h"
#include "trace_json.h"

#define LINE_MAX_BYTES 512
#define EXPLAIN_INDENT 11 /* columns: under what follows the time */
#define DIM            "\033[2m"
#define OFF            "\033[0m"

/* What comes in, what goes out, what goes wrong, and the rest more quietly. */
static const char *colour_of(const struct event *e)
{
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_DATAGRAM_IN:
        return "\033[36m"; /* cyan */
    case EVENT_SEGMENT_OUT:
        return e->u.segment.retransmitted ? "\033[33m" : "\033[32m"; /* yellow, green */
    case EVENT_DATAGRAM_OUT:
        return "\033[32m";
    case EVENT_STATE:
        return "\033[1m"; /* bold */
    case EVENT_TIMER_FIRED:
        return "\033[33m";
    case EVENT_DROP:
        return "\033[31m"; /* red */
    case EVENT_WINDOW:
    case EVENT_RTT:
        return "\033[35m"; /* magenta */
    default:
        return DIM;
    }
}

static struct event since(const struct event *e, usec started)
{
    struct event later = *e;
    later.time -= started;
    bool timer = e->kind == EVENT_TIMER_SET || e->kind == EVENT_TIMER_FIRED;
    if (timer && e->u.timer.due != NEVER)
        later.u.timer.due -= started;
    return later;
}

void trace_text_print(FILE *out, const struct event *e, const struct trace_style *style)
{
    char line[LINE_MAX_BYTES];
    if (style->json) {
        trace_json_print(out, e, style);
        return;
    }
    struct event shown = since(e, style->started);
    event_text_in(&shown, style->absolute ? EVENT_ABSOLUTE : EVENT_RELATIVE, line, sizeof line);
    if (style->colour)
        fprintf(out, "%s%s" OFF "\n", colour_of(e), line);
    else
        fprintf(out, "%s\n", line);
    if (style->explain && rule_text(e->rule, line, sizeof line) > 0)
        fprintf(out, style->colour ? "%*s" DIM "%s" OFF "\n" : "%*s%s\n", EXPLAIN_INDENT, "", line);
}

void trace_text_lost(FILE *out, uint64_t count, const struct trace_style *style)
{
    if (style->json)
        fprintf(out, "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n", count);
    else
        fprintf(out, "%s... %" PRIu64 " event%s lost: the reader is too slow%s\n",
                style->colour ? "\033[31m" : "", count, count == 1 ? "" : "s", style->colour ? OFF : "");
}

bool trace_text_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    return arg_escapes(out) && !(no_color && *no_color);
}
