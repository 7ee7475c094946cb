/* An event that outlives its moment: kept in a log, sent to another process, drawn later.
 *
 * struct event points at things that are gone when its observer returns; a record holds copies of them. Whatever
 * shows events (trace, ladder, annotations) takes records or the events that record_event makes of them. */
#ifndef GLASS_RECORD_H
#define GLASS_RECORD_H

#include <stdatomic.h>
#include "../stack/event.h"
#include "../stack/tcp_wire.h"

#define RECORD_PACKET 128 /* bytes kept of a dropped packet: the longest headers, and a little */
#define RECORD_WORD   48  /* bytes, with the 0: the longest reason for a window, and a little */

struct record {
    struct event event;       /* its pointers mean nothing: see record_event */
    struct tcp_header header; /* of a segment */
    uint32_t side;            /* whose event: of a laboratory 0 the left stack, 1 the right one */
    uint32_t packet_len;      /* of a drop: bytes in `packet` */
    uint8_t packet[RECORD_PACKET];
    char word[RECORD_WORD]; /* u.window.why, u.call.name */
};

void record_take(struct record *r, const struct event *e, unsigned side);

/* The event again; its pointers point into `r`. */
struct event record_event(const struct record *r);

/* Whether a record that came from another process can be shown: every enumeration, count and string is in bounds. */
bool record_valid(const struct record *r);

/* Records as they come. Written by one process and read by another while it grows, if it lies in shared memory. */
struct record_log {
    atomic_uint count; /* records that are complete */
    atomic_uint lost;  /* events that found no room */
    unsigned room;
    struct record record[];
};

size_t record_log_size(unsigned room); /* bytes */
void record_log_init(struct record_log *log, unsigned room);
void record_log_add(struct record_log *log, const struct event *e, unsigned side);

/* For config.observe; the context is the log, the side 0. */
void record_log_observe(void *log, const struct event *e);

#endif
