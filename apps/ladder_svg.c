/* A ladder as a picture: the rows that ladder_row.c makes, drawn with sloping arrows, the states of both ends
 * as coloured bars. Time is in order, not to scale.
 *
 * Two passes: how far down each row stands, then the drawing. ladder.c and ladder_command.c call. */
#include "ladder_svg.h"

#include <stdlib.h>
#include <string.h>
#include "../stack/event_text.h"
#include "ladder_drawing.h"

#define TOP        92 /* where the first row begins */
#define LABEL      16 /* above an arrow */
#define SLOPE      18 /* of one that arrives on its own row */
#define LINE       14 /* of text under it */
#define BAR        8  /* width of a state's bar */
#define FOLD_HEAD  4
#define FOLD_TAIL  2
#define ROWS_MAX   20000 /* a picture of more would open nowhere */
#define WORDS      64    /* characters that fit between the ends */
#define RULE_WORDS 82    /* the same of a rule, whose letters are smaller */

struct placed_row {
    struct ladder_row row;
    int y, height;  /* where its arrow departs, or its first line of text stands */
    bool hidden;    /* folded: only counted */
    unsigned folds; /* first of so many that are */
    unsigned begun; /* connections that are named above it: the last is its own */
};

struct svg {
    FILE *out;
    const struct ladder_style *style;
    struct ladder_drawing *d;
    struct placed_row *row;
    size_t rows, room;
    bool bad, many;
    unsigned only, named; /* the one that is drawn, 0: all; the last that was named */
    usec start;
    int bottom;
    struct {
        enum tcp_state state;
        bool known, inferred;
        int since;
    } now[2];
};

/* --- rows --- */

static void take_row(void *context, const struct ladder_row *row)
{
    struct svg *s = context;
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

/* Text in lines of at most `room` characters. Calls `line`, if any, for each; how many. */
static int each_line(const char *text, size_t room, void (*line)(void *context, int number, const char *text),
                     void *context)
{
    char words[RULE_WORDS + 1];
    int lines = 0;
    while (*text) {
        size_t len = strlen(text);
        if (len > room)
            for (len = room; len > room / 2 && text[len] != ' ';)
                len--;
        snprintf(words, sizeof words, "%.*s", (int)len, text);
        if (line)
            line(context, lines, words);
        lines++;
        text += len;
        text += *text == ' ';
    }
    return lines;
}

static int note_lines(const struct ladder_note *note)
{
    char rule[256] = "";
    if (note->rule != RULE_NONE)
        rule_text(note->rule, rule, sizeof rule);
    return each_line(note->text, WORDS, NULL, NULL) + each_line(rule, RULE_WORDS, NULL, NULL);
}

static bool has_numbers(const struct ladder_row *row)
{
    return row->part == ROW_WHOLE || row->part == ROW_DEPART || row->segment.sent == NEVER;
}

static int text_lines(const struct svg *s, const struct ladder_row *row)
{
    char options[160] = "";
    int lines = 0, states = 0;
    if (row->part != ROW_NO_SEGMENT && has_numbers(row))
        ladder_options_text(&row->segment, s->style, options, sizeof options);
    lines += each_line(options, WORDS, NULL, NULL);
    for (unsigned i = 0; i < row->notes; i++)
        lines += note_lines(&row->note[i]);
    states = (int)(row->states[0] > row->states[1] ? row->states[0] : row->states[1]);
    return lines > states - 2 ? lines : states - 2;
}

static int height_of(const struct svg *s, const struct placed_row *p)
{
    if (p->hidden)
        return p->folds ? 2 * LINE + 8 : 0;
    int lines = text_lines(s, &p->row);
    if (p->row.part == ROW_NO_SEGMENT)
        return (lines > 0 ? lines : 1) * LINE + 8;
    return LABEL + SLOPE + LINE + lines * LINE + 4;
}

/* Connections are numbered as they begin, so what is drawn of one tells of those before it. */
static void name_connections(struct svg *s, struct placed_row *p)
{
    if (!s->many || p->hidden || p->row.conversation <= s->named)
        return;
    p->begun = s->only ? 1 : p->row.conversation - s->named;
    s->named = p->row.conversation;
}

static void place_rows(struct svg *s)
{
    int y = TOP;
    for (size_t i = 0; i < s->rows; i++) {
        struct placed_row *p = &s->row[i];
        name_connections(s, p);
        y += (int)p->begun * LINE;
        p->height = height_of(s, p);
        p->y = y + (p->row.part == ROW_NO_SEGMENT || p->hidden ? LINE : LABEL);
        y += p->height;
    }
    s->bottom = y + 16;
}

/* --- the ends --- */

static int pole(unsigned side)
{
    return side == LADDER_LEFT ? SVG_LEFT : SVG_RIGHT;
}

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
    char name[48], tag[16] = "";
    bool inferred = row->state[side][i].inferred;
    if (s->many && row->conversation)
        snprintf(tag, sizeof tag, "#%u ", row->tag);
    snprintf(name, sizeof name, inferred ? "%s(%s)" : "%s%s", tag, tcp_state_name(row->state[side][i].state));
    int x = side == LADDER_LEFT ? SVG_LEFT - BAR - 9 : SVG_RIGHT + BAR + 9;
    svg_text(s->out, x, y + 4 + (int)i * LINE, inferred ? "state ink inferred" : "state ink",
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
        begin_state(s, side, row->state[side][i].state, row->state[side][i].inferred, y + (int)i * LINE);
        state_name(s, row, side, i, y);
    }
}

