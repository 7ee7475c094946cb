/* Echo, RFC 862: what comes goes back. TCP and UDP. */
#include "server.h"

#include <errno.h>

#define ECHO_STRETCH     16384 /* bytes at a time: small enough to stay in the cache between two copies */
#define ECHO_CONNECTIONS 262144

/* Bytes stay in the receive buffer until the send buffer has taken them. So a connection needs no buffer of
 * its own, and a peer that sends without reading closes its own window. After the peer's FIN everything is
 * still echoed; only then comes ours. */
static void echo_run(struct server_conn *c)
{
    for (;;) {
        ssize_t got = sock_recv(c->sock, c->server->scratch, ECHO_STRETCH, SOCK_PEEK);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            server_close(c);
            return;
        }
        ssize_t taken = sock_send(c->sock, c->server->scratch, (size_t)got, 0);
        if (taken == -EAGAIN)
            return;
        if (taken <= 0 || sock_recv(c->sock, NULL, (size_t)taken, SOCK_TRUNC) != taken) {
            server_abort(c);
            return;
        }
    }
}

const struct server_program echo_program = {
    .size = sizeof(struct server_conn),
    .limit = ECHO_CONNECTIONS,
    .run = echo_run,
    .nodelay = true,
};

int64_t echo_answer(uint8_t *bytes, size_t len)
{
    (void)bytes; /* they are the answer */
    return (int64_t)len;
}
