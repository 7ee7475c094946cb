/* Between whom: the two ends of what an event tells of, whatever its kind. */
#ifndef GLASS_EVENT_ENDS_H
#define GLASS_EVENT_ENDS_H

#include "event.h"

struct event_ends {
    uint8_t protocol;          /* of IPv4; 0: not known */
    struct endpoint src, dst;  /* of a packet its source and destination; otherwise ours and the peer's */
    bool known;                /* false: a dropped packet too short or too broken to say */
};

/* A dropped packet says it itself, as far as its headers were kept: the port is 0 where none can be read. */
struct event_ends event_ends(const struct event *e);

/* Whether the event is a packet on its way in. */
static inline bool event_arrives(const struct event *e)
{
    return e->kind == EVENT_SEGMENT_IN || e->kind == EVENT_DATAGRAM_IN || e->kind == EVENT_DROP;
}

#endif
