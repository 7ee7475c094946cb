/* Short connections over kernel sockets, so many clients at once: connect, one byte, its echo, close.
 *
 *     short ADDR PORT SECONDS CLIENTS
 *
 * Says "done=N errors=E seconds=S". Called by bench.py. */
#include "dial.h"

#include <sys/epoll.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define STUCK       3.0 /* seconds after which a connection is an error */

struct client {
    int fd;
    bool sent;
    double since;
};

static struct sockaddr_in to;
static struct client clients[CLIENTS_MAX];
static int poller;
static unsigned long done, errors;

static void begin(struct client *c)
{
    int one = 1;
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (c->fd < 0)
        fail("socket: %s", strerror(errno));
    c->since = seconds_now();
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void finish(struct client *c, bool good)
{
    close(c->fd);
    done += good;
    errors += !good;
    begin(c);
}

static void go_on(struct client *c)
{
    char byte = 'x';
    if (c->sent) {
        finish(c, recv(c->fd, &byte, 1, 0) == 1 && byte == 'x');
        return;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (send(c->fd, &byte, 1, MSG_NOSIGNAL) != 1) {
        finish(c, false);
        return;
    }
    c->sent = true;
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

int main(int argc, char **argv)
{
    struct epoll_event e[64];
    if (argc != 5) {
        fputs("usage: short ADDR PORT SECONDS CLIENTS\n", stderr);
        return 2;
    }
    to = address(argv[1], argv[2]);
    double seconds = number(argv[3], 0.001, 600);
    int count = (int)number(argv[4], 1, CLIENTS_MAX);
    poller = epoll_create1(EPOLL_CLOEXEC);
    double start = seconds_now(), now = start;
    for (int i = 0; i < count; i++)
        begin(&clients[i]);
    while ((now = seconds_now()) - start < seconds) {
        int n = epoll_wait(poller, e, 64, 100);
        for (int i = 0; i < n; i++)
            go_on(e[i].data.ptr);
        for (int i = 0; n == 0 && i < count; i++)
            if (now - clients[i].since > STUCK)
                finish(&clients[i], false);
    }
    printf("done=%lu errors=%lu seconds=%.6f\n", done, errors, now - start);
    return 0;
}
