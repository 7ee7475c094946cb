/* The running stack's end of control.h. No RFC: this is how our own commands reach the stack.
 *
 * Owns the clients of the control socket and the stack sockets opened for them. `glass up` starts it; the
 * loop calls client_ready when a Unix socket has news and client_run when a stack socket has. Nothing here
 * blocks: what a client does not read waits in a bounded queue, and what the stack does not take stays in the
 * client's Unix socket. A client can only harm itself. */
#include "control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control_frame.h"
#include "control_trace.h"

#define CLIENTS_MAX  256
#define ACCEPT_BATCH 16                        /* new clients a turn */
#define QUEUE_MAX    (64u << 20)               /* bytes one client may have waiting: some 300,000 rows */
#define BACKED_UP    (2 * CONTROL_MESSAGE_MAX) /* a client that lets this much wait is not read */
#define REQUEST_TIME SEC(10)                   /* to say what it wants, and again to read the answer */
#define ACCEPT_PAUSE SEC(1)                    /* when there are no descriptors left */

enum client_state {
    CLIENT_HELLO,      /* has not said hello */
    CLIENT_REQUEST,    /* has not said what it wants */
    CLIENT_CONNECTING, /* its stack socket is opening */
    CLIENT_RELAY,      /* its stack socket is open */
    CLIENT_TRACE,      /* watches the stack until one of the two ends */
    CLIENT_DOWN,       /* waits for the stack to be gone */
    CLIENT_LAST,       /* leaves once its queue is empty */
};

struct control_client {
    struct watch watch; /* first member */
    struct task task;
    struct deadline deadline;
    struct control_server *server;
    struct control_client *next, **link;
    enum client_state state;
    pid_t pid;
    enum sock_type type;
    struct sock *sock;        /* NULL: none */
    bool said_eof, heard_eof; /* CONTROL_EOF went to the client; came from it */
    bool stalled;             /* the stack does not take the first message of the inbox */
    size_t taken;             /* bytes of that message that the stack has taken */
    struct control_trace trace;
    struct control_queue queue;
    struct control_inbox inbox;
};

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

static bool client_serves_input(const struct control_client *c)
{
    return c->state == CLIENT_HELLO || c->state == CLIENT_REQUEST || c->state == CLIENT_RELAY;
}

static bool client_is_read(const struct control_client *c)
{
    return client_serves_input(c) && !c->stalled && c->queue.end - c->queue.start < BACKED_UP;
}

/* What to wait for: always the client's going away; its messages unless one is stuck; room when something
 * waits. */
static int client_watch(struct control_client *c)
{
    uint32_t events = EPOLLRDHUP;
    if (client_is_read(c))
        events |= EPOLLIN;
    if (!control_queue_empty(&c->queue))
        events |= EPOLLOUT;
    return events == c->watch.events ? 0 : loop_watch(c->server->loop, &c->watch, events);
}

static bool client_say(struct control_client *c, enum control_type type, const void *body, size_t length)
{
    return control_queue_put(&c->queue, type, body, length, QUEUE_MAX) == 0;
}

/* The rest of this client's life is reading what is queued for it. After a relay it may take its time: those
 * are the last bytes of a stream. */
static void client_leave(struct control_client *c)
{
    bool relayed = c->state == CLIENT_RELAY;
    c->state = CLIENT_LAST;
    if (!relayed)
        loop_deadline(c->server->loop, &c->deadline, loop_now(c->server->loop) + REQUEST_TIME);
}

static void say_error(struct control_client *c, int error, const char *text)
{
    struct control_error e = {.error = error};
    snprintf(e.text, sizeof e.text, "%s", text);
    client_say(c, CONTROL_ERROR, &e, sizeof e);
}

static void client_refuse(struct control_client *c, int error, const char *text)
{
    say_error(c, error, text);
    client_leave(c);
}

/* --- the relay --- */

/* The stack socket failed (`error` is positive). TCP: that is the end. A datagram socket works on after it.
 */
