/* Bulk data over a kernel socket: how much arrives in how long.
 *
 *     bulk down ADDR PORT SECONDS BYTES [PATH]   reads until either is over
 *     bulk up   ADDR PORT SECONDS BYTES          writes until either is over, then waits for the peer's FIN
 *
 * With PATH it asks for that file over HTTP, again and again, early enough that the server never waits.
 * Says "bytes=N seconds=S". Called by bench.py. */
#include "dial.h"

#include <unistd.h>

#define PATIENCE 10 /* seconds without a byte are the end */

static uint8_t block[BENCH_BLOCK];

/* The file that is asked for over HTTP, again and again, or nothing. */
struct request {
    const char *path;
    uint64_t len;  /* of one answer, once it is known */
    uint64_t next; /* when so much has come it is time to ask again, so that the server never waits */
};

static void ask(int fd, const char *path)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        fail("cannot ask for %s: %s", path, strerror(errno));
}

/* From the first bytes of the first answer. */
static uint64_t length_of_answer(const uint8_t *at, size_t len)
{
    static const char name[] = "Content-Length: ";
    const char *end = memmem(at, len, "\r\n\r\n", 4), *field = memmem(at, len, name, sizeof name - 1);
    if (!end || !field || memcmp(at, "HTTP/1.1 200", 12) != 0)
        fail("no file over HTTP: %.40s", (const char *)at);
    return (uint64_t)(end + 4 - (const char *)at) + strtoull(field + sizeof name - 1, NULL, 10);
}

static void ask_again(int fd, struct request *r, uint64_t have, size_t first)
{
    if (r->len == 0) {
        r->len = length_of_answer(block, first);
        r->next = r->len / 2;
    }
    for (; have >= r->next; r->next += r->len)
        ask(fd, r->path);
}

static uint64_t down(int fd, double end, uint64_t most, struct request *r)
{
    uint64_t bytes = 0;
    if (r->path)
        ask(fd, r->path);
    while (bytes < most && seconds_now() < end) {
        ssize_t n = recv(fd, block, sizeof block, 0);
        if (n <= 0)
            fail("the peer ended after %llu bytes: %s", (unsigned long long)bytes,
                 n < 0 ? strerror(errno) : "FIN");
        bytes += (uint64_t)n;
        if (r->path)
            ask_again(fd, r, bytes, (size_t)n);
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
    struct request r = {.path = argc == 7 ? argv[6] : NULL};
    uint64_t bytes = *argv[1] == 'd' ? down(fd, start + seconds, most, &r) : up(fd, start + seconds, most);
    printf("bytes=%llu seconds=%.6f\n", (unsigned long long)bytes, seconds_now() - start);
    close(fd);
    return 0;
}