/* --- arrows --- */

static const char *colour_of(const struct ladder_segment *g)
{
    if ((g->flags & TCP_RST) || g->again || g->fate == LADDER_LOST || g->fate == LADDER_SEEMS_LOST ||
        g->sent == NEVER)
        return "bad";
    return g->flags & (TCP_SYN | TCP_FIN) ? "sync" : "data";
}

static void line(const struct svg *s, const struct ladder_segment *g, bool has_head, int x1, int y1, int x2,
                 int y2)
{
    const char *colour = colour_of(g);
    fprintf(s->out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"line %s%s\"", x1, y1, x2, y2,
            colour, g->again ? " again" : "");
    if (has_head)
        fprintf(s->out, " marker-end=\"url(#head-%s)\"", colour);
    fputs("/>\n", s->out);
}

static void cross(const struct svg *s, int x, int y)
{
    fprintf(s->out, "<path d=\"M%d %dl14 14m0 -14l-14 14\" class=\"cross bad\"/>\n", x - 7, y - 7);
}

/* Where the segment that departs on this row arrives; NULL: on none that is drawn. */
static const struct placed_row *arrival_of(const struct svg *s, const struct placed_row *p)
{
    for (const struct placed_row *a = p + 1; a < s->row + s->rows; a++)
        if (a->row.part == ROW_ARRIVE && a->row.which == p->row.which && !a->row.segment.copy)
            return a->hidden ? NULL : a;
    return NULL;
}

/* At which height it arrives; its own row, or a later one. */
static int arrival_height(const struct placed_row *p)
{
    return p->y + SLOPE;
}

static void draw_departing(const struct svg *s, const struct placed_row *p)
{
    const struct ladder_segment *g = &p->row.segment;
    const struct placed_row *a = p->row.part == ROW_DEPART ? arrival_of(s, p) : p;
    int from = pole(g->from), to = pole(!g->from), part = (to - from) * 3 / 4;
    bool lost = g->fate == LADDER_LOST || g->fate == LADDER_SEEMS_LOST;
    if (lost || !a) {
        line(s, g, false, from, p->y, from + part, p->y + SLOPE * 3 / 4);
        if (lost)
            cross(s, from + part, p->y + SLOPE * 3 / 4);
        else
            svg_text(s->out, from + part, p->y + SLOPE, "soft", "middle", "...");
        return;
    }
    line(s, g, true, from, p->y, to, arrival_height(a));
}

