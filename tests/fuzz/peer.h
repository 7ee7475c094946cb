/* The far end of one connection, as it should behave: it knows what it sent, what it heard and what it offered, and
 * notices when the stack sends what it must not. The targets let it send something else than it should. */
#ifndef FUZZ_PEER_H
#define FUZZ_PEER_H

#include "world.h"

struct peer {
    uint16_t port, stack_port;
    uint32_t iss, nxt;  /* ours; what we send next. Sequence numbers as on the wire */
    uint32_t acked;     /* of ours, by the stack */
    uint32_t their_iss; /* once `heard` is not 0 */
    uint32_t una;       /* position up to which we acknowledged, when we do as we should */
    int64_t heard;      /* end of what the stack sent, as a position; 0: nothing yet */
    int64_t edge;       /* the furthest right edge of a window that we ever offered, as a position */
    uint32_t ts_recent;
    uint16_t window; /* that it offers when it does as it should */
    uint8_t shift; /* the largest of any SYN of ours */
    bool ts;       /* both offered it */
    bool offers_ts;
    bool listening; /* answers a SYN */
};

/* What it sends; start with peer_segment, then change. */
struct peer_segment {
    uint8_t flags, tos;
    uint32_t seq, ack;
    uint16_t window, urgent;
    uint8_t options[40];
    size_t options_len;
    uint16_t len; /* of text */
};

void peer_init(struct peer *p, uint16_t port, uint16_t stack_port, uint32_t iss);

/* An ACK of all that was heard, with the options that were agreed. */
struct peer_segment peer_segment(const struct peer *p, const struct world *w);

/* Sends it. `proper`: what it takes of the sequence space is now behind us. */
void peer_send(struct peer *p, struct world *w, const struct peer_segment *s, bool proper);

/* Our SYN, or SYN,ACK if we heard one; options from the input. */
void peer_send_syn(struct peer *p, struct world *w, struct reader *in);

void peer_add_timestamps(struct peer_segment *s, uint32_t value, uint32_t echo);
void peer_add_sack(struct peer_segment *s, const struct peer *p, struct reader *in);

/* A segment of the stack to this peer: asserts that it may be sent. */
void peer_hear(struct peer *p, const struct packet *segment);

/* Where the listener of the stack and its active connections are. */
#define PEERS        3
#define PEER_LISTENS 9  /* a peer's port to which the stack connects */
#define STACK_HTTP   80 /* the stack's listener */

struct peers {
    struct peer peer[PEERS];
};

void peers_start(struct peers *all, struct world *w); /* becomes w->context */

#endif
