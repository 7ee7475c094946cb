/* Feeds a fresh stack the peer's frames at the capture's times, lets the application do what the capture's
 * did, and keeps all that the stack sends. Owns the stack and its time. Called by replay.c and
 * annotate.c. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/tcp_timewait.h"
#include "annotation.h"
#include "replay_app.h"
#include "tcp_settings.h"
#include "heap.h"

#define TOGETHER    MSEC(1)   /* frames this close were read in one go */
#define AFTERMATH   MSEC(600) /* after the last frame: ACKs that were still to come */
#define COMMENT_MAX 16384     /* bytes of a frame's comment after which no more is said */
#define TURNS_MAX   20000     /* of the stack between two frames */
#define SENT_MAX    (1u << 20)

struct run {
    struct replay_flow *flow;
    const struct replay_options *options;
    struct stack stack;
    struct replay_app app;
    struct annotation annotation;
    usec now; /* the stack's */
    enum rule rule;
    bool reset;            /* the stack sent a RST since the last frame came in */
    bool bad;              /* no memory */
    bool muted;            /* what happens now is not the capture's: its host lost its memory, or it ends */
    bool resent;           /* the segment that leaves was sent before */
    size_t at;             /* the step at hand */
    int64_t owed;          /* the peer has acknowledged up to here in the capture */
    int64_t told;          /* ours was told so, up to here, apart from the capture's frames */
    uint32_t owed_by;      /* the connection that these are of */
    struct tcp_header ack; /* its last segment */
    bool has_ack;
    int64_t offered; /* the capture's side: the right edge of its window */
    int edge_of;     /* the connection that this is of */
};

