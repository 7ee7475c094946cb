/* What each request of control.h does. No RFC. Called by control.c with each message of a client that has not
 * opened a relay: most requests are answered here and now; a trace and CONTROL_DOWN are answered to the
 * stack's end. */
#include "control_serving.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    control_relay_open(c, (enum sock_type)open->type, open->remote);
}

void control_request(struct control_client *c, const struct control_message *m)
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
