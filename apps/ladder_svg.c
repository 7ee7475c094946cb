/* A ladder as a picture: the rows that ladder_row.c makes, drawn with sloping arrows, the states of both ends
 * as coloured bars. Time is in order, not to scale.
 *
 * Two passes: how far down each row stands, then the drawing; the parts are listed in ladder_svg_parts.h.
 * ladder.c and ladder_command.c call. */
#include "ladder_svg_parts.h"

#include <stdlib.h>
#include "../stack/event_text.h"

static void draw(struct svg *s, unsigned shown, const char *title, const enum tcp_state *first[2])
{
    char left[24], right[24], text[160];
    const struct ladder_model *m = &s->d->model;
    endpoint_text(m->conversations ? ladder_conversation_at(m, shown)->way[0].end : (struct endpoint){0},
                  left, sizeof left);
    endpoint_text(m->conversations ? ladder_conversation_at(m, shown)->way[1].end : (struct endpoint){0},
                  right, sizeof right);
    snprintf(
        text, sizeof text,
        "A sequence diagram: time runs down, %s on the left, %s on the right, an arrow for each segment.",
        left, right);
    svg_begin(s->out, s->bottom, title ? title : "A TCP connection", text);
    svg_begin_ends(s, shown, first);
    for (size_t i = 0; i < s->rows; i++)
        if (!s->row[i].hidden) {
            svg_row_ends(s, &s->row[i]);
            svg_row_arrow(s, &s->row[i]);
        }
    for (size_t i = 0; i < s->rows; i++) { /* words come over all arrows */
        if (s->row[i].hidden && s->row[i].folds)
            svg_row_fold(s, &s->row[i]);
        if (s->row[i].hidden)
            continue;
        svg_row_names(s, &s->row[i]);
        if (s->row[i].row.part != ROW_NO_SEGMENT)
            svg_row_label(s, &s->row[i]);
        svg_row_words(s, &s->row[i]);
    }
    svg_finish_ends(s);
    svg_end(s->out);
}

bool ladder_drawing_svg(FILE *out, struct ladder_drawing *d, unsigned only, const struct ladder_style *style,
                        const char *title)
{
    struct svg s = {.out = out, .style = style, .d = d, .start = NEVER};
    const enum tcp_state *first[2] = {NULL, NULL};
    struct ladder_rows rows;
    if (d->bad || d->model.bad || d->steps == 0)
        return false;
    s.many = style->tags || (!only && d->model.conversations > 1);
    if (!s.many)
        ladder_drawing_first_states(d, only ? only : 1, first);
    ladder_rows_init(&rows, &d->model);
    rows.explain = style->explain;
    rows.only = s.only = only;
    rows.sink = svg_take_row;
    rows.context = &s;
    for (size_t i = 0; i < d->steps; i++)
        ladder_rows_step(&rows, &d->step[i]);
    ladder_rows_end(&rows);
    svg_place_rows(&s);
    if (!s.bad)
        draw(&s, only ? only : 1, title, first);
    free(s.row);
    return !s.bad;
}
