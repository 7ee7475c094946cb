/* Lines of a ladder's text: the margins with times and states, and what stands between the ends.
 *
 * ladder_text.c and ladder_arrow.c fill them. */
#include "ladder_line.h"

#include <stdarg.h>
#include <string.h>

#define SIDE_COLUMN 13 /* the longest state and a blank */
#define STATE_TEXT  40 /* bytes */

void line_paint(const struct ladder_text *t, enum colour colour, const char *format, ...)
{
    va_list list;
    if (t->style.colour && colour)
        fprintf(t->out, "\033[%dm", colour);
    va_start(list, format);
    vfprintf(t->out, format, list);
    va_end(list);
    if (t->style.colour && colour)
        fputs("\033[0m", t->out);
}

void line_repeat(const struct ladder_text *t, const char *what, int count)
{
    for (int i = 0; i < count; i++)
        fputs(what, t->out);
}

static const char *pole_of(const struct ladder_text *t)
{
    return t->style.unicode ? "│" : "|";
}

static int side_column(const struct ladder_text *t)
{
    return SIDE_COLUMN + (t->view == LADDER_OF_BOTH ? 0 : 2) + (t->many ? 4 : 0);
}

/* Two stacks have two line_clocks' columns, for what is sent at one time and arrives at another. */
int line_clocks(const struct ladder_text *t)
{
    return t->view == LADDER_OF_BOTH ? 2 : 1;
}

int line_span(const struct ladder_text *t)
{
    return (int)t->style.width - line_clocks(t) * TIME_COLUMN - 2 * side_column(t) - 2;
}

/* Milliseconds with as many decimals as fit; a capture may claim any time. */
static void time_text(const struct ladder_text *t, usec at, char to[32])
{
    double ms = (double)(at - t->start) / 1000;
    for (int decimals = 3; decimals >= 0; decimals--)
        if (snprintf(to, 32, "%.*f", decimals, ms) < TIME_COLUMN)
            return;
    snprintf(to, 32, "%.1e", ms);
}

static void clock(const struct ladder_text *t, usec at)
{
    char time[32] = "";
    if (at != NEVER)
        time_text(t, at, time);
    line_paint(t, *time ? DIM : PLAIN, "%*s ", TIME_COLUMN - 1, time);
}

static enum colour state_colour(const struct ladder_text *t, unsigned side)
{
    return t->view == LADDER_OF_ONE && side == LADDER_RIGHT ? BOLD : CYAN;
}

void line_left_margin(const struct ladder_text *t, usec at, const char *state)
{
    clock(t, at);
    line_paint(t, state_colour(t, LADDER_LEFT), "%-*s", side_column(t), state);
    fputs(pole_of(t), t->out);
}

/* Nothing stands behind the last word of a line. */
void line_right_margin(const struct ladder_text *t, usec at, const char *state)
{
    char time[32];
    fputs(pole_of(t), t->out);
    bool has_clock = line_clocks(t) == 2 && at != NEVER;
    if (*state || has_clock)
        fputc(' ', t->out);
    if (has_clock) {
        line_paint(t, state_colour(t, LADDER_RIGHT), "%-*s", side_column(t) - 1, state);
        time_text(t, at, time);
        line_paint(t, DIM, "%*s", TIME_COLUMN, time);
    } else if (*state) {
        line_paint(t, state_colour(t, LADDER_RIGHT), "%s", state);
    }
    fputc('\n', t->out);
}

static void state_text(const struct ladder_text *t, const struct ladder_row *row, unsigned side, unsigned i,
                       char to[STATE_TEXT])
{
    char tag[16];
    to[0] = '\0';
    if (i >= row->states[side])
        return;
    ladder_tag_text(row, t->many, tag);
    snprintf(to, STATE_TEXT, row->state[side][i].inferred ? "%s(%s)" : "%s%s", tag,
             tcp_state_name(row->state[side][i].state));
    to[side_column(t) - 1] = '\0'; /* a long number leaves less of the name */
}

void line_begin(const struct ladder_line *l)
{
    char state[STATE_TEXT];
    bool is_first = l->count == 0;
    usec at = l->row->time[LADDER_LEFT];
    if (line_clocks(l->t) == 1 && at == NEVER)
        at = l->row->time[LADDER_RIGHT];
    state_text(l->t, l->row, LADDER_LEFT, l->count, state);
    line_left_margin(l->t, is_first ? at : NEVER, state);
}

void line_end(struct ladder_line *l)
{
    char state[STATE_TEXT];
    state_text(l->t, l->row, LADDER_RIGHT, l->count, state);
    line_right_margin(l->t, l->count == 0 ? l->row->time[LADDER_RIGHT] : NEVER, state);
    l->count++;
}

void line_text(struct ladder_line *l, enum colour colour, bool at_right, const char *text)
{
    int span = line_span(l->t), len = (int)strlen(text);
    int pad = span > len ? span - len : 0;
    line_begin(l);
    line_repeat(l->t, " ", at_right ? pad : 0);
    line_paint(l->t, colour, "%.*s", span, text);
    line_repeat(l->t, " ", at_right ? 0 : pad);
    line_end(l);
}
