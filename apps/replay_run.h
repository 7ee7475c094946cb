/* A run of a replay, for the files that make it:
 *
 *     replay_run.c      the stack and its time; step by step, what the capture's side did
 *     replay_feed.c     what comes in: the peer's frames
 *     replay_sent.c     what leaves: the frames of ours
 *     replay_app.h      the application: replay_app.c, replay_datagrams.c
 */
#ifndef GLASS_REPLAY_RUN_H
#define GLASS_REPLAY_RUN_H

#include "annotation.h"
#include "replay_app.h"

#define REPLAY_TURNS_MAX 20000 /* of the stack between two frames */

struct replay_run {
    struct replay_flow *flow;
    const struct replay_options *options;
    struct stack stack;
    struct replay_app app;
    struct annotation annotation;
    usec now;   /* the stack's */
    size_t at;  /* the step at hand */
    bool bad;   /* no memory */
    bool muted; /* what happens now is not the capture's: its host lost its memory, or it ends */

    /* What the stack's events say. */
    enum rule rule; /* the last that decided since a frame left */
    bool resent;    /* the segment that leaves was sent before */
    bool reset;     /* the stack sent a RST since the last frame came in */

    /* The peer's acknowledgments: it may have been ahead of what ours has sent. */
    int64_t owed;          /* the peer has acknowledged up to here in the capture */
    int64_t told;          /* ours was told so, up to here, apart from the capture's frames */
    uint32_t owed_by;      /* the connection that these are of */
    struct tcp_header ack; /* its last segment */
    bool has_ack;

    int64_t offered; /* the capture's side: the right edge of its window */
    int edge_of;     /* the connection that this is of */
};

/* The stack's end of the conversation's connection as it is now; NULL: there is none. */
static inline const struct tcp_conn *replay_connection(const struct replay_run *r)
{
    return tcb_find(&r->stack.tcp, r->flow->local, r->flow->remote);
}

/* A frame of the peer's goes in; it acknowledges no more than ours has sent. */
void replay_feed(struct replay_run *r, const struct replay_step *s);

/* What such a frame could not acknowledge, as far as it is there now. Whether the stack took it. */
bool replay_catch_up(struct replay_run *r);

/* Keeps all that the stack has to send now. */
void replay_collect(struct replay_run *r);

/* The end: of what was sent from `aftermath` on only plain ACKs stay; and each segment gets its positions and
 * the connection of the capture that it belongs to. */
void replay_place_sent(struct replay_flow *f, size_t aftermath);

#endif
