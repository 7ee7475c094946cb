/* UDP and echo requests of a replayed side: which sockets it had, and what it sent through them. Called by
 * replay_run.c. */
#include "replay_app.h"

#include <string.h>

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
        if (!f->step[i].out || p->id != first->id || p->dst != first->dst || p->protocol != first->protocol ||
            p->offset + p->body.len > UINT16_MAX)
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

void replay_expect_datagrams(struct replay_app *a, const struct replay_flow *f)
{
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
