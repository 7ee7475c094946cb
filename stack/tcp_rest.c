/* Folds idle connections into small records and unfolds them. Called by tcp_output.c when a connection has
 * nothing left to send, and by whoever needs one back: tcp_input.c, socket.c, stack.c, tcp.c. */
#include "tcp_rest.h"
#include "tcp_flight.h"
#include "tcp_reply.h"

#include <assert.h>

static_assert(sizeof(struct tcp_rest) + sizeof(struct sock) <= 448,
              "an idle connection and its socket; 64 bytes are left for tables and for whoever owns it");

#define LOOKS                                                                                                \
    2 /* connections looked at for each one that settles: more than settle, so the line gets shorter */

/* --- who may rest --- */

static bool sender_is_idle(const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    bool asked = s->probe_now || s->override_now || s->keepalive_now || s->rescue_now || s->tlp_now;
    return s->una == s->nxt && !s->flight && s->q.head == s->q.tail && !s->q.base && !s->fin && !s->probing &&
           !asked && !s->cwr_owed && s->recovery == RECOVERY_NONE && s->dup_acks == 0 && s->up <= s->una &&
           s->user_mark <= s->una;
}

static bool receiver_is_idle(const struct tcp_conn *c)
{
    const struct tcp_rcv *r = &c->rcv;
    return r->q.head == r->nxt && !r->q.base && !r->held.at && r->duplicate.left == r->duplicate.right &&
           !r->ack_now && r->dup_acks_owed == 0 && r->acked == r->nxt && r->fin == 0 && !r->shut && !r->ce &&
           r->up <= r->q.head;
}

static bool may_rest(const struct tcp_conn *c)
{
    enum tcp_timer none;
    return c->state == TCP_ESTABLISHED && c->in_table && c->sock && !c->out_link &&
           tcb_timer_earliest(c, &none) == NEVER && sender_is_idle(c) && receiver_is_idle(c);
}

/* --- the record --- */

static void fold(const struct tcp_conn *c, struct tcp_rest *r)
{
    *r = (struct tcp_rest){
        .tcp = c->tcp,
        .sock = c->sock,
        .local = c->local,
        .remote = c->remote,
        .id = c->id,
        .iss = c->iss,
        .irs = c->irs,
        .ts_offset = c->ts_offset,
        .una = c->snd.una,
        .nxt = c->rcv.nxt,
        .wl1 = c->snd.wl1,
        .wl2 = c->snd.wl2,
        .recover = c->snd.recover,
        .reduced_at = c->snd.reduced_at,
        .rate_from = c->rcv.rate_from,
        .sent_at = c->snd.sent_at,
        .progress = c->snd.progress,
        .heard = c->heard,
        .challenged = c->challenged,
        .ts_recent_at = c->rcv.ts_recent_at,
        .reo_since = c->snd.reo_since,
        .rate_since = c->rcv.rate_since,
        .cc = c->cc,
        .rtt = c->rtt,
        .snd_wnd = c->snd.wnd,
        .snd_max_wnd = c->snd.max_wnd,
        .snd_bound = c->snd.bound,
        .resent_total = c->snd.resent_total,
        .min_rtt = c->snd.min_rtt,
        .rcv_wnd = (uint32_t)(c->rcv.adv - c->rcv.nxt),
        .rcv_bound = c->rcv.bound,
        .ts_recent = c->rcv.ts_recent,
        .mss = c->snd.mss,
        .full = c->rcv.full,
        .soft_error = c->soft_error,
        .snd_shift = c->snd.shift,
        .rcv_shift = c->rcv.shift,
        .reo_mult = c->snd.reo_mult,
        .reo_persist = c->snd.reo_persist,
        .reordered = c->snd.reordered,
        .challenges = c->challenges,
        .syn_resent = c->syn_resent,
        .passive = c->passive,
        .scale_ok = c->scale_ok,
        .ts_ok = c->ts_ok,
        .sack_ok = c->sack_ok,
        .ecn_ok = c->ecn_ok,
    };
}

void rest_show(const struct tcp_rest *r, struct tcp_conn *c)
{
    *c = (struct tcp_conn){
        .tcp = r->tcp,
        .sock = r->sock,
        .local = r->local,
        .remote = r->remote,
        .id = r->id,
        .iss = r->iss,
        .irs = r->irs,
        .ts_offset = r->ts_offset,
        .state = TCP_ESTABLISHED,
        .heard = r->heard,
        .challenged = r->challenged,
        .challenges = r->challenges,
        .soft_error = r->soft_error,
        .syn_resent = r->syn_resent,
        .passive = r->passive,
        .scale_ok = r->scale_ok,
        .ts_ok = r->ts_ok,
        .sack_ok = r->sack_ok,
        .ecn_ok = r->ecn_ok,
        .cc = r->cc,
        .rtt = r->rtt,
        .snd = {.una = r->una,
                .nxt = r->una,
                .wl1 = r->wl1,
                .wl2 = r->wl2,
                .q = {.head = r->una, .tail = r->una},
                .recover = r->recover,
                .reduced_at = r->reduced_at,
                .limited_at = r->una,
                .sent_at = r->sent_at,
                .progress = r->progress,
                .reo_since = r->reo_since,
                .wnd = r->snd_wnd,
                .max_wnd = r->snd_max_wnd,
                .bound = r->snd_bound,
                .resent_total = r->resent_total,
                .min_rtt = r->min_rtt,
                .mss = r->mss,
                .shift = r->snd_shift,
                .reo_mult = r->reo_mult,
                .reo_persist = r->reo_persist,
                .reordered = r->reordered},
        .rcv = {.nxt = r->nxt,
                .adv = r->nxt + r->rcv_wnd,
                .acked = r->nxt,
                .q = {.head = r->nxt, .tail = r->nxt},
                .rate_from = r->rate_from,
                .rate_since = r->rate_since,
                .bound = r->rcv_bound,
                .ts_recent = r->ts_recent,
                .ts_recent_at = r->ts_recent_at,
                .full = r->full,
                .shift = r->rcv_shift},
    };
    for (int i = 0; i < TCP_TIMERS; i++)
        c->due[i] = NEVER;
}

