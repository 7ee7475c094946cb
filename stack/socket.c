/* The socket calls: arguments checked first, then passed to TCP, UDP or ICMP; state changed last. */
#include "socket.h"
#include "stack_parts.h"
#include "tcp_listen.h"
#include "tcp_options.h"
#include "tcp_rcv.h"
#include "tcp_timer.h"
#include "tcp_timewait.h"
#include "tcp_user.h"

#include <errno.h>

static uint8_t protocol_of(const struct sock *s)
{
    static const uint8_t protocol[] = {[SOCK_TCP] = IP_TCP, [SOCK_UDP] = IP_UDP, [SOCK_PING] = IP_ICMP};
    return protocol[s->type];
}

/* Tells the observer what a call returned, and returns it. */
static int64_t called(struct sock *s, const char *name, int64_t result)
{
    struct core *core = s->all->core;
    if (core_observed(core)) {
        struct event e = {
            .kind = EVENT_CALL, .protocol = protocol_of(s), .local = s->local, .remote = s->remote};
        if (s->type == SOCK_TCP && !s->listening && s->conn) {
            e.connection = s->conn->id;
            e.state = s->conn->state;
        }
        e.u.call.name = name;
        e.u.call.result = result;
        e.u.call.sock = s;
        core_emit(core, &e);
    }
    return result;
}

static struct tcp_conn *conn_of(const struct sock *s)
{
    return s->type == SOCK_TCP && !s->listening ? s->conn : NULL;
}

static bool is_ours(const struct stack *stack, uint32_t addr)
{
    return addr == stack->core.config.addr;
}

/* The pending error, given once; BSD's so_error. */
static int take_error(struct sock *s)
{
    int error = s->error;
    s->error = 0;
    return error;
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
    s->user_timeout = core->config.tcp_user_timeout;
    s->send_buffer = type == SOCK_TCP ? core->config.tcp_send_buffer : UDP_BUFFER_DEFAULT;
    s->receive_buffer = type == SOCK_TCP ? core->config.tcp_receive_buffer : UDP_BUFFER_DEFAULT;
    *out = s;
    return (int)called(s, "sock_open", 0);
}

static bool dgram_port_free(void *context, uint16_t port)
{
    struct sock *s = context;
    return !port_in_use(&stack_of(s)->ports, protocol_of(s), s->local.addr, port);
}

int sock_bind(struct sock *s, struct endpoint local)
{
    struct stack *stack = stack_of(s);
    if (s->port || conn_of(s))
        return (int)called(s, "sock_bind", -EINVAL);
    if (local.addr != IP_ANY && !is_ours(stack, local.addr))
        return (int)called(s, "sock_bind", -EADDRNOTAVAIL);
    s->local.addr = local.addr;
    if (local.port == 0)
        local.port =
            port_choose(&stack->ports, protocol_of(s), local.addr, (struct endpoint){0}, dgram_port_free, s);
    if (local.port == 0)
        return (int)called(s, "sock_bind", -EADDRINUSE);
    int error = port_take(&stack->ports, protocol_of(s), local.addr, local.port, s, &s->port);
    if (!error)
        s->local = local;
    return (int)called(s, "sock_bind", error);
}

