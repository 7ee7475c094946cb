/* Replay: a capture's conversations once more, with our stack in the place of one side.
 *
 *     replay_load       the capture into memory, frame by frame                          replay_load.c
 *     replay_guess      whose place our stack takes, when nobody says                    replay_flows.c
 *     replay_flows      the conversations of that address, each in the order of its host replay_flows.c
 *     replay_plan       what the application on that side did, what its TCP offered,
 *                       what did not arrive             replay_plan.c, replay_offers.c, replay_losses.c
 *     replay_run        a fresh stack is fed the peer's frames at the capture's times    replay_run.[ch]
 *     replay_compare    what it sent, beside what the capture holds                      replay_compare.[ch]
 *
 * A conversation is a TCP four-tuple (with all its connections, one after another), or all of the address's UDP and
 * ICMP together. Used by replay.c and annotate.c. */
#ifndef GLASS_REPLAY_H
#define GLASS_REPLAY_H

#include <stdio.h>
#include "../stack/stack.h"
#include "packet_file.h"
#include "record.h"

#define REPLAY_FRAMES_MAX (1u << 20)   /* frames of a capture */
#define REPLAY_BYTES_MAX  (512u << 20) /* bytes of them */
#define REPLAY_STREAM_MAX (256u << 20) /* bytes that one connection may have sent */
#define REPLAY_GAP_MAX    (1u << 20)   /* bytes of them that the capture may miss in one place */
#define REPLAY_BUCKETS    4096
#define REPLAY_WHY        320          /* bytes of a line that says what is wrong */

/* A frame with an IPv4 datagram. */
struct replay_frame {
    uint64_t number;        /* in the file */
    usec time;              /* since the capture's earliest frame */
    uint8_t *bytes;         /* whole: what was cut off is zeros */
    size_t len;
    struct ip_packet ip;    /* when `parsed` */
    struct tcp_header tcp;  /* when `is_tcp`; checksums were not looked at */
    bool parsed, is_tcp;
    bool cut;               /* text was missing */
    char *comment;          /* what the replay had to say; NULL: nothing. malloc */
};

struct replay_capture {
    struct replay_frame *frame;
    size_t count, room, bytes;
    uint64_t frames, others; /* in the file; of them without an IPv4 datagram */
};

/* False: `why` (REPLAY_WHY bytes) says in one line what is wrong; what was read before stays. */
bool replay_load(struct replay_capture *c, const char *path, char *why);
void replay_unload(struct replay_capture *c);

/* The address, and in `reason` why it; 0: no frame has two ends. */
uint32_t replay_guess(const struct replay_capture *c, const char **reason);

enum replay_verdict {
    REPLAY_IDENTICAL,
    REPLAY_EQUIVALENT, /* the same conversation, otherwise cut or timed: the RFCs leave it open */
    REPLAY_DIFFERENT,
    REPLAY_EXTRA,      /* of what ours sent: it only fills up what another frame is compared with */
};

/* A frame of the conversation, as its host saw it. */
struct replay_step {
    struct replay_frame *frame;
    usec time;    /* when it left or reached that host */
    bool out;     /* that host sent it */
    bool lost;    /* it seems never to have arrived there */
    bool forgets; /* before it arrived its host had lost the connection: it was started again */
    bool ignored; /* its host did as if it had not come: a full queue, or a filter */
    int life;     /* the connection it belongs to; -1: none */
    int64_t left, right, ack; /* of our segments: positions */

    /* What the application did: before this frame left, or right after it arrived. */
    int64_t written;  /* had written up to here; 0: nothing new */
    int64_t waiting;  /* had written up to here before the frame arrived; 0: nothing new */
    int64_t read;     /* had read up to here; 0: nothing new */
    uint32_t bound;   /* of the receive buffer from now on; 0: as before */
    bool connects, closes, resets;

    enum replay_verdict verdict; /* of a frame that left */
    const char *reason;          /* why not identical */
    int match;                   /* what ours sent in its place; -1: nothing */
};

/* One incarnation of a connection. */
struct replay_life {
    size_t first;           /* step with its first SYN of ours */
    uint32_t iss, irs;
    bool active, has_irs;
    uint8_t *stream;        /* what that side wrote; byte k is position 1 + k */
    int64_t length, room;
    int64_t missing;        /* bytes the capture does not have: zeros */
    int64_t fin;            /* position of its FIN; 0: none */
};

struct replay_plan {
    uint16_t mtu;
    uint8_t shift, offered; /* of our windows: as agreed, as our SYN offers it */
    bool scale, timestamps, sack, ecn, nodelay, listens;
    usec clock;       /* what to add to the time of a step: then our timestamp clock shows what the capture's did */
    uint32_t bound;   /* of the receive buffer at first */
    uint32_t initial_window; /* of congestion, when it was seen to hold text back; 0: as is usual */
    uint32_t margin;  /* by which ours is larger */
    usec keepalive_idle, keepalive_interval; /* 0: no keep-alive was seen */
};

/* What our stack sent. */
struct replay_sent {
    usec time; /* as of the steps */
    uint8_t *bytes;
    size_t len;
    struct ip_packet ip;
    struct tcp_header tcp;
    bool is_tcp, resent;
    int64_t left, right, ack;
    int life;
    enum rule rule; /* the last that decided before it left; RULE_NONE: none did */
    char *comment;
    enum replay_verdict verdict;
    const char *reason;
    int match; /* the step it stands for, -1: none */
};

struct replay_flow {
    size_t next;      /* in its bucket: index + 1 */
    uint8_t protocol; /* IP_TCP, or 0: everything else */
    struct endpoint local, remote;
    struct replay_step *step;
    size_t count, room;
    usec distance; /* the capture was made so far (one way) from that host */
    bool far;      /* it was made on the other end: what was lost on the way from that host is not in it */
    struct replay_life *life;
    unsigned lives, life_room;
    struct replay_plan plan;
    const char *skipped; /* why it cannot be replayed; NULL: it can */
    struct replay_sent *sent;
    size_t sent_count, sent_room;
    size_t verdicts[3];
    unsigned clamped; /* the peer's ACKs that were ahead of what ours had sent by then */
};

struct replay {
    struct replay_capture capture;
    uint32_t addr;
    struct replay_flow *flow;
    size_t count, room;
    size_t bucket[REPLAY_BUCKETS]; /* by the remote end: a flow's index + 1, 0: none */
};

/* The conversations of replay->addr; false without memory. */
bool replay_flows(struct replay *r);

/* Fills the plan and the steps' actions, or says in flow->skipped why not. */
void replay_plan(struct replay_flow *f);

struct replay_options {
    const char *const *tcp; /* settings as of glass up --tcp */
    unsigned tcp_count;
    void (*observe)(void *context, const struct event *event);
    void *context;
    bool annotate; /* fill the frames' comments */
};

/* False without memory. */
bool replay_run(struct replay_flow *f, uint32_t addr, const struct replay_options *options);

void replay_compare(struct replay_flow *f);

/* The comments of the frames, out of what ours said. */
void replay_comment(struct replay_flow *f);

/* What differs, side by side; `all`: also what does not. */
void replay_show(FILE *out, const struct replay_flow *f, unsigned number, bool all);

void replay_free(struct replay *r);

/* --- shared between its files --- */

/* Puts right what a network card would have filled in, and with `force` whatever the checksum says. */
void replay_complete(uint8_t *datagram, size_t len, bool force);

/* Room for one more: `at`, or where it was moved to; NULL without memory. */
void *replay_grow(void *at, size_t count, size_t *room, size_t size);

#endif
