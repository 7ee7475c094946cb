/* The two ends of a ladder's picture: who they are, when something happened there, and the states they went
 * through, as coloured bars. ladder_svg.c calls. */
#include "ladder_svg_parts.h"

#include "../stack/event_text.h"

#define BAR 8 /* width of a state's bar */

static void clock_text(const struct svg *s, unsigned side, usec at, int y)
{
    char time[32];
    if (at == NEVER)
        return;
    snprintf(time, sizeof time, "%.3f", (double)(at - s->start) / 1000);
    if (side == LADDER_RIGHT && s->d->view == LADDER_OF_BOTH)
        svg_text(s->out, SVG_WIDTH - 12, y, "time soft", "end", time);
    else
        svg_text(s->out, 78, y, "time soft", "end", time);
}

/* The bar of the state that ends at `y`. */
static void end_bar(struct svg *s, unsigned side, int y)
{
    char colour[8];
    int x = side == LADDER_LEFT ? SVG_LEFT - BAR - 3 : SVG_RIGHT + 3;
    if (!s->now[side].known || y <= s->now[side].since)
        return;
    svg_state_class(s->now[side].state, colour);
    fprintf(s->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\" class=\"%s%s\"/>\n", x,
            s->now[side].since, BAR, y - s->now[side].since, colour, s->now[side].inferred ? " guess" : "");
}

static void state_name(const struct svg *s, const struct ladder_row *row, unsigned side, unsigned i, int y)
{
    char name[48], tag[16];
    bool inferred = row->state[side][i].inferred;
    ladder_tag_text(row, s->many, tag);
    snprintf(name, sizeof name, inferred ? "%s(%s)" : "%s%s", tag, tcp_state_name(row->state[side][i].state));
    int x = side == LADDER_LEFT ? SVG_LEFT - BAR - 9 : SVG_RIGHT + BAR + 9;
    svg_text(s->out, x, y + 4 + (int)i * SVG_LINE, inferred ? "state ink inferred" : "state ink",
             side == LADDER_LEFT ? "end" : "start", name);
}

static void begin_state(struct svg *s, unsigned side, enum tcp_state state, bool inferred, int y)
{
    end_bar(s, side, y - 1);
    s->now[side].known = true;
    s->now[side].state = state;
    s->now[side].inferred = inferred;
    s->now[side].since = y;
}

static void change_states(struct svg *s, const struct ladder_row *row, unsigned side, int y)
{
    for (unsigned i = 0; i < row->states[side]; i++) {
        begin_state(s, side, row->state[side][i].state, row->state[side][i].inferred, y + (int)i * SVG_LINE);
        state_name(s, row, side, i, y);
    }
}

static void draw_heads(struct svg *s, unsigned shown)
{
    char end[24];
    const struct ladder_model *m = &s->d->model;
    for (unsigned side = 0; side < 2; side++) {
        struct endpoint e =
            m->conversations ? ladder_conversation_at(m, shown)->way[side].end : (struct endpoint){0};
        if (s->many)
            e = (struct endpoint){m->addr[side], 0};
        endpoint_text(e, end, sizeof end);
        svg_text(s->out, svg_pole(side), 34, "head ink", "middle",
                 ladder_drawing_title(s->d, s->style, side));
        svg_text(s->out, svg_pole(side), 54, "ink", "middle", e.addr ? end : "");
        fprintf(s->out, "<line x1=\"%d\" y1=\"64\" x2=\"%d\" y2=\"%d\" class=\"pole\"/>\n", svg_pole(side),
                svg_pole(side), s->bottom - 12);
    }
    svg_text(s->out, 78, 54, "time soft", "end", "ms");
    if (s->d->view == LADDER_OF_BOTH)
        svg_text(s->out, SVG_WIDTH - 12, 54, "time soft", "end", "ms");
}

static void draw_first_states(struct svg *s, const enum tcp_state *first[2])
{
    for (unsigned side = 0; side < 2; side++) {
        struct ladder_row row = {0};
        if (!first[side])
            continue;
        row.state[side][0].state = *first[side];
        begin_state(s, side, *first[side], false, 66);
        state_name(s, &row, side, 0, 70);
    }
}

void svg_begin_ends(struct svg *s, unsigned shown, const enum tcp_state *first[2])
{
    draw_heads(s, shown);
    draw_first_states(s, first);
}

void svg_row_ends(struct svg *s, const struct placed_row *p)
{
    const struct ladder_row *row = &p->row;
    int here = row->part == ROW_NO_SEGMENT ? p->y - 4 : p->y, at[2] = {here, here};
    if (row->part == ROW_WHOLE || row->part == ROW_ARRIVE)
        at[row->segment.from == LADDER_LEFT] = svg_arrival_height(p);
    for (unsigned side = 0; side < 2; side++) {
        bool doubled =
            s->d->view != LADDER_OF_BOTH && side == LADDER_RIGHT && row->time[LADDER_LEFT] != NEVER;
        if (!doubled)
            clock_text(s, side, row->time[side], at[side] + 4);
        change_states(s, row, side, at[side]);
    }
}

void svg_finish_ends(struct svg *s)
{
    end_bar(s, LADDER_LEFT, s->bottom - 12);
    end_bar(s, LADDER_RIGHT, s->bottom - 12);
}
