/* The comparison as text, capture on the left and ours on the right; and as comments of the capture's frames.
 * Called by replay.c and annotate.c. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/event_text.h"

#define SIDE 58 /* columns of one side */
#define LINE 160

static const char *const verdict_name[] = {"identical", "equivalent", "different", "extra"};

static void segment_text(const struct tcp_header *h, int64_t left, int64_t ack, bool known, char *to,
                         size_t room)
{
    char flags[12], options[96];
    long long seq = known ? left : (long long)h->seq.n;
    tcp_flags_text(h->flags, flags, sizeof flags);
    struct tcp_options o = h->options;
    o.has_timestamps = false; /* each clock's own */
    for (unsigned i = 0; i < o.sack_count && known; i++) {
        o.sack[i].left.n -= h->ack.n - (uint32_t)ack;
        o.sack[i].right.n -= h->ack.n - (uint32_t)ack;
    }
    tcp_options_text(&o, options, sizeof options);
    int n = snprintf(to, room, "%-2s %lld:%lld(%zu)", flags, seq, seq + (long long)h->text.len, h->text.len);
    if (h->flags & TCP_ACK && n > 0 && (size_t)n < room)
        n += snprintf(to + n, room - (size_t)n, " ack %lld", known ? (long long)ack : (long long)h->ack.n);
    if (n > 0 && (size_t)n < room)
        snprintf(to + n, room - (size_t)n, " win %u%s%s", h->window, options[0] ? " " : "", options);
}

static void datagram_text(const struct ip_packet *p, char *to, size_t room)
{
    if (p->offset || p->more_fragments)
        snprintf(to, room, "protocol %u, fragment %u+%zu", p->protocol, p->offset, p->body.len);
    else if (p->protocol == IP_ICMP && p->body.len >= 2)
        snprintf(to, room, "icmp type %u code %u (%zu)", p->body.at[0], p->body.at[1], p->body.len);
    else if (p->protocol == IP_UDP && p->body.len >= 8)
        snprintf(to, room, "udp %u > %u (%zu)", peek16(p->body.at), peek16(p->body.at + 2), p->body.len - 8);
    else
        snprintf(to, room, "protocol %u (%zu)", p->protocol, p->body.len);
}

static void at_time(usec t, const char *text, char *to, size_t room)
{
    snprintf(to, room, "%s%lld.%06lld %s", t < 0 ? "-" : "", (long long)(llabs(t) / 1000000),
             (long long)(llabs(t) % 1000000), text);
}

static void captured_text(const struct replay_step *s, char *to, size_t room)
{
    char text[LINE];
    if (s->frame->is_tcp)
        segment_text(&s->frame->tcp, s->left, s->ack, s->life >= 0, text, sizeof text);
    else
        datagram_text(&s->frame->ip, text, sizeof text);
    at_time(s->time, text, to, room);
}

static void ours_text(const struct replay_sent *s, char *to, size_t room)
{
    char text[LINE];
    if (s->is_tcp)
        segment_text(&s->tcp, s->left, s->ack, s->life >= 0, text, sizeof text);
    else
        datagram_text(&s->ip, text, sizeof text);
    at_time(s->time, text, to, room);
}

static void side_by_side(FILE *out, const char *left, const char *right, enum replay_verdict verdict,
                         const char *reason, enum rule rule)
{
    char text[256];
    fprintf(out, "  %-*s | %s\n", SIDE, left, right);
    if (verdict != REPLAY_IDENTICAL)
        fprintf(out, "    %s: %s\n", verdict_name[verdict], reason ? reason : "");
    if (verdict == REPLAY_DIFFERENT && rule_text(rule, text, sizeof text))
        fprintf(out, "    ours follows %s\n", text);
}

static void show_step(FILE *out, const struct replay_flow *f, const struct replay_step *s)
{
    char left[LINE + 32], right[LINE + 32] = "-";
    const struct replay_sent *o = s->match >= 0 ? &f->sent[s->match] : NULL;
    captured_text(s, left, sizeof left);
    if (o)
        ours_text(o, right, sizeof right);
    side_by_side(out, left, right, s->verdict, s->reason, o ? o->rule : RULE_NONE);
}

static void show_extra(FILE *out, const struct replay_sent *o)
{
    char right[LINE + 32];
    ours_text(o, right, sizeof right);
    side_by_side(out, "-", right, o->verdict, o->reason, o->rule);
}

