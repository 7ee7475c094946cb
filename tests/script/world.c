/* Virtual time around one stack: RFC-free; owns the clock, the memory hooks, the queue of sent datagrams. */
#include "world.h"
#include "../../stack/event_text.h"

#include <stdarg.h>
#include <stdlib.h>

static void *take_memory(void *context, size_t size)
{
    struct world *w = context;
    void *at = malloc(size);
    w->held += at ? (int64_t)size : 0;
    return at;
}

static void give_memory(void *context, void *at, size_t size)
{
    struct world *w = context;
    w->held -= at ? (int64_t)size : 0;
    free(at);
}

/* Whether what happened must name the rule behind it. Without one are our own bounds (event.h: drops whose
 * rule is NONE; a TIME-WAIT record that makes room), and that a keep-alive timer ends with its owner. */
static bool needs_rule(const struct event *e)
{
    switch (e->kind) {
    case EVENT_SEGMENT_OUT:
    case EVENT_TIMER_FIRED:
    case EVENT_WINDOW:
    case EVENT_RTT:
        return true;
    case EVENT_STATE:
        return e->u.change.from != TCP_TIME_WAIT;
    case EVENT_TIMER_SET:
        return e->u.timer.due != NEVER || e->u.timer.which != TCP_TIMER_KEEPALIVE;
    case EVENT_DROP:
        return drop_rule(e->u.drop.why) != RULE_NONE;
    default:
        return false;
    }
}

static void check_rule(struct world *w, const struct event *e)
{
    char line[256];
    if (!w->started || e->rule != RULE_NONE || !needs_rule(e))
        return;
    event_text(e, line, sizeof line);
    world_fail(w, "no rule in rules.h for: %s", line);
}

/* What the log tells beside the segments: why something was dropped, and each change of state. */
static void observe(void *context, const struct event *e)
{
    struct world *w = context;
    double t = (double)e->time / 1e6;
    check_rule(w, e);
    if (e->kind == EVENT_DROP)
        fprintf(w->log, "%12.6f   dropped: %s, %s\n", t, drop_name(e->u.drop.why), drop_text(e->u.drop.why));
    else if (e->kind == EVENT_STATE)
        fprintf(w->log, "%12.6f   %s -> %s\n", t, tcp_state_name(e->u.change.from),
                tcp_state_name(e->u.change.to));
    else if (e->kind == EVENT_TIMER_FIRED)
        fprintf(w->log, "%12.6f   timer: %s\n", t, tcp_timer_name(e->u.timer.which));
}

/* A script begins with the TCP of RFC 9293 and turns on what it is about: config sack=1 timestamps=1 ... */
static void plain_tcp(struct stack_config *c)
{
    c->tcp_window_scale = c->tcp_timestamps = c->tcp_sack = c->tcp_dsack = false;
    c->tcp_rack = c->tcp_tlp = c->tcp_frto = c->tcp_prr = false;
    c->tcp_ecn = c->tcp_syn_cookies = c->tcp_path_mtu_probe = c->tcp_autotune = false;
    c->tcp_congestion = &cc_reno;
    c->tcp_send_buffer = 1u << 20;
}

void world_open(struct world *w, const char *file)
{
    memset(w, 0, sizeof *w);
    w->file = file;
    w->log = open_memstream(&w->log_text, &w->log_len);
    w->flow[0] = (struct flow){.peer_addr = 0x0a070001, .peer_port = 5000, .local_port = 80, .isn = 2000};
    w->flows = 1;
    stack_config_init(&w->config);
    plain_tcp(&w->config);
    w->config.addr = 0x0a070002;
    w->config.prefix = 24;
    memcpy(w->config.key, "a key of scripts", sizeof w->config.key);
    w->config.memory = (struct stack_memory){take_memory, give_memory, w};
    w->config.observe = observe;
    w->config.observe_context = w;
}

void world_close(struct world *w)
{
    if (w->started)
        stack_free(&w->stack);
    w->started = false;
    for (; w->sent_first < w->sent_end; w->sent_first++)
        free(w->sent[w->sent_first].bytes);
    fclose(w->log);
    free(w->log_text);
}

bool world_start(struct world *w)
{
    if (w->started)
        return true;
    int result = stack_init(&w->stack, &w->config, w->now);
    w->started = result == 0;
    return w->started || world_fail(w, "stack_init gave %d", result);
}

bool world_fail(struct world *w, const char *format, ...)
{
    if (w->failed)
        return false;
    w->failed = true;
    fflush(w->log);
    printf("FAIL %s:%d\n%s%12.6f   ", w->file, w->line, w->log_text ? w->log_text : "", (double)w->now / 1e6);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return false;
}

void world_hear(struct world *w)
{
    unsigned events;
    for (struct sock *s; (s = stack_ready(&w->stack, &events));) {
        for (int i = 0; i < w->sockets; i++) {
            if (w->socket[i].sock == s)
                w->socket[i].told |= events;
        }
    }
}

void world_input(struct world *w, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1); /* of exactly this size: an overrun is seen */
    memcpy(copy, bytes, len);
    stack_input(&w->stack, w->now, copy, len);
    free(copy);
    world_hear(w);
}

struct flow *world_flow(struct world *w)
{
    return &w->flow[w->current];
}

/* The flow that a segment of the stack belongs to; one without a local port learns it here. */
static struct flow *flow_of(struct world *w, const struct packet *p)
{
    for (int i = 0; i < w->flows; i++) {
        struct flow *f = &w->flow[i];
        if (f->peer_addr == p->dst && f->peer_port == p->dport &&
            (!f->local_port || f->local_port == p->sport)) {
            f->local_port = p->sport;
            return f;
        }
    }
    return NULL;
}

