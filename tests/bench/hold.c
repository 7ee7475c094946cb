/* Opens connections over kernel sockets and holds them idle until its input ends.
 *
 *     hold ADDR COUNT FIRST_SOURCE PORT...
 *
 * 28,000 from each source address, counted up from FIRST_SOURCE, to the ports in turn. A process may open
 * only so many descriptors (RLIMIT_NOFILE), so several share the work, one after the other. Says "held=N
 * seconds=S". Called by bench.py. */
#include "dial.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FROM_ONE   28000 /* connections */
#define PORT_FIRST 2000  /* below the range from which the kernel chooses by itself */
#define AT_ONCE    200
#define SPARE_FDS  64
#define STUCK_MS   10000

static struct sockaddr_in peer[8];
static int ports;
static uint32_t first_source;

/* Closing says RST: nothing of it outlives the measurement. */
static int open_one(unsigned number)
{
    struct linger at_once = {.l_onoff = 1};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)(PORT_FIRST + number % FROM_ONE)),
                               .sin_addr.s_addr = htonl(first_source + number / FROM_ONE)};
    const struct sockaddr_in *to = &peer[number % (unsigned)ports];
    if (fd < 0)
        fail("socket %u: %s", number, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
        fail("bind %u: %s", number, strerror(errno));
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS)
        fail("connect %u: %s", number, strerror(errno));
    return fd;
}

/* Connections [from, to), up to AT_ONCE of them on their way. */
static void open_some(unsigned from, unsigned to)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e[AT_ONCE];
    for (unsigned next = from, pending = 0; next < to || pending > 0;) {
        for (; next < to && pending < AT_ONCE; next++, pending++) {
            struct epoll_event wait = {.events = EPOLLOUT | EPOLLONESHOT};
            wait.data.fd = open_one(next);
            epoll_ctl(poller, EPOLL_CTL_ADD, wait.data.fd, &wait);
        }
        int n = epoll_wait(poller, e, AT_ONCE, STUCK_MS);
        if (n <= 0)
            fail("connections are stuck: %u of %u are open", next - from - pending, to - from);
        for (int i = 0; i < n; i++) {
            int error = 0;
            getsockopt(e[i].data.fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
            if (error || e[i].events & EPOLLHUP)
                fail("a connection was refused: %s", strerror(error));
        }
        pending -= (unsigned)n;
    }
    close(poller);
}

/* The child lives until the parent's end of the pipe is gone. */
static void share(unsigned from, unsigned to, int until[2])
{
    int ready[2];
    char byte = 0;
    if (pipe(ready) < 0)
        fail("pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        fail("fork: %s", strerror(errno));
    if (child == 0) {
        close(until[1]);
        close(ready[0]);
        open_some(from, to);
        _exit(write(ready[1], &byte, 1) == 1 && read(until[0], &byte, 1) == 0 ? 0 : EXIT_FAILURE);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        exit(EXIT_FAILURE); /* it said why */
    close(ready[0]);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    int until[2];
    char ignored[64];
    if (argc < 5 || argc > 4 + 8) {
        fputs("usage: hold ADDR COUNT FIRST_SOURCE PORT...\n", stderr);
        return 2;
    }
    unsigned count = (unsigned)number(argv[2], 1, 1e6);
    first_source = ntohl(address(argv[3], "1").sin_addr.s_addr);
    for (int i = 4; i < argc; i++)
        peer[ports++] = address(argv[1], argv[i]);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    unsigned each = limit.rlim_max > 65536 ? 65536 : (unsigned)limit.rlim_max - SPARE_FDS;
    double start = seconds_now();
    if (pipe(until) < 0)
        fail("pipe: %s", strerror(errno));
    for (unsigned from = 0; from < count; from += each)
        share(from, count - from < each ? count : from + each, until);
    printf("held=%u seconds=%.3f\n", count, seconds_now() - start);
    fflush(stdout);
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        ;
    close(until[1]);
    while (wait(NULL) > 0)
        ;
    return 0;
}
