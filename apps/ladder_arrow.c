/* The arrows of a ladder's text: "--- PSH,ACK  len 75 ------------->" and its kin.
 *
 * ladder_text.c calls. */
#include <string.h>
#include "ladder_line.h"

#define LABEL 128 /* bytes */

static const char *line_of(const struct ladder_text *t)
{
    return t->style.unicode ? "─" : "-";
}

static enum colour flags_colour(const struct ladder_segment *s)
{
    if ((s->flags & TCP_RST) || s->again || s->fate == LADDER_LOST || s->sent == NEVER)
        return RED;
    return s->flags & (TCP_SYN | TCP_FIN) ? YELLOW : GREEN;
}

/* What tells it from others where it arrives: an ACK by what it acknowledges. */
static const char *identity(const struct ladder_segment *s, const char *seq, const char *ack)
{
    return s->len == 0 && *ack && !(s->flags & (TCP_SYN | TCP_FIN | TCP_RST)) ? ack : seq;
}

/* " PSH,ACK  len 75  again ", in at most `room` columns: what there is no room for is left out. */
static int label_text(const struct ladder_text *t, const struct ladder_row *row, int room, char to[LABEL])
{
    const struct ladder_segment *s = &row->segment;
    bool arrives = row->part == ROW_ARRIVE && s->sent != NEVER;
    char flags[40], seq[32], ack[32], tag[16], part[3][48] = {"", "", ""};
    ladder_flags_text(s->flags, flags);
    ladder_numbers_text(s, &t->style, seq, ack);
    if (arrives)
        snprintf(part[0], sizeof part[0], "  %s", identity(s, seq, ack));
    if (s->len > 0)
        snprintf(part[2], sizeof part[2], "  len %u", s->len);
    const char *word = arrives && !s->copy ? "" : ladder_segment_word(s);
    if (*word)
        snprintf(part[1], sizeof part[1], "  %s", word);
    ladder_tag_text(row, t->many, tag);
    for (int keep = 3; keep >= 0; keep--) { /* the number stays longest, then the word */
        int n = snprintf(to, LABEL, " %s%s%s%s%s ", tag, flags, keep > 0 ? part[0] : "",
                         keep > 2 ? part[2] : "", keep > 1 ? part[1] : "");
        if (n <= room)
            return n;
    }
    to[room] = '\0'; /* every flag there is, and a tag */
    return room;
}

/* How an arrow ends where its segment was not seen to leave or to arrive. */
static const char *gap_of(const struct ladder_row *row)
{
    const struct ladder_segment *s = &row->segment;
    if (row->part == ROW_ARRIVE)
        return s->sent == NEVER ? " ???" : " ...";
    if (row->part == ROW_DEPART && s->fate != LADDER_LOST)
        return " ...";
    return "";
}

struct arrow {
    bool to_right, has_head;
    const char *tail_gap, *head_gap; /* in place of line at the sender's end, at the receiver's */
    const char *cross;
    int blank; /* columns beyond the cross */
};

static struct arrow arrow_of(const struct ladder_text *t, const struct ladder_row *row)
{
    const struct ladder_segment *s = &row->segment;
    struct arrow a = {.to_right = s->from == LADDER_LEFT, .tail_gap = "", .head_gap = "", .cross = ""};
    if (s->fate == LADDER_LOST || s->fate == LADDER_SEEMS_LOST) {
        a.cross = s->fate == LADDER_LOST ? "X" : "(X)";
        a.blank = line_span(t) / 4;
    } else if (row->part == ROW_DEPART) {
        a.head_gap = gap_of(row);
    } else {
        a.has_head = true;
        a.tail_gap = gap_of(row);
    }
    return a;
}

/* "--- PSH,ACK  len 75 ------------->" and its kin. */
static void arrow_to_right(const struct ladder_text *t, const struct arrow *a, enum colour colour,
                           const char *label, int len)
{
    const char *line = line_of(t), *lead = *a->tail_gap ? a->tail_gap : "";
    int used = len + (*lead ? (int)strlen(lead) : 3) + (int)strlen(a->head_gap) + (*a->head_gap != 0) +
               (int)strlen(a->cross) + a->has_head;
    int blank = used + a->blank > line_span(t) ? line_span(t) - used : a->blank;
    if (*lead)
        line_paint(t, colour, "%s", lead);
    else
        line_repeat(t, line, 3);
    line_paint(t, colour, "%s", label);
    line_repeat(t, line, line_span(t) - used - (blank > 0 ? blank : 0));
    fputs(a->has_head ? (t->style.unicode ? "►" : ">") : "", t->out);
    line_paint(t, RED, "%s", a->cross);
    line_paint(t, colour, "%s", a->head_gap);
    line_repeat(t, " ", blank + (*a->head_gap != 0));
}

/* "<-- SYN,ACK ----------" and its kin. */
static void arrow_to_left(const struct ladder_text *t, const struct arrow *a, enum colour colour,
                          const char *label, int len)
{
    const char *line = line_of(t);
    int lead = *a->head_gap ? (int)strlen(a->head_gap) : *a->cross ? (int)strlen(a->cross) + 2 : 3;
    int used = len + lead + (int)strlen(a->tail_gap) + (*a->tail_gap != 0);
    int blank = used + a->blank > line_span(t) ? line_span(t) - used : a->blank;
    line_repeat(t, " ", blank);
    line_paint(t, RED, "%s", a->cross);
    line_paint(t, colour, "%s", a->head_gap);
    fputs(a->has_head ? (t->style.unicode ? "◄" : "<") : "", t->out);
    line_repeat(t, line, *a->head_gap ? 0 : 2);
    line_paint(t, colour, "%s", label);
    line_repeat(t, line, line_span(t) - used - (blank > 0 ? blank : 0));
    line_paint(t, colour, "%s", a->tail_gap);
    line_repeat(t, " ", *a->tail_gap != 0);
}

/* Columns that an arrow needs besides its label. */
static int overhead(const struct arrow *a)
{
    int tail = *a->tail_gap ? (int)strlen(a->tail_gap) + !a->to_right : a->to_right ? 3 : 0;
    int head = *a->head_gap ? (int)strlen(a->head_gap) + a->to_right : 0;
    int point = *a->cross     ? (int)strlen(a->cross) + (a->to_right ? 0 : 2)
                : a->has_head ? (a->to_right ? 1 : 3)
                              : 0;
    return tail + head + point;
}

void line_arrow(struct ladder_line *l)
{
    char label[LABEL];
    const struct ladder_text *t = l->t;
    struct arrow a = arrow_of(t, l->row);
    int len = label_text(t, l->row, line_span(t) - overhead(&a), label);
    line_begin(l);
    if (a.to_right)
        arrow_to_right(t, &a, flags_colour(&l->row->segment), label, len);
    else
        arrow_to_left(t, &a, flags_colour(&l->row->segment), label, len);
    line_end(l);
}
