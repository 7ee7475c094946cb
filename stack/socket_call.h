/* What the socket calls have in common: the connection behind a socket, and telling what a call returned. For the
 * files of socket.h alone: names beyond those that it lists are no interface. */
#ifndef GLASS_SOCKET_CALL_H
#define GLASS_SOCKET_CALL_H

#include "socket.h"
#include "stack_parts.h"

/* IP_TCP, IP_UDP, IP_ICMP. */
uint8_t sock_protocol(const struct sock *s);

/* There is a connection, in whatever state, awake or at rest. */
static inline bool sock_has_conn(const struct sock *s)
{
    return s->type == SOCK_TCP && !s->listening && s->conn;
}

/* The connection, which wakes if it rests. NULL: there is none, or no memory to wake it. */
struct tcp_conn *sock_conn(const struct sock *s);

/* What a call returns that got NULL. */
int64_t sock_no_conn(const struct sock *s);

/* The pending error, given once; BSD's so_error. */
int sock_take_error(struct sock *s);

/* A dynamic port, if it has none yet. */
int sock_bind_any(struct sock *s);

/* Tells the observer, if there is one, what a call returned; and returns it. */
void sock_call_event(struct sock *s, const char *name, int64_t result);

static inline int64_t sock_called(struct sock *s, const char *name, int64_t result)
{
    if (core_observed(s->all->core))
        sock_call_event(s, name, result);
    return result;
}

#endif
