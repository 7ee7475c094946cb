/* CLOSE and ABORT, RFC 9293 3.10.4 and 3.10.5: half of it, the end in good order, the end at once. */
#include "socket_call.h"
#include "tcp_listen.h"
#include "tcp_rest.h"
#include "tcp_user.h"

#include <errno.h>

static void shut_reading(struct sock *s)
{
    if (s->type == SOCK_TCP)
        tcp_shut_read(s->conn);
    else
        s->dgram->read_shut = true;
}

int sock_shutdown(struct sock *s, enum sock_shutdown how)
{
    struct tcp_conn *c = sock_conn(s);
    bool connected = s->type == SOCK_TCP ? c && c->state != TCP_SYN_SENT && c->state != TCP_CLOSED
                                         : s->remote.addr != IP_ANY;
    if (!connected)
        return (int)sock_called(s, "sock_shutdown", sock_no_conn(s));
    if (how != SOCK_SHUT_WRITE)
        shut_reading(s);
    if (how == SOCK_SHUT_READ)
        return (int)sock_called(s, "sock_shutdown", 0);
    if (s->type != SOCK_TCP) {
        s->dgram->write_shut = true;
        return (int)sock_called(s, "sock_shutdown", 0);
    }
    return (int)sock_called(s, "sock_shutdown", tcp_close(c));
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
    } else if (sock_conn(s)) {
        part(s->conn);
    } else if (s->resting) {
        rest_abort(&stack->tcp, s->rest, ENOBUFS, RULE_ABORT_CALL);
    }
    if (s->port)
        port_release(&stack->ports, s->port);
    sock_delete(s);
}

void sock_close(struct sock *s)
{
    sock_called(s, "sock_close", 0);
    let_go(s, tcp_detach);
}

void sock_abort(struct sock *s)
{
    sock_called(s, "sock_abort", 0);
    let_go(s, tcp_abort);
}
