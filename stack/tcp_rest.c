/* Folds idle connections into small records and unfolds them. Called by tcp_output.c when a connection has
 * nothing left to send, and by whoever needs one back: tcp_input.c, socket_call.c, stack.c, tcp.c. */
#include "tcp_rest.h"
#include "tcp_flight.h"
#include "tcp_reply.h"
#include "tcp_timer.h"
#include "tcp_timestamps.h"

#include <assert.h>

#define REST_OF_ALARM(t) ((struct tcp_rest *)((char *)(t)-offsetof(struct tcp_rest, alarm)))
#define LOOKS            2      /* at the front of the line for each that joins its end: so it gets shorter */
#define TRY_AGAIN        SEC(1) /* when there was no memory to wake one for its keep-alive */

static_assert(
    sizeof(struct tcp_rest) + sizeof(struct sock) <= 384,
    "an idle connection and its socket; the rest of 512 bytes is for tables and for whoever owns it");

/* --- who may rest --- */

static bool sender_is_idle(const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    bool asked = s->probe_now || s->override_now || s->keepalive_now || s->rescue_now || s->tlp_now;
    return s->una == s->nxt && !s->flight && s->q.head == s->q.tail && !s->q.base && !s->q.loans && !s->fin &&
           !s->probing && !asked && !s->cwr_owed && s->recovery == RECOVERY_NONE && s->dup_acks == 0 &&
           s->up <= s->una && s->user_mark <= s->una;
}

static bool receiver_is_idle(const struct tcp_conn *c)
{
    const struct tcp_rcv *r = &c->rcv;
    return r->q.head == r->nxt && !r->q.base && !r->held.at && r->duplicate.left == r->duplicate.right &&
           !r->ack_now && r->dup_acks_owed == 0 && r->acked == r->nxt && r->fin == 0 && !r->shut && !r->ce &&
           r->up < r->q.head;
}

/* No timer but keep-alive's, and no probe of that without an answer. */
static bool only_keepalive_runs(const struct tcp_conn *c)
{
    for (int i = 0; i < TCP_TIMERS; i++)
        if (i != TCP_TIMER_KEEPALIVE && c->due[i] != NEVER)
            return false;
    return c->keepalive_sent == 0;
}

static bool may_rest(const struct tcp_conn *c)
{
    return c->state == TCP_ESTABLISHED && c->in_table && c->sock && !c->out_link && only_keepalive_runs(c) &&
           sender_is_idle(c) && receiver_is_idle(c);
}

/* --- the record --- */

static uint32_t back(int64_t from, int64_t to)
{
    return from - to < UINT32_MAX ? (uint32_t)(from - to) : UINT32_MAX;
}

static void fold(const struct tcp_conn *c, struct tcp_rest *r)
{
    const struct tcp_snd *snd = &c->snd;
    const struct tcp_rcv *rcv = &c->rcv;
    r->sock = c->sock;
    r->id = c->id, r->iss = c->iss, r->irs = c->irs;
    r->una = snd->una, r->nxt = rcv->nxt;
    r->wl1_back = back(rcv->nxt, snd->wl1), r->wl2_back = back(snd->una, snd->wl2);
    r->recover_back = back(snd->una, snd->recover), r->reduced_back = back(snd->una, snd->reduced_at);
    r->snd_wnd = snd->wnd, r->snd_max_wnd = snd->max_wnd, r->snd_bound = snd->bound;
    r->rcv_wnd = (uint32_t)(rcv->adv - rcv->nxt), r->rcv_bound = rcv->bound;
    r->sent_at = snd->sent_at, r->heard = c->heard;
    r->resent_total = snd->resent_total, r->min_rtt = snd->min_rtt, r->rtt = c->rtt, r->cc = c->cc;
    r->ts_recent = rcv->ts_recent, r->ts_recent_at = rcv->ts_recent_at;
    r->mss = snd->mss, r->full = rcv->full, r->snd_shift = snd->shift, r->rcv_shift = rcv->shift;
    r->reo_mult = snd->reo_mult, r->reo_persist = snd->reo_persist, r->reordered = snd->reordered;
    r->challenged = c->challenged, r->challenges = c->challenges, r->soft_error = c->soft_error;
    r->syn_resent = c->syn_resent, r->passive = c->passive;
    r->scale_ok = c->scale_ok, r->ts_ok = c->ts_ok, r->sack_ok = c->sack_ok, r->ecn_ok = c->ecn_ok;
}

static void show_sender(const struct tcp_rest *r, struct tcp_snd *snd)
{
    snd->una = snd->nxt = snd->q.head = snd->q.tail = snd->limited_at = r->una;
    snd->wl1 = r->nxt - r->wl1_back, snd->wl2 = r->una - r->wl2_back;
    snd->recover = r->una - r->recover_back, snd->reduced_at = r->una - r->reduced_back;
    snd->wnd = r->snd_wnd, snd->max_wnd = r->snd_max_wnd, snd->bound = r->snd_bound;
    snd->sent_at = r->sent_at, snd->progress = r->heard;
    snd->resent_total = r->resent_total, snd->min_rtt = r->min_rtt;
    snd->mss = r->mss, snd->shift = r->snd_shift;
    snd->reo_mult = r->reo_mult, snd->reo_persist = r->reo_persist, snd->reordered = r->reordered;
}

/* What it measured of the reader's rate is forgotten: a silence is in between. */
static void show_receiver(const struct tcp_rest *r, struct tcp_rcv *rcv)
{
    rcv->nxt = rcv->acked = rcv->q.head = rcv->q.tail = rcv->rate_from = r->nxt;
    rcv->adv = r->nxt + r->rcv_wnd, rcv->bound = r->rcv_bound;
    rcv->rate_since = r->heard;
    rcv->ts_recent = r->ts_recent, rcv->ts_recent_at = r->ts_recent_at;
    rcv->full = r->full, rcv->shift = r->rcv_shift;
}

