/* One stack in virtual time with many peers that are made by hand: the core alone, without a device. */
#ifndef GLASS_BENCH_CORE_WORLD_H
#define GLASS_BENCH_CORE_WORLD_H

#include "../../stack/stack.h"
#include "../script/packet.h"
#include "bench.h"

#define TEXT_MAX 1448 /* of one segment: 1460 less timestamps */
#define BATCH    16   /* segments made at once, as a turn of the loop reads them */

/* A connection and what its peer knows of it. */
struct peer {
    struct sock *sock; /* ours */
    uint32_t addr, seq, ack, ts_echo;
    uint16_t port;
};

/* CPU time: what else runs on the machine does not count. */
static inline double core_seconds(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

struct datagram {
    uint32_t len;
    uint8_t bytes[1500];
};

struct world {
    struct stack stack;
    struct sock *listener;
    usec now;
    struct peer *peer;
    unsigned peers;
};

void world_begin(struct world *w, unsigned room); /* for so many peers */
void world_end(struct world *w);

/* Connections of the next `count` peers (at most BATCH), open and accepted. Returns the seconds the stack took. */
double world_connect(struct world *w, unsigned count);

/* The server closes, the peer follows: the connection is a TIME-WAIT record. */
void world_close(struct world *w, struct peer *p);

/* The next segment of this peer with so much text, acknowledging all it has seen. */
void peer_segment(struct peer *p, uint32_t text, struct datagram *to);

/* An empty segment that acknowledges all this peer has seen. */
void world_acknowledge(struct world *w, struct peer *p);

/* Takes what the stack sends until it has nothing more; `p` (NULL: nobody) has seen it. Returns the frames. */
unsigned world_output(struct world *w, struct peer *p);

#endif
