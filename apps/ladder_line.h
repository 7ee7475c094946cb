/* A line of a ladder's text, from the left time to the right one. */
#ifndef GLASS_LADDER_LINE_H
#define GLASS_LADDER_LINE_H

#include "ladder_text.h"

#define TIME_COLUMN 10 /* columns: milliseconds and a blank */

enum colour { PLAIN = 0, BOLD = 1, DIM = 2, RED = 31, GREEN = 32, YELLOW = 33, CYAN = 36 };

/* One row being printed: each line takes the next states of both ends. */
struct ladder_line {
    const struct ladder_text *t;
    const struct ladder_row *row;
    unsigned count; /* lines so far */
};

void line_paint(const struct ladder_text *t, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void line_repeat(const struct ladder_text *t, const char *what, int count);

int line_span(const struct ladder_text *t); /* columns between the ends */
int line_clocks(
    const struct ladder_text *t); /* 2: what leaves at one time and arrives at another has a time for both */

void line_left_margin(const struct ladder_text *t, usec at, const char *state); /* NEVER: no time */
void line_right_margin(const struct ladder_text *t, usec at, const char *state);

void line_begin(const struct ladder_line *l); /* then exactly line_span columns */
void line_end(struct ladder_line *l);

/* A whole line; the text is cut to the span. */
void line_text(struct ladder_line *l, enum colour colour, bool at_right, const char *text);

/* ladder_arrow.c: a whole line with the segment of the row. */
void line_arrow(struct ladder_line *l);

#endif
