/* Rows of a ladder: steps that belong together stand on one. */
#ifndef GLASS_LADDER_ROW_H
#define GLASS_LADDER_ROW_H

#include "ladder_model.h"

#define ROW_STATES 4 /* that one segment can lead an end through, and one more */
#define ROW_NOTES  8

enum ladder_part {
    ROW_NO_SEGMENT,
    ROW_WHOLE,  /* sent and arrived, or lost */
    ROW_DEPART, /* it arrives on a later row, or never */
    ROW_ARRIVE,
};

struct ladder_note {
    unsigned side;
    enum ladder_step_kind kind; /* LADDER_STATE: a rule */
    bool alarm;                 /* a timer, a drop, an error */
    enum rule rule;             /* under the note, or the note itself */
    char text[LADDER_TEXT];
};

struct ladder_row {
    usec time[2]; /* NEVER: nothing happened at that end */
    enum ladder_part part;
    struct ladder_segment segment;
    size_t which;          /* segment: the same on the row where it departs and on that where it arrives */
    unsigned conversation; /* 0: of none */
    unsigned tag;          /* what people know it by: the stack's number, or its own */
    struct {
        enum tcp_state state;
        bool inferred;
    } state[2][ROW_STATES];
    unsigned states[2];
    struct ladder_note note[ROW_NOTES];
    unsigned notes;
};

/* Turns steps into rows. Zeroed but for what is named here at the beginning. */
struct ladder_rows {
    const struct ladder_model *model;
    bool explain;
    unsigned only; /* conversation; 0: all */
    void (*sink)(void *context, const struct ladder_row *row);
    void *context;

    bool is_open;
    struct ladder_row row;
    usec cause[2]; /* when what the row holds may have changed an end's state; NEVER: it may not */
    bool sends[2]; /* and whether that was a segment of its own */
    struct {
        enum rule rule;
        usec time;
    } said[2]; /* the latest rule of an end: it is not said again at the same time */
    struct ladder_step pending[2][ROW_STATES]; /* changes that wait for their segment: a call's SYN or FIN */
    unsigned pendings[2];
};

void ladder_rows_init(struct ladder_rows *rows, const struct ladder_model *model);
void ladder_rows_step(struct ladder_rows *rows, const struct ladder_step *step);
void ladder_rows_flush(struct ladder_rows *rows); /* finishes the row that is open */
void ladder_rows_end(struct ladder_rows *rows);   /* and shows changes that still waited */

/* A segment that only carries on: nothing a student has not just seen. */
bool ladder_row_is_plain(const struct ladder_row *row);

#endif
