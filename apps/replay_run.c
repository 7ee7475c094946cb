/* Feeds a fresh stack the peer's frames at the capture's times, lets the application do what the capture's
 * did, and has all kept that the stack sends. Owns the stack and its time. Called by replay.c and
 * annotate.c. */
#include "replay_run.h"

#include <stdlib.h>

#include "../stack/tcp_timewait.h"
#include "heap.h"
#include "tcp_settings.h"

#define TOGETHER  MSEC(1)   /* frames this close were read in one go */
#define AFTERMATH MSEC(600) /* after the last frame: ACKs that were still to come */

static void see(void *context, const struct event *e)
{
    struct replay_run *r = context;
    if (e->rule != RULE_NONE)
        r->rule = e->rule;
    if (e->kind == EVENT_SEGMENT_OUT) {
        r->reset = r->reset || e->u.segment.header->flags & TCP_RST;
        r->resent = e->u.segment.retransmitted;
    }
    if (r->options->annotate)
        annotation_see(&r->annotation, e);
    if (r->options->observe && !r->muted)
        r->options->observe(r->options->context, e);
}

static bool open_stack(struct replay_run *r, uint32_t addr)
{
    const struct replay_plan *p = &r->flow->plan;
    struct stack_config c;
    char why[160];
    stack_config_init(&c);
    for (unsigned i = 0; i < r->options->tcp_count; i++)
        tcp_settings_parse(&c, r->options->tcp[i], why,
                           sizeof why); /* was tried when the arguments were read */
    c.addr = addr;
    c.prefix = 32; /* no broadcast address: what the capture's host took is taken */
    c.mtu = p->mtu;
    c.tcp_isn_is_fixed = true;
    c.tcp_window_scale = c.tcp_window_scale && p->scale;
    c.tcp_timestamps = c.tcp_timestamps && p->timestamps;
    c.tcp_sack = c.tcp_sack && p->sack;
    c.tcp_ecn = c.tcp_ecn && p->ecn;
    c.tcp_receive_buffer_max = (uint32_t)TCP_WINDOW_MAX << p->offered; /* which makes it our shift */
    if (p->initial_window)
        c.tcp_initial_window = p->initial_window;
    if (p->keepalive_idle)
        c.tcp_keepalive_idle = p->keepalive_idle;
    if (p->keepalive_interval)
        c.tcp_keepalive_interval = p->keepalive_interval;
    c.memory = heap_memory;
    c.observe = see;
    c.observe_context = r;
    return stack_init(&r->stack, &c, r->now) == 0;
}

/* --- time --- */

static void work(struct replay_run *r)
{
    replay_app_work(&r->app);
    replay_collect(r);
    for (int i = 0; i < REPLAY_TURNS_MAX && !r->bad && replay_catch_up(r); i++) {
        replay_app_work(&r->app);
        replay_collect(r);
    }
}

/* What is due on the way there happens at its own time. */
static void pass(struct replay_run *r, usec until)
{
    for (int i = 0; i < REPLAY_TURNS_MAX && !r->bad; i++) {
        usec due = stack_due(&r->stack);
        if (due > until)
            break;
        r->now = due > r->now ? due : r->now;
        stack_time(&r->stack, r->now);
        work(r);
    }
    r->now = until > r->now ? until : r->now;
    stack_time(&r->stack, r->now);
}

/* --- step by step --- */

static void set_iss(struct replay_run *r)
{
    const struct replay_flow *f = r->flow;
    for (unsigned i = 0; i < f->lives; i++)
        if (f->life[i].first >= r->at || i + 1 == f->lives) {
            r->stack.core.config.tcp_isn_fixed = f->life[i].iss;
            return;
        }
}

/* Its memory is gone; nobody is told. */
static bool start_again(struct replay_run *r)
{
    r->muted = true;
    stack_free(&r->stack);
    r->muted = false;
    if (!open_stack(r, r->flow->local.addr))
        return false;
    replay_app_init(&r->app, &r->stack, r->flow);
    r->app.life = r->flow->step[r->at].life;
    r->owed_by = 0; /* connections are numbered from 1 again */
    set_iss(r);
    return true;
}

