/* Bulk data over a kernel socket: how much arrives in how long.
 *
 *     bulk down ADDR PORT SECONDS BYTES [PATH]   reads until either is over; with PATH asks for it over HTTP
 * first bulk up   ADDR PORT SECONDS BYTES          writes until either is over, then waits for the peer's FIN
 *
 * Says "bytes=N seconds=S". Called by bench.py. */
#include "dial.h"

#include <unistd.h>

#define PATIENCE 10 /* seconds without a byte are the end */

static uint8_t block[BENCH_BLOCK];

static void ask_for(int fd, const char *path)
{
    int n = snprintf((char *)block, sizeof block, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    if (send(fd, block, (size_t)n, MSG_NOSIGNAL) != n)
        fail("cannot ask for %s: %s", path, strerror(errno));
}

static uint64_t down(int fd, double end, uint64_t most)
{
    uint64_t bytes = 0;
    while (bytes < most && seconds_now() < end) {
        ssize_t n = recv(fd, block, sizeof block, 0);
        if (n <= 0)
            fail("the peer ended after %llu bytes: %s", (unsigned long long)bytes,
                 n < 0 ? strerror(errno) : "FIN");
        bytes += (uint64_t)n;
    }
    return bytes;
}

/* What was only sent does not count: the peer's FIN says that it has read all. */
static uint64_t up(int fd, double end, uint64_t most)
{
    uint64_t bytes = 0;
    while (bytes < most && seconds_now() < end) {
        ssize_t n = send(fd, block, sizeof block, MSG_NOSIGNAL);
        if (n < 0)
            fail("the peer ended after %llu bytes: %s", (unsigned long long)bytes, strerror(errno));
        bytes += (uint64_t)n;
    }
    shutdown(fd, SHUT_WR);
    ssize_t n = recv(fd, block, sizeof block, 0);
    if (n != 0)
        fail("no FIN after %llu bytes: %s", (unsigned long long)bytes, n < 0 ? strerror(errno) : "data");
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc > 7 || (strcmp(argv[1], "down") != 0 && strcmp(argv[1], "up") != 0)) {
        fputs("usage: bulk down|up ADDR PORT SECONDS BYTES [PATH]\n", stderr);
        return 2;
    }
    double seconds = number(argv[4], 0.001, 600);
    uint64_t most = (uint64_t)number(argv[5], 1, 1e15);
    double start = seconds_now();
    int fd = dial(argv[2], argv[3], PATIENCE);
    if (argc == 7)
        ask_for(fd, argv[6]);
    uint64_t bytes = (*argv[1] == 'd' ? down : up)(fd, start + seconds, most);
    printf("bytes=%llu seconds=%.6f\n", (unsigned long long)bytes, seconds_now() - start);
    close(fd);
    return 0;
}