/* What nobody here sent comes out of nowhere; a copy, from where its original did. */
static void draw_arriving(const struct svg *s, const struct placed_row *p)
{
    const struct ladder_segment *g = &p->row.segment;
    if (g->sent != NEVER && !g->copy)
        return; /* drawn with its departure */
    int to = pole(p->row.segment.from == LADDER_LEFT), from = to + (pole(g->from) - to) * 3 / 4;
    line(s, g, true, from, p->y + SLOPE / 4, to, arrival_height(p));
    svg_text(s->out, from, p->y + SLOPE, "bad", "middle", g->copy ? "..." : "???");
}

static void draw_label(const struct svg *s, const struct placed_row *p)
{
    char flags[40], label[128], seq[32], ack[32], numbers[128], tag[16] = "", classes[32];
    const struct ladder_segment *g = &p->row.segment;
    bool right = g->from == LADDER_LEFT;
    const char *anchor = right ? "start" : "end";
    int x = right ? SVG_LEFT + 12 : SVG_RIGHT - 12;
    if (p->row.part == ROW_ARRIVE && g->sent != NEVER && !g->copy)
        return;
    ladder_flags_text(g->flags, flags);
    ladder_numbers_text(g, s->style, seq, ack);
    if (s->many && p->row.conversation)
        snprintf(tag, sizeof tag, "#%u ", p->row.tag);
    int n = snprintf(label, sizeof label, "%s%s", tag, flags);
    if (g->len > 0)
        n += snprintf(label + n, sizeof label - (size_t)n, "  len %u", g->len);
    const char *word = ladder_segment_word(g);
    snprintf(label + n, sizeof label - (size_t)n, "%s%s", *word ? "  " : "", word);
    snprintf(numbers, sizeof numbers, "%s%s%s  win %u", seq, *ack ? "  " : "", ack, g->window);
    snprintf(classes, sizeof classes, "label %s", colour_of(g));
    svg_text_over(s->out, x, p->y - 4, classes, anchor, label);
    svg_text_over(s->out, x, p->y + SLOPE + 10, "ink", anchor, numbers);
}

/* --- words --- */

struct words {
    const struct svg *s;
    int y;
    unsigned side;
    const char *classes;
    bool centred;
};

static void word_line(void *context, int number, const char *text)
{
    struct words *w = context;
    (void)number;
    bool left = w->side == LADDER_LEFT;
    if (w->centred)
        svg_text_over(w->s->out, (SVG_LEFT + SVG_RIGHT) / 2, w->y, w->classes, "middle", text);
    else
        svg_text_over(w->s->out, left ? SVG_LEFT + 12 : SVG_RIGHT - 12, w->y, w->classes,
                      left ? "start" : "end", text);
    w->y += LINE;
}

static void draw_words(const struct svg *s, const struct placed_row *p)
{
    char options[160] = "", rule[256];
    const struct ladder_row *row = &p->row;
    struct words w = {s, p->y, row->segment.from, "soft", false};
    if (row->part != ROW_NO_SEGMENT) {
        w.y = p->y + SLOPE + 10 + LINE;
        if (has_numbers(row))
            ladder_options_text(&row->segment, s->style, options, sizeof options);
        each_line(options, WORDS, word_line, &w);
    }
    for (unsigned i = 0; i < row->notes; i++) {
        const struct ladder_note *note = &row->note[i];
        w.side = note->side;
        w.centred = note->kind == LADDER_SAYS;
        w.classes = note->alarm ? "warn" : note->kind == LADDER_SAYS ? "ink remark" : "ink";
        char text[LADDER_TEXT + 16];
        ladder_note_text(note, row, s->many, text);
        each_line(text, WORDS, word_line, &w);
        if (note->rule == RULE_NONE)
            continue;
        rule_text(note->rule, rule, sizeof rule);
        w.classes = "rule soft";
        each_line(rule, RULE_WORDS, word_line, &w);
    }
}