void rest_show(struct tcp *tcp, const struct tcp_rest *r, struct tcp_conn *c)
{
    *c = (struct tcp_conn){.tcp = tcp, .sock = r->sock, .state = TCP_ESTABLISHED};
    c->local = r->sock->local, c->remote = r->sock->remote;
    c->id = r->id, c->iss = r->iss, c->irs = r->irs;
    c->ts_offset = ts_offset_of(tcp->core, c->local, c->remote);
    c->heard = r->heard, c->rtt = r->rtt, c->cc = r->cc;
    c->challenged = r->challenged, c->challenges = r->challenges, c->soft_error = r->soft_error;
    c->syn_resent = r->syn_resent, c->passive = r->passive;
    c->scale_ok = r->scale_ok, c->ts_ok = r->ts_ok, c->sack_ok = r->sack_ok, c->ecn_ok = r->ecn_ok;
    show_sender(r, &c->snd);
    show_receiver(r, &c->rcv);
    for (int i = 0; i < TCP_TIMERS; i++)
        c->due[i] = NEVER;
    if (timer_running(&r->alarm.timer))
        c->due[TCP_TIMER_KEEPALIVE] = r->alarm.timer.due;
}

/* --- to rest and back --- */

/* False without memory: it stays awake. */
static bool lie_down(struct tcp_conn *c)
{
    struct tcp *tcp = c->tcp;
    struct core *core = tcp->core;
    struct tcp_rest *r = core_alloc(core, sizeof *r);
    if (!r || !table_insert(&tcp->resting, core, &r->node, c->node.hash)) {
        core_free(core, r, sizeof *r);
        return false;
    }
    fold(c, r);
    r->alarm.of_rest = true;
    r->sock->rest = r;
    r->sock->resting = true;
    if (c->due[TCP_TIMER_KEEPALIVE] != NEVER)
        timer_start(&core->wheel, &r->alarm.timer, c->due[TCP_TIMER_KEEPALIVE]);
    timer_stop(&core->wheel, &c->alarm.timer);
    tcb_unlist(c);
    core_free(core, c, sizeof *c);
    return true;
}

static void forget(struct tcp *tcp, struct tcp_rest *r)
{
    timer_stop(&tcp->core->wheel, &r->alarm.timer);
    table_remove(&tcp->resting, &r->node);
    core_free(tcp->core, r, sizeof *r);
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
        const struct sock *s = r->sock;
        if (s->local.addr == local.addr && s->local.port == local.port && s->remote.addr == remote.addr &&
            s->remote.port == remote.port)
            return r;
    }
    return NULL;
}

struct tcp_conn *rest_wake(struct tcp *tcp, struct tcp_rest *r)
{
    struct core *core = tcp->core;
    struct tcp_conn *c = core_alloc(core, sizeof *c);
    if (!c)
        return NULL;
    rest_show(tcp, r, c);
    if (!table_insert(&tcp->conns, core, &c->node, r->node.hash)) {
        core_free(core, c, sizeof *c);
        return NULL;
    }
    if (c->due[TCP_TIMER_KEEPALIVE] != NEVER)
        timer_start(&core->wheel, &c->alarm.timer, c->due[TCP_TIMER_KEEPALIVE]);
    c->in_table = true;
    c->sock->conn = c;
    c->sock->resting = false;
    forget(tcp, r);
    tcb_mark(c); /* so that it settles again */
    return c;
}

void rest_alarm(struct tcp *tcp, struct timer *t)
{
    usec now = tcp->core->now;
    timer_start(&tcp->core->wheel, t, t->due); /* as it was: the connection takes it over */
    if (t->due > now)
        return; /* came from the edge of the wheel */
    struct tcp_conn *c = rest_wake(tcp, REST_OF_ALARM(t));
    if (c)
        tcp_timer_run(c);
    else
        timer_start(&tcp->core->wheel, t, now + TRY_AGAIN);
}

/* --- the end --- */

static void ended_event(const struct tcp_conn *c, enum rule why)
{
    if (!core_observed(c->tcp->core))
        return;
    struct event e = {.kind = EVENT_STATE,
                      .connection = c->id,
                      .protocol = IP_TCP,
                      .local = c->local,
                      .remote = c->remote,
                      .rule = why,
                      .u.change = {TCP_ESTABLISHED, TCP_CLOSED}};
    core_emit(c->tcp->core, &e);
}

/* The socket has no connection any more. */
static void part(struct tcp *tcp, struct tcp_rest *r)
{
    peers_leave(&tcp->peers, tcp->core, r->sock->remote.addr);
    tcp->open--;
    r->sock->resting = false;
    r->sock->conn = NULL;
    forget(tcp, r);
}

void rest_abort(struct tcp *tcp, struct tcp_rest *r, int error, enum rule why)
{
    struct tcp_conn c;
    struct sock *s = r->sock;
    rest_show(tcp, r, &c);
    tcp_reply_of(&c, TCP_RST, c.snd.nxt, 0, 0, why);
    part(tcp, r);
    core_count(tcp->core, COUNT_TCP_ESTAB_RESETS);
    ended_event(&c, why);
    s->error = error;
    sock_signal(s);
}

void rest_free(struct tcp *tcp)
{
    struct table_node *n;
    while ((n = table_walk(&tcp->resting, NULL)))
        part(tcp, REST_OF_NODE(n));
    table_free(&tcp->resting, tcp->core);
}
