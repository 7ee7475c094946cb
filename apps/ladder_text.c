/* Prints the rows of a ladder as text: which column holds what, and which runs are only counted.
 *
 * ladder_row.c makes the rows, ladder_line.c and ladder_arrow.c have the columns; ladder.c connects them. */
#include "ladder_line.h"

#include <string.h>
#include "../stack/event_text.h"

#define FOLD_HEAD 4 /* segments shown before a fold, and behind it */
#define FOLD_TAIL 2
#define LINES_MAX 40 /* of a row */

void ladder_text_init(struct ladder_text *t, FILE *out, enum ladder_view view,
                      const struct ladder_style *style)
{
    memset(t, 0, sizeof *t);
    t->out = out;
    t->style = *style;
    t->view = view;
    t->many = style->tags;
    t->start = NEVER;
    if (t->style.width < LADDER_WIDTH)
        t->style.width = LADDER_WIDTH;
    if (t->style.fold > LADDER_FOLD_MAX)
        t->style.fold = LADDER_FOLD_MAX;
}

const char *ladder_view_title(enum ladder_view view, unsigned side)
{
    if (view == LADDER_OF_WIRE)
        return "inferred";
    if (view == LADDER_OF_BOTH)
        return side == LADDER_LEFT ? "left" : "right";
    return side == LADDER_LEFT ? "the peer, inferred" : "this stack";
}

static const char *title_of(const struct ladder_text *t, unsigned side)
{
    return t->style.name[side] ? t->style.name[side] : ladder_view_title(t->view, side);
}

/* --- what stands under an arrow --- */

/* Words on as many lines as they need; at the left those behind the first a little further in. */
static void wrapped(struct ladder_line *l, enum colour colour, bool at_right, const char *text)
{
    int span = line_span(l->t), first = span < 36 ? 2 : 4;
    char line[256];
    for (int indent = first; *text && l->count < LINES_MAX; indent = first + 2) {
        size_t len = strlen(text), fits = (size_t)(at_right ? span - 1 : span - indent);
        if (len > fits) {
            for (len = --fits; len > 0 && text[len] != ' ';)
                len--;
            len = len ? len : fits;
        }
        snprintf(line, sizeof line, at_right ? "%*s%.*s " : "%*s%.*s", at_right ? 0 : indent, "", (int)len,
                 text);
        line_text(l, colour, at_right, line);
        text += len;
        text += *text == ' ';
    }
}

/* In columns as far as the span allows, so that the eye can go down them. */
static void numbers_line(struct ladder_line *l)
{
    char seq[32], ack[32], numbers[128];
    const struct ladder_segment *s = &l->row->segment;
    int span = line_span(l->t), column = span < 32 ? 8 : span < 36 ? 9 : span < 42 ? 10 : 12;
    ladder_numbers_text(s, &l->t->style, seq, ack);
    int n = snprintf(numbers, sizeof numbers, "%*s%-*s %-*s win %u", span < 36 ? 2 : 4, "", column, seq,
                     column, ack, s->window);
    if (n > span)
        n = snprintf(numbers, sizeof numbers, "  %s %s%swin %u", seq, ack, *ack ? " " : "", s->window);
    if (n > span) {
        snprintf(numbers, sizeof numbers, "  %s %s", seq, ack);
        line_text(l, PLAIN, false, numbers);
        snprintf(numbers, sizeof numbers, "  win %u", s->window);
    }
    line_text(l, PLAIN, false, numbers);
}

static void notes_lines(struct ladder_line *l)
{
    for (unsigned i = 0; i < l->row->notes; i++) {
        char text[LADDER_TEXT + 16];
        const struct ladder_note *note = &l->row->note[i];
        ladder_note_text(note, l->row, l->t->many, text);
        wrapped(l, note->alarm ? RED : PLAIN, note->side == LADDER_RIGHT, text);
    }
}

/* A sentence has the whole width for itself: the first line after `mark`, the others below its text. */
static void sentence(const struct ladder_text *t, const char *mark, enum colour colour, const char *text)
{
    int indent = TIME_COLUMN + (int)strlen(mark), room = (int)t->style.width - indent;
    for (; *text; mark = "") {
        int len = (int)strlen(text);
        if (len > room)
            for (len = room; len > room / 2 && text[len] != ' ';)
                len--;
        fprintf(t->out, "%*s", *mark ? TIME_COLUMN : indent, "");
        line_paint(t, colour, "%s%.*s", mark, len, text);
        fputc('\n', t->out);
        text += len;
        text += *text == ' ';
    }
}

/* The rules of a row, those of the left end first; of two stacks it must be said whose. */
static void rules_lines(const struct ladder_text *t, const struct ladder_row *row)
{
    char rule[256], whose[32];
    for (unsigned side = 0; side < 2; side++) {
        snprintf(whose, sizeof whose, t->view == LADDER_OF_BOTH ? "%.20s: " : "  ", title_of(t, side));
        for (unsigned i = 0; i < row->notes; i++) {
            if (row->note[i].side != side || row->note[i].rule == RULE_NONE)
                continue;
            rule_text(row->note[i].rule, rule, sizeof rule);
            sentence(t, whose, DIM, rule);
        }
    }
}

