/* What the capture's side sent beside what ours did: the same; the same conversation, otherwise cut into
 * segments or timed, which the RFCs leave to each TCP; or something else. Here the same segments are found;
 * those without a pair are judged by the parts that replay_compare.h names. Called by replay.c and
 * annotate.c. */
#include "replay_compare.h"

#include <string.h>

#define CORE (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

static bool same_segment(const struct tcp_header *a, const struct tcp_header *b)
{
    return (a->flags & CORE) == (b->flags & CORE) && a->seq.n == b->seq.n && a->text.len == b->text.len &&
           (!(a->flags & TCP_ACK) || a->ack.n == b->ack.n);
}

static bool same_blocks(const struct tcp_options *a, const struct tcp_options *b)
{
    if (a->sack_count != b->sack_count)
        return false;
    for (unsigned i = 0; i < a->sack_count; i++)
        if (a->sack[i].left.n != b->sack[i].left.n || a->sack[i].right.n != b->sack[i].right.n)
            return false;
    return true;
}

static bool same_offers(const struct tcp_options *a, const struct tcp_options *b)
{
    return a->mss == b->mss && a->sack_permitted == b->sack_permitted &&
           a->has_window_scale == b->has_window_scale && a->window_scale == b->window_scale &&
           a->has_timestamps == b->has_timestamps;
}

/* In what two segments differ that say the same; the values of timestamps are each clock's own. */
static void weigh(struct replay_step *s, const struct tcp_header *b)
{
    const struct tcp_header *a = tcp_of(s);
    if (!same_offers(&a->options, &b->options))
        judge(s, a->flags & TCP_SYN ? REPLAY_DIFFERENT : REPLAY_EQUIVALENT, "other options");
    else if (!same_blocks(&a->options, &b->options))
        judge(s, REPLAY_EQUIVALENT, "other SACK blocks: which to tell is the receiver's choice (RFC 2018 4)");
    else if ((a->flags ^ b->flags) & (TCP_ECE | TCP_CWR))
        judge(s, REPLAY_EQUIVALENT, "congestion is marked elsewhere (RFC 3168 6.1)");
    else if (a->window != b->window)
        judge(s, REPLAY_EQUIVALENT,
              "another window: how much to offer is the receiver's choice (RFC 9293 3.8.6.2.2)");
    else if ((a->flags ^ b->flags) & TCP_PSH)
        judge(s, REPLAY_EQUIVALENT, "pushed elsewhere (RFC 9293 3.9.1.2)");
    else
        judge(s, REPLAY_IDENTICAL, NULL);
}

static void match_segments(struct replay_flow *f)
{
    size_t cursor = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!is_segment(s))
            continue;
        for (size_t k = cursor > REPLAY_NEAR ? cursor - REPLAY_NEAR : 0;
             k < f->sent_count && k < cursor + REPLAY_NEAR; k++)
            if (f->sent[k].match < 0 && f->sent[k].is_tcp && same_segment(tcp_of(s), &f->sent[k].tcp)) {
                pair(f, i, k);
                weigh(s, &f->sent[k].tcp);
                cursor = k;
                break;
            }
    }
}

void replay_compare(struct replay_flow *f)
{
    memset(f->verdicts, 0, sizeof f->verdicts);
    match_segments(f);
    replay_compare_capture(f);
    replay_compare_ours(f);
    replay_compare_datagrams(f);
    for (size_t i = 0; i < f->count; i++)
        if (f->step[i].out && !f->step[i].ignored)
            f->verdicts[f->step[i].verdict]++;
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].verdict == REPLAY_DIFFERENT)
            f->verdicts[REPLAY_DIFFERENT]++;
}
