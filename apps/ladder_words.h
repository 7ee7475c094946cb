/* The words of a ladder, which text and picture share. */
#ifndef GLASS_LADDER_WORDS_H
#define GLASS_LADDER_WORDS_H

#include "ladder_row.h"

/* What goes one way in a fold. */
struct ladder_tally {
    unsigned data, acks;
    uint64_t bytes;
};

void ladder_tally_add(struct ladder_tally *tally, const struct ladder_row *row);

/* "--> ... 26 data segments, 37960 bytes", by the side that sent them, in fewer words when there
 * are fewer columns; "" when there are none. */
void ladder_tally_text(const struct ladder_tally *tally, unsigned from, size_t columns, char to[96]);

/* "again", "late", "gap", "probe", "a copy" or "": what is to be noticed. */
const char *ladder_segment_word(const struct ladder_segment *s);

/* "#2 ", the connection that a row is of, where there are several; else "". */
void ladder_tag_text(const struct ladder_row *row, bool many, char to[16]);

/* What a note says; of several connections with its number, when no arrow beside it has that. */
void ladder_note_text(const struct ladder_note *note, const struct ladder_row *row, bool many,
                      char to[LADDER_TEXT + 16]);

/* "SYN,ACK" */
void ladder_flags_text(uint8_t flags, char to[40]);

/* "mss 1460, wscale 7, sackOK, ts", blocks relative to the acknowledgment's position; "" when there are none
 * that tell something. */
void ladder_options_text(const struct ladder_segment *s, const struct ladder_style *style, char *to,
                         size_t room);

/* "seq 1", "ack 301", each at most 32 bytes; "" for the ack of a segment without ACK. */
void ladder_numbers_text(const struct ladder_segment *s, const struct ladder_style *style, char seq[32],
                         char ack[32]);

#endif
