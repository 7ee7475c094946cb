/* The comparison of a replay, for the files that make it, one after another:
 *
 *     replay_compare.c              pairs of the same segment; and the count of all verdicts
 *     replay_compare_capture.c      what only the capture's side sent: the same conversation nevertheless?
 *     replay_compare_ours.c         what only ours sent
 *     replay_compare_datagrams.c    UDP and ICMP: pairs, and what has none
 */
#ifndef GLASS_REPLAY_COMPARE_H
#define GLASS_REPLAY_COMPARE_H

#include "replay_step.h"

#define REPLAY_NEAR 2048 /* how far apart in order two frames may be that are the same */

/* How far a side got in a connection. */
struct reach {
    int64_t right, ack;
};

/* A TCP segment that the capture's side sent. */
static inline bool is_segment(const struct replay_step *s)
{
    return s->out && s->frame->is_tcp && !s->ignored;
}

/* Each says what becomes of a frame, the capture's or ours, and why it is not identical. */
static inline void judge(struct replay_step *s, enum replay_verdict verdict, const char *reason)
{
    s->verdict = verdict;
    s->reason = reason;
}

static inline void judge_ours(struct replay_sent *s, enum replay_verdict verdict, const char *reason)
{
    s->verdict = verdict;
    s->reason = reason;
}

/* They stand for each other; the verdict is the step's alone. */
static inline void pair(struct replay_flow *f, size_t step, size_t sent)
{
    f->step[step].match = (int)sent;
    f->sent[sent].match = (int)step;
    f->sent[sent].verdict = REPLAY_EXTRA;
}

void replay_compare_capture(struct replay_flow *f);
void replay_compare_ours(struct replay_flow *f);
void replay_compare_datagrams(struct replay_flow *f);

#endif
