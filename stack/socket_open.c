/* OPEN, RFC 9293 3.10.1: a socket gets a port, a peer, a connection. Arguments are checked first, state is
 * changed last. */
#include "socket_call.h"
#include "tcp_listen.h"
#include "tcp_rest.h"
#include "tcp_timer.h"
#include "tcp_timewait.h"
#include "tcp_user.h"

#include <errno.h>

static bool is_ours(const struct stack *stack, uint32_t addr)
{
    return addr == stack->core.config.addr;
}

int sock_open(struct stack *stack, enum sock_type type, struct sock **out)
{
    *out = NULL;
    struct core *core = &stack->core;
    struct sock *s = sock_new(&stack->socks, type);
    if (!s)
        return -ENOBUFS;
    if (type != SOCK_TCP && !(s->dgram = dgram_new(core))) {
        sock_delete(s);
        return -ENOBUFS;
    }
    s->nodelay = core->config.tcp_nodelay;
    s->linger = -1;
    s->user_timeout = (uint32_t)(core->config.tcp_user_timeout / 1000);
    s->send_buffer = type == SOCK_TCP ? core->config.tcp_send_buffer : UDP_BUFFER_DEFAULT;
    s->receive_buffer = type == SOCK_TCP ? core->config.tcp_receive_buffer : UDP_BUFFER_DEFAULT;
    *out = s;
    return (int)sock_called(s, "sock_open", 0);
}

static bool dgram_port_free(void *context, uint16_t port)
{
    struct sock *s = context;
    return !port_in_use(&stack_of(s)->ports, sock_protocol(s), s->local.addr, port);
}

int sock_bind(struct sock *s, struct endpoint local)
{
    struct stack *stack = stack_of(s);
    if (s->port || sock_has_conn(s))
        return (int)sock_called(s, "sock_bind", -EINVAL);
    if (local.addr != IP_ANY && !is_ours(stack, local.addr))
        return (int)sock_called(s, "sock_bind", -EADDRNOTAVAIL);
    s->local.addr = local.addr;
    if (local.port == 0)
        local.port = port_choose(&stack->ports, sock_protocol(s), local.addr, (struct endpoint){0},
                                 dgram_port_free, s);
    if (local.port == 0)
        return (int)sock_called(s, "sock_bind", -EADDRINUSE);
    int error = port_take(&stack->ports, sock_protocol(s), local.addr, local.port, s, &s->port);
    if (!error)
        s->local = local;
    return (int)sock_called(s, "sock_bind", error);
}

int sock_listen(struct sock *s, int backlog)
{
    struct stack *stack = stack_of(s);
    if (s->type != SOCK_TCP)
        return (int)sock_called(s, "sock_listen", -EOPNOTSUPP);
    if (sock_has_conn(s))
        return (int)sock_called(s, "sock_listen", -EISCONN);
    uint32_t most = stack->core.config.tcp_backlog_max;
    uint32_t bound = backlog < 1 ? 1 : (uint32_t)backlog < most ? (uint32_t)backlog : most;
    if (s->listening) { /* again: only the bound changes */
        s->listener->backlog = bound;
        return (int)sock_called(s, "sock_listen", 0);
    }
    int error = sock_bind_any(s);
    if (error)
        return (int)sock_called(s, "sock_listen", error);
    struct tcp_listener *l = listen_open(&stack->tcp, s, bound);
    if (!l)
        return (int)sock_called(s, "sock_listen", -ENOBUFS);
    s->listener = l;
    s->listening = true;
    return (int)sock_called(s, "sock_listen", 0);
}

static void inherit(struct sock *s, const struct sock *listener)
{
    s->user = listener->user;
    s->owner = listener->owner;
    s->nodelay = listener->nodelay;
    s->keepalive = listener->keepalive;
    s->ttl = listener->ttl;
    s->send_buffer = listener->send_buffer;
    s->receive_buffer = listener->receive_buffer;
    s->send_buffer_fixed = listener->send_buffer_fixed;
    s->receive_buffer_fixed = listener->receive_buffer_fixed;
    s->max_segment = listener->max_segment;
    s->linger = listener->linger;
    s->tos = listener->tos;
    s->user_timeout = listener->user_timeout;
}

