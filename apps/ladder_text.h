/* Rows of a ladder as text. */
#ifndef GLASS_LADDER_TEXT_H
#define GLASS_LADDER_TEXT_H

#include "ladder_row.h"
#include "ladder_words.h"

enum ladder_view { LADDER_OF_ONE, LADDER_OF_BOTH, LADDER_OF_WIRE }; /* who tells: which states are inferred */

#define LADDER_FOLD_MAX 64
#define LADDER_KEPT     160 /* rows that may wait: each segment can have two, and some arrive late */

/* Prints rows as they come, those of a long plain run counted only. */
struct ladder_text {
    FILE *out;
    struct ladder_style style;
    enum ladder_view view;
    bool many;    /* connections: everything is tagged */
    usec start;   /* NEVER: at the first row */
    unsigned run; /* plain segments in a row */
    struct ladder_tally folded[2];
    struct ladder_row kept[LADDER_KEPT]; /* the end of the run, not yet printed: a ring */
    unsigned kept_from, kept_count;
};

void ladder_text_init(struct ladder_text *t, FILE *out, enum ladder_view view,
                      const struct ladder_style *style);

/* What stands above an end when nobody gave it a name. */
const char *ladder_view_title(enum ladder_view view, unsigned side);

/* What stands above the ends; `state` where each begins, or NULL. */
void ladder_text_head(struct ladder_text *t, const struct ladder_conversation *c,
                      const enum tcp_state *state[2]);

void ladder_text_row(struct ladder_text *t, const struct ladder_row *row);
void ladder_text_flush(struct ladder_text *t);

/* A line from edge to edge: which connection is meant from here on by its number. */
void ladder_text_heading(struct ladder_text *t, unsigned number, const struct ladder_conversation *c);

#endif
