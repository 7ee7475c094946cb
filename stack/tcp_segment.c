/* A segment as the state machine sees it. */
#include "tcp_segment.h"

struct tcp_segment segment_of(const struct tcp_conn *c, const struct ip_packet *p, const struct tcp_header *h)
{
    struct tcp_segment seg = {
        .seq = seq_unwrap(h->seq, c->irs, c->rcv.nxt),
        .ack = seq_unwrap(h->ack, c->iss, c->snd.una),
        .len = tcp_seq_len(h),
        .wnd = (uint32_t)h->window << (h->flags & TCP_SYN ? 0 : c->snd.shift), /* RFC 7323 2.3 */
        .flags = h->flags,
        .text = h->text,
        .header = h,
        .packet = p,
    };
    seg.up = seg.seq + h->urgent;
    return seg;
}

void segment_in_event(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!core_observed(c->tcp->core))
        return;
    struct event e = tcb_event(c, EVENT_SEGMENT_IN);
    e.u.segment.header = seg->header;
    e.u.segment.seq = c->state == TCP_SYN_SENT ? 0 : seg->seq; /* IRS is not known before the SYN */
    e.u.segment.ack = seg->flags & TCP_ACK ? seg->ack : 0;
    e.u.segment.len = (uint32_t)seg->text.len;
    e.u.segment.window = seg->wnd;
    core_emit(c->tcp->core, &e);
}

void segment_stranger_event(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h)
{
    if (!core_observed(tcp->core))
        return;
    struct event e = {.kind = EVENT_SEGMENT_IN,
                      .protocol = IP_TCP,
                      .local = {p->dst, h->destination},
                      .remote = {p->src, h->source}};
    e.u.segment.header = h;
    e.u.segment.seq = h->seq.n;
    e.u.segment.ack = h->ack.n;
    e.u.segment.len = (uint32_t)h->text.len;
    e.u.segment.window = h->window;
    core_emit(tcp->core, &e);
}
