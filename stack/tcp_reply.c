/* Segments without a connection behind them. */
#include "tcp_reply.h"
#include "tcp_timestamps.h"

#include <string.h>

#define CHALLENGE_INTERVAL SEC(5)
#define CHALLENGES_EACH    10

/* Builds the segment and posts it; `e` says whose it is and shows its numbers, the window scaled by `shift`.
 */
static void reply(struct tcp *tcp, const struct tcp_header *h, struct event *e, uint8_t shift)
{
    uint8_t head[TCP_HEADER_MAX];
    size_t len = tcp_write(h, head);
    struct outbox_entry *entry = outbox_new(tcp->outbox, len, NULL);
    if (!entry)
        return; /* counted there; the peer asks again */
    tcp_checksum(head, len, NULL, 0, e->local.addr, e->remote.addr);
    memcpy(entry->data, head, len);
    entry->src = e->local.addr;
    entry->dst = e->remote.addr;
    entry->protocol = IP_TCP;
    entry->ttl = tcp->core->config.ttl;
    core_count(tcp->core, COUNT_TCP_OUT);
    if (h->flags & TCP_RST)
        core_count(tcp->core, COUNT_TCP_RST_OUT);
    e->u.segment.header = h;
    e->u.segment.window = (uint32_t)h->window << shift;
    core_emit(tcp->core, e);
    outbox_post(tcp->outbox, entry);
}

void tcp_reply_header(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                      const struct tcp_header *h, enum rule rule)
{
    struct event e = {
        .kind = EVENT_SEGMENT_OUT, .protocol = IP_TCP, .local = local, .remote = remote, .rule = rule};
    e.u.segment.seq = h->seq.n;
    e.u.segment.ack = h->ack.n;
    reply(tcp, h, &e, 0);
}

void tcp_reply_of(const struct tcp_conn *c, uint8_t flags, int64_t seq, int64_t ack, uint16_t window,
                  enum rule rule)
{
    struct tcp_header h = {
        .source = c->local.port,
        .destination = c->remote.port,
        .seq = seq_wrap(seq, c->iss),
        .flags = flags,
        .window = window,
    };
    if (flags & TCP_ACK)
        h.ack = seq_wrap(ack, c->irs);
    if (c->ts_ok) { /* RFC 7323 3.2: in every segment, and it should be in a RST too */
        h.options.has_timestamps = true;
        h.options.ts_value = ts_clock(c);
        h.options.ts_echo = c->rcv.ts_recent;
    }
    struct event e = tcb_event(c, EVENT_SEGMENT_OUT);
    e.rule = rule;
    e.u.segment.seq = seq;
    e.u.segment.ack = ack;
    reply(c->tcp, &h, &e, c->rcv.shift);
}

void tcp_reply_rst(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h, enum rule rule)
{
    if (h->flags & TCP_RST)
        return;
    struct endpoint local = {p->dst, h->destination}, remote = {p->src, h->source};
    struct tcp_header rst = {.source = local.port, .destination = remote.port, .flags = TCP_RST};
    if (h->flags & TCP_ACK) {
        rst.seq = h->ack;
    } else {
        rst.flags |= TCP_ACK;
        rst.ack = seq_wrap(tcp_seq_len(h), h->seq.n);
    }
    tcp_reply_header(tcp, local, remote, &rst, rule);
}

static bool suppressed(struct tcp *tcp)
{
    struct event e = {.rule = RULE_CHALLENGE_LIMIT};
    core_drop_event(tcp->core, &e, DROP_RATE_LIMIT, NULL, 0);
    return false;
}

bool challenge_connection(struct tcp_conn *c)
{
    usec now = c->tcp->core->now;
    if (now - c->challenged >= CHALLENGE_INTERVAL || c->challenged == 0) {
        c->challenged = now;
        c->challenges = CHALLENGES_EACH;
    }
    if (c->challenges == 0)
        return suppressed(c->tcp);
    c->challenges--;
    return true;
}

bool challenge_stack(struct tcp *tcp)
{
    usec now = tcp->core->now;
    if (now - tcp->challenged >= SEC(1) || tcp->challenged == 0) {
        uint32_t rate = tcp->core->config.tcp_challenge_rate;
        tcp->challenged = now;
        tcp->challenges = 1 + rate / 2 + (uint32_t)(core_random(tcp->core) % (rate + 1));
    }
    if (tcp->challenges == 0)
        return suppressed(tcp);
    tcp->challenges--;
    core_count(tcp->core, COUNT_TCP_CHALLENGE_ACKS);
    return true;
}