static void print_row(const struct ladder_text *t, const struct ladder_row *row)
{
    if (row->part == ROW_NO_SEGMENT && row->notes == 1 && row->note[0].kind == LADDER_SAYS) {
        sentence(t, "* ", BOLD, row->note[0].text);
        return;
    }
    char options[160];
    struct ladder_line l = {t, row, 0};
    if (row->part != ROW_NO_SEGMENT)
        line_arrow(&l);
    if (row->part == ROW_WHOLE || row->part == ROW_DEPART ||
        (row->part == ROW_ARRIVE && row->segment.sent == NEVER)) {
        numbers_line(&l);
        ladder_options_text(&row->segment, &t->style, options, sizeof options);
        wrapped(&l, DIM, false, options);
    }
    notes_lines(&l);
    while (l.count < row->states[0] || l.count < row->states[1] || l.count == 0)
        line_text(&l, PLAIN, false, "");
    rules_lines(t, row);
}

/* --- folding --- */

static void fold_line(struct ladder_text *t, unsigned way)
{
    static const struct ladder_row nothing = {.time = {NEVER, NEVER}};
    char text[96];
    ladder_tally_text(&t->folded[way], way, (size_t)line_span(t), text);
    if (*text)
        line_text(&(struct ladder_line){t, &nothing, 0}, DIM, false, text);
    t->folded[way] = (struct ladder_tally){0};
}

static void print_kept(struct ladder_text *t)
{
    print_row(t, &t->kept[t->kept_from]);
    t->kept_from = (t->kept_from + 1) % LADDER_KEPT;
    t->kept_count--;
}

/* The run is over, or nothing more has come for a while. */
static void finish_run(struct ladder_text *t)
{
    fold_line(t, LADDER_RIGHT);
    fold_line(t, LADDER_LEFT);
    while (t->kept_count > 0)
        print_kept(t);
    t->run = 0;
}

/* Of a run the first rows are printed at once; the next wait until it is known whether the run is long. */
static void plain_row(struct ladder_text *t, const struct ladder_row *row)
{
    t->run += row->part != ROW_ARRIVE; /* segments, not rows */
    if (t->style.fold == 0 || t->run <= FOLD_HEAD) {
        print_row(t, row);
        return;
    }
    if (t->kept_count == LADDER_KEPT)
        print_kept(t);
    t->kept[(t->kept_from + t->kept_count++) % LADDER_KEPT] = *row;
    if (t->run <= t->style.fold || t->run <= FOLD_HEAD + FOLD_TAIL + 1)
        return;
    while (t->kept_count > FOLD_TAIL) {
        ladder_tally_add(&t->folded[t->kept[t->kept_from].segment.from], &t->kept[t->kept_from]);
        t->kept_from = (t->kept_from + 1) % LADDER_KEPT;
        t->kept_count--;
    }
}

void ladder_text_row(struct ladder_text *t, const struct ladder_row *row)
{
    if (t->start == NEVER && (row->time[0] != NEVER || row->time[1] != NEVER))
        t->start = row->time[0] < row->time[1] ? row->time[0] : row->time[1];
    if (ladder_row_is_plain(row)) {
        plain_row(t, row);
        return;
    }
    finish_run(t);
    print_row(t, row);
}

void ladder_text_flush(struct ladder_text *t)
{
    finish_run(t);
}

/* --- heads --- */

static void two_ends(const struct ladder_text *t, enum colour colour, const char *time, const char *left,
                     const char *right)
{
    int inner = (int)t->style.width - line_clocks(t) * TIME_COLUMN;
    int middle = inner - (int)strlen(right);
    char line[512];
    snprintf(line, sizeof line, "%*s %-*s%s%*s", TIME_COLUMN - 1, time, middle, left, right,
             line_clocks(t) == 2 && *time ? TIME_COLUMN : 0, line_clocks(t) == 2 ? time : "");
    line_paint(t, colour, "%s", line);
    fputc('\n', t->out);
}

void ladder_text_head(struct ladder_text *t, const struct ladder_conversation *c,
                      const enum tcp_state *state[2])
{
    char left[24] = "", right[24] = "", first[2][32] = {"", ""};
    struct endpoint end[2] = {c->way[0].end, c->way[1].end};
    if (t->many)
        end[0].port = end[1].port = 0;
    endpoint_text(end[0], left, sizeof left);
    endpoint_text(end[1], right, sizeof right);
    for (unsigned side = 0; side < 2; side++)
        if (t->many && (!end[side].addr || (side == LADDER_LEFT && t->view == LADDER_OF_ONE)))
            (side == LADDER_LEFT ? left : right)[0] = '\0';
    two_ends(t, PLAIN, "", left, right);
    two_ends(t, DIM, "ms", title_of(t, LADDER_LEFT), title_of(t, LADDER_RIGHT));
    for (unsigned side = 0; side < 2; side++)
        if (state[side])
            snprintf(first[side], sizeof first[side], "%s", tcp_state_name(*state[side]));
    if (!state[0] && !state[1])
        return;
    line_left_margin(t, NEVER, first[0]);
    line_repeat(t, " ", line_span(t));
    line_right_margin(t, NEVER, first[1]);
}

void ladder_text_heading(struct ladder_text *t, unsigned number, const struct ladder_conversation *c)
{
    char left[24], right[24];
    finish_run(t);
    endpoint_text(c->way[0].end, left, sizeof left);
    endpoint_text(c->way[1].end, right, sizeof right);
    line_paint(t, DIM, "%*s#%u: %s with %s", TIME_COLUMN, "", number, left, right);
    fputc('\n', t->out);
}
