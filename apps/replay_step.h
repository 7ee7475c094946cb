/* Short words for the files that look at a conversation's steps. */
#ifndef GLASS_REPLAY_STEP_H
#define GLASS_REPLAY_STEP_H

#include "replay.h"

#define AT_ONCE MSEC(1) /* frames this close belong together */

/* How far a lies after b on the circle of sequence numbers. */
static inline int32_t after(uint32_t a, uint32_t b)
{
    return seq_distance((struct wireseq){a}, (struct wireseq){b});
}

static inline bool has(const struct replay_step *s, uint8_t flag)
{
    return s->frame->is_tcp && s->frame->tcp.flags & flag;
}

static inline const struct tcp_header *tcp_of(const struct replay_step *s)
{
    return &s->frame->tcp;
}

/* Marks what seems not to have arrived, or was left unanswered, or met a host that had been started again. */
void replay_find_losses(struct replay_flow *f);

/* What that side's TCP offered, and how it behaves: the plan. */
void replay_find_offers(struct replay_flow *f);
void replay_find_habits(struct replay_flow *f);

#endif
