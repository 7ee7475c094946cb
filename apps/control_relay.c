/* The relay between a client of the control socket and its stack socket: opening, both directions, errors,
 * the end. No RFC. Called by control.c when one of the two sockets has news, and by control_requests.c for
 * CONTROL_OPEN.
 *
 * Nothing is kept here: what the client does not read waits in its bounded queue, and what the stack does not
 * take stays the first message of its inbox. */
#include "control_serving.h"

#include <errno.h>
#include <string.h>

/* The stack socket failed (`error` is positive). TCP: that is the end. A datagram socket lives on. */
static void relay_error(struct control_client *c, int error)
{
    client_say_error(c, error, strerror(error));
    if (c->type != SOCK_TCP && c->state == CLIENT_RELAY)
        return;
    sock_close(c->sock);
    c->sock = NULL;
    client_leave(c);
}

/* The reason behind a failed call: the socket's own error explains a mere EPIPE. */
static int relay_reason(struct control_client *c, ssize_t failed)
{
    int64_t pending = 0;
    if (failed == -EPIPE && sock_getopt(c->sock, SOCK_OPT_ERROR, &pending) == 0 && pending > 0)
        return (int)pending;
    return (int)-failed;
}

static void relay_opened(struct control_client *c)
{
    struct control_opened opened = {0};
    sock_name(c->sock, &opened.local);
    sock_peer(c->sock, &opened.remote);
    c->state = CLIENT_RELAY;
    client_say(c, CONTROL_OPENED, &opened, sizeof opened);
}

void control_relay_open(struct control_client *c, enum sock_type type, struct endpoint remote)
{
    c->type = type;
    int r = sock_open(c->server->stack, type, &c->sock);
    if (r < 0) {
        c->sock = NULL;
        client_refuse(c, -r, strerror(-r));
        return;
    }
    loop_deadline(c->server->loop, &c->deadline, NEVER);
    sock_set_user(c->sock, &c->task);
    sock_setopt(c->sock, SOCK_OPT_OWNER, c->pid);
    c->state = CLIENT_CONNECTING;
    r = sock_connect(c->sock, remote);
    if (r == 0)
        relay_opened(c);
    else if (r != -EINPROGRESS)
        relay_error(c, -r);
}

void control_relay_answered(struct control_client *c, unsigned events)
{
    int64_t error = 0;
    if (events & SOCK_ERROR) {
        sock_getopt(c->sock, SOCK_OPT_ERROR, &error);
        relay_error(c, error > 0 ? (int)error : ECONNABORTED);
    } else if (events & SOCK_WRITABLE) {
        relay_opened(c);
    }
}

static void relay_done_if_done(struct control_client *c)
{
    if (!c->said_eof || !c->heard_eof)
        return;
    client_say(c, CONTROL_END, NULL, 0);
    sock_close(c->sock);
    c->sock = NULL;
    client_leave(c);
}

/* One piece from the stack to the client's queue; false when there is none now. */
static bool relay_pull_one(struct control_client *c)
{
    uint8_t *body = control_queue_reserve(&c->queue);
    if (!body) {
        relay_error(c, ENOMEM);
        return c->state != CLIENT_RELAY;
    }
    ssize_t n = sock_recv(c->sock, body, CONTROL_BODY_MAX, 0);
    if (n == -EAGAIN)
        return false;
    if (n < 0) {
        relay_error(c, (int)-n);
    } else if (n == 0 && c->type == SOCK_TCP) {
        c->said_eof = true;
        client_say(c, CONTROL_EOF, NULL, 0);
        relay_done_if_done(c);
    } else {
        control_queue_commit(&c->queue, CONTROL_DATA, (size_t)n);
    }
    return true;
}

bool control_relay_pull(struct control_client *c)
{
    int r;
    do
        r = control_queue_flush(&c->queue, c->watch.fd);
    while (r == 0 && c->state == CLIENT_RELAY && !c->said_eof && relay_pull_one(c));
    return r == 0 || r == -EAGAIN;
}

/* Client to stack: as much of one message as the stack takes. True when the message is done with. */
static bool relay_push(struct control_client *c, const struct control_message *m)
{
    bool stream = c->type == SOCK_TCP;
    if (stream && c->taken == m->length)
        return true;
    ssize_t n = sock_send(c->sock, m->body + c->taken, m->length - c->taken, 0);
    if (n == -EAGAIN)
        return false;
    if (n < 0) {
        relay_error(c, relay_reason(c, n));
        return true;
    }
    c->taken += (size_t)n;
    return !stream || c->taken == m->length;
}

static void relay_eof(struct control_client *c)
{
    c->heard_eof = true;
    if (c->type != SOCK_TCP)
        c->said_eof = true; /* datagrams have no end: what the client calls the end is one */
    int r = c->type == SOCK_TCP ? sock_shutdown(c->sock, SOCK_SHUT_WRITE) : 0;
    if (r < 0)
        relay_error(c, relay_reason(c, r));
    else
        relay_done_if_done(c);
}

bool control_relay_message(struct control_client *c, const struct control_message *m)
{
    if (m->type == CONTROL_DATA && !c->heard_eof)
        return relay_push(c, m);
    if (m->type == CONTROL_EOF && !c->heard_eof)
        relay_eof(c);
    else
        client_misbehaved(c);
    return true;
}

void control_relay_lost(struct control_client *c)
{
    int64_t error = 0;
    if (sock_getopt(c->sock, SOCK_OPT_ERROR, &error) == 0 && error > 0)
        relay_error(c, (int)error);
}
