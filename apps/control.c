/* The running stack's end of control.h: clients come and go, and their messages are read. No RFC: this is how
 * our own commands reach the stack.
 *
 * Owns the clients of the control socket and, through them, the stack sockets opened for them. `glass up`
 * starts it; the loop calls client_ready when a Unix socket has news and client_run when a stack socket has.
 * Nothing here blocks: what a client does not read waits in a bounded queue, and what the stack does not take
 * stays in the client's Unix socket. A client can only harm itself. */
#include "control_serving.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX  256
#define ACCEPT_BATCH 16     /* new clients a turn */
#define ACCEPT_PAUSE SEC(1) /* when there are no descriptors left */

/* --- a client --- */

/* The end of a client. Its connection is closed in order when the client had said that it is done, else
 * reset. */
static void client_free(struct control_client *c)
{
    struct control_server *server = c->server;
    control_trace_stop(&c->trace);
    loop_watch(server->loop, &c->watch, 0);
    loop_deadline(server->loop, &c->deadline, NEVER);
    close(c->watch.fd);
    if (c->sock && c->heard_eof)
        sock_close(c->sock);
    else if (c->sock)
        sock_abort(c->sock);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    control_queue_free(&c->queue);
    free(c);
}

/* True when the message is done with; false: it has to wait for the stack. */
static bool client_message(struct control_client *c, const struct control_message *m)
{
    if (c->state == CLIENT_RELAY)
        return control_relay_message(c, m);
    control_request(c, m);
    return true;
}

/* Every whole message of the inbox, until one is stuck. */
static void client_messages(struct control_client *c)
{
    struct control_message m;
    c->stalled = false;
    while (client_serves_input(c)) {
        int r = control_inbox_peek(&c->inbox, &m);
        if (r < 0)
            client_misbehaved(c);
        if (r <= 0)
            return;
        if (!client_message(c, &m)) {
            c->stalled = true;
            return;
        }
        c->taken = 0;
        control_inbox_drop(&c->inbox);
    }
}

/* After anything that happened: write, pull, and wait for the right things. Frees a client that is done. */
static void client_settle(struct control_client *c)
{
    bool alive = control_relay_pull(c);
    control_trace_resume(&c->trace);
    if (!alive || (c->state == CLIENT_LAST && control_queue_empty(&c->queue)) || client_watch(c) < 0)
        client_free(c);
}

/* Whether the client is still there. What it sent before it left is served first, unless the stack is in no
 * state to take it: then nobody is left to wait. One read a turn, so that no client holds up the others. */
static bool client_read(struct control_client *c, uint32_t events)
{
    if (!client_is_read(c))
        return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0;
    ssize_t n = control_inbox_read(&c->inbox, c->watch.fd);
    if (n > 0)
        client_messages(c);
    return n > 0 || n == -EAGAIN;
}

static void client_ready(struct watch *watch, uint32_t events)
{
    struct control_client *c = (struct control_client *)watch;
    uint32_t input = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    if ((events & input) && !client_read(c, events)) {
        client_free(c);
        return;
    }
    client_settle(c);
}

/* The stack socket has news. */
static void client_run(struct task *task, struct sock *s, unsigned events)
{
    struct control_client *c =
        (struct control_client *)((char *)task - offsetof(struct control_client, task));
    if (c->sock != s)
        return;
    if (c->state == CLIENT_CONNECTING)
        control_relay_answered(c, events);
    if (c->state == CLIENT_RELAY)
        client_messages(c);
    if (c->state == CLIENT_RELAY && c->said_eof && (events & SOCK_ERROR))
        control_relay_lost(c);
    client_settle(c);
}

static void client_late(struct deadline *deadline)
{
    client_free((struct control_client *)((char *)deadline - offsetof(struct control_client, deadline)));
}

/* --- coming and going --- */

/* The owner of this process, or root: nobody else may reach the stack's innards, whatever the file's mode. */
static bool peer_allowed(int fd, pid_t *pid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    *pid = peer.pid;
    return peer.uid == geteuid() || peer.uid == 0;
}

static uint32_t client_count(const struct control_server *server)
{
    uint32_t count = 0;
    for (const struct control_client *c = server->clients; c; c = c->next)
        count++;
    return count;
}

static void client_new(struct control_server *server, int fd)
{
    pid_t pid = 0;
    struct control_client *c = NULL;
    if (peer_allowed(fd, &pid) && client_count(server) < CLIENTS_MAX)
        c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->server = server;
    c->pid = pid;
    c->watch.fd = fd;
    c->watch.ready = client_ready;
    c->task.run = client_run;
    c->deadline.passed = client_late;
    c->next = server->clients;
    c->link = &server->clients;
    if (c->next)
        c->next->link = &c->next;
    server->clients = c;
    loop_deadline(server->loop, &c->deadline, loop_now(server->loop) + REQUEST_TIME);
    if (client_watch(c) < 0)
        client_free(c);
}

static void accept_again(struct deadline *deadline)
{
    struct control_server *server =
        (struct control_server *)((char *)deadline - offsetof(struct control_server, accept_again));
    loop_watch(server->loop, &server->listener, EPOLLIN);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    struct control_server *server =
        (struct control_server *)((char *)watch - offsetof(struct control_server, listener));
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            client_new(server, fd);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            continue; /* that client left before it was accepted */
        loop_watch(server->loop, watch, 0);
        loop_deadline(server->loop, &server->accept_again, loop_now(server->loop) + ACCEPT_PAUSE);
        return;
    }
}

int control_server_start(struct control_server *server, struct loop *loop, struct stack *stack, int listen_fd,
                         int user_ns_fd, int net_ns_fd, void (*down)(void *context), void *context)
{
    *server = (struct control_server){.loop = loop,
                                      .stack = stack,
                                      .listener = {.fd = listen_fd, .ready = listener_ready},
                                      .accept_again = {.passed = accept_again},
                                      .user_ns_fd = user_ns_fd,
                                      .net_ns_fd = net_ns_fd,
                                      .down = down,
                                      .context = context};
    return loop_watch(loop, &server->listener, EPOLLIN);
}

/* Takes the stack socket away from a client that is in the middle of a relay. */
static void client_shut_down(struct control_client *c)
{
    if (c->sock)
        sock_close(c->sock);
    c->sock = NULL;
    client_refuse(c, ESHUTDOWN, "the stack was closed");
    client_watch(c);
}

static void stop_accepting(struct control_server *server)
{
    loop_watch(server->loop, &server->listener, 0);
    loop_deadline(server->loop, &server->accept_again, NEVER);
}

void control_server_stop(struct control_server *server)
{
    stop_accepting(server);
    for (struct control_client *c = server->clients; c; c = c->next)
        if (c->state != CLIENT_DOWN && c->state != CLIENT_TRACE && c->state != CLIENT_LAST)
            client_shut_down(c);
}

void control_server_free(struct control_server *server)
{
    struct control_client *next;
    for (struct control_client *c = server->clients; c; c = next) {
        next = c->next;
        control_trace_resume(&c->trace);
        if (c->state == CLIENT_DOWN || c->state == CLIENT_TRACE)
            client_say(c, CONTROL_END, NULL, 0);
        control_queue_flush(&c->queue, c->watch.fd);
        client_free(c);
    }
    stop_accepting(server);
}
