/* The first pass of a ladder's picture: takes the rows, hides the middle of long plain runs, and finds how
 * far down each row stands. ladder_svg.c calls, and frees the array of rows. */
#include "ladder_svg_parts.h"

#include <stdlib.h>

#define TOP       92 /* where the first row begins */
#define FOLD_HEAD 4
#define FOLD_TAIL 2
#define ROWS_MAX  20000 /* a picture of more would open nowhere */

void svg_take_row(void *svg, const struct ladder_row *row)
{
    struct svg *s = svg;
    if (s->rows == ROWS_MAX) {
        s->bad = true;
        return;
    }
    if (s->rows == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct placed_row *at = realloc(s->row, room * sizeof *at);
        if (!at) {
            s->bad = true;
            return;
        }
        s->row = at;
        s->room = room;
    }
    s->row[s->rows++] = (struct placed_row){.row = *row};
    if (s->start == NEVER)
        s->start = row->time[0] < row->time[1] ? row->time[0] : row->time[1];
}

static void fold_runs(struct svg *s)
{
    for (size_t from = 0, n; from < s->rows; from += n + 1) {
        unsigned segments = 0;
        for (n = 0; from + n < s->rows && ladder_row_is_plain(&s->row[from + n].row); n++)
            segments += s->row[from + n].row.part != ROW_ARRIVE;
        if (s->style->fold == 0 || segments <= s->style->fold || segments <= FOLD_HEAD + FOLD_TAIL + 1)
            continue;
        s->row[from + FOLD_HEAD].folds = (unsigned)(n - FOLD_HEAD - FOLD_TAIL);
        for (size_t i = from + FOLD_HEAD; i < from + n - FOLD_TAIL; i++)
            s->row[i].hidden = true;
    }
}

/* Under a row: its words, or the names of the states beside it. */
static int row_lines(const struct svg *s, const struct ladder_row *row)
{
    int lines = svg_words_lines(s, row);
    int states = (int)(row->states[0] > row->states[1] ? row->states[0] : row->states[1]);
    return lines > states - 2 ? lines : states - 2;
}

static int height_of(const struct svg *s, const struct placed_row *p)
{
    if (p->hidden)
        return p->folds ? 2 * SVG_LINE + 8 : 0;
    int lines = row_lines(s, &p->row);
    if (p->row.part == ROW_NO_SEGMENT)
        return (lines > 0 ? lines : 1) * SVG_LINE + 8;
    return SVG_LABEL + SVG_SLOPE + SVG_LINE + lines * SVG_LINE + 4;
}

/* Connections are numbered as they begin, so what is drawn of one tells of those before it. */
static void name_connections(struct svg *s, struct placed_row *p)
{
    if (!s->many || p->hidden || p->row.conversation <= s->named)
        return;
    p->begun = s->only ? 1 : p->row.conversation - s->named;
    s->named = p->row.conversation;
}

void svg_place_rows(struct svg *s)
{
    int y = TOP;
    fold_runs(s);
    for (size_t i = 0; i < s->rows; i++) {
        struct placed_row *p = &s->row[i];
        name_connections(s, p);
        y += (int)p->begun * SVG_LINE;
        p->height = height_of(s, p);
        p->y = y + (p->row.part == ROW_NO_SEGMENT || p->hidden ? SVG_LINE : SVG_LABEL);
        y += p->height;
    }
    s->bottom = y + 16;
}