static bool keep_sent(struct world *w, const uint8_t *bytes, size_t len)
{
    struct packet p;
    const char *wrong = packet_parse(bytes, len, &p);
    if (wrong)
        return world_fail(w, "the stack sent a bad datagram: %s", wrong);
    if (w->sent_end == SENT_MAX || len > w->config.mtu)
        return world_fail(w, "the stack sent too much: %d datagrams, now one of %zu bytes", w->sent_end, len);
    struct flow *f = p.protocol == 6 ? flow_of(w, &p) : NULL;
    if (f && p.flags & TCP_SYN && (!f->iss_known || f->iss != p.seq)) {
        f->former_iss = f->iss_known ? f->iss : p.seq;
        f->iss = p.seq;
        f->iss_known = true;
        f->ts_base = 0;
        packet_timestamp(&p, &f->ts_base);
    }
    if (f) {
        memcpy(f->last, bytes, len);
        f->last_len = len;
    }
    world_log_packet(w, w->now, '>', &p);
    struct outgoing *s = &w->sent[w->sent_end++];
    *s = (struct outgoing){w->now, len, malloc(len)};
    memcpy(s->bytes, bytes, len);
    return true;
}

bool world_drain(struct world *w)
{
    static uint8_t bytes[PACKET_MAX];
    struct frame frame;
    while (stack_output(&w->stack, w->now, &frame)) {
        size_t len = frame_gather(&frame, bytes, sizeof bytes);
        if (len == 0)
            return world_fail(w, "a frame of %zu bytes does not fit", frame_len(&frame));
        if (!keep_sent(w, bytes, len))
            return false;
    }
    world_hear(w);
    return true;
}

bool world_advance(struct world *w, usec to, bool stop_at_sent)
{
    for (int idle = 0; world_drain(w); idle++) {
        if (stop_at_sent && w->sent_first < w->sent_end)
            return true;
        usec due = stack_due(&w->stack);
        if (due > to || w->now == to) {
            w->now = to;
            return world_drain(w);
        }
        if (due > w->now)
            idle = 0;
        if (idle > 100)
            return world_fail(w, "stack_due stands still: the caller would spin");
        w->now = due > w->now ? due : w->now;
    }
    return false;
}

struct outgoing *world_next_sent(struct world *w)
{
    return w->sent_first < w->sent_end ? &w->sent[w->sent_first] : NULL;
}

struct named_socket *world_socket(struct world *w, const char *name)
{
    for (int i = w->sockets - 1; i >= 0; i--) {
        if (strcmp(w->socket[i].name, name) == 0)
            return &w->socket[i];
    }
    return NULL;
}

struct search {
    const struct flow *flow;
    enum tcp_state state;
};

static void visit(void *context, const struct sock_info *info)
{
    struct search *s = context;
    if (info->protocol != 6 || info->local.port != s->flow->local_port)
        return;
    if (info->remote.addr == s->flow->peer_addr && info->remote.port == s->flow->peer_port)
        s->state = info->state;
    else if (info->state == TCP_LISTEN && s->state == TCP_CLOSED)
        s->state = TCP_LISTEN;
}

enum tcp_state world_state(const struct world *w, const struct flow *f)
{
    struct search s = {f, TCP_CLOSED};
    stack_each_socket(&w->stack, visit, &s);
    return s.state;
}

void world_log_packet(struct world *w, usec when, char direction, const struct packet *p)
{
    enum side from = direction == '>' ? SIDE_STACK : SIDE_PEER;
    struct flow *f = NULL;
    for (int i = 0; i < w->flows && !f && p->protocol == 6; i++) {
        struct flow *g = &w->flow[i];
        uint16_t theirs = from == SIDE_STACK ? p->dport : p->sport,
                 ours = from == SIDE_STACK ? p->sport : p->dport;
        if (g->peer_port == theirs && (!g->local_port || g->local_port == ours))
            f = g;
    }
    fprintf(w->log, "%12.6f %c ", (double)when / 1e6, direction);
    packet_print(w->log, p, f, from);
    if (f && w->started)
        fprintf(w->log, "    %s", tcp_state_name(world_state(w, f)));
    fputc('\n', w->log);
}

static void count_left(void *context, const struct sock_info *info)
{
    (void)info;
    ++*(int *)context;
}

bool world_end(struct world *w)
{
    if (!world_start(w) || !world_advance(w, w->now, false))
        return false;
    if (world_next_sent(w))
        return world_fail(w, "at the end of the script: a segment that no line expects");
    for (int i = 0; i < w->sockets; i++) {
        if (w->socket[i].sock)
            sock_abort(w->socket[i].sock);
        w->socket[i].sock = NULL;
    }
    fprintf(w->log, "%12.6f   (end of script: everything is aborted, an hour passes)\n",
            (double)w->now / 1e6);
    if (!world_advance(w, w->now + SEC(3600), false))
        return false;
    int left = 0;
    stack_each_socket(&w->stack, count_left, &left);
    if (left || stack_open_connections(&w->stack))
        return world_fail(w, "leak: %d sockets, %u connections left after an hour", left,
                          stack_open_connections(&w->stack));
    w->started = false;
    stack_free(&w->stack);
    size_t used = stack_core(&w->stack)->memory_used;
    if (used || w->held)
        return world_fail(w, "leak: %zu bytes counted, %lld held after stack_free", used, (long long)w->held);
    return true;
}
