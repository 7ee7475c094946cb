/* A whole ladder: what happened (a model and its steps), to be drawn as text or as a picture. */
#ifndef GLASS_LADDER_DRAWING_H
#define GLASS_LADDER_DRAWING_H

#include "ladder_text.h"

struct ladder_drawing {
    enum ladder_view view;
    struct ladder_model model;
    struct ladder_step *step;
    size_t steps, step_room;
    bool bad;            /* memory was short */
    const char *says[2]; /* what stands above an end when the style says nothing; NULL: by the view */
};

void ladder_drawing_init(struct ladder_drawing *d, enum ladder_view view);
void ladder_drawing_free(struct ladder_drawing *d);

/* Takes all records of a log, and the remarks of the style. */
void ladder_drawing_log(struct ladder_drawing *d, const struct record_log *log,
                        const struct ladder_style *style);

/* The conversation with that number (of one stack's log: the stack's; otherwise its own, from 1). 0: there is
 * none. */
unsigned ladder_drawing_find(const struct ladder_drawing *d, uint32_t number);

/* `only`: a conversation; 0: all in one ladder. False when memory is short or there is nothing. */
bool ladder_drawing_text(FILE *out, struct ladder_drawing *d, unsigned only,
                         const struct ladder_style *style);
bool ladder_drawing_svg(FILE *out, struct ladder_drawing *d, unsigned only, const struct ladder_style *style,
                        const char *title);

/* Where each end of one conversation begins, NULL: not known; and takes from the steps what is then no
 * change: a passive open's connection begins in LISTEN. */
void ladder_drawing_first_states(struct ladder_drawing *d, unsigned only, const enum tcp_state *state[2]);

/* "the peer, inferred", "left" ... */
const char *ladder_drawing_title(const struct ladder_drawing *d, const struct ladder_style *style,
                                 unsigned side);

#endif
