/* A ladder's picture while it is drawn. Shared between its files only:
 *
 *     ladder_svg_rows.c     takes the rows; how far down each stands
 *     ladder_svg_ends.c     the two ends: names, lines, times, the bars of states
 *     ladder_svg_arrows.c   the segments between them, with what they carry
 *     ladder_svg_words.c    all else that is said between them, in lines
 *     ladder_svg.c          calls these one after another
 *     ladder_svg.h          the document and its text: ladder_svg_frame.c
 */
#ifndef GLASS_LADDER_SVG_PARTS_H
#define GLASS_LADDER_SVG_PARTS_H

#include "ladder_drawing.h"
#include "ladder_svg.h"

#define SVG_LABEL 16 /* above an arrow */
#define SVG_SLOPE 18 /* of one that arrives on its own row */
#define SVG_LINE  14 /* of text under it */

/* A row, and where it stands. */
struct placed_row {
    struct ladder_row row;
    int y, height;  /* where its arrow departs, or its first line of text stands */
    bool hidden;    /* folded: only counted */
    unsigned folds; /* first of so many that are */
    unsigned begun; /* connections that are named above it: the last is its own */
};

/* The picture. */
struct svg {
    FILE *out;
    const struct ladder_style *style;
    struct ladder_drawing *d;
    struct placed_row *row;
    size_t rows, room;
    bool bad;             /* memory was short, or there are too many rows */
    bool many;            /* connections: everything is tagged */
    unsigned only, named; /* the one that is drawn, 0: all; the last that was named */
    usec start;
    int bottom;
    struct {
        enum tcp_state state;
        bool known, inferred;
        int since; /* height at which its bar begins */
    } now[2];      /* state of an end, where the drawing has come to */
};

/* --- the first pass --- */

void svg_take_row(void *svg, const struct ladder_row *row); /* a sink of rows */
void svg_place_rows(struct svg *s);                         /* folds long runs; gives each row its place */

/* --- the second: what is drawn later covers what was there --- */

/* The heads of both ends (of conversation `shown`, when it is the only one), their lines, and the states they
 * begin in, if known; each row's times and changes of state; at last the bars of the states that stayed. */
void svg_begin_ends(struct svg *s, unsigned shown, const enum tcp_state *first[2]);
void svg_row_ends(struct svg *s, const struct placed_row *p);
void svg_finish_ends(struct svg *s);

/* The arrow of a row, if it has one; and over all arrows the label of each. */
void svg_row_arrow(const struct svg *s, const struct placed_row *p);
void svg_row_label(const struct svg *s, const struct placed_row *p);

/* Options, notes and rules; how many lines they take. */
void svg_row_words(const struct svg *s, const struct placed_row *p);
int svg_words_lines(const struct svg *s, const struct ladder_row *row);

void svg_row_names(const struct svg *s, const struct placed_row *p); /* of the connections that begin there */
void svg_row_fold(const struct svg *s, const struct placed_row *first); /* in place of those it hides */

/* --- small things --- */

static inline int svg_pole(unsigned side)
{
    return side == LADDER_LEFT ? SVG_LEFT : SVG_RIGHT;
}

/* At which height a segment that arrives on this row does. */
static inline int svg_arrival_height(const struct placed_row *p)
{
    return p->y + SVG_SLOPE;
}

#endif