static void title(FILE *out, const struct replay_flow *f, unsigned number)
{
    char local[24], remote[24];
    endpoint_text(f->local, local, sizeof local);
    endpoint_text(f->remote, remote, sizeof remote);
    if (f->protocol == IP_TCP)
        fprintf(out, "#%u %s with %s, %s, %zu frames", number, local, remote,
                f->lives == 0       ? "refused"
                : f->life[0].active ? "opened by it"
                                    : "opened by the peer",
                f->count);
    else
        fprintf(out, "#%u UDP and ICMP of %s, %zu frames", number, local, f->count);
    if (f->skipped)
        fprintf(out, ": not replayed: %s\n", f->skipped);
    else
        fprintf(out, ": %zu identical, %zu equivalent, %zu different\n", f->verdicts[REPLAY_IDENTICAL],
                f->verdicts[REPLAY_EQUIVALENT], f->verdicts[REPLAY_DIFFERENT]);
}

static void notes(FILE *out, const struct replay_flow *f)
{
    size_t lost = 0, ignored = 0;
    int64_t missing = 0;
    for (size_t i = 0; i < f->count; i++) {
        lost += f->step[i].lost;
        ignored += f->step[i].ignored && !f->step[i].out;
    }
    for (unsigned i = 0; i < f->lives; i++)
        missing += f->life[i].missing;
    if (f->distance)
        fprintf(out, "  captured %.3f ms away from that host: the frames are put in the order it saw\n",
                (double)f->distance / 1000);
    if (lost)
        fprintf(out, "  %zu frames of the peer seem never to have reached that host, and were left out\n",
                lost);
    if (ignored)
        fprintf(
            out,
            "  %zu frames of the peer that host left unanswered (a full queue, a filter, or from before the "
            "capture): left out\n",
            ignored);
    if (missing)
        fprintf(out, "  %lld bytes that it sent are not in the capture: zeros took their place\n",
                (long long)missing);
    if (f->clamped)
        fprintf(
            out,
            "  %u ACKs of the peer came before ours had sent what they acknowledge: ours got them in parts\n",
            f->clamped);
}

void replay_show(FILE *out, const struct replay_flow *f, unsigned number, bool all)
{
    title(out, f, number);
    if (f->skipped)
        return;
    notes(out, f);
    size_t k = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        for (; k < f->sent_count && f->sent[k].time <= s->time; k++)
            if (f->sent[k].verdict == REPLAY_DIFFERENT)
                show_extra(out, &f->sent[k]);
        if (s->out && !s->ignored && (all || s->verdict == REPLAY_DIFFERENT))
            show_step(out, f, s);
    }
    for (; k < f->sent_count; k++)
        if (f->sent[k].verdict == REPLAY_DIFFERENT)
            show_extra(out, &f->sent[k]);
}

/* --- comments --- */

static bool append(struct replay_frame *frame, const char *before, const char *text)
{
    size_t had = frame->comment ? strlen(frame->comment) : 0, a = strlen(before), b = strlen(text);
    char *all = realloc(frame->comment, had + 1 + a + b + 1);
    if (!all)
        return false;
    if (had)
        all[had++] = '\n';
    memcpy(all + had, before, a);
    memcpy(all + had + a, text, b + 1);
    frame->comment = all;
    return true;
}

/* The frame that tells what ours said at that time: its own counterpart, or the next frame of the
 * conversation. */
static struct replay_frame *teller(const struct replay_flow *f, const struct replay_sent *o)
{
    if (o->match >= 0)
        return f->step[o->match].frame;
    for (size_t i = 0; i < f->count; i++)
        if (f->step[i].out && f->step[i].time >= o->time)
            return f->step[i].frame;
    for (size_t i = f->count; i-- > 0;)
        if (f->step[i].out)
            return f->step[i].frame;
    return f->count ? f->step[f->count - 1].frame : NULL;
}

void replay_comment(struct replay_flow *f)
{
    for (size_t i = 0; i < f->sent_count; i++) {
        struct replay_frame *frame = f->sent[i].comment ? teller(f, &f->sent[i]) : NULL;
        if (frame)
            append(frame, "", f->sent[i].comment);
    }
    for (size_t i = 0; i < f->count; i++) {
        struct replay_step *s = &f->step[i];
        if (f->skipped)
            append(s->frame, "replay: not replayed: ", f->skipped);
        else if (s->lost)
            append(s->frame, "replay: ", "it seems never to have arrived");
        else if (s->ignored)
            append(s->frame, "replay: ", "left out");
        else if (s->out && s->verdict == REPLAY_EQUIVALENT)
            append(s->frame, "replay: equivalent: ", s->reason);
        else if (s->out && s->verdict == REPLAY_DIFFERENT)
            append(s->frame, "replay: different: ", s->reason);
    }
}