static void relay_error(struct control_client *c, int error)
{
    say_error(c, error, strerror(error));
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

/* Stack to client: reads on only when the client has taken what there was. Ends with an empty queue and
 * nothing to read, or with a queue that waits for room: whoever makes one or the other wakes us. The client
 * is gone when false. */
static bool relay_pull(struct control_client *c)
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

static void relay_lost(struct control_client *c)
{
    int64_t error = 0;
    if (sock_getopt(c->sock, SOCK_OPT_ERROR, &error) == 0 && error > 0)
        relay_error(c, (int)error);
}

static void relay_opened(struct control_client *c)
{
    struct control_opened opened = {0};
    sock_name(c->sock, &opened.local);
    sock_peer(c->sock, &opened.remote);
    c->state = CLIENT_RELAY;
    client_say(c, CONTROL_OPENED, &opened, sizeof opened);
}

/* --- requests --- */

static void request_hello(struct control_client *c, const struct control_hello *hello)
{
    if (hello->version != CONTROL_VERSION) {
        client_refuse(c, EPROTO, "this stack was started by another version of glass");
        return;
    }
    struct control_hello answer = {.version = CONTROL_VERSION, .pid = (int32_t)getpid()};
    answer.addr.addr = stack_core(c->server->stack)->config.addr;
    client_say(c, CONTROL_HELLO, &answer, sizeof answer);
    c->state = CLIENT_REQUEST;
}

static void say_row(void *context, const struct sock_info *info)
{
    client_say(context, CONTROL_ROW, info, sizeof *info);
}

static void request_netstat(struct control_client *c)
{
    stack_each_socket(c->server->stack, say_row, c);
    if (!client_say(c, CONTROL_END, NULL, 0)) {
        control_queue_free(&c->queue);
        client_refuse(c, ENOBUFS, "too many connections to list");
        return;
    }
    client_leave(c);
}

static void count_established(void *context, const struct sock_info *info)
{
    uint32_t *count = context;
    *count += info->state == TCP_ESTABLISHED || info->state == TCP_CLOSE_WAIT;
}

static void request_stats(struct control_client *c)
{
    const struct control_server *server = c->server;
    const struct core *core = stack_core(server->stack);
    struct control_stats stats = {
        .memory_used = core->memory_used,
        .memory_limit = core->config.memory_limit,
        .device_dropped = server->loop->device->dropped,
        .has_link = server->link != NULL,
    };
    memcpy(stats.counter, core->counter, sizeof stats.counter);
    memcpy(stats.dropped, core->dropped, sizeof stats.dropped);
    for (int way = 0; server->link && way < LINK_WAYS; way++)
        memcpy(stats.link[way], server->link->way[way].count, sizeof stats.link[way]);
    stack_each_socket(server->stack, count_established, &stats.established);
    client_say(c, CONTROL_STATS, &stats, sizeof stats);
    client_say(c, CONTROL_END, NULL, 0);
    client_leave(c);
}

/* CONTROL_END with the namespaces; without any (--host) the client is where it has to be already. */
static void request_namespace(struct control_client *c)
{
    struct control_header end = {CONTROL_END, 0};
    struct iovec bytes = {&end, sizeof end};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    int fds[2], count = 0;
    if (c->server->user_ns_fd >= 0)
        fds[count++] = c->server->user_ns_fd;
    if (c->server->net_ns_fd >= 0)
        fds[count++] = c->server->net_ns_fd;
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
    }
    /* The answer to its hello went out before, or the client reads nothing and gets nothing. */
    if (control_queue_flush(&c->queue, c->watch.fd) == 0)
        sendmsg(c->watch.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    client_leave(c);
}

static void trace_queued(struct control_trace *trace)
{
    client_watch((struct control_client *)((char *)trace - offsetof(struct control_client, trace)));
}

static void request_trace(struct control_client *c)
{
    const struct control_server *server = c->server;
    struct control_tracing tracing = {.started = server->started, .wall_offset = clock_wall_offset()};
    if (!server->observers) {
        client_refuse(c, EOPNOTSUPP, "nobody may watch this stack");
        return;
    }
    client_say(c, CONTROL_TRACING, &tracing, sizeof tracing);
    c->state = CLIENT_TRACE;
    loop_deadline(server->loop, &c->deadline, NEVER);
    control_trace_start(&c->trace, server->observers, &c->queue, trace_queued);
}

static void request_down(struct control_client *c)
{
    c->state = CLIENT_DOWN;
    loop_deadline(c->server->loop, &c->deadline, NEVER);
    c->server->down(c->server->context);
}

static void request_open(struct control_client *c, const struct control_open *open)
{
    char why[120];
    if (open->type > SOCK_PING) {
        client_refuse(c, EINVAL, "no such type of socket");
        return;
    }
    if (c->server->reaches &&
        c->server->reaches(c->server->context, open->remote.addr, why, sizeof why) < 0) {
        client_refuse(c, ENETUNREACH, why);
        return;
    }
    c->type = (enum sock_type)open->type;
    int r = sock_open(c->server->stack, c->type, &c->sock);
    if (r < 0) {
        c->sock = NULL;
        client_refuse(c, -r, strerror(-r));
        return;
    }
    loop_deadline(c->server->loop, &c->deadline, NEVER);
    sock_set_user(c->sock, &c->task);
    sock_setopt(c->sock, SOCK_OPT_OWNER, c->pid);
    c->state = CLIENT_CONNECTING;
    r = sock_connect(c->sock, open->remote);
    if (r == 0)
        relay_opened(c);
    else if (r != -EINPROGRESS)
        relay_error(c, -r);
}

static void client_misbehaved(struct control_client *c)
{
    if (c->sock) {
        sock_abort(c->sock);
        c->sock = NULL;
    }
    client_refuse(c, EPROTO, "a message that makes no sense here");
}

static void client_request(struct control_client *c, const struct control_message *m)
{
    struct control_hello hello;
    struct control_open open;
    if (c->state == CLIENT_HELLO && m->type == CONTROL_HELLO) {
        memcpy(&hello, m->body, sizeof hello);
        request_hello(c, &hello);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_NETSTAT) {
        request_netstat(c);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_COUNTERS) {
        request_stats(c);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_NAMESPACE) {
        request_namespace(c);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_TRACE) {
        request_trace(c);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_DOWN) {
        request_down(c);
    } else if (c->state == CLIENT_REQUEST && m->type == CONTROL_OPEN) {
        memcpy(&open, m->body, sizeof open);
        request_open(c, &open);
    } else {
        client_misbehaved(c);
    }
}

/* True when the message is done with; false: it has to wait for the stack. */
static bool client_message(struct control_client *c, const struct control_message *m)
{
    if (c->state != CLIENT_RELAY) {
        client_request(c, m);
        return true;
    }
    if (m->type == CONTROL_DATA && !c->heard_eof)
        return relay_push(c, m);
    if (m->type == CONTROL_EOF && !c->heard_eof)
        relay_eof(c);
    else
        client_misbehaved(c);
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
    bool alive = relay_pull(c);
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
    int64_t error = 0;
    if (c->sock != s)
        return;
    if (c->state == CLIENT_CONNECTING && (events & SOCK_ERROR)) {
        sock_getopt(s, SOCK_OPT_ERROR, &error);
        relay_error(c, error > 0 ? (int)error : ECONNABORTED);
    } else if (c->state == CLIENT_CONNECTING && (events & SOCK_WRITABLE)) {
        relay_opened(c);
    }
    if (c->state == CLIENT_RELAY)
        client_messages(c);
    if (c->state == CLIENT_RELAY && c->said_eof && (events & SOCK_ERROR))
        relay_lost(c); /* nobody receives any more, so nobody else would notice */
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
