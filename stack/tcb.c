/* The connection: its invariants, its place in the table, its timers, its mark. */
#include "tcb.h"

#include <assert.h>

static void check_flight(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    if (!f || f->count == 0) {
        assert(c->snd.una == c->snd.nxt);
        return;
    }
    const struct sent *first = &f->at[f->first], *last = first + f->count - 1;
    assert(first->left == c->snd.una);
    assert(last->left + last->len == c->snd.nxt);
}

void tcb_check(const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    const struct tcp_rcv *r = &c->rcv;
    if (c->state == TCP_CLOSED || c->state == TCP_TIME_WAIT)
        return; /* the TIME-WAIT record has taken over */
    assert(0 <= s->una && s->una <= s->nxt);
    assert(s->nxt <= s->q.tail + (s->fin ? 1 : 0));
    assert(s->q.head == (s->una > 1 ? (snd_fin_acked(c) ? s->q.tail : s->una) : 1));
    assert(s->q.copied <= s->q.size);
    check_flight(c);
    assert(r->q.head <= r->q.tail && (r->q.tail <= r->nxt || c->state == TCP_SYN_SENT) && r->nxt <= r->adv);
    assert(r->held.count == 0 || r->held.at[0].left > r->nxt);
    /* Whatever is outstanding, or still to be sent, has a timer that will come back to it. */
    if (s->una < s->nxt || s->nxt < s->q.tail + s->fin || s->nxt == 0)
        assert(tcb_timer_on(c, TCP_TIMER_RETRANSMIT) || tcb_timer_on(c, TCP_TIMER_PERSIST) || c->out_link);
}

struct event tcb_event(const struct tcp_conn *c, enum event_kind kind)
{
    return (struct event){
        .kind = kind,
        .connection = c->id,
        .protocol = IP_TCP,
        .local = c->local,
        .remote = c->remote,
        .state = c->state,
    };
}

void tcb_drop(const struct tcp_conn *c, enum drop why, const uint8_t *packet, size_t len)
{
    struct event e = tcb_event(c, EVENT_DROP);
    core_drop_event(c->tcp->core, &e, why, packet, len);
}

void tcb_mark(struct tcp_conn *c)
{
    assert(c->in_table);
    if (c->out_link)
        return;
    c->out_link = c->tcp->out_last;
    c->out_next = NULL;
    *c->tcp->out_last = c;
    c->tcp->out_last = &c->out_next;
}

void tcb_unmark(struct tcp_conn *c)
{
    if (!c->out_link)
        return;
    *c->out_link = c->out_next;
    if (c->out_next)
        c->out_next->out_link = c->out_link;
    else
        c->tcp->out_last = c->out_link;
    c->out_next = NULL;
    c->out_link = NULL;
}

/* Why a timer runs, is stopped or fires. */
static enum rule timer_rule(const struct tcp_conn *c, enum tcp_timer which, enum event_kind kind)
{
    bool fired = kind == EVENT_TIMER_FIRED, off = !fired && c->due[which] == NEVER;
    bool closed = c->snd.wnd == 0;
    switch (which) {
    case TCP_TIMER_RETRANSMIT:
        if (fired)
            return RULE_RTO_EXPIRED;
        return !off ? RULE_RTO_RUNS : c->snd.una < c->snd.nxt ? RULE_RTO_RESTARTS : RULE_RTO_STOPS;
    case TCP_TIMER_PERSIST:
        if (off)
            return RULE_PERSIST_STOPS;
        return closed ? RULE_ZERO_WINDOW_PROBE : fired ? RULE_SWS_OVERRIDE : RULE_SWS_WAIT;
    case TCP_TIMER_DELAYED_ACK:
        return off ? RULE_ACK_LEFT : fired ? RULE_ACK_ALONE : RULE_DELAYED_ACK;
    case TCP_TIMER_KEEPALIVE:
        return off ? RULE_NONE : RULE_KEEPALIVE;
    case TCP_TIMER_FIN_WAIT_2:
        return RULE_FIN_WAIT_2_TIMEOUT;
    case TCP_TIMER_REORDER:
        return off ? RULE_REORDER_STOPS : RULE_RACK_REORDERING;
    case TCP_TIMER_TAIL_LOSS:
        return fired ? RULE_TAIL_LOSS_PROBE : off ? RULE_TAIL_LOSS_STOPS : RULE_TAIL_LOSS_TIMER;
    default:
        return RULE_NONE;
    }
}

void tcb_emit_timer_event(const struct tcp_conn *c, enum tcp_timer which, enum event_kind kind, enum rule why)
{
    struct event e = tcb_event(c, kind);
    e.rule = why ? why : timer_rule(c, which, kind);
    e.u.timer.which = which;
    e.u.timer.due = kind == EVENT_TIMER_FIRED ? c->tcp->core->now : c->due[which];
    core_emit(c->tcp->core, &e);
}

