/* What the capture's side sent beside what ours did: the same; the same conversation, otherwise cut into
 * segments or timed, which the RFCs leave to each TCP; or something else. Called by replay.c and
 * annotate.c. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/icmp.h"

#define NEAR    2048      /* how far apart in order two frames may be that are the same */
#define AT_ONCE MSEC(500) /* the longest that an ACK may be delayed, RFC 9293 3.8.6.3 */
#define CORE    (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

static bool is_segment(const struct replay_step *s)
{
    return s->out && s->frame->is_tcp && !s->ignored;
}

static const struct tcp_header *tcp_of(const struct replay_step *s)
{
    return &s->frame->tcp;
}

static void judge(struct replay_step *s, enum replay_verdict verdict, const char *reason)
{
    s->verdict = verdict;
    s->reason = reason;
}

static void judge_ours(struct replay_sent *s, enum replay_verdict verdict, const char *reason)
{
    s->verdict = verdict;
    s->reason = reason;
}

/* --- the same segment --- */

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

static void pair(struct replay_flow *f, size_t step, size_t sent)
{
    f->step[step].match = (int)sent;
    f->sent[sent].match = (int)step;
    f->sent[sent].verdict = REPLAY_EXTRA;
}

static void match_segments(struct replay_flow *f)
{
    size_t cursor = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (!is_segment(s))
            continue;
        for (size_t k = cursor > NEAR ? cursor - NEAR : 0; k < f->sent_count && k < cursor + NEAR; k++)
            if (f->sent[k].match < 0 && f->sent[k].is_tcp && same_segment(tcp_of(s), &f->sent[k].tcp)) {
                pair(f, i, k);
                weigh(s, &f->sent[k].tcp);
                cursor = k;
                break;
            }
    }
}

/* --- the same conversation --- */

/* How far each side got in a connection. */
struct reach {
    int64_t right, ack;
};

static struct reach reach_of_capture(const struct replay_flow *f, int life)
{
    struct reach r = {0};
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!is_segment(s) || s->life != life)
            continue;
        r.ack = s->ack > r.ack ? s->ack : r.ack;
        if (!(tcp_of(s)->flags & TCP_RST))
            r.right = s->right > r.right ? s->right : r.right;
    }
    return r;
}

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
        if (!f->step[i].out && f->step[i].frame->is_tcp && tcp_of(&f->step[i])->flags & TCP_RST &&
            llabs(f->step[i].time - s->time) <= AT_ONCE)
            return true;
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].is_tcp && f->sent[i].tcp.flags & TCP_RST && f->sent[i].time >= s->time &&
            f->sent[i].time - s->time <= AT_ONCE)
            return true;
    return false;
}

static void judge_ack(struct replay_flow *f, struct replay_step *s, int64_t top, const struct reach *ours)
{
    if (s->left < top && s->left >= 0 && !(tcp_of(s)->flags & TCP_SYN) && s->left + 1 == top &&
        probes(f, s->life)) {
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

static void judge_capture(struct replay_flow *f)
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
        else if (tcp_of(s)->flags & TCP_RST)
            judge_reset(f, i);
        else if (s->right > s->left)
            judge_text(f, s, again, &ours);
        else
            judge_ack(f, s, top, &ours);
        top = s->right > top && !(tcp_of(s)->flags & TCP_RST) ? s->right : top;
    }
}

/* --- what only ours sent --- */

static bool captured_again(const struct replay_flow *f, const struct replay_sent *o)
{
    int64_t top = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!is_segment(s) || s->life != o->life || tcp_of(s)->flags & TCP_RST)
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

static void judge_rest(struct replay_flow *f)
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

/* --- datagrams --- */

static bool is_error(const struct ip_packet *p)
{
    return p->protocol == IP_ICMP && p->offset == 0 && p->body.len >= ICMP_HEADER + IP_HEADER_MIN + 8 &&
           p->body.at[0] != ICMP_ECHO && p->body.at[0] != ICMP_ECHO_REPLY;
}

/* The checksum of UDP may be the network card's to fill in. */
static bool same_body(const struct ip_packet *a, const struct ip_packet *b)
{
    size_t skip = a->protocol == IP_UDP && a->offset == 0 && a->body.len >= 8 ? 8 : 0;
    return a->body.len == b->body.len && (!skip || memcmp(a->body.at, b->body.at, 6) == 0) &&
           memcmp(a->body.at + skip, b->body.at + skip, a->body.len - skip) == 0;
}

/* Errors that quote the same datagram: its checksum apart, which the network card may not have filled in yet.
 */
static bool same_quote(const struct ip_packet *a, const struct ip_packet *b)
{
    const uint8_t *x = a->body.at, *y = b->body.at;
    return x[0] == y[0] && x[1] == y[1] && memcmp(x + 4, y + 4, 4 + IP_HEADER_MIN + 6) == 0;
}

/* 2: the same; 1: an error that quotes more or less of the same; 0: another. */
static int likeness(const struct ip_packet *a, const struct ip_packet *b)
{
    if (a->protocol != b->protocol || a->dst != b->dst || a->offset != b->offset ||
        a->more_fragments != b->more_fragments)
        return 0;
    if (same_body(a, b))
        return 2;
    if (!is_error(a) || !is_error(b) || !same_quote(a, b))
        return 0;
    return a->body.len == b->body.len ? 2 : 1;
}

static void match_datagram(struct replay_flow *f, size_t i, size_t *cursor)
{
    struct replay_step *s = &f->step[i];
    for (size_t k = *cursor > NEAR ? *cursor - NEAR : 0; k < f->sent_count && k < *cursor + NEAR; k++) {
        int like = f->sent[k].match < 0 ? likeness(&s->frame->ip, &f->sent[k].ip) : 0;
        if (!like)
            continue;
        pair(f, i, k);
        if (like == 1)
            judge(s, REPLAY_EQUIVALENT, "quotes another number of bytes (RFC 1812 4.3.2.3)");
        *cursor = k;
        return;
    }
    judge(s, REPLAY_DIFFERENT, "ours did not send this");
}

static void match_datagrams(struct replay_flow *f)
{
    size_t cursor = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->step[i].out && !f->step[i].frame->is_tcp && f->step[i].frame->parsed)
            match_datagram(f, i, &cursor);
    for (size_t k = 0; k < f->sent_count; k++)
        if (!f->sent[k].is_tcp && f->sent[k].match < 0)
            judge_ours(&f->sent[k], REPLAY_DIFFERENT, "the capture has no such datagram");
}

void replay_compare(struct replay_flow *f)
{
    memset(f->verdicts, 0, sizeof f->verdicts);
    match_segments(f);
    judge_capture(f);
    judge_rest(f);
    match_datagrams(f);
    for (size_t i = 0; i < f->count; i++)
        if (f->step[i].out && !f->step[i].ignored)
            f->verdicts[f->step[i].verdict]++;
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].verdict == REPLAY_DIFFERENT)
            f->verdicts[REPLAY_DIFFERENT]++;
}