/* "#1: A with B", for whatever bears that number from here on. */
static void draw_names(const struct svg *s, const struct placed_row *p)
{
    char left[24], right[24], text[80];
    int y = p->y - (p->row.part == ROW_NO_SEGMENT ? LINE : LABEL);
    for (unsigned i = 0; i < p->begun; i++, y -= LINE) {
        unsigned number = p->row.conversation - i;
        const struct ladder_conversation *c = ladder_conversation_at(&s->d->model, number);
        endpoint_text(c->way[0].end, left, sizeof left);
        endpoint_text(c->way[1].end, right, sizeof right);
        snprintf(text, sizeof text, "#%u: %s with %s", ladder_model_tag(&s->d->model, number), left, right);
        svg_text_over(s->out, (SVG_LEFT + SVG_RIGHT) / 2, y - 4, "soft", "middle", text);
    }
}

/* --- all together --- */

/* What has no words between the ends: those come over it. */
static void draw_row(struct svg *s, const struct placed_row *p)
{
    const struct ladder_row *row = &p->row;
    int here = row->part == ROW_NO_SEGMENT ? p->y - 4 : p->y, at[2] = {here, here};
    if (row->part == ROW_WHOLE || row->part == ROW_ARRIVE)
        at[row->segment.from == LADDER_LEFT] = arrival_height(p);
    for (unsigned side = 0; side < 2; side++) {
        bool doubled =
            s->d->view != LADDER_OF_BOTH && side == LADDER_RIGHT && row->time[LADDER_LEFT] != NEVER;
        if (!doubled)
            clock_text(s, side, row->time[side], at[side] + 4);
        change_states(s, row, side, at[side]);
    }
    if (row->part == ROW_WHOLE || row->part == ROW_DEPART)
        draw_departing(s, p);
    else if (row->part == ROW_ARRIVE)
        draw_arriving(s, p);
}

static void draw_fold(const struct svg *s, const struct placed_row *first)
{
    for (unsigned way = 0; way < 2; way++) {
        char text[96];
        struct ladder_tally tally = {0};
        for (unsigned i = 0; i < first->folds; i++)
            if (first[i].row.segment.from == way)
                ladder_tally_add(&tally, &first[i].row);
        ladder_tally_text(&tally, way, WORDS, text);
        svg_text(s->out, (SVG_LEFT + SVG_RIGHT) / 2, first->y + (int)way * LINE, "soft", "middle", text);
    }
}

static void draw_ends(struct svg *s, unsigned shown)
{
    char end[24];
    const struct ladder_model *m = &s->d->model;
    for (unsigned side = 0; side < 2; side++) {
        struct endpoint e =
            m->conversations ? ladder_conversation_at(m, shown)->way[side].end : (struct endpoint){0};
        if (s->many)
            e = (struct endpoint){m->addr[side], 0};
        endpoint_text(e, end, sizeof end);
        svg_text(s->out, pole(side), 34, "head ink", "middle", ladder_drawing_title(s->d, s->style, side));
        svg_text(s->out, pole(side), 54, "ink", "middle", e.addr ? end : "");
        fprintf(s->out, "<line x1=\"%d\" y1=\"64\" x2=\"%d\" y2=\"%d\" class=\"pole\"/>\n", pole(side),
                pole(side), s->bottom - 12);
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
    draw_ends(s, shown);
    draw_first_states(s, first);
    for (size_t i = 0; i < s->rows; i++)
        if (!s->row[i].hidden)
            draw_row(s, &s->row[i]);
    for (size_t i = 0; i < s->rows; i++) {
        if (s->row[i].hidden && s->row[i].folds)
            draw_fold(s, &s->row[i]);
        if (s->row[i].hidden)
            continue;
        draw_names(s, &s->row[i]);
        if (s->row[i].row.part != ROW_NO_SEGMENT)
            draw_label(s, &s->row[i]);
        draw_words(s, &s->row[i]);
    }
    end_bar(s, LADDER_LEFT, s->bottom - 12);
    end_bar(s, LADDER_RIGHT, s->bottom - 12);
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
    rows.sink = take_row;
    rows.context = &s;
    for (size_t i = 0; i < d->steps; i++)
        ladder_rows_step(&rows, &d->step[i]);
    ladder_rows_end(&rows);
    fold_runs(&s);
    place_rows(&s);
    if (!s.bad)
        draw(&s, only ? only : 1, title, first);
    free(s.row);
    return !s.bad;
}
