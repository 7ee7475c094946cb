/* The socket calls: BSD names and meaning, negative errno values, never blocking (-EAGAIN).
 *
 * RFC 9293 3.9.1 under the names that programs use: OPEN is sock_connect or sock_listen, SEND sock_send, RECEIVE
 * sock_recv, CLOSE sock_close or sock_shutdown, ABORT sock_abort, STATUS sock_getopt and stack_each_socket.
 * A socket is valid until its owner closes it; the stack never frees it earlier.
 *
 * In socket_open.c, socket_data.c, socket_close.c, socket_options.c and socket_status.c; what they share is
 * socket_call.h. */
#ifndef GLASS_SOCKET_H
#define GLASS_SOCKET_H

#include <sys/types.h>
#include "sendq.h"
#include "sock.h"
#include "tcp_info.h"

struct stack;

#define SOCK_OOB  0x1 /* send: the last byte is urgent (RFC 6093) */
#define SOCK_PEEK 0x2 /* recv: leave it there */
#define SOCK_TRUNC 0x8 /* recv, TCP: throw the bytes away instead of copying them; `bytes` may be NULL */
#define SOCK_MORE 0x4 /* send: more follows at once, a small segment may wait for it */

enum sock_shutdown {
    SOCK_SHUT_READ,
    SOCK_SHUT_WRITE,
    SOCK_SHUT_BOTH,
};

enum sock_option {                /* value                                           set get */
    SOCK_OPT_ERROR,               /* pending error, positive errno; cleared by reading    -  +  */
    SOCK_OPT_OWNER,               /* process id shown by netstat                          +  +  */
    SOCK_OPT_NODELAY,             /* 1: Nagle's algorithm off, RFC 9293 3.7.4             +  +  */
    SOCK_OPT_KEEPALIVE,           /* 1: probe an idle connection, RFC 9293 3.8.4          +  +  */
    SOCK_OPT_CORK,                /* 1: send full segments only, until 0                  +  +  */
    SOCK_OPT_SEND_BUFFER,         /* bytes                                                +  +  */
    SOCK_OPT_RECEIVE_BUFFER,      /* bytes                                                +  +  */
    SOCK_OPT_TTL,                 /* 1..255                                               +  +  */
    SOCK_OPT_TOS,                 /* DSCP in the upper six bits, RFC 9293 MUST-48         +  +  */
    SOCK_OPT_SOFT_ERROR,          /* the last ICMP error that did not end it, errno       -  +  */
    SOCK_OPT_REUSE_ADDRESS,       /* accepted: bind never fails for TIME-WAIT here        +  +  */
    SOCK_OPT_LINGER,              /* 0: close resets; -1: off; else as off, never waits   +  +  */
    SOCK_OPT_USER_TIMEOUT,        /* milliseconds, RFC 5482; 0: none but R2               +  +  */
    SOCK_OPT_MAX_SEGMENT,         /* bytes, at most what the path takes                   +  +  */
    SOCK_OPT_STATE,               /* enum tcp_state                                       -  +  */
    SOCK_OPT_AT_MARK,             /* 1: the next byte to read is the urgent one's end     -  +  */
    SOCK_OPT_UNSENT,              /* bytes taken by sock_send and not yet acknowledged    -  +  */
};

/* 0 and the new socket, or -ENOBUFS. */
int sock_open(struct stack *stack, enum sock_type type, struct sock **out);

/* Takes a port, or any dynamic one for port 0. -EADDRINUSE, -EADDRNOTAVAIL (not our address), -EINVAL (bound). */
int sock_bind(struct sock *s, struct endpoint local);

/* Up to `backlog` connections wait to be accepted. Binds a dynamic port if there is none. */
int sock_listen(struct sock *s, int backlog);

/* The oldest waiting connection as a new socket (it inherits user, owner and options), or -EAGAIN. */
int sock_accept(struct sock *s, struct sock **out, struct endpoint *peer);

/* TCP: -EINPROGRESS, and SOCK_WRITABLE or SOCK_ERROR later (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH ...);
 * 0 when already open, -EALREADY while opening, -EISCONN. UDP, ping: remembers the peer; 0. */
int sock_connect(struct sock *s, struct endpoint remote);

/* How much was taken, at most len. -EAGAIN: the send buffer is full, SOCK_WRITABLE follows. -EPIPE: we closed.
 * UDP and ping (connected): the whole datagram or -EMSGSIZE. */
ssize_t sock_send(struct sock *s, const void *bytes, size_t len, int flags);

/* TCP: the same without copying. loan->bytes must stay as they are until loan->release is called with its context, from
 * within any verb or call: when the peer has acknowledged all of them, or the connection is over. 0: all were taken.
 * -EAGAIN: too many loans at once, SOCK_WRITABLE follows; -EINVAL: an empty one; others as sock_send. */
int sock_lend(struct sock *s, const struct loan *loan);

/* How much was given, at most len; 0: the peer closed and all was read. -EAGAIN: nothing yet. A pending error
 * (-ECONNRESET ...) is given once. UDP and ping: one datagram, cut to len. */
ssize_t sock_recv(struct sock *s, void *bytes, size_t len, int flags);

/* UDP and ping only. */
ssize_t sock_sendto(struct sock *s, const void *bytes, size_t len, int flags, struct endpoint to);
ssize_t sock_recvfrom(struct sock *s, void *bytes, size_t len, int flags, struct endpoint *from);

/* Half-close: SOCK_SHUT_WRITE sends a FIN after what is queued; -ENOTCONN before the connection exists. */
int sock_shutdown(struct sock *s, enum sock_shutdown how);

/* Lets go of the socket; the connection goes on to deliver what was sent (RFC 9293 3.10.4), or is reset when
 * received data was left unread (RFC 9293 3.6.1). */
void sock_close(struct sock *s);

/* Lets go of the socket and resets the connection (RFC 9293 3.10.5). */
void sock_abort(struct sock *s);

int sock_setopt(struct sock *s, enum sock_option option, int64_t value); /* 0, -EINVAL, -ENOPROTOOPT */
int sock_getopt(struct sock *s, enum sock_option option, int64_t *value);

/* -ENOTCONN when there is no connection. */
int sock_tcp_info(const struct sock *s, struct tcp_info *info);

int sock_name(const struct sock *s, struct endpoint *local);
int sock_peer(const struct sock *s, struct endpoint *remote); /* -ENOTCONN */

/* All that is true now, SOCK_READABLE and so on. */
unsigned sock_events(const struct sock *s);

/* The owner's own pointer. */
void *sock_user(const struct sock *s);
void sock_set_user(struct sock *s, void *user);

#endif
