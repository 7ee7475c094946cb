/* The four verbs. */
#include "stack.h"
#include "tcp_rcv.h"
#include "tcp_rest.h"
#include "tcp_state.h"
#include "tcp_timewait.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int stack_init(struct stack *stack, const struct stack_config *config, usec now)
{
    if (config->mtu < IP_MTU_MIN || config->prefix > 32 || config->addr == IP_ANY ||
        !config->memory.allocate || !config->memory.release)
        return -EINVAL;
    if (config->tcp_rto_initial <= 0 || config->tcp_rto_min <= 0 ||
        config->tcp_rto_max < config->tcp_rto_min || config->tcp_persist_max <= 0 ||
        config->tcp_keepalive_idle <= 0 || config->tcp_keepalive_interval <= 0)
        return -EINVAL; /* a timer that fires at once would fire for ever */
    memset(stack, 0, sizeof *stack);
    core_init(&stack->core, config, now);
    sock_list_init(&stack->socks, &stack->core);
    ports_init(&stack->ports, &stack->core);
    outbox_init(&stack->outbox, &stack->core);
    tcp_init(&stack->tcp, &stack->core, &stack->outbox, &stack->ports);
    stack->udp = (struct udp){&stack->core, &stack->outbox, &stack->ports};
    stack->icmp = (struct icmp){.core = &stack->core, .outbox = &stack->outbox, .ports = &stack->ports};
    ip_init(&stack->ip, &stack->core, &stack->icmp, &stack->udp, &stack->tcp);
    return 0;
}

void stack_free(struct stack *stack)
{
    while (stack->socks.first)
        sock_abort(stack->socks.first);
    tcp_free(&stack->tcp);
    ip_free(&stack->ip);
    outbox_free(&stack->outbox);
    ports_free(&stack->ports);
    core_free_spares(&stack->core);
    assert(stack->core.memory_used == 0);
}

void stack_observe(struct stack *stack, void (*see)(void *context, const struct event *event), void *context)
{
    stack->core.config.observe = see;
    stack->core.config.observe_context = context;
}

void stack_set_device_segments(struct stack *stack, uint32_t bytes)
{
    stack->core.config.device_segments = bytes;
}

/* Every verb that is given the time begins with what has become due by then. */
void stack_time(struct stack *stack, usec now)
{
    struct core *core = &stack->core;
    if (now > core->now) /* a clock that steps back must not hurt us */
        core->now = now;
    struct timer *t;
    while ((t = wheel_expired(&core->wheel, core->now))) {
        if (t == &core->spare_timer)
            core_spare_timer(core);
        else
            tcp_timer_expired(&stack->tcp, t);
    }
    ip_tick(&stack->ip, core->now);
}

void stack_input(struct stack *stack, usec now, const uint8_t *datagram, size_t len)
{
    const struct offload none = {0};
    stack_input_offloaded(stack, now, datagram, len, &none);
}

void stack_input_offloaded(struct stack *stack, usec now, const uint8_t *datagram, size_t len,
                           const struct offload *offload)
{
    stack_time(stack, now);
    ip_input(&stack->ip, datagram, len, offload);
}

struct sock *stack_ready(struct stack *stack, unsigned *events)
{
    struct sock *s = sock_next_ready(&stack->socks);
    *events = s ? sock_events(s) : 0;
    return s;
}

bool stack_output(struct stack *stack, usec now, struct frame *frame)
{
    stack_time(stack, now);
    stack->outbox_turn = !stack->outbox_turn; /* neither may starve the other */
    if (stack->outbox_turn)
        return outbox_next(&stack->outbox, frame) || tcp_output(&stack->tcp, frame);
    return tcp_output(&stack->tcp, frame) || outbox_next(&stack->outbox, frame);
}

usec stack_due(const struct stack *stack)
{
    if (stack->tcp.out_first || !outbox_empty(&stack->outbox))
        return 0;
    usec timers = wheel_due(&stack->core.wheel), fragments = ip_due(&stack->ip);
    return timers < fragments ? timers : fragments;
}

