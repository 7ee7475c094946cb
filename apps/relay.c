/* A socket on the running stack, as a glass command holds it. No RFC.
 *
 * Owns the client's end of a CONTROL_OPEN: nothing is lost, since a message is dropped from the inbox only
 * when the command has passed it on, and nothing piles up, since no more is read meanwhile. nc.c, get.c and
 * ping.c use it. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "args.h"

#define RELAY_QUEUE (2 * CONTROL_MESSAGE_MAX)

bool relay_resolve(const char *command, const char *host, uint32_t *addr)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (arg_addr(host, addr))
        return true;
    int r = getaddrinfo(host, NULL, &hints, &found);
    if (r != 0) {
        fprintf(stderr, "%s: %s: %s\n", command, host, gai_strerror(r));
        return false;
    }
    const uint8_t *bytes = (const uint8_t *)found->ai_addr + offsetof(struct sockaddr_in, sin_addr);
    struct reader reader = reader_of(bytes, 4);
    *addr = get32(&reader);
    freeaddrinfo(found);
    return true;
}

static void relay_init(struct relay *r)
{
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

int relay_error(struct relay *r, const struct control_message *m)
{
    struct control_error e;
    memcpy(&e, m->body, sizeof e);
    e.text[sizeof e.text - 1] = '\0';
    memcpy(r->text, e.text, sizeof r->text);
    return e.error > 0 ? e.error : EPROTO;
}

/* Waits for a whole message until `until`. 1, 0: none came, or -ECONNABORTED. */
static int await_message(struct relay *r, struct control_message *m, usec until)
{
    int got;
    while ((got = relay_peek(r, m)) == 0) {
        struct pollfd fd;
        if (until != NEVER && clock_now() >= until)
            return 0;
        relay_wait(r, &fd, 0, until, false);
    }
    return got;
}

static void say_slow(const struct relay_call *call)
{
    fprintf(stderr, "%s: %s port %u: no answer for %d s; still trying (-w SECONDS gives up earlier)\n",
            call->command, call->host, call->remote.port, (int)(RELAY_PATIENCE / SEC(1)));
}

/* The answer to CONTROL_OPEN. */
static int await_open(struct relay *r, const struct relay_call *call)
{
    struct control_message m;
    struct control_opened opened;
    usec began = clock_now();
    usec until = call->timeout == NEVER ? NEVER : began + call->timeout;
    usec slow = began + RELAY_PATIENCE;
    int error = EPROTO;
    int got = await_message(r, &m, until < slow ? until : slow);
    if (got == 0 && until > slow) {
        say_slow(call);
        got = await_message(r, &m, until);
    }
    if (got <= 0)
        return got < 0 ? got : -ETIMEDOUT;
    if (m.type == CONTROL_OPENED) {
        memcpy(&opened, m.body, sizeof opened);
        r->local = opened.local;
        r->remote = opened.remote;
        error = 0;
    } else if (m.type == CONTROL_ERROR) {
        error = relay_error(r, &m);
    }
    relay_drop(r);
    return -error;
}

static void say_failure(const struct relay *r, const struct relay_call *call, int error)
{
    const char *why = r->text[0] ? r->text : strerror(-error);
    if (strncmp(why, call->host, strlen(call->host)) == 0) /* it names the host itself */
        fprintf(stderr, "%s: %s\n", call->command, why);
    else if (call->type == SOCK_PING)
        fprintf(stderr, "%s: %s: %s\n", call->command, call->host, why);
    else
        fprintf(stderr, "%s: connect to %s port %u: %s\n", call->command, call->host, call->remote.port, why);
}

int relay_open(struct relay *r, const struct relay_call *call)
{
    struct control_hello hello;
    struct control_open open;
    relay_init(r);
    memset(&open, 0, sizeof open);
    open.type = (uint8_t)call->type;
    open.remote = call->remote;
    r->fd = control_connect(call->stack, &hello);
    if (r->fd < 0)
        return -1;
    int error = fcntl(r->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (error == 0)
        error = relay_send(r, CONTROL_OPEN, &open, sizeof open);
    if (error == 0)
        error = await_open(r, call);
    if (error == 0)
        return 0;
    say_failure(r, call, error);
    relay_close(r);
    return -1;
}

static int poll_time(usec until)
{
    if (until == NEVER)
        return -1;
    usec left = until - clock_now();
    if (left <= 0)
        return 0;
    return left > SEC(3600) ? 3600 * 1000 : (int)((left + 999) / 1000);
}

int relay_wait(struct relay *r, struct pollfd *fds, nfds_t count, usec until, bool full)
{
    fds[0] = (struct pollfd){.fd = r->fd};
    if (!full && !r->gone)
        fds[0].events |= POLLIN;
    if (!control_queue_empty(&r->queue) && !r->deaf)
        fds[0].events |= POLLOUT;
    if (fds[0].events == 0)
        fds[0].fd = -1; /* its hang-up is no news, and would not let us sleep */
    if (poll(fds, count + 1, poll_time(until)) < 0)
        return errno == EINTR ? -EINTR : 0;
    if (fds[0].revents && !control_queue_empty(&r->queue) && !r->deaf) {
        int sent = control_queue_flush(&r->queue, r->fd);
        r->deaf = sent < 0 && sent != -EAGAIN;
    }
    if (!full && fds[0].revents) {
        ssize_t n = control_inbox_read(&r->inbox, r->fd);
        r->gone = n <= 0 && n != -EAGAIN;
    }
    return 0;
}

int relay_peek(struct relay *r, struct control_message *m)
{
    int got = control_inbox_peek(&r->inbox, m);
    if (got != 0)
        return got;
    return r->gone ? -ECONNABORTED : 0;
}

void relay_drop(struct relay *r)
{
    control_inbox_drop(&r->inbox);
}

bool relay_room(const struct relay *r)
{
    return control_queue_empty(&r->queue) && !r->deaf;
}

int relay_send(struct relay *r, enum control_type type, const void *bytes, size_t len)
{
    int put = control_queue_put(&r->queue, type, bytes, len, RELAY_QUEUE);
    if (put < 0)
        return put;
    int sent = control_queue_flush(&r->queue, r->fd);
    r->deaf = sent < 0 && sent != -EAGAIN; /* what the stack said before may explain it: read on */
    return 0;
}

void relay_close(struct relay *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    control_queue_free(&r->queue);
}
