/* UDP and echo requests of a replayed side: which sockets it had, and what it sent through them. Called by
 * replay_run.c. */
#include "replay_app.h"

#include <string.h>

#include "../stack/checksum.h"
#include "../stack/icmp.h"

#define FRAGMENTS 512 /* steps in which the fragments of one datagram are looked for */

static struct span payload(const struct replay_step *s, size_t head)
{
    const struct ip_packet *p = &s->frame->ip;
    return p->body.len < head ? (struct span){NULL, 0} : (struct span){p->body.at + head, p->body.len - head};
}

/* The fragments of one datagram as one; `to` has room for the largest. 0: some are missing. */
static size_t reassemble(const struct replay_flow *f, size_t at, uint8_t *to)
{
    const struct ip_packet *first = &f->step[at].frame->ip;
    size_t have = 0, all = 0;
    for (size_t i = at; i < f->count && i < at + FRAGMENTS; i++) {
        const struct ip_packet *p = &f->step[i].frame->ip;
        if (f->step[i].out != f->step[at].out || p->src != first->src || p->id != first->id ||
            p->dst != first->dst || p->protocol != first->protocol || p->offset + p->body.len > UINT16_MAX)
            continue;
        memcpy(to + p->offset, p->body.at, p->body.len);
        have += p->body.len;
        if (!p->more_fragments)
            all = p->offset + p->body.len;
        if (all && have == all)
            return all;
    }
    return 0;
}

/* UDP and echo requests are an application's; replies and errors are the stack's own. */
void replay_send_datagram(struct replay_app *a, const struct replay_flow *f, size_t at)
{
    const struct replay_step *s = &f->step[at];
    static uint8_t whole[UINT16_MAX + 1];
    const struct ip_packet *p = &s->frame->ip;
    struct span body = payload(s, 0);
    if (p->offset)
        return;
    if (p->more_fragments)
        body = (struct span){whole, reassemble(f, at, whole)};
    struct endpoint from = {p->src, 0}, to = {p->dst, 0};
    if (p->protocol == IP_UDP && body.len >= 8) {
        from.port = peek16(body.at);
        to.port = peek16(body.at + 2);
        replay_app_datagram(a, IP_UDP, from, to, (struct span){body.at + 8, body.len - 8});
    } else if (p->protocol == IP_ICMP && body.len >= ICMP_HEADER && body.at[0] == ICMP_ECHO) {
        from.port = peek16(body.at + 4);
        replay_app_datagram(a, IP_ICMP, from, to, (struct span){body.at + 6, body.len - 6});
    }
}

static bool cut_fragment(const struct replay_flow *f, size_t at)
{
    const struct ip_packet *first = &f->step[at].frame->ip;
    for (size_t i = at; i < f->count && i < at + FRAGMENTS; i++) {
        const struct ip_packet *p = &f->step[i].frame->ip;
        if (f->step[i].frame->cut && p->id == first->id && p->src == first->src && p->dst == first->dst)
            return true;
    }
    return false;
}

/* Fragments that were cut short hold zeros now, and the checksum in the first of them has to know. */
static void complete_fragments(struct replay_flow *f, size_t at)
{
    static uint8_t whole[UINT16_MAX + 1];
    const struct ip_packet *p = &f->step[at].frame->ip;
    size_t sum = p->protocol == IP_UDP ? 6 : 2;
    if (!p->more_fragments || p->offset || (p->protocol != IP_UDP && p->protocol != IP_ICMP) ||
        p->body.len < sum + 2 || !cut_fragment(f, at))
        return;
    size_t len = reassemble(f, at, whole);
    struct checksum c = {0};
    poke16(whole + sum, 0);
    if (p->protocol == IP_UDP)
        checksum_add_pseudo(&c, p->src, p->dst, IP_UDP, len);
    checksum_add(&c, whole, len);
    if (len)
        poke16(f->step[at].frame->bytes + (p->body.at - f->step[at].frame->bytes) + sum, checksum_finish(&c));
}

static uint32_t address(const uint8_t *at)
{
    return (uint32_t)peek16(at) << 16 | peek16(at + 2);
}

/* By what stands before the destination: the quote may be cut there already. */
static bool is_quoted(const struct replay_frame *f, const uint8_t *quote)
{
    const struct ip_packet *p = &f->ip;
    return p->protocol == quote[9] && p->id == peek16(quote + 4) && p->offset == 0 &&
           p->src == address(quote + 12) && p->body.len >= 8 && p->body.at == f->bytes + IP_HEADER_MIN;
}

/* An error that was cut within its quote, RFC 792: the ports are in the datagram that it quotes. */
static void complete_quote(struct replay_flow *f, size_t at)
{
    static const uint8_t nothing[8];
    struct replay_frame *frame = f->step[at].frame;
    const struct ip_packet *p = &frame->ip;
    if (!frame->cut || p->protocol != IP_ICMP || p->offset || p->more_fragments ||
        p->body.len < ICMP_HEADER + IP_HEADER_MIN + 8)
        return;
    uint8_t *quote = frame->bytes + (p->body.at - frame->bytes) + ICMP_HEADER;
    if (quote[0] != 0x45 || memcmp(quote + IP_HEADER_MIN, nothing, 8) != 0)
        return;
    for (size_t i = 0; i < at; i++)
        if (f->step[i].out != f->step[at].out && is_quoted(f->step[i].frame, quote)) {
            memcpy(quote + 16, f->step[i].frame->bytes + 16, 4 + 8);
            replay_complete(frame->bytes, frame->len, true);
            return;
        }
}

/* Whether the capture's host said that nobody was at that port. */
static bool refused(const struct replay_flow *f, uint16_t port)
{
    for (size_t i = 0; i < f->count; i++) {
        struct span m = payload(&f->step[i], 0);
        if (f->step[i].out && f->step[i].frame->ip.protocol == IP_ICMP && m.len >= ICMP_HEADER + 24 &&
            m.at[0] == ICMP_UNREACHABLE && m.at[1] == ICMP_PORT_UNREACHABLE &&
            m.at[ICMP_HEADER + 9] == IP_UDP && peek16(m.at + ICMP_HEADER + 22) == port)
            return true;
    }
    return false;
}

void replay_expect_datagrams(struct replay_app *a, struct replay_flow *f)
{
    for (size_t i = 0; i < f->count; i++) {
        complete_fragments(f, i);
        complete_quote(f, i);
    }
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        const struct ip_packet *p = &s->frame->ip;
        if (p->protocol != IP_UDP || p->offset || p->body.len < 8)
            continue;
        uint16_t port = peek16(p->body.at + (s->out ? 0 : 2));
        if (!refused(f, port))
            replay_app_expect(a, IP_UDP, (struct endpoint){f->local.addr, port});
    }
}
