/* LISTEN: a SYN makes a connection in SYN-RECEIVED. */
#include "tcp_listen.h"
#include "tcp_cookie.h"
#include "tcp_flight.h"
#include "tcp_options.h"
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
    c->irs = h->seq.n;
    c->rcv.nxt = c->rcv.adv = 1; /* over the SYN */
    options_begin(c);
    options_agree(c, h);
    c->snd.wnd = c->snd.max_wnd = h->window; /* never scaled in a SYN, RFC 7323 2.2 */
    c->rcv.full = c->snd.mss < TCP_MSS_DEFAULT ? c->snd.mss : TCP_MSS_DEFAULT;
    cc_init(&c->cc, &c->tcp->core->config, c->snd.mss);
}

static struct tcp_conn *new_half_open(struct tcp_listener *l, const struct ip_packet *p,
                                      const struct tcp_header *syn, uint32_t iss)
{
    struct tcp *tcp = l->tcp;
    struct tcp_conn *c =
        tcb_new(tcp, (struct endpoint){p->dst, syn->destination}, (struct endpoint){p->src, syn->source});
    if (!c || !tcb_insert(c)) {
        core_free(tcp->core, c, sizeof *c);
        return NULL;
    }
    core_count(tcp->core, COUNT_TCP_PASSIVE_OPENS);
    c->passive = true;
    c->iss = iss;
    learn_from_syn(c, syn);
    tcp_set_state(c, TCP_LISTEN, RULE_OPEN_PASSIVE);
    listen_queue_half(l, c);
    options_of_owner(c);
    rcv_offer(c);
    return c;
}

/* "Any other control or text should be queued for processing later": text waits in the ring, a FIN as a
 * position. */
static void queue_for_later(struct tcp_conn *c, const struct tcp_header *h)
{
    if (h->text.len > 0)
        rcv_text(c, 1, h->text); /* what does not fit comes again */
    if (h->flags & TCP_FIN && c->rcv.nxt == 1 + (int64_t)h->text.len && c->rcv.nxt < c->rcv.adv)
        c->rcv.fin = c->rcv.nxt;
}

static bool no_more_from(const struct tcp *tcp, uint32_t peer)
{
    return tcp->open >= tcp->core->config.tcp_connections_max || peers_full(&tcp->peers, tcp->core, peer);
}

/* A good cookie comes back, but too many connections wait to be accepted: the peer sends it again. */
static bool cookie_waits(const struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h)
{
    struct tcp_header syn;
    return l->waiting >= l->backlog && cookie_check(l->tcp, p, h, &syn);
}

/* The four checks of 3.10.7.2, and the bounds. */
static enum drop refuse(const struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h)
{
    const struct tcp *tcp = l->tcp;
    if (h->flags & TCP_RST) /* first */
        return DROP_TCP_RST_TO_NOTHING;
    if (h->flags & TCP_ACK) /* second */
        return cookie_waits(l, p, h) ? DROP_TCP_BACKLOG : DROP_TCP_LISTEN_ACK;
    if (!(h->flags & TCP_SYN)) /* fourth */
        return DROP_TCP_LISTEN_NO_SYN;
    if (p->src == p->dst && h->source == h->destination) /* it could only talk to itself */
        return DROP_TCP_LAND;
    if (no_more_from(tcp, p->src))
        return DROP_TCP_PEER_LIMIT;
    if (listen_queue_full(l)) /* the peer tries again; a RST would end its patience */
        return DROP_TCP_BACKLOG;
    return DROP_NONE;
}

/* A full queue of half-open connections, while there is still room for open ones. */
static bool use_cookie(const struct tcp_listener *l, enum drop why)
{
    return why == DROP_TCP_BACKLOG && l->tcp->core->config.tcp_syn_cookies && l->waiting < l->backlog;
}

static void refused(struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h,
                    enum drop why)
{
    segment_stranger_event(l->tcp, p, h);
    if (why == DROP_TCP_LISTEN_ACK)
        tcp_reply_rst(l->tcp, p, h, RULE_LISTEN_ACK);
}

enum drop listen_input(struct tcp_listener *l, const struct ip_packet *p, const struct tcp_header *h,
                       const struct wireseq *after)
{
    enum drop why = refuse(l, p, h);
    if (use_cookie(l, why)) {
        segment_stranger_event(l->tcp, p, h);
        const struct sock *s = l->sock;
        cookie_send(l->tcp, p, h,
                    s->receive_buffer_fixed ? s->receive_buffer : l->tcp->core->config.tcp_receive_buffer);
        return DROP_NONE;
    }
    if (why != DROP_NONE) {
        refused(l, p, h, why);
        return why;
    }
    uint32_t iss = tcp_iss(l->tcp->core, (struct endpoint){p->dst, h->destination},
                           (struct endpoint){p->src, h->source});
    if (after && seq_distance((struct wireseq){iss}, *after) <= 0)
        iss = after->n + 1;
    struct tcp_conn *c = new_half_open(l, p, h, iss);
    if (!c)
        return DROP_NO_MEMORY;
    struct tcp_segment seg = segment_of(c, p, h);
    segment_in_event(c, &seg);
    tcp_set_state(c, TCP_SYN_RECEIVED, RULE_LISTEN_SYN);
    queue_for_later(c, h);
    tcb_mark(c); /* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
    return DROP_NONE;
}

struct tcp_conn *listen_cookie(struct tcp_listener *l, const struct ip_packet *p,
                               const struct tcp_header *ack)
{
    struct tcp_header syn;
    if ((ack->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK || l->waiting >= l->backlog ||
        no_more_from(l->tcp, p->src) || !cookie_check(l->tcp, p, ack, &syn))
        return NULL; /* the bounds hold now, too, not only when the cookie left */
    struct tcp_conn *c = new_half_open(l, p, &syn, ack->ack.n - 1);
    if (!c)
        return NULL;
    tcp_set_state(c, TCP_SYN_RECEIVED, RULE_SYN_COOKIE);
    if (!flight_reserve(c)) {
        tcp_end(c, 0, RULE_SYN_COOKIE);
        tcb_release(c);
        return NULL;
    }
    flight_sent(c, 1);                          /* the SYN,ACK that carried the cookie */
    c->rcv.acked = c->rcv.nxt;                  /* it acknowledged the SYN */
    flight_at(c->snd.flight, 0)->resent = true; /* when, nobody knows */
    core_count(l->tcp->core, COUNT_TCP_COOKIES_GOOD);
    return c;
}
