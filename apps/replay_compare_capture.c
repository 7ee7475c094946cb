/* What the capture's side sent and ours did not send like that: whether it belongs to the same conversation,
 * otherwise cut into segments or timed. Called by replay_compare.c. */
#include "replay_compare.h"

#include <stdlib.h>

#define DELAY_MAX MSEC(500) /* the longest that an ACK may be delayed, RFC 9293 3.8.6.3 */

static struct reach reach_of_ours(const struct replay_flow *f, int life)
{
    struct reach r = {0};
    for (size_t i = 0; i < f->sent_count; i++) {
        const struct replay_sent *s = &f->sent[i];
        if (!s->is_tcp || s->life != life)
            continue;
        r.ack = s->ack > r.ack ? s->ack : r.ack; /* of a RST as well */
        if (!(s->tcp.flags & TCP_RST))
            r.right = s->right > r.right ? s->right : r.right;
    }
    return r;
}

/* Ours that comes closest to step s: it covers its beginning, or acknowledges as much; -1: none. */
static int closest(const struct replay_flow *f, const struct replay_step *s, bool resent)
{
    bool text = s->right > s->left;
    for (size_t i = 0; i < f->sent_count; i++) {
        const struct replay_sent *o = &f->sent[i];
        if (!o->is_tcp || o->life != s->life || o->tcp.flags & TCP_RST || (resent && !o->resent))
            continue;
        if (text ? o->left <= s->left && s->left < o->right : o->ack >= s->ack && o->time >= s->time)
            return (int)i;
    }
    return -1;
}

static int find_reset(const struct replay_flow *f)
{
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].is_tcp && f->sent[i].tcp.flags & TCP_RST && f->sent[i].match < 0)
            return (int)i;
    return -1;
}

static void judge_reset(struct replay_flow *f, size_t i)
{
    int o = find_reset(f);
    if (o < 0) {
        judge(&f->step[i], REPLAY_DIFFERENT, "ours sent no RST");
        return;
    }
    pair(f, i, (size_t)o);
    judge(&f->step[i], REPLAY_EQUIVALENT, "a RST with other numbers");
}

/* Ours sent it first when the capture's side had done so already: what happened to the first there, it was
 * spared. */
static bool sent_later(const struct replay_flow *f, const struct replay_step *s)
{
    int o = closest(f, s, false);
    for (size_t i = 0; o >= 0 && i < f->count; i++) {
        const struct replay_step *first = &f->step[i];
        if (is_segment(first) && first->life == s->life && first->left <= s->left && s->left < first->right)
            return f->sent[o].time > first->time;
    }
    return false;
}

static void judge_text(struct replay_flow *f, struct replay_step *s, bool again, const struct reach *ours)
{
    if (s->right > ours->right) {
        judge(s, REPLAY_DIFFERENT, "ours did not send this");
        return;
    }
    s->match = closest(f, s, again);
    if (!again)
        judge(s, REPLAY_EQUIVALENT, "other packetization: the same bytes");
    else if (s->match >= 0)
        judge(s, REPLAY_EQUIVALENT, "sent again at another time");
    else if (f->clamped)
        judge(s, REPLAY_EQUIVALENT, "the capture's side was faster to send it again, and the peer had it");
    else if (sent_later(f, s))
        judge(s, REPLAY_EQUIVALENT, "ours sent it later, and once: its window was smaller (RFC 5681 3)");
    else
        judge(s, REPLAY_DIFFERENT, "ours did not send this again");
}

static bool probes(const struct replay_flow *f, int life)
{
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].life == life && f->sent[i].is_tcp && f->sent[i].tcp.text.len == 1)
            return true;
    return false;
}

/* Ours delays an ACK, and then there is nothing to acknowledge any more: either side sent a RST. */
static bool reset_follows(const struct replay_flow *f, const struct replay_step *s)
{
    for (size_t i = 0; i < f->count; i++)
        if (!f->step[i].out && has(&f->step[i], TCP_RST) && llabs(f->step[i].time - s->time) <= DELAY_MAX)
            return true;
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].is_tcp && f->sent[i].tcp.flags & TCP_RST && f->sent[i].time >= s->time &&
            f->sent[i].time - s->time <= DELAY_MAX)
            return true;
    return false;
}

static void judge_ack(struct replay_flow *f, struct replay_step *s, int64_t top, const struct reach *ours)
{
    if (s->left < top && s->left >= 0 && !has(s, TCP_SYN) && s->left + 1 == top && probes(f, s->life)) {
        judge(s, REPLAY_EQUIVALENT, "a probe of another kind: ours sends a byte (RFC 9293 3.8.6.1)");
        return;
    }
    s->match = closest(f, s, false);
    if (s->ack > ours->ack && reset_follows(f, s))
        judge(s, REPLAY_EQUIVALENT, "ours would have delayed it, and a RST made it needless");
    else if (s->ack > ours->ack)
        judge(s, REPLAY_DIFFERENT, "ours did not acknowledge this");
    else
        judge(s, REPLAY_EQUIVALENT, "acknowledged at another time, or together with more (RFC 9293 3.8.6.3)");
}

void replay_compare_capture(struct replay_flow *f)
{
    int life = -2;
    int64_t top = 0;
    struct reach ours = {0};
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!is_segment(s))
            continue;
        if (s->life != life) {
            life = s->life;
            top = 0;
            ours = reach_of_ours(f, life);
        }
        bool again = s->right <= top && s->right > s->left;
        if (s->match >= 0)
            ;
        else if (has(s, TCP_RST))
            judge_reset(f, i);
        else if (s->right > s->left)
            judge_text(f, s, again, &ours);
        else
            judge_ack(f, s, top, &ours);
        top = s->right > top && !has(s, TCP_RST) ? s->right : top;
    }
}
