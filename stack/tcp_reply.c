/* Segments without a connection behind them. */
#include "tcp_reply.h"

#include <string.h>

static void reply_event(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                        const struct tcp_header *h)
{
    if (!core_observed(tcp->core))
        return;
    struct event e = {.kind = EVENT_SEGMENT_OUT, .protocol = IP_TCP, .local = local, .remote = remote};
    e.rule = h->flags & TCP_RST ? RULE_NO_CONNECTION : RULE_NONE;
    e.u.segment.header = h;
    e.u.segment.seq = h->seq.n;
    e.u.segment.ack = h->ack.n;
    e.u.segment.window = h->window;
    core_emit(tcp->core, &e);
}

void tcp_reply(struct tcp *tcp, struct endpoint local, struct endpoint remote, uint8_t flags,
               struct wireseq seq, struct wireseq ack, uint16_t window)
{
    struct tcp_header h = {.source = local.port,
                           .destination = remote.port,
                           .seq = seq,
                           .ack = ack,
                           .flags = flags,
                           .window = window};
    uint8_t head[TCP_HEADER_MAX];
    size_t len = tcp_write(&h, head);
    struct outbox_entry *e = outbox_new(tcp->outbox, len, NULL);
    if (!e)
        return; /* counted there; the peer asks again */
    tcp_checksum(head, len, (struct span[2]){{0}, {0}}, local.addr, remote.addr);
    memcpy(e->data, head, len);
    e->src = local.addr;
    e->dst = remote.addr;
    e->protocol = IP_TCP;
    e->ttl = tcp->core->config.ttl;
    core_count(tcp->core, COUNT_TCP_OUT);
    if (flags & TCP_RST)
        core_count(tcp->core, COUNT_TCP_RST_OUT);
    reply_event(tcp, local, remote, &h);
    outbox_post(tcp->outbox, e);
}

void tcp_reply_rst(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h)
{
    if (h->flags & TCP_RST)
        return;
    struct endpoint local = {p->dst, h->destination}, remote = {p->src, h->source};
    if (h->flags & TCP_ACK)
        tcp_reply(tcp, local, remote, TCP_RST, h->ack, (struct wireseq){0}, 0);
    else
        tcp_reply(tcp, local, remote, TCP_RST | TCP_ACK, (struct wireseq){0},
                  seq_wrap(tcp_seq_len(h), h->seq.n), 0);
}

bool tcp_challenge_allowed(struct tcp *tcp)
{
    uint32_t rate = tcp->core->config.tcp_challenge_rate;
    if (!rate_allow(&tcp->challenge, tcp->core->now, rate, rate)) {
        core_drop(tcp->core, DROP_RATE_LIMIT, NULL, 0);
        return false;
    }
    core_count(tcp->core, COUNT_TCP_CHALLENGE_ACKS);
    return true;
}