static void see(void *context, const struct event *e)
{
    struct run *r = context;
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

static bool open_stack(struct run *r, uint32_t addr)
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

static const struct tcp_conn *connection(const struct run *r)
{
    return tcb_find(&r->stack.tcp, r->flow->local, r->flow->remote);
}

/* --- what leaves --- */

static void keep(struct run *r, const struct frame *f)
{
    struct replay_flow *flow = r->flow;
    struct replay_sent *grown =
        replay_grow(flow->sent, flow->sent_count, &flow->sent_room, sizeof *flow->sent);
    size_t len = frame_len(f);
    uint8_t *bytes = grown && flow->sent_count < SENT_MAX ? malloc(len) : NULL;
    if (grown)
        flow->sent = grown;
    if (!bytes) {
        r->bad = true;
        return;
    }
    frame_gather(f, bytes, len);
    struct replay_sent *s = &flow->sent[flow->sent_count++];
    *s = (struct replay_sent){
        .time = r->now - flow->plan.clock, .bytes = bytes, .len = len, .life = -1, .match = -1};
    s->rule = r->rule;
    s->resent = r->resent;
    if (ip_parse(bytes, len, &s->ip) == DROP_NONE)
        s->is_tcp = s->ip.protocol == IP_TCP && tcp_parse(&s->ip, &s->tcp) == DROP_NONE;
}

static void send_all(struct run *r)
{
    struct frame f;
    r->rule = RULE_NONE;
    r->resent = false;
    for (int i = 0; i < TURNS_MAX && !r->bad && stack_output(&r->stack, r->now, &f); i++) {
        keep(r, &f);
        if (r->options->annotate && !r->bad) {
            annotation_outgoing(&r->annotation, &f);
            r->flow->sent[r->flow->sent_count - 1].comment = strdup(annotation_done(&r->annotation));
        }
        r->rule = RULE_NONE;
        r->resent = false;
    }
}

/* --- what comes in --- */

static void remark(struct run *r, struct replay_frame *frame)
{
    if (!r->options->annotate)
        return;
    const char *text = annotation_done(&r->annotation);
    size_t len = strlen(text) + 1, had = frame->comment ? strlen(frame->comment) : 0;
    if (had > COMMENT_MAX)
        return;
    char *all = realloc(frame->comment, had + 1 + len);
    if (!all) {
        r->bad = true;
        return;
    }
    if (had)
        all[had++] = '\n';
    memcpy(all + had, text, len);
    frame->comment = all;
}

static void input(struct run *r, const uint8_t *bytes, size_t len)
{
    if (r->options->annotate)
        annotation_incoming(&r->annotation, bytes, len);
    r->reset = false;
    stack_input(&r->stack, r->now, bytes, len);
    remark(r, r->flow->step[r->at].frame);
}

/* The peer cannot acknowledge what ours has not sent yet: it acknowledges what there is, and the rest once it
 * is there. */
static void clamp(struct run *r, uint8_t *bytes, size_t len, struct tcp_header *h)
{
    const struct tcp_conn *c = connection(r);
    if (!c || !(h->flags & TCP_ACK) || h->flags & TCP_RST || c->state == TCP_SYN_SENT ||
        c->state == TCP_LISTEN)
        return;
    int64_t ack = seq_unwrap(h->ack, c->iss, c->snd.una);
    if (c->id != r->owed_by)
        r->owed = r->told = 0;
    r->owed_by = c->id;
    r->owed = ack > r->owed ? ack : r->owed;
    r->ack = *h;
    r->has_ack = true;
    const struct replay_life *l = r->app.life >= 0 ? &r->flow->life[r->app.life] : NULL;
    if (ack <= c->snd.nxt || !l || ack > l->length + 2)
        return; /* an ACK of what the capture's side never sent is the peer's own doing */
    size_t head = (bytes[0] & 15u) * 4u;
    struct wireseq there = seq_wrap(c->snd.nxt, c->iss);
    struct writer w = writer_of(bytes + head + 8, 4);
    put32(&w, there.n);
    replay_complete(bytes, len, true);
    r->flow->clamped++;
}

static void feed(struct run *r, struct replay_step *s)
{
    struct replay_frame *f = s->frame;
    uint8_t *copy = malloc(f->len);
    if (!copy) {
        r->bad = true;
        return;
    }
    memcpy(copy, f->bytes, f->len);
    if (f->is_tcp)
        clamp(r, copy, f->len, &f->tcp);
    input(r, copy, f->len);
    free(copy);
}

/* The rest of an ACK that came too early for ours: a plain one, as the peer would send it now. */
static bool catch_up(struct run *r)
{
    const struct tcp_conn *c = connection(r);
    if (!c || !r->has_ack || c->id != r->owed_by || r->owed <= c->snd.una || c->snd.una >= c->snd.nxt ||
        c->state == TCP_SYN_SENT)
        return false;
    int64_t ack = r->owed < c->snd.nxt ? r->owed : c->snd.nxt;
    if (ack <= r->told)
        return false;
    r->told = ack;
    struct tcp_header h = r->ack;
    uint8_t bytes[IP_HEADER_MIN + TCP_HEADER_MAX];
    h.seq.n += tcp_seq_len(&h);
    h.text = (struct span){NULL, 0};
    h.flags = TCP_ACK;
    h.ack = seq_wrap(ack, c->iss);
    h.options.sack_count = 0;
    size_t len = tcp_write(&h, bytes + IP_HEADER_MIN);
    struct ip_fields ip = {
        .src = r->flow->remote.addr, .dst = r->flow->local.addr, .protocol = IP_TCP, .ttl = IP_TTL_DEFAULT};
    ip_fill(bytes, &ip, len);
    replay_complete(bytes, IP_HEADER_MIN + len, true);
    int64_t before = c->snd.una;
    input(r, bytes, IP_HEADER_MIN + len);
    c = connection(r);
    return c && c->snd.una > before;
}

/* --- time --- */

static void work(struct run *r)
{
    replay_app_work(&r->app);
    send_all(r);
    for (int i = 0; i < TURNS_MAX && !r->bad && catch_up(r); i++) {
        replay_app_work(&r->app);
        send_all(r);
    }
}

/* What is due on the way there happens at its own time. */
static void pass(struct run *r, usec until)
{
    for (int i = 0; i < TURNS_MAX && !r->bad; i++) {
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

static void set_iss(struct run *r)
{
    const struct replay_flow *f = r->flow;
    for (unsigned i = 0; i < f->lives; i++)
        if (f->life[i].first >= r->at || i + 1 == f->lives) {
            r->stack.core.config.tcp_isn_fixed = f->life[i].iss;
            return;
        }
}

/* Its memory is gone; nobody is told. */
static bool start_again(struct run *r)
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

static void reset_now(struct run *r)
{
    if (r->reset)
        return;
    if (r->app.s)
        sock_abort(r->app.s);
    else if (r->app.listener && connection(r)) { /* in SYN-RECEIVED it is the listener's */
        sock_close(r->app.listener);
        r->app.listener = NULL;
    }
    r->app.s = NULL;
}

/* The right edge of the window of the capture's side; a segment says so once the handshake is done. */
static void note_edge(struct run *r, const struct replay_step *s)
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
static void make_room(struct run *r, const struct replay_step *s)
{
    const struct tcp_conn *c = connection(r);
    if (!c || !r->app.s || !s->frame->is_tcp || s->life < 0 || s->life != r->edge_of ||
        s->frame->tcp.text.len == 0)
        return;
    int64_t right = seq_unwrap(s->frame->tcp.seq, r->flow->life[s->life].irs, c->rcv.nxt) +
                    (int64_t)s->frame->tcp.text.len;
    if (right <= c->rcv.adv || right > r->offered)
        return;
    replay_app_widen(&r->app);
    send_all(r);
}

static void step_out(struct run *r, struct replay_step *s)
{
    if (s->frame->is_tcp)
        note_edge(r, s);
    if (r->flow->protocol == 0)
        replay_send_datagram(&r->app, r->flow, r->at);
    if (!s->frame->is_tcp || s->ignored)
        return;
    if (s->connects && (connection(r) || timewait_find(&r->stack.tcp, r->flow->local, r->flow->remote)))
        r->bad = !start_again(r); /* the same ports while the old connection lives: another program run */
    if (r->bad)
        return;
    replay_app_told(&r->app, s);
    if (s->resets)
        reset_now(r);
}

static void step_in(struct run *r, struct replay_step *s)
{
    if (s->lost || s->ignored)
        return;
    if (s->forgets && connection(r) && !start_again(r))
        r->bad = true;
    if (r->bad)
        return;
    make_room(r, s);
    replay_app_expecting(&r->app, s);
    feed(r, s);
    replay_app_told(&r->app, s);
    replay_app_work(&r->app);
}

/* Frames that came in one go, and what the application did at once: the stack's answer leaves with the last
 * of them. */
static bool go_on(const struct replay_flow *f, size_t at)
{
    return at + 1 < f->count && !f->step[at].out && f->step[at + 1].time - f->step[at].time <= TOGETHER;
}

static void play(struct run *r)
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

/* Retransmissions of what the capture's end cut off say nothing. */
static void drop_aftermath(struct replay_flow *f, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < f->sent_count; i++) {
        struct replay_sent *s = &f->sent[i];
        if (s->is_tcp && tcp_seq_len(&s->tcp) == 0) {
            f->sent[kept++] = *s;
            continue;
        }
        free(s->bytes);
        free(s->comment);
    }
    f->sent_count = kept;
}

/* Positions, and which of the capture's connections it belongs to. */
static void place(struct replay_flow *f)
{
    int life = -1;
    int64_t top = 0, ack = 0;
    for (size_t i = 0; i < f->sent_count; i++) {
        struct replay_sent *s = &f->sent[i];
        if (!s->is_tcp)
            continue;
        for (int k = (int)f->lives - 1; s->tcp.flags & TCP_SYN && k > life; k--)
            if (s->tcp.seq.n == f->life[k].iss &&
                (!(s->tcp.flags & TCP_ACK) || s->tcp.ack.n == f->life[k].irs + 1)) {
                life = k;
                top = ack = 0;
                break;
            }
        s->life = life;
        if (life < 0)
            continue;
        s->left = seq_unwrap(s->tcp.seq, f->life[life].iss, top);
        s->right = s->left + tcp_seq_len(&s->tcp);
        if (s->tcp.flags & TCP_ACK && f->life[life].has_irs)
            ack = s->ack = seq_unwrap(s->tcp.ack, f->life[life].irs, ack);
        if (!(s->tcp.flags & TCP_RST) && s->right > top)
            top = s->right;
    }
}

bool replay_run(struct replay_flow *f, uint32_t addr, const struct replay_options *options)
{
    struct run *r = calloc(1, sizeof *r);
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
        drop_aftermath(f, before);
        place(f);
        stack_free(&r->stack);
        good = !r->bad;
    }
    free(r);
    return good;
}
