/* The segments of a ladder's picture: sloping arrows, in the colour of what they are, and what they carry.
 * ladder_svg.c calls. */
#include "ladder_svg_parts.h"

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

static void draw_departing(const struct svg *s, const struct placed_row *p)
{
    const struct ladder_segment *g = &p->row.segment;
    const struct placed_row *a = p->row.part == ROW_DEPART ? arrival_of(s, p) : p;
    int from = svg_pole(g->from), to = svg_pole(!g->from), part = (to - from) * 3 / 4;
    bool lost = g->fate == LADDER_LOST || g->fate == LADDER_SEEMS_LOST;
    if (lost || !a) {
        line(s, g, false, from, p->y, from + part, p->y + SVG_SLOPE * 3 / 4);
        if (lost)
            cross(s, from + part, p->y + SVG_SLOPE * 3 / 4);
        else
            svg_text(s->out, from + part, p->y + SVG_SLOPE, "soft", "middle", "...");
        return;
    }
    line(s, g, true, from, p->y, to, svg_arrival_height(a));
}

/* What nobody here sent comes out of nowhere; a copy, from where its original did. */
static void draw_arriving(const struct svg *s, const struct placed_row *p)
{
    const struct ladder_segment *g = &p->row.segment;
    if (g->sent != NEVER && !g->copy)
        return; /* drawn with its departure */
    int to = svg_pole(p->row.segment.from == LADDER_LEFT), from = to + (svg_pole(g->from) - to) * 3 / 4;
    line(s, g, true, from, p->y + SVG_SLOPE / 4, to, svg_arrival_height(p));
    svg_text(s->out, from, p->y + SVG_SLOPE, "bad", "middle", g->copy ? "..." : "???");
}

void svg_row_arrow(const struct svg *s, const struct placed_row *p)
{
    if (p->row.part == ROW_WHOLE || p->row.part == ROW_DEPART)
        draw_departing(s, p);
    else if (p->row.part == ROW_ARRIVE)
        draw_arriving(s, p);
}

void svg_row_label(const struct svg *s, const struct placed_row *p)
{
    char flags[40], label[128], seq[32], ack[32], numbers[128], tag[16], classes[32];
    const struct ladder_segment *g = &p->row.segment;
    bool right = g->from == LADDER_LEFT;
    const char *anchor = right ? "start" : "end";
    int x = right ? SVG_LEFT + 12 : SVG_RIGHT - 12;
    if (p->row.part == ROW_ARRIVE && g->sent != NEVER && !g->copy)
        return;
    ladder_flags_text(g->flags, flags);
    ladder_numbers_text(g, s->style, seq, ack);
    ladder_tag_text(&p->row, s->many, tag);
    int n = snprintf(label, sizeof label, "%s%s", tag, flags);
    if (g->len > 0)
        n += snprintf(label + n, sizeof label - (size_t)n, "  len %u", g->len);
    const char *word = ladder_segment_word(g);
    snprintf(label + n, sizeof label - (size_t)n, "%s%s", *word ? "  " : "", word);
    snprintf(numbers, sizeof numbers, "%s%s%s  win %u", seq, *ack ? "  " : "", ack, g->window);
    snprintf(classes, sizeof classes, "label %s", colour_of(g));
    svg_text_over(s->out, x, p->y - 4, classes, anchor, label);
    svg_text_over(s->out, x, p->y + SVG_SLOPE + 10, "ink", anchor, numbers);
}
