/* STATUS, RFC 9293 3.10.6: what there is to know of a socket. */
#include "socket_call.h"
#include "tcp_rest.h"
#include "tcp_user.h"

#include <errno.h>

int sock_tcp_info(const struct sock *s, struct tcp_info *info)
{
    struct tcp_conn view;
    if (!sock_has_conn(s))
        return -ENOTCONN;
    if (s->resting)
        rest_show(&stack_of(s)->tcp, s->rest, &view);
    tcp_info_of(s->resting ? &view : s->conn, info);
    return 0;
}

int sock_name(const struct sock *s, struct endpoint *local)
{
    *local = s->local;
    return 0;
}

int sock_peer(const struct sock *s, struct endpoint *remote)
{
    bool open =
        sock_has_conn(s) && (s->resting || (s->conn->state != TCP_SYN_SENT && s->conn->state != TCP_CLOSED));
    bool connected = s->type == SOCK_TCP ? open : s->remote.addr != IP_ANY;
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
    if (s->resting)
        return events | SOCK_WRITABLE;
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
