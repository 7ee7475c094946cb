/* UDP and ICMP of a replay: the same datagram, or an error that quotes more or less of it. Called by
 * replay_compare.c. */
#include "replay_compare.h"

#include <string.h>

#include "../stack/icmp.h"

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
    for (size_t k = *cursor > REPLAY_NEAR ? *cursor - REPLAY_NEAR : 0;
         k < f->sent_count && k < *cursor + REPLAY_NEAR; k++) {
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

void replay_compare_datagrams(struct replay_flow *f)
{
    size_t cursor = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->step[i].out && !f->step[i].frame->is_tcp && f->step[i].frame->parsed)
            match_datagram(f, i, &cursor);
    for (size_t k = 0; k < f->sent_count; k++)
        if (!f->sent[k].is_tcp && f->sent[k].match < 0)
            judge_ours(&f->sent[k], REPLAY_DIFFERENT, "the capture has no such datagram");
}
