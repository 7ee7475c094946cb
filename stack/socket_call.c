/* What the socket calls have in common. Called by the other files of socket.h. */
#include "socket_call.h"
#include "tcp_rest.h"

#include <errno.h>

uint8_t sock_protocol(const struct sock *s)
{
    static const uint8_t protocol[] = {[SOCK_TCP] = IP_TCP, [SOCK_UDP] = IP_UDP, [SOCK_PING] = IP_ICMP};
    return protocol[s->type];
}

struct tcp_conn *sock_conn(const struct sock *s)
{
    if (!sock_has_conn(s))
        return NULL;
    return s->resting ? rest_wake(&stack_of(s)->tcp, s->rest) : s->conn;
}

int64_t sock_no_conn(const struct sock *s)
{
    return s->resting ? -ENOBUFS : -ENOTCONN;
}

int sock_take_error(struct sock *s)
{
    int error = s->error;
    s->error = 0;
    return error;
}

int sock_bind_any(struct sock *s)
{
    return s->port ? 0 : sock_bind(s, (struct endpoint){0});
}

void sock_call_event(struct sock *s, const char *name, int64_t result)
{
    struct event e = {
        .kind = EVENT_CALL, .protocol = sock_protocol(s), .local = s->local, .remote = s->remote};
    if (sock_has_conn(s)) {
        e.connection = s->resting ? s->rest->id : s->conn->id;
        e.state = s->resting ? TCP_ESTABLISHED : s->conn->state;
    }
    e.u.call.name = name;
    e.u.call.result = result;
    e.u.call.sock = s;
    core_emit(s->all->core, &e);
}
