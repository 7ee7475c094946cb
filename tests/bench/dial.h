/* What the measuring programs with kernel sockets share. */
#ifndef GLASS_BENCH_DIAL_H
#define GLASS_BENCH_DIAL_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bench.h"

#define BENCH_BLOCK (256u << 10) /* bytes of one send or recv of bulk data */

static inline struct sockaddr_in address(const char *addr, const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(port, 1, 65535))};
    if (inet_pton(AF_INET, addr, &at.sin_addr) != 1) {
        fprintf(stderr, "'%s' is not an IPv4 address\n", addr);
        exit(2);
    }
    return at;
}

/* CUBIC where the kernel is a sender, whatever the machine's default is; says what it became. */
static inline const char *use_cubic(int fd)
{
    static char name[16];
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &(socklen_t){sizeof name});
    return name;
}

/* A connection, without Nagle's algorithm; a peer that is silent for `patience` seconds is an error. */
static inline int dial(const char *addr, const char *port, int patience)
{
    struct sockaddr_in to = address(addr, port);
    struct timeval wait = {.tv_sec = patience};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    use_cubic(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail("connect to %s:%s: %s", addr, port, strerror(errno));
    return fd;
}

#endif
