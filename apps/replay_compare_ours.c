/* What ours sent and the capture's side did not send like that: nothing but other packetization or timing, or
 * something that the capture does not have. Called by replay_compare.c. */
#include "replay_compare.h"

static struct reach reach_of_capture(const struct replay_flow *f, int life)
{
    struct reach r = {0};
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!is_segment(s) || s->life != life)
            continue;
        r.ack = s->ack > r.ack ? s->ack : r.ack;
        if (!has(s, TCP_RST))
            r.right = s->right > r.right ? s->right : r.right;
    }
    return r;
}

static bool captured_again(const struct replay_flow *f, const struct replay_sent *o)
{
    int64_t top = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!is_segment(s) || s->life != o->life || has(s, TCP_RST))
            continue;
        if (s->right <= top && s->left < o->right && o->left < s->right)
            return true;
        top = s->right > top ? s->right : top;
    }
    return false;
}

/* Ours had sent it when the capture's side had not: the peer's ACKs could not yet tell of it. */
static bool sent_earlier(const struct replay_flow *f, const struct replay_sent *o)
{
    const struct replay_sent *ours = f->sent;
    const struct replay_step *s = f->step, *end = f->step + f->count;
    while (ours < o &&
           !(ours->is_tcp && ours->life == o->life && ours->left <= o->left && o->left < ours->right))
        ours++;
    while (s < end && !(is_segment(s) && s->life == o->life && s->left <= o->left && o->left < s->right))
        s++;
    return s < end && ours->time < s->time;
}

static void judge_extra(const struct replay_flow *f, struct replay_sent *o, const struct reach *capture,
                        usec end)
{
    judge_ours(o, REPLAY_EXTRA, NULL);
    if (o->tcp.flags & TCP_RST)
        judge_ours(o, REPLAY_DIFFERENT, "the capture has no RST");
    else if (o->life < 0)
        judge_ours(o, REPLAY_DIFFERENT, "the capture has no such segment");
    else if (o->right > capture->right)
        judge_ours(o, REPLAY_DIFFERENT, "the capture's side did not send this");
    else if (o->rule == RULE_ZERO_WINDOW_PROBE && o->tcp.text.len == 1)
        ; /* how often to ask is the sender's choice, RFC 9293 3.8.6.1 */
    else if (o->right > o->left && o->resent && f->far)
        ; /* on its way to where the capture was made it may have been lost */
    else if (o->right > o->left && o->resent && f->clamped)
        ; /* ACKs that were ahead of ours reached it in parts: what they tell of as a whole looked lost */
    else if (o->right > o->left && o->resent && sent_earlier(f, o))
        ; /* and so it seemed lost */
    else if (o->right > o->left && o->resent && !captured_again(f, o))
        judge_ours(o, REPLAY_DIFFERENT, "the capture's side did not send this again");
    else if (o->right == o->left && o->ack > capture->ack && o->time <= end && !f->far)
        judge_ours(o, REPLAY_DIFFERENT, "the capture's side did not acknowledge this");
}

void replay_compare_ours(struct replay_flow *f)
{
    int life = -2;
    struct reach capture = {0};
    usec end = f->count ? f->step[f->count - 1].time : 0;
    for (size_t i = 0; i < f->sent_count; i++) {
        struct replay_sent *o = &f->sent[i];
        if (!o->is_tcp || o->match >= 0)
            continue;
        if (o->life != life)
            capture = reach_of_capture(f, o->life);
        life = o->life;
        judge_extra(f, o, &capture, end);
    }
}
