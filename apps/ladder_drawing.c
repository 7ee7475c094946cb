/* Holds a whole ladder before it is drawn, and draws it as text; ladder_svg.c draws the picture. */
#include "ladder_drawing.h"

#include <stdlib.h>
#include <string.h>

/* --- what happened --- */

static void collect(void *context, const struct ladder_step *step)
{
    struct ladder_drawing *d = context;
    if (d->steps == d->step_room) {
        size_t room = d->step_room ? d->step_room * 2 : 256;
        struct ladder_step *at = realloc(d->step, room * sizeof *at);
        if (!at) {
            d->bad = true;
            return;
        }
        d->step = at;
        d->step_room = room;
    }
    d->step[d->steps++] = *step;
}

void ladder_drawing_init(struct ladder_drawing *d, enum ladder_view view)
{
    *d = (struct ladder_drawing){.view = view};
    ladder_model_init(&d->model, view == LADDER_OF_BOTH, true);
    d->model.wire = view == LADDER_OF_WIRE;
    d->model.sink = collect;
    d->model.context = d;
}

void ladder_drawing_free(struct ladder_drawing *d)
{
    free(d->step);
    ladder_model_free(&d->model);
}

static void remark(struct ladder_drawing *d, const struct ladder_remark *r)
{
    struct ladder_step step = {.time = r->at, .kind = LADDER_SAYS};
    snprintf(step.text, sizeof step.text, "%s", r->text);
    ladder_model_step(&d->model, &step);
}

void ladder_drawing_log(struct ladder_drawing *d, const struct record_log *log,
                        const struct ladder_style *style)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire), said = 0;
    for (unsigned i = 0; i < count; i++) {
        for (; said < style->remarks && style->remark[said].before <= i; said++)
            remark(d, &style->remark[said]);
        ladder_model_add(&d->model, &log->record[i]);
    }
    for (; said < style->remarks; said++)
        remark(d, &style->remark[said]);
    ladder_model_end(&d->model);
}

unsigned ladder_drawing_find(const struct ladder_drawing *d, uint32_t number)
{
    const struct ladder_model *m = &d->model;
    if (d->view != LADDER_OF_ONE)
        return number <= m->conversations ? number : 0;
    for (unsigned i = 0; i < m->conversations; i++)
        if (ladder_conversation_at(m, i + 1)->way[LADDER_RIGHT].connection == number)
            return i + 1;
    return 0;
}

void ladder_drawing_first_states(struct ladder_drawing *d, unsigned only, const enum tcp_state *state[2])
{
    for (size_t i = 0; i < d->steps; i++) {
        struct ladder_step *step = &d->step[i];
        if (step->kind != LADDER_STATE || step->inferred || step->conversation != only || state[step->side])
            continue;
        bool begins_in_listen = step->from == TCP_CLOSED && step->state == TCP_LISTEN;
        state[step->side] = begins_in_listen ? &step->state : &step->from;
        if (begins_in_listen)
            step->kind = LADDER_NOTHING;
    }
}

const char *ladder_drawing_title(const struct ladder_drawing *d, const struct ladder_style *style,
                                 unsigned side)
{
    if (style->name[side])
        return style->name[side];
    if (d->says[side])
        return d->says[side];
    return ladder_view_title(d->view, side);
}

/* --- as text --- */

static void print_row(void *context, const struct ladder_row *row)
{
    ladder_text_row(context, row);
}

struct text_ladder {
    struct ladder_text text;
    struct ladder_rows rows;
};

static void print_all(struct text_ladder *l, struct ladder_drawing *d, unsigned only)
{
    struct ladder_conversation ends = {0};
    const enum tcp_state *state[2] = {NULL, NULL};
    const struct ladder_model *m = &d->model;
    unsigned shown = only ? only : 1;
    l->text.many |= !only && m->conversations > 1;
    if (!l->text.many)
        ladder_drawing_first_states(d, shown, state);
    if (m->conversations)
        ends = *ladder_conversation_at(m, shown);
    for (unsigned side = 0; side < 2 && l->text.many && !only; side++)
        ends.way[side].end.addr = m->addr[side];
    ladder_text_head(&l->text, &ends, state);
    for (unsigned i = 0; l->text.many && !only && i < m->conversations; i++)
        ladder_text_heading(&l->text, ladder_model_tag(m, i + 1), ladder_conversation_at(m, i + 1));
    for (size_t i = 0; i < d->steps; i++)
        ladder_rows_step(&l->rows, &d->step[i]);
    ladder_rows_end(&l->rows);
    ladder_text_flush(&l->text);
}

bool ladder_drawing_text(FILE *out, struct ladder_drawing *d, unsigned only, const struct ladder_style *style)
{
    struct ladder_style named = *style;
    struct text_ladder *l = malloc(sizeof *l);
    bool ok = l && !d->bad && !d->model.bad && d->steps > 0;
    for (unsigned side = 0; side < 2; side++)
        named.name[side] = ladder_drawing_title(d, style, side);
    if (ok) {
        ladder_text_init(&l->text, out, d->view, &named);
        ladder_rows_init(&l->rows, &d->model);
        l->rows.explain = style->explain;
        l->rows.only = only;
        l->rows.sink = print_row;
        l->rows.context = &l->text;
        print_all(l, d, only);
    }
    free(l);
    return ok;
}