int sock_accept(struct sock *listener, struct sock **out, struct endpoint *peer)
{
    *out = NULL;
    if (!listener->listening)
        return (int)sock_called(listener, "sock_accept", -EINVAL);
    if (!listener->listener->accept_first)
        return (int)sock_called(listener, "sock_accept", -EAGAIN);
    struct sock *s = sock_new(listener->all, SOCK_TCP);
    if (!s)
        return (int)sock_called(listener, "sock_accept", -ENOBUFS); /* the connection stays in the queue */
    struct tcp_conn *c = listen_accept(listener->listener);
    inherit(s, listener);
    s->local = c->local;
    s->remote = c->remote;
    tcp_attach(c, s);
    tcp_keepalive_arm(c);
    if (peer)
        *peer = c->remote;
    *out = s;
    sock_signal(s); /* text may have come before the owner did */
    return (int)sock_called(s, "sock_accept", 0);
}

struct connect_search {
    struct stack *stack;
    struct endpoint local, remote;
};

static bool tuple_free(void *context, uint16_t port)
{
    struct connect_search *search = context;
    struct endpoint local = {search->local.addr, port};
    const struct tcp *tcp = &search->stack->tcp;
    return !tcb_find(tcp, local, search->remote) && !rest_find(tcp, local, search->remote) &&
           !timewait_find(tcp, local, search->remote);
}

/* A dynamic port for a connection whose owner never called bind; other connections may share it. */
static int choose_port(struct sock *s, struct endpoint remote)
{
    struct stack *stack = stack_of(s);
    struct connect_search search = {stack, {stack->core.config.addr, 0}, remote};
    uint16_t port = port_choose(&stack->ports, IP_TCP, search.local.addr, remote, tuple_free, &search);
    if (port == 0)
        return -EADDRNOTAVAIL;
    int error = port_share(&stack->ports, IP_TCP, search.local.addr, port, &s->port);
    s->local.port = error ? 0 : port;
    return error;
}

static void give_back_port(struct sock *s)
{
    port_release(&stack_of(s)->ports, s->port);
    s->port = NULL;
    s->local.port = 0;
}

static int tcp_connect(struct sock *s, struct endpoint remote)
{
    struct stack *stack = stack_of(s);
    struct connect_search search = {stack, {stack->core.config.addr, 0}, remote};
    if (s->port && !tuple_free(&search, s->local.port))
        return -EADDRINUSE;
    if (s->listening) { /* RFC 9293 3.10.1: an active OPEN turns a passive one around */
        listen_close(s->listener);
        s->listener = NULL;
        s->listening = false;
    }
    bool chosen = !s->port;
    int refused = chosen ? choose_port(s, remote) : 0;
    if (refused)
        return refused;
    uint32_t bound = s->local.addr;
    s->local.addr = stack->core.config.addr;
    s->remote = remote;
    int error = tcp_open(&stack->tcp, s);
    if (error) {
        s->local.addr = bound;
        s->remote = (struct endpoint){0};
        if (chosen)
            give_back_port(s);
        return error;
    }
    s->connecting = true;
    return -EINPROGRESS;
}

/* A socket that tried and failed may be connected again. */
static int connect_again(struct sock *s)
{
    struct tcp_conn *c = s->conn;
    if (s->error)
        return -sock_take_error(s);
    if (s->resting) /* it is open */
        return s->connecting ? s->connecting = false, 0 : -EISCONN;
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
        return -EALREADY;
    if (c->state != TCP_CLOSED)
        return s->connecting ? s->connecting = false, 0 : -EISCONN;
    if (!s->connecting)
        return -EISCONN;
    tcp_abort(c);
    s->conn = NULL;
    return 1;
}

int sock_connect(struct sock *s, struct endpoint remote)
{
    struct stack *stack = stack_of(s);
    if (remote.port == 0 && s->type != SOCK_PING)
        return (int)sock_called(s, "sock_connect", -EINVAL);
    if (!ip_is_single_host(&stack->core.config, remote.addr)) /* RFC 9293 3.9.2.3 MUST-46 */
        return (int)sock_called(s, "sock_connect", -ENETUNREACH);
    if (sock_has_conn(s)) {
        int result = connect_again(s);
        if (result <= 0)
            return (int)sock_called(s, "sock_connect", result);
    }
    if (s->type == SOCK_TCP)
        return (int)sock_called(s, "sock_connect", tcp_connect(s, remote));
    int error = sock_bind_any(s);
    if (!error) {
        s->local.addr = stack->core.config.addr;
        s->remote = remote;
    }
    return (int)sock_called(s, "sock_connect", error);
}