void tcb_timer_start(struct tcp_conn *c, enum tcp_timer which, usec due)
{
    if (c->due[which] == due)
        return;
    c->due[which] = due;
    if (!timer_running(&c->alarm.timer) || due < c->alarm.timer.due)
        timer_start(&c->tcp->core->wheel, &c->alarm.timer, due);
    tcb_timer_event(c, which, EVENT_TIMER_SET, RULE_NONE);
}

void tcb_timer_end(struct tcp_conn *c, enum tcp_timer which)
{
    c->due[which] = NEVER;
    tcb_timer_event(c, which, EVENT_TIMER_SET, RULE_NONE);
}

usec tcb_timer_earliest(const struct tcp_conn *c, enum tcp_timer *which)
{
    usec earliest = NEVER;
    for (int i = 0; i < TCP_TIMERS; i++) {
        if (c->due[i] < earliest) {
            earliest = c->due[i];
            *which = (enum tcp_timer)i;
        }
    }
    return earliest;
}

uint32_t tcb_hash(const struct core *core, struct endpoint local, struct endpoint remote)
{
    uint32_t key[3] = {local.addr, remote.addr, (uint32_t)local.port << 16 | remote.port};
    return siphash_slot(core->config.key, key, sizeof key);
}

static bool same(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

struct tcp_conn *tcb_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tcp_conn *latest = tcp->latest;
    if (latest && same(latest->remote, remote) && same(latest->local, local))
        return latest;
    uint32_t hash = tcb_hash(tcp->core, local, remote);
    for (struct table_node *n = table_first(&tcp->conns, hash); n; n = table_next(n, hash)) {
        struct tcp_conn *c = CONN_OF_NODE(n);
        if (same(c->local, local) && same(c->remote, remote))
            return c;
    }
    return NULL;
}

struct tcp_conn *tcb_new(struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    struct tcp_conn *c = core_alloc(tcp->core, sizeof *c);
    if (!c)
        return NULL;
    c->tcp = tcp;
    c->local = local;
    c->remote = remote;
    c->id = ++tcp->next_id;
    c->heard = c->snd.progress = tcp->core->now;
    for (int i = 0; i < TCP_TIMERS; i++)
        c->due[i] = NEVER;
    c->snd.q.head = c->snd.q.tail = 1; /* the first byte follows the SYN */
    c->rcv.q.head = c->rcv.q.tail = 1;
    c->snd.reo_mult = 1;
    c->rcv.ts_recent_at = NEVER;
    c->rcv.bound = tcp->core->config.tcp_receive_buffer;
    c->snd.bound = tcp->core->config.tcp_send_buffer;
    rtt_init(&c->rtt, &tcp->core->config);
    return c;
}

bool tcb_insert(struct tcp_conn *c)
{
    struct core *core = c->tcp->core;
    if (!peers_enter(&c->tcp->peers, core, c->remote.addr))
        return false;
    if (!table_insert(&c->tcp->conns, core, &c->node, tcb_hash(core, c->local, c->remote))) {
        peers_leave(&c->tcp->peers, core, c->remote.addr);
        return false;
    }
    c->in_table = true;
    c->tcp->open++;
    return true;
}

void tcb_leave_line(struct tcp_conn *c)
{
    if (!c->in_line)
        return;
    *c->wait_link = c->wait_next;
    if (c->wait_next)
        c->wait_next->wait_link = c->wait_link;
    else
        c->tcp->line_last = c->wait_link;
    c->wait_next = NULL;
    c->wait_link = NULL;
    c->in_line = false;
    c->tcp->line_count--;
}

void tcb_join_line(struct tcp_conn *c)
{
    tcb_leave_line(c);
    assert(!c->wait_link);
    c->wait_link = c->tcp->line_last;
    *c->tcp->line_last = c;
    c->tcp->line_last = &c->wait_next;
    c->in_line = true;
    c->tcp->line_count++;
}

void tcb_unlist(struct tcp_conn *c)
{
    tcb_leave_line(c);
    table_remove(&c->tcp->conns, &c->node);
    c->in_table = false;
    if (c->tcp->latest == c)
        c->tcp->latest = NULL;
}

void tcb_remove(struct tcp_conn *c)
{
    if (!c->in_table)
        return;
    tcb_unlist(c);
    peers_leave(&c->tcp->peers, c->tcp->core, c->remote.addr);
    c->tcp->open--;
}

bool tcb_release(struct tcp_conn *c)
{
    if ((c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT) || c->sock)
        return false;
    assert(!c->in_table && !c->out_link && !timer_running(&c->alarm.timer) && !c->wait_link);
    struct core *core = c->tcp->core;
    ring_free(&c->rcv.q, core);
    core_free(core, c, sizeof *c);
    return true;
}