/* False without memory: it stays awake. */
static bool lie_down(struct tcp_conn *c)
{
    struct tcp *tcp = c->tcp;
    struct tcp_rest *r = core_alloc(tcp->core, sizeof *r);
    if (!r)
        return false;
    fold(c, r);
    if (!table_insert(&tcp->resting, tcp->core, &r->node, c->node.hash)) {
        core_free(tcp->core, r, sizeof *r);
        return false;
    }
    r->sock->rest = r;
    r->sock->resting = true;
    tcb_leave_line(c);
    timer_stop(&tcp->core->wheel, &c->timer);
    table_remove(&tcp->conns, &c->node);
    core_free(tcp->core, c, sizeof *c);
    return true;
}

static void forget(struct tcp_rest *r)
{
    table_remove(&r->tcp->resting, &r->node);
    core_free(r->tcp->core, r, sizeof *r);
}

static bool is_crowded(const struct tcp *tcp)
{
    return tcp->line_count > tcp->core->config.tcp_awake_max;
}

void rest_read(struct tcp_conn *c)
{
    if (is_crowded(c->tcp) && c->in_line && c->rcv.q.head == c->rcv.nxt)
        tcb_mark(c);
}

void rest_settled(struct tcp_conn *c)
{
    struct tcp *tcp = c->tcp;
    if (c->state != TCP_ESTABLISHED || !c->sock)
        return;
    tcb_join_line(c);
    for (int i = 0; i < LOOKS && is_crowded(tcp); i++) {
        struct tcp_conn *first = tcp->line_first;
        if (!may_rest(first) || !lie_down(first))
            tcb_join_line(first);
    }
}

struct tcp_rest *rest_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    uint32_t hash = tcb_hash(tcp->core, local, remote);
    for (struct table_node *n = table_first(&tcp->resting, hash); n; n = table_next(n, hash)) {
        struct tcp_rest *r = REST_OF_NODE(n);
        if (r->local.addr == local.addr && r->local.port == local.port && r->remote.addr == remote.addr &&
            r->remote.port == remote.port)
            return r;
    }
    return NULL;
}

struct tcp_conn *rest_wake(struct tcp_rest *r)
{
    struct tcp *tcp = r->tcp;
    struct tcp_conn *c = core_alloc(tcp->core, sizeof *c);
    if (!c)
        return NULL;
    rest_show(r, c);
    if (!table_insert(&tcp->conns, tcp->core, &c->node, r->node.hash)) {
        core_free(tcp->core, c, sizeof *c);
        return NULL;
    }
    c->in_table = true;
    c->sock->conn = c;
    c->sock->resting = false;
    forget(r);
    tcb_mark(c); /* so that it settles again */
    return c;
}

static void ended_event(const struct tcp_rest *r, enum rule why)
{
    if (!core_observed(r->tcp->core))
        return;
    struct event e = {.kind = EVENT_STATE,
                      .connection = r->id,
                      .protocol = IP_TCP,
                      .local = r->local,
                      .remote = r->remote,
                      .rule = why,
                      .u.change = {TCP_ESTABLISHED, TCP_CLOSED}};
    core_emit(r->tcp->core, &e);
}

void rest_abort(struct tcp_rest *r, int error, enum rule why)
{
    struct tcp *tcp = r->tcp;
    struct tcp_conn c;
    rest_show(r, &c);
    if (c.sock) {
        c.sock->resting = false;
        c.sock->conn = NULL;
    }
    c.sock = NULL;
    tcp_reply_of(&c, TCP_RST, c.snd.nxt, 0, 0);
    core_count(tcp->core, COUNT_TCP_ESTAB_RESETS);
    ended_event(r, why);
    if (r->sock) {
        r->sock->error = error;
        sock_signal(r->sock);
    }
    peers_leave(&tcp->peers, tcp->core, r->remote.addr);
    tcp->open--;
    forget(r);
}

void rest_free(struct tcp *tcp)
{
    struct table_node *n;
    while ((n = table_walk(&tcp->resting, NULL))) {
        struct tcp_rest *r = REST_OF_NODE(n);
        r->sock->resting = false;
        r->sock->conn = NULL;
        peers_leave(&tcp->peers, tcp->core, r->remote.addr);
        tcp->open--;
        forget(r);
    }
    table_free(&tcp->resting, tcp->core);
}
