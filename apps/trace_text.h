/* Events for people and for programs: `glass up --trace` and `glass trace` print alike. */
#ifndef GLASS_TRACE_TEXT_H
#define GLASS_TRACE_TEXT_H

#include <stdio.h>
#include "../stack/event.h"

struct trace_style {
    usec started;     /* times count from here */
    usec wall_offset; /* from an event's time to the time of day, for JSON */
    bool explain;     /* the rule that decided, on a line of its own */
    bool absolute;    /* sequence numbers as on the wire */
    bool colour;
    bool json;        /* one object a line; it has everything, whatever else is set here */
};

/* One line, and with `explain` perhaps another. */
void trace_text_print(FILE *out, const struct event *e, const struct trace_style *style);

/* "... 12 events lost: the reader is too slow" */
void trace_text_lost(FILE *out, uint64_t count, const struct trace_style *style);

/* The colours that a reader would want: on a terminal, and NO_COLOR is not set. */
bool trace_text_colour(FILE *out);

#endif