static uint32_t bounded(int64_t bytes)
{
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

static struct sock_info conn_info(const struct tcp_conn *c)
{
    const struct sock *owner = tcb_owner(c);
    struct sock_info info = {
        .protocol = IP_TCP,
        .local = c->local,
        .remote = c->remote,
        .state = c->state,
        .owner = owner ? owner->owner : 0,
        .connection = c->id,
        .receive_queue = rcv_unread(c),
        .send_queue = bounded(sendq_len(&c->snd.q)),
        .retries = c->snd.retries,
    };
    usec due = tcb_timer_earliest(c, &info.timer);
    info.timer_running = due != NEVER;
    info.timer_left = due > c->tcp->core->now ? due - c->tcp->core->now : 0;
    if (info.timer == TCP_TIMER_KEEPALIVE)
        info.retries = c->keepalive_sent;
    info.has_tcp = true;
    tcp_info_of(c, &info.tcp);
    return info;
}

static struct sock_info timewait_info(const struct tcp *tcp, const struct tcp_timewait *tw)
{
    return (struct sock_info){
        .protocol = IP_TCP,
        .local = timewait_local(tcp, tw),
        .remote = timewait_remote(tw),
        .state = TCP_TIME_WAIT,
        .connection = tw->id,
        .timer_running = true,
        .timer = TCP_TIMER_TIME_WAIT,
        .timer_left = tw->due - tcp->core->now,
    };
}

/* A socket that is no connection: listening, datagrams, or not yet either. */
static struct sock_info sock_info_of(const struct sock *s)
{
    static const uint8_t protocol[] = {[SOCK_TCP] = IP_TCP, [SOCK_UDP] = IP_UDP, [SOCK_PING] = IP_ICMP};
    struct sock_info info = {
        .protocol = protocol[s->type], .local = s->local, .remote = s->remote, .owner = s->owner};
    if (s->listening) {
        info.state = TCP_LISTEN;
        info.receive_queue = s->listener->waiting;
        info.send_queue = s->listener->backlog;
    } else if (s->type != SOCK_TCP) {
        info.receive_queue = s->dgram->queued;
        info.send_queue = s->dgram->unsent;
    }
    return info;
}

void stack_each_socket(const struct stack *stack, void (*visit)(void *context, const struct sock_info *info),
                       void *context)
{
    for (const struct sock *s = stack->socks.first; s; s = s->next) {
        if (s->type == SOCK_TCP && !s->listening)
            continue; /* its connection is in the table, or it has none */
        struct sock_info info = sock_info_of(s);
        visit(context, &info);
    }
    for (struct table_node *n = NULL; (n = table_walk(&stack->tcp.conns, n));) {
        struct sock_info info = conn_info(CONN_OF_NODE(n));
        visit(context, &info);
    }
    for (struct table_node *n = NULL; (n = table_walk(&stack->tcp.resting, n));) {
        struct tcp_conn view;
        rest_show((struct tcp *)&stack->tcp, REST_OF_NODE(n), &view);
        struct sock_info info = conn_info(&view);
        visit(context, &info);
    }
    for (struct tcp_timewait *tw = NULL; (tw = timewaits_by_age(&stack->tcp.timewaits, tw));) {
        struct sock_info info = timewait_info(&stack->tcp, tw);
        visit(context, &info);
    }
}

uint32_t stack_open_connections(const struct stack *stack)
{
    return stack->tcp.open;
}

void stack_abort_connections(struct stack *stack)
{
    for (struct table_node *n = table_walk(&stack->tcp.conns, NULL), *next; n; n = next) {
        next = table_walk(&stack->tcp.conns, n);
        struct tcp_conn *c = CONN_OF_NODE(n);
        tcp_reset(c, ECONNABORTED, RULE_ABORT_CALL);
        tcb_release(c);
    }
    for (struct table_node *n; (n = table_walk(&stack->tcp.resting, NULL));)
        rest_abort(&stack->tcp, REST_OF_NODE(n), ECONNABORTED, RULE_ABORT_CALL);
}

const struct core *stack_core(const struct stack *stack)
{
    return &stack->core;
}
