/* A link with faults, between the stack and its device: loss, delay, jitter, reordering, duplicates, bit errors, and
 * a bottleneck with a finite queue. The same in both directions, each with its own dice and its own queue.
 *
 * A struct link_way is one direction in the time its caller gives: datagrams go in, and come out later, or never.
 * A struct link is both, around a struct device: the loop reads and writes it like any other. The capture is
 * written by the loop, on the stack's side of the link: it shows what the stack sent and what reached it.
 *
 *     stack -- loop, capture -- link -- TUN device -- kernel                                                */
#ifndef GLASS_LINK_H
#define GLASS_LINK_H

#include <sys/uio.h>

#include "loop.h"
#include "tun.h"

#define LINK_QUEUE_DEFAULT 100    /* datagrams at the bottleneck */
#define LINK_QUEUE_MAX     100000 /* datagrams */
#define LINK_HELD_MAX      200000 /* datagrams on their way in one direction; more are lost, and counted */
#define LINK_TIME_MAX      SEC(60)

struct link_config {
    uint32_t loss, reorder, duplicate, corrupt; /* of a million datagrams */
    uint32_t burst;                             /* losses in a row, on average; 0: each by itself */
    usec delay;                                 /* one way */
    usec jitter;                                /* up to so much more, in order all the same */
    int64_t rate;                               /* of the bottleneck, bits a second; 0: none */
    uint32_t queue;                             /* datagrams it holds, the one that is leaving included */
    bool ecn; /* mark instead of dropping (RFC 3168 5) from half the queue on, where the sender allows it */
    uint64_t seed;
};

void link_config_init(struct link_config *config); /* a perfect link */

/* Takes "loss=1%,delay=20ms,...". True, or false and `why` says in one line what is wrong with which part. */
bool link_parse(struct link_config *config, const char *text, char *why, size_t room);

#define LINK_COUNTERS(X)                                                                                     \
    X(IN, "datagrams went in")                                                                               \
    X(OUT, "came out")                                                                                       \
    X(LOST, "lost")                                                                                          \
    X(QUEUE_FULL, "dropped at the full queue")                                                               \
    X(MARKED, "marked for congestion")                                                                       \
    X(CORRUPTED, "corrupted by a bit")                                                                       \
    X(DUPLICATED, "duplicated")                                                                              \
    X(REORDERED, "held back behind others")                                                                  \
    X(NO_ROOM, "lost for want of memory")

#define X(name, text) LINK_##name,
enum link_counter { LINK_COUNTERS(X) LINK_COUNTER_COUNT };
#undef X

const char *link_counter_text(enum link_counter which);

struct link_packet {
    struct link_packet *next, *previous;
    usec due;
    size_t len;
    uint8_t bytes[];
};

struct link_way {
    struct link_config config;
    uint64_t dice;
    bool in_burst;
    struct link_packet *first, *last; /* by the time they are due */
    uint32_t held;
    usec floor;   /* when the last one in order is due: none that follows comes earlier */
    usec busy;    /* until when the bottleneck is sending */
    usec *leaves; /* when each datagram leaves the bottleneck: a ring of config.queue */
    uint32_t queue_first, queue_count;
    uint64_t count[LINK_COUNTER_COUNT];
};

/* `number` tells the ways of one link apart: each has dice of its own. 0 or -ENOMEM. */
int link_way_init(struct link_way *way, const struct link_config *config, unsigned number);
void link_way_free(struct link_way *way);

void link_give(struct link_way *way, usec now, const struct iovec *part, int count);

/* The next datagram that is due by now, or NULL: its taker frees it. */
struct link_packet *link_take(struct link_way *way, usec now);

/* When link_take will have one; NEVER. */
usec link_due(const struct link_way *way);

enum { LINK_TO_STACK, LINK_TO_KERNEL, LINK_WAYS };

struct link {
    struct device device; /* first: what the loop reads and writes */
    struct device *inner;
    struct link_way way[LINK_WAYS];
    struct loop *loop;
    struct deadline wake;
};

/* Stands before `inner`, which must be open, without offload: a wire carries datagrams as they are. 0 or -ENOMEM. */
int link_open(struct link *link, struct device *inner, const struct link_config *config);

/* Must be called before the first turn of the loop that reads &link->device. */
void link_run(struct link *link, struct loop *loop);

/* What is on its way to the kernel arrives at once: the last segments of a stack that ends. Then the link is empty.
 * One that was never opened is allowed. */
void link_close(struct link *link);

#endif
