/* LISTEN: a SYN makes a connection in SYN-RECEIVED. */
#include "tcp_listen.h"
#include "tcp_rcv.h"
#include "tcp_reply.h"
#include "tcp_snd.h"
#include "tcp_state.h"

#include <assert.h>
#include <errno.h>

#define ISS_CLOCK 4 /* microseconds a tick, RFC 9293 3.4.1 */

uint32_t tcp_iss(const struct core *core, struct endpoint local, struct endpoint remote)
{
    if (core->config.tcp_isn_is_fixed)
        return core->config.tcp_isn_fixed;
    uint32_t key[4] = {local.addr, remote.addr, (uint32_t)local.port << 16 | remote.port, 0x6973736e};
    return (uint32_t)(core->now / ISS_CLOCK) + siphash(core->config.key, key, sizeof key);
}

struct tcp_listener *listen_open(struct tcp *tcp, struct sock *s, uint32_t backlog)
{
    struct tcp_listener *l = core_alloc(tcp->core, sizeof *l);
    if (!l)
        return NULL;
    l->tcp = tcp;
    l->sock = s;
    l->backlog = backlog;
    l->accept_last = &l->accept_first;
    return l;
}

void listen_close(struct tcp_listener *l)
{
    struct tcp_conn *c;
    while ((c = l->half_first) || (c = l->accept_first)) {
        tcp_reset(c, ECONNABORTED, RULE_ABORT_CALL);
        bool gone = tcb_release(c);
        assert(gone);
    }
    core_free(l->tcp->core, l, sizeof *l);
}

struct tcp_conn *listen_accept(struct tcp_listener *l)
{
    struct tcp_conn *c = l->accept_first;
    if (c)
        listen_queue_leave(c);
    return c;
}

/* What a SYN says about its sender. */
static void learn_from_syn(struct tcp_conn *c, const struct tcp_header *h)
{
    const struct stack_config *config = &c->tcp->core->config;
    c->irs = h->seq.n;
    c->rcv.nxt = c->rcv.adv = 1; /* over the SYN */
    c->snd.mss = snd_mss(config, h->options.mss);
    c->snd.wnd = c->snd.max_wnd = h->window; /* never scaled in a SYN, RFC 7323 2.2 */
    c->rcv.full = c->snd.mss;
    cc_init(&c->cc, config, c->snd.mss);
    rcv_offer(c);
}

static struct tcp_conn *new_half_open(struct tcp_listener *l, struct endpoint local, struct endpoint remote,
                                      const struct tcp_header *h, const struct wireseq *after)
{
    struct tcp *tcp = l->tcp;
    struct tcp_conn *c = tcb_new(tcp, local, remote);
    if (!c || !tcb_insert(c)) {
        core_free(tcp->core, c, sizeof *c);
        return NULL;
    }
    c->passive = true;
    c->iss = tcp_iss(tcp->core, local, remote);
    if (after && seq_distance((struct wireseq){c->iss}, *after) <= 0)
        c->iss = after->n + 1;
    learn_from_syn(c, h);
    tcp_set_state(c, TCP_LISTEN, RULE_OPEN_PASSIVE);
    listen_queue_half(l, c);
    return c;
}

/* "Any other control or text should be queued for processing later": text waits in the ring, a FIN as a
 * position. */
static void queue_for_later(struct tcp_conn *c, const struct tcp_header *h)
{
    if (h->text.len > 0)
        rcv_text(c, 1, h->text); /* what does not fit comes again */
    if (h->flags & TCP_FIN && c->rcv.nxt == 1 + (int64_t)h->text.len)
        c->rcv.fin = c->rcv.nxt;
}

/* The four checks of 3.10.7.2, and the queue's bound. */
static enum drop refuse(const struct tcp_listener *l, const struct tcp_header *h)
{
    if (h->flags & TCP_RST) /* first */
        return DROP_TCP_RST_TO_NOTHING;
    if (h->flags & TCP_ACK) /* second */
        return DROP_TCP_LISTEN_ACK;
    if (!(h->flags & TCP_SYN)) /* fourth */
        return DROP_TCP_LISTEN_NO_SYN;
    if (listen_queue_full(l)) /* the peer tries again; a RST would end its patience */
        return DROP_TCP_BACKLOG;
    return DROP_NONE;
}

enum drop listen_input(struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h,
                       const struct wireseq *after)
{
    enum drop why = refuse(l, h);
    if (why != DROP_NONE) {
        segment_stranger_event(l->tcp, p, h);
        if (why == DROP_TCP_LISTEN_ACK)
            tcp_reply_rst(l->tcp, p, h);
        return why;
    }
    struct endpoint local = {p->dst, h->destination}, remote = {p->src, h->source};
    struct tcp_conn *c = new_half_open(l, local, remote, h, after);
    if (!c)
        return DROP_NO_MEMORY;
    core_count(l->tcp->core, COUNT_TCP_PASSIVE_OPENS);
    struct tcp_segment seg = segment_of(c, p, h);
    segment_in_event(c, &seg);
    tcp_set_state(c, TCP_SYN_RECEIVED, RULE_LISTEN_SYN);
    queue_for_later(c, h);
    tcb_mark(c); /* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
    return DROP_NONE;
}
