/* sim [-n SEEDS] [-f FROM]    runs that many seeds in two processes; prints those that fail, and a report
 * sim -s SEED [-t]            runs one; -t shows it as a ladder, A on the left and B on the right */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS      2
#define FAILURES_MAX 10 /* of one worker: then it stops */

/* What a worker tells the others, while it runs: an assertion ends it without a word. */
struct worker {
    uint64_t seed;
    unsigned failed;
    struct totals totals;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run_one(uint64_t seed, bool trace, struct totals *totals, char failure[256])
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        return false;
    bool ok = run(sim, seed, trace);
    totals_add(totals, sim);
    memcpy(failure, sim->failure, sizeof sim->failure);
    free(sim);
    return ok;
}

static void say_failed(uint64_t seed, const char *why)
{
    printf("seed %llu failed: %s\n  make sim SEED=%llu TRACE=1 shows it\n", (unsigned long long)seed, why,
           (unsigned long long)seed);
    fflush(stdout);
}

static void work(struct worker *w, uint64_t from, uint64_t count, uint64_t first)
{
    char failure[256];
    for (uint64_t i = first; i < count && w->failed < FAILURES_MAX; i += WORKERS) {
        w->seed = from + i;
        if (run_one(w->seed, false, &w->totals, failure))
            continue;
        w->failed++;
        say_failed(w->seed, failure);
    }
    exit(0);
}

/* How many of the worker's seeds failed; one that ended it by an assertion could not say so itself. */
static unsigned wait_for(pid_t pid, const struct worker *w)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    if (status == 0)
        return w->failed;
    say_failed(w->seed, "an assertion or a crash, see above");
    return w->failed + 1;
}

static int run_many(uint64_t from, uint64_t count)
{
    double start = seconds();
    struct worker *w =
        mmap(NULL, WORKERS * sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w == MAP_FAILED)
        return 1;
    pid_t pid[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        fflush(stdout);
        pid[i] = fork();
        if (pid[i] == 0)
            work(&w[i], from, count, (uint64_t)i);
    }
    unsigned failed = 0;
    for (int i = 0; i < WORKERS; i++)
        failed += pid[i] < 0 ? 1 : wait_for(pid[i], &w[i]);
    totals_join(&w[0].totals, &w[1].totals);
    unsigned missing = totals_print(&w[0].totals, seconds() - start);
    if (missing && count >= 20000) {
        printf("a transition was never taken\n");
        failed++;
    }
    printf("%llu seeds, %u failed\n", (unsigned long long)w[0].totals.runs, failed);
    return failed ? 1 : 0;
}

static int show_one(uint64_t seed, bool trace)
{
    struct totals totals = {0};
    char failure[256];
    setvbuf(stdout, NULL, _IOLBF, 0); /* an assertion must not swallow the ladder */
    bool ok = run_one(seed, trace, &totals, failure);
    printf("seed %llu: %s\n", (unsigned long long)seed, ok ? "ok" : failure);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 500, from = 1, seed = 0;
    bool one = false, trace = false;
    for (int c; (c = getopt(argc, argv, "n:f:s:t")) != -1;) {
        if (c == 'n')
            seeds = strtoull(optarg, NULL, 0);
        else if (c == 'f')
            from = strtoull(optarg, NULL, 0);
        else if (c == 's')
            seed = strtoull(optarg, NULL, 0), one = true;
        else if (c == 't')
            trace = true;
        else
            return 2;
    }
    return one ? show_one(seed, trace) : run_many(from, seeds);
}
