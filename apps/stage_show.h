/* The laboratory on a terminal: headings, the ladder, what each application was told. */
#ifndef GLASS_STAGE_SHOW_H
#define GLASS_STAGE_SHOW_H

#include <stdio.h>
#include "stage_engine.h"

struct stage_show {
    FILE *out;
    const char *svg; /* NULL: no picture */
    bool step, explain, colour;
    bool failed;
    struct ladder_stream *ladder; /* of this act */
    FILE *keys;    /* where --step reads Enter */
    FILE *drawing; /* where the ladder is drawn: `out`, or with --step a buffer first */
    char *drawn;
    size_t drawn_len;
};

void stage_show_title(struct stage_show *show, const struct scenario *scenario);
void stage_show_sink(struct stage_show *show, struct stage_sink *sink);

/* False, and one line on standard error, when something could not be written. */
bool stage_show_end(struct stage_show *show);

#endif
