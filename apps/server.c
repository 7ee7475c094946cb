/* The frame of every service: accept, find the connection's struct, end it; receive a datagram, answer it.
 * One struct per connection and a bound on their number. Called by the event loop through struct task, and by
 * services.c. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCEPT_AGAIN     MSEC(100)
#define DATAGRAMS_A_TURN 65536 /* more than a socket can hold: only a guard against an error without end */

static void let_go(struct server_conn *c, void (*end)(struct sock *s))
{
    struct server *server = c->server;
    if (server->program->end)
        server->program->end(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    server->count--;
    end(c->sock);
    free(c);
}

void server_close(struct server_conn *c)
{
    let_go(c, sock_close);
}

void server_abort(struct server_conn *c)
{
    let_go(c, sock_abort);
}

int64_t server_discard(struct server_conn *c)
{
    int64_t total = 0;
    for (;;) {
        ssize_t n = sock_recv(c->sock, NULL, SIZE_MAX, SOCK_TRUNC);
        if (n <= 0)
            return total > 0 && n == -EAGAIN ? total : n;
        total += n;
    }
}

static void conn_news(struct task *task, struct sock *s, unsigned events)
{
    (void)s;
    (void)events;
    struct server_conn *c = (struct server_conn *)task;
    c->server->program->run(c);
}

static void set_options(const struct server_program *program, struct sock *s)
{
    /* None of these can fail on a connection; if one does, the service works all the same. */
    (void)sock_setopt(s, SOCK_OPT_KEEPALIVE, 1); /* a peer that vanished is noticed, if late */
    (void)sock_setopt(s, SOCK_OPT_NODELAY, program->nodelay);
    if (program->send_buffer)
        (void)sock_setopt(s, SOCK_OPT_SEND_BUFFER, program->send_buffer);
}

static void welcome(struct server *server, struct sock *s)
{
    const struct server_program *program = server->program;
    struct server_conn *c = server->count < program->limit ? calloc(1, program->size) : NULL;
    if (!c) {
        sock_abort(s);
        return;
    }
    c->task.run = conn_news;
    c->server = server;
    c->sock = s;
    c->next = server->first;
    c->link = &server->first;
    if (c->next)
        c->next->link = &c->next;
    server->first = c;
    server->count++;
    sock_set_user(s, &c->task);
    set_options(program, s);
    if (program->begin)
        program->begin(c);
    program->run(c); /* data may have come before it was accepted */
}

/* When there is no memory the rest stays in the queue, and nobody would speak of it again: come back. */
static void accept_all(struct server *server)
{
    struct sock *accepted;
    int error;
    while ((error = sock_accept(server->sock, &accepted, NULL)) == 0)
        welcome(server, accepted);
    if (error != -EAGAIN)
        loop_deadline(server->loop, &server->again, loop_now(server->loop) + ACCEPT_AGAIN);
}

static void accept_again(struct deadline *deadline)
{
    accept_all((struct server *)((char *)deadline - offsetof(struct server, again)));
}

static void listener_news(struct task *task, struct sock *s, unsigned events)
{
    (void)s;
    (void)events;
    accept_all((struct server *)task);
}

int server_start(struct server *server, struct stack *stack, const struct server_program *program,
                 uint16_t port)
{
    struct sock *s;
    int error = sock_open(stack, SOCK_TCP, &s);
    if (error)
        return error;
    error = sock_bind(s, (struct endpoint){0, port});
    if (!error)
        error = sock_listen(s, TCP_BACKLOG_MAX);
    if (error) {
        sock_close(s);
        return error;
    }
    (void)sock_setopt(s, SOCK_OPT_OWNER, getpid()); /* what netstat shows; connections inherit it */
    server->task.run = listener_news;
    server->again.passed = accept_again;
    server->program = program;
    server->sock = s;
    sock_set_user(s, &server->task);
    return 0;
}

void server_stop(struct server *server)
{
    if (!server->sock)
        return;
    while (server->first)
        server_close(server->first);
    loop_deadline(server->loop, &server->again, NEVER);
    sock_close(server->sock);
    server->sock = NULL;
}

bool udp_may_answer(const struct service_config *config, uint16_t source_port)
{
    if (source_port <= PORT_WELL_KNOWN_LAST)
        return false;
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (config->port[i].port == source_port)
            return false;
    }
    return true;
}

static void udp_news(struct task *task, struct sock *s, unsigned events)
{
    (void)events;
    struct udp_server *server = (struct udp_server *)task;
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        struct endpoint from;
        ssize_t n = sock_recvfrom(s, server->scratch, SERVER_SCRATCH, 0, &from);
        if (n == -EAGAIN)
            return;
        if (n < 0 || !udp_may_answer(server->config, from.port))
            continue; /* an error is about some earlier answer; the socket goes on */
        int64_t answer = server->answer(server->scratch, (size_t)n);
        if (answer >= 0) /* one that finds no room is lost, as datagrams may be */
            (void)sock_sendto(s, server->scratch, (size_t)answer, 0, from);
    }
}

int udp_server_start(struct udp_server *server, struct stack *stack, uint16_t port)
{
    struct sock *s;
    int error = sock_open(stack, SOCK_UDP, &s);
    if (error)
        return error;
    error = sock_bind(s, (struct endpoint){0, port});
    if (error) {
        sock_close(s);
        return error;
    }
    (void)sock_setopt(s, SOCK_OPT_OWNER, getpid());
    server->task.run = udp_news;
    server->sock = s;
    sock_set_user(s, &server->task);
    return 0;
}

void udp_server_stop(struct udp_server *server)
{
    if (server->sock)
        sock_close(server->sock);
    server->sock = NULL;
}
