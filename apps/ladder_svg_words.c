/* What a ladder's picture says between its ends, in lines: options, notes and rules under a row, names of
 * connections above, what a fold hides. ladder_svg.c calls to draw, ladder_svg_rows.c to measure. */
#include "ladder_svg_parts.h"

#include <string.h>
#include "../stack/event_text.h"

#define WORDS      64 /* characters that fit between the ends */
#define RULE_WORDS 82 /* the same of a rule, whose letters are smaller */

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

static int note_lines(const struct svg *s, const struct ladder_row *row, const struct ladder_note *note)
{
    char text[LADDER_TEXT + 16], rule[256] = "";
    ladder_note_text(note, row, s->many, text);
    if (note->rule != RULE_NONE)
        rule_text(note->rule, rule, sizeof rule);
    return each_line(text, WORDS, NULL, NULL) + each_line(rule, RULE_WORDS, NULL, NULL);
}

static bool has_numbers(const struct ladder_row *row)
{
    return row->part == ROW_WHOLE || row->part == ROW_DEPART || row->segment.sent == NEVER;
}

int svg_words_lines(const struct svg *s, const struct ladder_row *row)
{
    char options[160] = "";
    int lines = 0;
    if (row->part != ROW_NO_SEGMENT && has_numbers(row))
        ladder_options_text(&row->segment, s->style, options, sizeof options);
    lines += each_line(options, WORDS, NULL, NULL);
    for (unsigned i = 0; i < row->notes; i++)
        lines += note_lines(s, row, &row->note[i]);
    return lines;
}

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
    w->y += SVG_LINE;
}

void svg_row_words(const struct svg *s, const struct placed_row *p)
{
    char options[160] = "", rule[256];
    const struct ladder_row *row = &p->row;
    struct words w = {s, p->y, row->segment.from, "soft", false};
    if (row->part != ROW_NO_SEGMENT) {
        w.y = p->y + SVG_SLOPE + 10 + SVG_LINE;
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
void svg_row_names(const struct svg *s, const struct placed_row *p)
{
    char left[24], right[24], text[80];
    int y = p->y - (p->row.part == ROW_NO_SEGMENT ? SVG_LINE : SVG_LABEL);
    for (unsigned i = 0; i < p->begun; i++, y -= SVG_LINE) {
        unsigned number = p->row.conversation - i;
        const struct ladder_conversation *c = ladder_conversation_at(&s->d->model, number);
        endpoint_text(c->way[0].end, left, sizeof left);
        endpoint_text(c->way[1].end, right, sizeof right);
        snprintf(text, sizeof text, "#%u: %s with %s", ladder_model_tag(&s->d->model, number), left, right);
        svg_text_over(s->out, (SVG_LEFT + SVG_RIGHT) / 2, y - 4, "soft", "middle", text);
    }
}

void svg_row_fold(const struct svg *s, const struct placed_row *first)
{
    for (unsigned way = 0; way < 2; way++) {
        char text[96];
        struct ladder_tally tally = {0};
        for (unsigned i = 0; i < first->folds; i++)
            if (first[i].row.segment.from == way)
                ladder_tally_add(&tally, &first[i].row);
        ladder_tally_text(&tally, way, WORDS, text);
        svg_text(s->out, (SVG_LEFT + SVG_RIGHT) / 2, first->y + (int)way * SVG_LINE, "soft", "middle", text);
    }
}
