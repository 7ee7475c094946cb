/* What a ladder shows, before it is drawn: segments with what became of them, and the steps in which it
 * happened.
 *
 * Records (of one stack or of two) and captured segments go in; steps come out, in order, into a sink.
 *
 *     from records to steps                                           ladder_model.c
 *     from captured segments to steps                                 ladder_capture.c
 *     conversations: between which ends, and by which number          ladder_conversation.c
 *     segments, as many as are kept                                   ladder_segments.c
 *     of two stacks: which that arrives is which that was sent        ladder_flight.c
 *     of others: which seem to have been lost                         ladder_lost.c
 *     sequence numbers as positions, and what they tell               ladder_numbers.c
 *     the state of an end where no stack says it                      ladder_peer.c
 */
#ifndef GLASS_LADDER_MODEL_H
#define GLASS_LADDER_MODEL_H

#include "ladder.h"

#define LADDER_LEFT  0u
#define LADDER_RIGHT 1u

enum ladder_fate { LADDER_FLIES, LADDER_ARRIVED, LADDER_LOST, LADDER_SEEMS_LOST };

struct ladder_segment {
    usec sent, arrived; /* sent NEVER: nobody here sent it; arrived NEVER: not yet, or lost */
    unsigned from;      /* side */
    unsigned conversation;
    enum ladder_fate fate;
    bool again;       /* a retransmission */
    bool probe;       /* keep-alive or window probe: one before what is next */
    bool copy;        /* the wire's: it has arrived before */
    bool gap;         /* what is before it has not been seen */
    bool late;        /* it fills a gap: out of order, or sent again for one that was lost */
    bool is_relative; /* seq and ack are positions */
    uint8_t flags;
    uint32_t len;    /* text */
    uint32_t window; /* scaled, bytes */
    int64_t seq, ack;
    uint32_t wire_seq, wire_ack;
    uint16_t wire_window;
    struct tcp_options options;
    enum rule rule;
};

enum ladder_step_kind {
    LADDER_PASSES,  /* a segment, seen at one place: sent and arrived are one */
    LADDER_DEPARTS, /* its side is the sender's */
    LADDER_ARRIVES, /* its side is the receiver's */
    LADDER_STATE,
    LADDER_TIMER,
    LADDER_CALL,
    LADDER_DROP,
    LADDER_REMARK, /* congestion window, ICMP, a capture's comment */
    LADDER_SAYS,   /* who drew it: across the whole width */
    LADDER_NOTHING,
};

#define LADDER_TEXT  (LADDER_REMARK_MAX + 1)
#define LADDER_HOLES 8 /* of one way, remembered */

#define LADDER_NO_SEGMENT SIZE_MAX

struct ladder_step {
    usec time;
    enum ladder_step_kind kind;
    unsigned side;
    unsigned conversation; /* from 1; 0: of none */
    size_t segment; /* of the first three, and of a drop: for ladder_segment_at; or LADDER_NO_SEGMENT */
    enum tcp_state from, state;
    bool inferred;
    enum rule rule;
    bool matters; /* also when nothing is to be explained */
    char text[LADDER_TEXT];
};

/* One way of a conversation. */
struct ladder_way {
    struct endpoint end;   /* of the sender */
    uint32_t connection;   /* the number that the stack there gives it; 0: none yet */
    uint32_t isn, old_isn; /* initial sequence number; that of the connection before, between the same ends */
    bool has_isn, has_old, has_sent;
    int64_t next, old_next; /* position behind the last of what was sent */
    int64_t acked;          /* what it acknowledged last */
    unsigned shift;         /* of its window, RFC 7323 2; captures only */
    bool offers_shift;
    struct {
        int64_t left, right;
    } hole[LADDER_HOLES]; /* not seen, and something behind it has been */
    unsigned holes;
    struct ladder_peer seen; /* its state as segments tell */
    bool has_state;
    enum tcp_state state;
};

struct ladder_conversation {
    struct ladder_way way[2]; /* from the left, from the right */
    usec began;
    uint64_t segments, bytes;
    bool announced; /* a growing ladder has given it its heading */
    bool annotated; /* a capture's comments say what its right end knew */
};

struct ladder_model {
    bool both;  /* two stacks speak */
    bool wire;  /* a capture speaks: of no segment is known that it arrived */
    bool keeps; /* all segments; otherwise only the latest */
    bool bad;   /* memory was short */
    struct ladder_conversation *conversation;
    unsigned conversations, conversation_room;
    struct ladder_segment *segment;
    size_t segments, segment_room;
    size_t first_flying; /* none before it */
    uint32_t addr[2];    /* of the stack at a side; 0: none has said anything */
    usec took[2];        /* by the last that came from a side; 0: none did */
    size_t latest[2];    /* segment that arrived last at a side, and what it is compared with */
    void (*sink)(void *context, const struct ladder_step *step);
    void *context;
};

/* `both`: two stacks speak. `keeps`: ladder_segment_at answers for ever. */
void ladder_model_init(struct ladder_model *m, bool both, bool keeps);
void ladder_model_free(struct ladder_model *m);

void ladder_model_add(struct ladder_model *m, const struct record *r);

/* The end: what still flies has been lost, when two stacks spoke; otherwise what was sent again without
 * having been acknowledged seems lost. Only of a model that keeps all. */
void ladder_model_end(struct ladder_model *m);

const struct ladder_segment *ladder_segment_at(const struct ladder_model *m, size_t which);

/* What people know a conversation by: the number that the only stack gave it, or its own. */
unsigned ladder_model_tag(const struct ladder_model *m, unsigned conversation);

/* The parts of it, for those who feed it otherwise than with records. */
unsigned ladder_model_find(struct ladder_model *m, unsigned side, struct endpoint here, struct endpoint there,
                           uint32_t connection, bool may_add); /* 0: none */
/* By its number, from 1; of a model that does not keep all only one of the latest. */
struct ladder_conversation *ladder_conversation_at(const struct ladder_model *m, unsigned number);
unsigned ladder_model_begin(struct ladder_model *m, unsigned side, struct endpoint here,
                            struct endpoint there);
void ladder_segment_header(struct ladder_segment *s, const struct tcp_header *h, uint32_t len);
uint32_t ladder_seq_len(const struct ladder_segment *s); /* text, and one each for SYN and FIN */

/* ladder_numbers.c: gives a segment positions, when only the wire's numbers are known; or learns from
 * positions that are known what the others will be. Then follow: what its sender has now sent; and, if it
 * must be inferred, whether it had before. */
void ladder_model_relate(struct ladder_conversation *c, struct ladder_segment *s);
void ladder_model_learn(struct ladder_conversation *c, const struct ladder_segment *s);
void ladder_model_follow(struct ladder_conversation *c, struct ladder_segment *s, bool infers);

/* A step when the state that `side` must have now is another than before. */
void ladder_model_infer(struct ladder_model *m, const struct ladder_segment *s, unsigned side, usec now);
void ladder_model_lost(struct ladder_model *m); /* ladder_lost.c */
size_t ladder_model_keep(struct ladder_model *m, const struct ladder_segment *s);
void ladder_model_step(struct ladder_model *m, const struct ladder_step *step);

#endif
