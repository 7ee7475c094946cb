/* The lines of one comment, from the events that belong to a packet: see annotation.h for what they look like. */
#ifndef GLASS_ANNOTATION_TEXT_H
#define GLASS_ANNOTATION_TEXT_H

#include "annotation.h"

struct annotation_lines {
    char *at;
    size_t len, room;
    uint8_t told[RULE_COUNT]; /* rules that have their line */
};

/* `events` in their order; `c` is the connection now, NULL when it is none (any more); `before` what was known of it. */
struct annotation_facts {
    const struct record *events;
    unsigned count;
    uint32_t addr; /* the stack's */
    bool received;
    uint32_t connection; /* 0: none */
    enum tcp_state state; /* when no event changed it */
    const struct tcp_conn *c;
    const struct annotation_values *before;
};

/* Appends to what `lines` holds, cut to its room. */
void annotation_write(struct annotation_lines *lines, const struct annotation_facts *f);

#endif