int sock_listen(struct sock *s, int backlog)
{
    struct stack *stack = stack_of(s);
    if (s->type != SOCK_TCP)
        return (int)called(s, "sock_listen", -EOPNOTSUPP);
    if (conn_of(s))
        return (int)called(s, "sock_listen", -EISCONN);
    uint32_t most = stack->core.config.tcp_backlog_max;
    uint32_t bound = backlog < 1 ? 1 : (uint32_t)backlog < most ? (uint32_t)backlog : most;
    if (s->listening) { /* again: only the bound changes */
        s->listener->backlog = bound;
        return (int)called(s, "sock_listen", 0);
    }
    int error = s->port ? 0 : sock_bind(s, (struct endpoint){0});
    if (error)
        return (int)called(s, "sock_listen", error);
    struct tcp_listener *l = listen_open(&stack->tcp, s, bound);
    if (!l)
        return (int)called(s, "sock_listen", -ENOBUFS);
    s->listener = l;
    s->listening = true;
    return (int)called(s, "sock_listen", 0);
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
        return (int)called(listener, "sock_accept", -EINVAL);
    if (!listener->listener->accept_first)
        return (int)called(listener, "sock_accept", -EAGAIN);
    struct sock *s = sock_new(listener->all, SOCK_TCP);
    if (!s)
        return (int)called(listener, "sock_accept", -ENOBUFS); /* the connection stays in the queue */
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
    return (int)called(s, "sock_accept", 0);
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
    return !tcb_find(tcp, local, search->remote) && !timewait_find(tcp, local, search->remote);
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
        return -take_error(s);
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

static int dgram_bind_any(struct sock *s)
{
    return s->port ? 0 : sock_bind(s, (struct endpoint){0});
}

int sock_connect(struct sock *s, struct endpoint remote)
{
    struct stack *stack = stack_of(s);
    if (remote.port == 0 && s->type != SOCK_PING)
        return (int)called(s, "sock_connect", -EINVAL);
    if (!ip_is_single_host(&stack->core.config, remote.addr)) /* RFC 9293 3.9.2.3 MUST-46 */
        return (int)called(s, "sock_connect", -ENETUNREACH);
    if (conn_of(s)) {
        int result = connect_again(s);
        if (result <= 0)
            return (int)called(s, "sock_connect", result);
    }
    if (s->type == SOCK_TCP)
        return (int)called(s, "sock_connect", tcp_connect(s, remote));
    int error = dgram_bind_any(s);
    if (!error) {
        s->local.addr = stack->core.config.addr;
        s->remote = remote;
    }
    return (int)called(s, "sock_connect", error);
}

static int64_t dgram_send(struct sock *s, const void *bytes, size_t len, struct endpoint to)
{
    struct stack *stack = stack_of(s);
    if (s->dgram->write_shut)
        return -EPIPE;
    if (s->error)
        return -take_error(s);
    int error = dgram_bind_any(s);
    if (error)
        return error;
    if (!ip_is_single_host(&stack->core.config, to.addr))
        return -EACCES; /* BSD's answer to broadcast without asking; multicast is not here */
    struct endpoint from = {stack->core.config.addr, s->local.port};
    if (s->type == SOCK_PING)
        return icmp_send_echo(&stack->icmp, s, from, to.addr, bytes, len);
    return udp_send(&stack->udp, s, from, to, bytes, len);
}

ssize_t sock_send(struct sock *s, const void *bytes, size_t len, int flags)
{
    if (s->type != SOCK_TCP) {
        if (s->remote.addr == IP_ANY)
            return called(s, "sock_send", -EDESTADDRREQ);
        return called(s, "sock_send", dgram_send(s, bytes, len, s->remote));
    }
    struct tcp_conn *c = conn_of(s);
    if (s->error)
        return called(s, "sock_send", -take_error(s));
    if (!c)
        return called(s, "sock_send", -ENOTCONN);
    s->more = flags & SOCK_MORE;
    return called(s, "sock_send", tcp_send(c, bytes, len, flags & SOCK_OOB));
}

int sock_lend(struct sock *s, const struct loan *loan)
{
    struct tcp_conn *c = conn_of(s);
    if (s->type != SOCK_TCP)
        return (int)called(s, "sock_lend", -EOPNOTSUPP);
    if (s->error)
        return (int)called(s, "sock_lend", -take_error(s));
    if (!c)
        return (int)called(s, "sock_lend", -ENOTCONN);
    if (loan->len == 0)
        return (int)called(s, "sock_lend", -EINVAL);
    s->more = false;
    return (int)called(s, "sock_lend", tcp_lend(c, loan));
}

ssize_t sock_recv(struct sock *s, void *bytes, size_t len, int flags)
{
    if (s->type != SOCK_TCP)
        return sock_recvfrom(s, bytes, len, flags, NULL);
    struct tcp_conn *c = conn_of(s);
    if (s->error)
        return called(s, "sock_recv", -take_error(s));
    if (!c)
        return called(s, "sock_recv", -ENOTCONN);
    if (!(flags & SOCK_PEEK))
        s->urgent = false;
    return called(s, "sock_recv", tcp_receive(c, flags & SOCK_TRUNC ? NULL : bytes, len, flags & SOCK_PEEK));
}

ssize_t sock_sendto(struct sock *s, const void *bytes, size_t len, int flags, struct endpoint to)
{
    (void)flags; /* none of them means anything to a datagram */
    if (s->type == SOCK_TCP)
        return called(s, "sock_sendto", -EOPNOTSUPP);
    if (s->remote.addr != IP_ANY)
        return called(s, "sock_sendto", -EISCONN);
    return called(s, "sock_sendto", dgram_send(s, bytes, len, to));
}

ssize_t sock_recvfrom(struct sock *s, void *bytes, size_t len, int flags, struct endpoint *from)
{
    if (s->type == SOCK_TCP)
        return called(s, "sock_recvfrom", -EOPNOTSUPP);
    if (s->error)
        return called(s, "sock_recvfrom", -take_error(s));
    struct endpoint ignored;
    return called(s, "sock_recvfrom",
                  dgram_take(s->all->core, s, bytes, len, flags & SOCK_PEEK, from ? from : &ignored));
}

static void shut_reading(struct sock *s)
{
    if (s->type == SOCK_TCP)
        tcp_shut_read(s->conn);
    else
        s->dgram->read_shut = true;
}

int sock_shutdown(struct sock *s, enum sock_shutdown how)
{
    struct tcp_conn *c = conn_of(s);
    bool connected = s->type == SOCK_TCP ? c && c->state != TCP_SYN_SENT && c->state != TCP_CLOSED
                                         : s->remote.addr != IP_ANY;
    if (!connected)
        return (int)called(s, "sock_shutdown", -ENOTCONN);
    if (how != SOCK_SHUT_WRITE)
        shut_reading(s);
    if (how == SOCK_SHUT_READ)
        return (int)called(s, "sock_shutdown", 0);
    if (s->type != SOCK_TCP) {
        s->dgram->write_shut = true;
        return (int)called(s, "sock_shutdown", 0);
    }
    return (int)called(s, "sock_shutdown", tcp_close(c));
}

/* What close and abort share: the socket goes, the connection is let go of by `part`. */
static void let_go(struct sock *s, void (*part)(struct tcp_conn *))
{
    struct stack *stack = stack_of(s);
    if (s->type != SOCK_TCP) {
        outbox_disown(&stack->outbox, &s->dgram->unsent);
        dgram_free(&stack->core, s->dgram);
    } else if (s->listening) {
        listen_close(s->listener);
    } else if (s->conn) {
        part(s->conn);
    }
    if (s->port)
        port_release(&stack->ports, s->port);
    sock_delete(s);
}

void sock_close(struct sock *s)
{
    called(s, "sock_close", 0);
    let_go(s, tcp_detach);
}

void sock_abort(struct sock *s)
{
    called(s, "sock_abort", 0);
    let_go(s, tcp_abort);
}

/* A buffer that its owner sized is no longer tuned. */
static int set_buffer(struct sock *s, uint32_t *which, bool *fixed, int64_t value)
{
    if (value < 1 || value > INT32_MAX)
        return -EINVAL;
    *which = (uint32_t)value;
    *fixed = true;
    if (conn_of(s))
        options_of_owner(s->conn);
    sock_signal(s); /* there may be room now */
    return 0;
}

static int set_max_segment(struct sock *s, int64_t value)
{
    if (value < TCP_MSS_MIN || value > UINT16_MAX)
        return -EINVAL;
    s->max_segment = (uint16_t)value;
    if (conn_of(s))
        options_of_owner(s->conn);
    return 0;
}

/* Those that hold a number within bounds. */
static int set_number(struct sock *s, enum sock_option option, int64_t value)
{
    switch (option) {
    case SOCK_OPT_OWNER:
        if (value < 0 || value > UINT32_MAX)
            return -EINVAL;
        s->owner = (uint32_t)value;
        return 0;
    case SOCK_OPT_SEND_BUFFER:
        return set_buffer(s, &s->send_buffer, &s->send_buffer_fixed, value);
    case SOCK_OPT_RECEIVE_BUFFER:
        return set_buffer(s, &s->receive_buffer, &s->receive_buffer_fixed, value);
    case SOCK_OPT_TTL:
        if (value < 1 || value > 255)
            return -EINVAL;
        s->ttl = (uint8_t)value;
        return 0;
    case SOCK_OPT_TOS:
        if (value < 0 || value > 255)
            return -EINVAL;
        s->tos = (uint8_t)(value & ~3); /* the ECN bits are the stack's, RFC 3168 5 */
        return 0;
    case SOCK_OPT_MAX_SEGMENT:
        return set_max_segment(s, value);
    case SOCK_OPT_LINGER:
        if (value < -1 || value > INT32_MAX)
            return -EINVAL;
        s->linger = (int32_t)value;
        return 0;
    case SOCK_OPT_USER_TIMEOUT:
        if (value < 0 || value > INT64_MAX / 1000)
            return -EINVAL;
        s->user_timeout = MSEC(value);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_setopt(struct sock *s, enum sock_option option, int64_t value)
{
    struct tcp_conn *c = conn_of(s);
    switch (option) {
    case SOCK_OPT_REUSE_ADDRESS:
        s->reuse_address = value != 0;
        return 0;
    case SOCK_OPT_KEEPALIVE:
        s->keepalive = value != 0;
        if (c)
            tcp_keepalive_arm(c);
        return 0;
    case SOCK_OPT_NODELAY:
        s->nodelay = value != 0;
        break;
    case SOCK_OPT_CORK:
        s->corked = value != 0;
        break;
    default:
        return set_number(s, option, value);
    }
    if (c && c->in_table)
        tcb_mark(c); /* what Nagle or the cork held back may go now */
    return 0;
}

/* What only a TCP connection can say. */
static int get_tcp(const struct sock *s, enum sock_option option, int64_t *value)
{
    const struct tcp_conn *c = conn_of(s);
    switch (option) {
    case SOCK_OPT_STATE:
        *value = s->listening ? TCP_LISTEN : c ? c->state : TCP_CLOSED;
        if (*value == TCP_TIME_WAIT && !timewait_find(c->tcp, c->local, c->remote))
            *value = TCP_CLOSED; /* the record, which is what waits, is gone */
        return 0;
    case SOCK_OPT_MAX_SEGMENT:
        *value = c ? c->snd.mss : s->max_segment;
        return 0;
    case SOCK_OPT_SOFT_ERROR:
        *value = c ? c->soft_error : 0;
        return 0;
    case SOCK_OPT_AT_MARK:
        *value = c && c->rcv.up && c->rcv.up == c->rcv.q.head;
        return 0;
    case SOCK_OPT_UNSENT:
        *value = c ? sendq_len(&c->snd.q) : 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_getopt(struct sock *s, enum sock_option option, int64_t *value)
{
    switch (option) {
    case SOCK_OPT_ERROR:
        *value = take_error(s);
        return 0;
    case SOCK_OPT_OWNER:
        *value = s->owner;
        return 0;
    case SOCK_OPT_NODELAY:
        *value = s->nodelay;
        return 0;
    case SOCK_OPT_CORK:
        *value = s->corked;
        return 0;
    case SOCK_OPT_KEEPALIVE:
        *value = s->keepalive;
        return 0;
    case SOCK_OPT_TOS:
        *value = s->tos;
        return 0;
    case SOCK_OPT_REUSE_ADDRESS:
        *value = s->reuse_address;
        return 0;
    case SOCK_OPT_LINGER:
        *value = s->linger;
        return 0;
    case SOCK_OPT_USER_TIMEOUT:
        *value = s->user_timeout / 1000;
        return 0;
    case SOCK_OPT_SEND_BUFFER:
        *value = conn_of(s) ? s->conn->snd.bound : s->send_buffer;
        return 0;
    case SOCK_OPT_RECEIVE_BUFFER:
        *value = conn_of(s) ? s->conn->rcv.bound : s->receive_buffer;
        return 0;
    case SOCK_OPT_TTL:
        *value = s->ttl;
        return 0;
    default:
        break;
    }
    if (s->type == SOCK_TCP)
        return get_tcp(s, option, value);
    if (option != SOCK_OPT_UNSENT)
        return -ENOPROTOOPT;
    *value = s->dgram->unsent;
    return 0;
}

int sock_tcp_info(const struct sock *s, struct tcp_info *info)
{
    const struct tcp_conn *c = conn_of(s);
    if (!c)
        return -ENOTCONN;
    tcp_info_of(c, info);
    return 0;
}

int sock_name(const struct sock *s, struct endpoint *local)
{
    *local = s->local;
    return 0;
}

int sock_peer(const struct sock *s, struct endpoint *remote)
{
    const struct tcp_conn *c = conn_of(s);
    bool connected = s->type == SOCK_TCP ? c && c->state != TCP_SYN_SENT && c->state != TCP_CLOSED
                                         : s->remote.addr != IP_ANY;
    if (!connected)
        return -ENOTCONN;
    *remote = s->remote;
    return 0;
}

static unsigned dgram_events(const struct sock *s)
{
    unsigned events = s->dgram->unsent < s->send_buffer ? SOCK_WRITABLE : 0;
    if (s->dgram->first || s->dgram->read_shut)
        events |= SOCK_READABLE;
    return events;
}

unsigned sock_events(const struct sock *s)
{
    unsigned events = s->error ? SOCK_ERROR | SOCK_READABLE | SOCK_WRITABLE : 0;
    if (s->type != SOCK_TCP)
        return events | dgram_events(s);
    if (s->listening)
        return events | (s->listener->accept_first ? SOCK_ACCEPTABLE : 0);
    return s->conn ? events | tcp_events(s->conn) : events;
}

void *sock_user(const struct sock *s)
{
    return s->user;
}

void sock_set_user(struct sock *s, void *user)
{
    s->user = user;
}
