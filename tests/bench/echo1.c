/* Round trips of one byte over a kernel socket to an echo service, one after the other.
 *
 *     echo1 ADDR PORT SECONDS
 *
 * Says "count=N rate=R p50_us=A p99_us=B". Called by bench.py. */
#include "dial.h"

#define PATIENCE  5
#define COUNT_MAX (4u << 20)
#define WARM_UP   100 /* round trips that do not count */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: echo1 ADDR PORT SECONDS\n", stderr);
        return 2;
    }
    double seconds = number(argv[3], 0.001, 600);
    double *took = malloc(COUNT_MAX * sizeof *took);
    if (!took)
        fail("no memory");
    int fd = dial(argv[1], argv[2], PATIENCE);
    size_t count = 0;
    double start = 0, before = 0, now = 0;
    for (size_t i = 0; count < COUNT_MAX && (i <= WARM_UP || now - start < seconds); i++) {
        char sent = (char)i, got = 0;
        before = seconds_now();
        if (send(fd, &sent, 1, MSG_NOSIGNAL) != 1 || recv(fd, &got, 1, 0) != 1)
            fail("no echo after %zu round trips: %s", i, strerror(errno));
        if (got != sent)
            fail("round trip %zu: another byte came back", i);
        now = seconds_now();
        if (i == WARM_UP)
            start = now;
        if (i > WARM_UP)
            took[count++] = now - before;
    }
    qsort(took, count, sizeof *took, by_size);
    printf("count=%zu rate=%.1f p50_us=%.2f p99_us=%.2f\n", count, (double)count / (now - start),
           took[count / 2] * 1e6, took[count * 99 / 100] * 1e6);
    free(took);
    return 0;
}
