/* SEND and RECEIVE, RFC 9293 3.10.2 and 3.10.3: passed on to TCP, UDP or ICMP. */
#include "socket_call.h"
#include "tcp_user.h"

#include <errno.h>

static int64_t dgram_send(struct sock *s, const void *bytes, size_t len, struct endpoint to)
{
    struct stack *stack = stack_of(s);
    if (s->dgram->write_shut)
        return -EPIPE;
    if (s->error)
        return -sock_take_error(s);
    int error = sock_bind_any(s);
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
            return sock_called(s, "sock_send", -EDESTADDRREQ);
        return sock_called(s, "sock_send", dgram_send(s, bytes, len, s->remote));
    }
    struct tcp_conn *c = sock_conn(s);
    if (s->error)
        return sock_called(s, "sock_send", -sock_take_error(s));
    if (!c)
        return sock_called(s, "sock_send", sock_no_conn(s));
    s->more = flags & SOCK_MORE;
    return sock_called(s, "sock_send", tcp_send(c, bytes, len, flags & SOCK_OOB));
}

int sock_lend(struct sock *s, const struct loan *loan)
{
    struct tcp_conn *c = sock_conn(s);
    if (s->type != SOCK_TCP)
        return (int)sock_called(s, "sock_lend", -EOPNOTSUPP);
    if (s->error)
        return (int)sock_called(s, "sock_lend", -sock_take_error(s));
    if (!c)
        return (int)sock_called(s, "sock_lend", sock_no_conn(s));
    if (loan->len == 0)
        return (int)sock_called(s, "sock_lend", -EINVAL);
    s->more = false;
    return (int)sock_called(s, "sock_lend", tcp_lend(c, loan));
}

ssize_t sock_recv(struct sock *s, void *bytes, size_t len, int flags)
{
    if (s->type != SOCK_TCP)
        return sock_recvfrom(s, bytes, len, flags, NULL);
    if (s->error)
        return sock_called(s, "sock_recv", -sock_take_error(s));
    if (s->resting) /* nothing waits to be read */
        return sock_called(s, "sock_recv", len == 0 ? 0 : -EAGAIN);
    struct tcp_conn *c = sock_conn(s);
    if (!c)
        return sock_called(s, "sock_recv", -ENOTCONN);
    if (!(flags & SOCK_PEEK))
        s->urgent = false;
    return sock_called(s, "sock_recv",
                       tcp_receive(c, flags & SOCK_TRUNC ? NULL : bytes, len, flags & SOCK_PEEK));
}

ssize_t sock_sendto(struct sock *s, const void *bytes, size_t len, int flags, struct endpoint to)
{
    (void)flags; /* none of them means anything to a datagram */
    if (s->type == SOCK_TCP)
        return sock_called(s, "sock_sendto", -EOPNOTSUPP);
    if (s->remote.addr != IP_ANY)
        return sock_called(s, "sock_sendto", -EISCONN);
    return sock_called(s, "sock_sendto", dgram_send(s, bytes, len, to));
}

ssize_t sock_recvfrom(struct sock *s, void *bytes, size_t len, int flags, struct endpoint *from)
{
    if (s->type == SOCK_TCP)
        return sock_called(s, "sock_recvfrom", -EOPNOTSUPP);
    if (s->error)
        return sock_called(s, "sock_recvfrom", -sock_take_error(s));
    struct endpoint ignored;
    return sock_called(s, "sock_recvfrom",
                       dgram_take(s->all->core, s, bytes, len, flags & SOCK_PEEK, from ? from : &ignored));
}
