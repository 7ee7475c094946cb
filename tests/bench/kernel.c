/* The reference: echo, discard and chargen on the kernel's TCP, as glass serves them: one thread, epoll.
 *
 *     kernel ADDR
 *
 * Listens at the ports 7, 9 and 19 of ADDR and says "ready CONGESTION-CONTROL". Called by bench.py. */
#include "dial.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum service { ECHO = 7, DISCARD = 9, CHARGEN = 19 };

struct handle {
    int fd;
    enum service service;
    bool listens;
};

static uint8_t block[BENCH_BLOCK];
static int poller;

static void add(int fd, enum service service, bool listens)
{
    struct handle *h = malloc(sizeof *h);
    if (!h)
        fail("no memory");
    *h = (struct handle){fd, service, listens};
    struct epoll_event e = {.events = service == CHARGEN && !listens ? EPOLLOUT : EPOLLIN, .data.ptr = h};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
}

static const char *listen_at(const char *addr, enum service service)
{
    char port[8];
    snprintf(port, sizeof port, "%d", service);
    struct sockaddr_in at = address(addr, port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0)
        fail("%s:%s: %s", addr, port, strerror(errno));
    add(fd, service, true);
    return use_cubic(fd);
}

static void welcome(const struct handle *h)
{
    int one = 1;
    for (int fd; (fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        add(fd, h->service, false);
    }
}

/* One turn of a connection. False: it is over. */
static bool serve(const struct handle *h)
{
    ssize_t n;
    if (h->service == CHARGEN) {
        while ((n = send(h->fd, block, sizeof block, MSG_NOSIGNAL)) > 0)
            ;
        return n < 0 && errno == EAGAIN;
    }
    n = recv(h->fd, block, sizeof block, 0);
    if (n > 0 && h->service == ECHO)
        return send(h->fd, block, (size_t)n, MSG_NOSIGNAL) == n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: kernel ADDR\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    listen_at(argv[1], ECHO);
    listen_at(argv[1], DISCARD);
    printf("ready %s\n", listen_at(argv[1], CHARGEN));
    fflush(stdout);
    for (;;) {
        struct epoll_event e[64];
        int n = epoll_wait(poller, e, 64, -1);
        for (int i = 0; i < n; i++) {
            struct handle *h = e[i].data.ptr;
            if (h->listens)
                welcome(h);
            else if (!serve(h)) {
                close(h->fd);
                free(h);
            }
        }
    }
}