static void reset_now(struct replay_run *r)
{
    if (r->reset)
        return;
    if (r->app.s)
        sock_abort(r->app.s);
    else if (r->app.listener && replay_connection(r)) { /* in SYN-RECEIVED it is the listener's */
        sock_close(r->app.listener);
        r->app.listener = NULL;
    }
    r->app.s = NULL;
}

/* The right edge of the window of the capture's side; a segment says so once the handshake is done. */
static void note_edge(struct replay_run *r, const struct replay_step *s)
{
    const struct tcp_header *h = &s->frame->tcp;
    if (s->life < 0 || !(h->flags & TCP_ACK) || h->flags & (TCP_SYN | TCP_RST))
        return;
    int64_t edge = s->ack + ((int64_t)h->window << r->flow->plan.shift);
    r->offered = s->life == r->edge_of && r->offered > edge ? r->offered : edge;
    r->edge_of = s->life;
}

/* The capture's side had made room for this text, and ours not yet, because it tells of its window less often
 * (RFC 9293 3.8.6.2.2): it makes more, and says so. */
static void make_room(struct replay_run *r, const struct replay_step *s)
{
    const struct tcp_conn *c = replay_connection(r);
    if (!c || !r->app.s || !s->frame->is_tcp || s->life < 0 || s->life != r->edge_of ||
        s->frame->tcp.text.len == 0)
        return;
    int64_t right = seq_unwrap(s->frame->tcp.seq, r->flow->life[s->life].irs, c->rcv.nxt) +
                    (int64_t)s->frame->tcp.text.len;
    if (right <= c->rcv.adv || right > r->offered)
        return;
    replay_app_widen(&r->app);
    replay_collect(r);
}

static void step_out(struct replay_run *r, struct replay_step *s)
{
    if (s->frame->is_tcp)
        note_edge(r, s);
    if (r->flow->protocol == 0)
        replay_send_datagram(&r->app, r->flow, r->at);
    if (!s->frame->is_tcp || s->ignored)
        return;
    if (s->connects &&
        (replay_connection(r) || timewait_find(&r->stack.tcp, r->flow->local, r->flow->remote)))
        r->bad = !start_again(r); /* the same ports while the old connection lives: another program run */
    if (r->bad)
        return;
    replay_app_told(&r->app, s);
    if (s->resets)
        reset_now(r);
}

static void step_in(struct replay_run *r, struct replay_step *s)
{
    if (s->lost || s->ignored)
        return;
    if (s->forgets && replay_connection(r) && !start_again(r))
        r->bad = true;
    if (r->bad)
        return;
    make_room(r, s);
    replay_app_expecting(&r->app, s);
    replay_feed(r, s);
    replay_app_told(&r->app, s);
    replay_app_work(&r->app);
}

/* Frames that came in one go, and what the application did at once: the stack's answer leaves with the last
 * of them. */
static bool go_on(const struct replay_flow *f, size_t at)
{
    return at + 1 < f->count && !f->step[at].out && f->step[at + 1].time - f->step[at].time <= TOGETHER;
}

static void play(struct replay_run *r)
{
    for (r->at = 0; r->at < r->flow->count && !r->bad; r->at++) {
        struct replay_step *s = &r->flow->step[r->at];
        usec when = s->time + r->flow->plan.clock;
        if (r->at > 0 && go_on(r->flow, r->at - 1))
            r->now = when > r->now ? when : r->now;
        else
            pass(r, when);
        set_iss(r);
        if (s->out)
            step_out(r, s);
        else
            step_in(r, s);
        if (!go_on(r->flow, r->at))
            work(r);
    }
}

bool replay_run(struct replay_flow *f, uint32_t addr, const struct replay_options *options)
{
    struct replay_run *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    r->flow = f;
    r->options = options;
    r->now = f->plan.clock + (f->count ? f->step[0].time : 0);
    annotation_init(&r->annotation, &r->stack);
    bool good = open_stack(r, addr);
    if (good) {
        replay_app_init(&r->app, &r->stack, f);
        if (f->protocol == 0)
            replay_expect_datagrams(&r->app, f);
        play(r);
        r->muted = true;
        size_t before = f->sent_count;
        r->at = f->count ? f->count - 1 : 0;
        if (f->count)
            pass(r, r->now + AFTERMATH);
        replay_place_sent(f, before);
        stack_free(&r->stack);
        good = !r->bad;
    }
    free(r);
    return good;
}
