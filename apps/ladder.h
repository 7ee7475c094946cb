/* A connection as a ladder diagram (RFC 9293 3.5, figures 6 to 12, turned upright): time runs down, the peer
 * on the left, this stack on the right, an arrow for each segment.
 *
 * Events are copied into a log of small records; a connection's ladder is printed from it at any later time.
 * Our states come from the stack. The peer's are inferred: the state that a TCP must be in once it has sent,
 * or received, what the arrow shows. */
#ifndef GLASS_LADDER_H
#define GLASS_LADDER_H

#include <stdatomic.h>
#include <stdio.h>
#include "../stack/event.h"

/* What a ladder needs of an event. */
struct ladder_record {
    usec time;
    struct endpoint local, remote;
    int64_t seq, ack; /* positions; of a segment without a connection, as on the wire */
    uint32_t connection;
    uint32_t wire_seq, wire_ack;
    uint32_t len, window;
    uint8_t kind; /* enum event_kind: segment in or out, state, timer fired, call */
    uint8_t flags;
    uint8_t from, to; /* enum tcp_state */
    uint8_t timer;    /* enum tcp_timer */
    bool retransmitted;
};

/* Written by one process and read by another while it grows, if it lies in shared memory. */
struct ladder_log {
    atomic_uint count; /* records that are complete */
    atomic_uint lost;  /* events that found no room */
    unsigned room;
    struct ladder_record record[];
};

size_t ladder_log_size(unsigned room);
void ladder_log_init(struct ladder_log *log, unsigned room);

/* For config.observe; the context is the log. */
void ladder_observe(void *log, const struct event *event);

/* The number of the latest connection to our `port` that has a record; 0: none. */
uint32_t ladder_find(const struct ladder_log *log, uint16_t port);

struct ladder_style {
    unsigned width; /* columns, at least LADDER_WIDTH */
    unsigned fold;  /* a longer run of plain segments is folded; 0: never */
    bool colour;
};

#define LADDER_WIDTH 80
#define LADDER_FOLD  12

/* False when memory is short or the connection is not in the log. */
bool ladder_print(FILE *out, const struct ladder_log *log, uint32_t connection,
                  const struct ladder_style *style);

/* The peer's state, as far as segments tell. */
struct ladder_peer {
    enum tcp_state state;
    bool known;
    int64_t fin, our_fin; /* positions of its FIN and of ours, -1: not sent */
};

void ladder_peer_init(struct ladder_peer *peer);
void ladder_peer_sent(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack);
void ladder_peer_got(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack);

#endif
