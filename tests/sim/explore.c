/* explore [-n STATES]   depth first through all that can happen in a few short conversations; at most so many
 * states of each (0: all). Prints how many it saw. */
#include "explore.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH_MAX 400 /* a conversation of more acts does not come to its end */

static const struct scenario scenarios[] = {
    {"open, 4 bytes from A, close from either side", 4, 0, false, false, false, false, 4, {1, 1, 1}},
    {"the same with SACK and RACK-TLP", 4, 0, false, true, false, false, 4, {1, 1, 1}},
    {"a few bytes each way, two losses", 4, 2, false, false, false, false, 3, {2, 0, 1}},
    {"a few bytes each way, one loss, one double", 4, 4, false, true, false, false, 3, {1, 1, 1}},
    {"simultaneous open", 2, 2, true, false, false, false, 3, {1, 1, 0}},
    {"simultaneous open, several packets read at once", 2, 0, true, true, false, true, 3, {1, 1, 0}},
    {"A aborts at any time", 2, 2, false, true, true, false, 3, {1, 1, 0}},
    {"several packets read before an answer leaves", 4, 2, false, true, false, true, 3, {1, 0, 1}},
};

#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

/* What the parent must know when an assertion ends the explorer. */
struct shared {
    unsigned depth;
    struct act path[DEPTH_MAX];
    char failure[256];
    uint64_t states, acts, ends;
    unsigned deepest;
};

/* The states seen: open addressing over digests. */
struct seen {
    uint64_t *at;
    size_t room, count;
};

struct explorer {
    struct world *w;
    struct seen seen;
    struct shared *shared;
    uint64_t limit;
};

static void put(struct seen *s, uint64_t h)
{
    size_t i = h & (s->room - 1);
    while (s->at[i])
        i = (i + 1) & (s->room - 1);
    s->at[i] = h;
}

static void grow(struct seen *s)
{
    struct seen bigger = {.room = s->room ? 2 * s->room : 1u << 16, .count = s->count};
    bigger.at = calloc(bigger.room, sizeof *bigger.at);
    assert(bigger.at);
    for (size_t i = 0; i < s->room; i++)
        if (s->at[i])
            put(&bigger, s->at[i]);
    free(s->at);
    *s = bigger;
}

/* True when it is new. */
static bool see(struct seen *s, uint64_t h)
{
    h += !h;
    if (2 * s->count >= s->room)
        grow(s);
    for (size_t i = h & (s->room - 1); s->at[i]; i = (i + 1) & (s->room - 1))
        if (s->at[i] == h)
            return false;
    put(s, h);
    s->count++;
    return true;
}

static bool failed(struct explorer *x)
{
    memcpy(x->shared->failure, x->w->sim.failure, sizeof x->shared->failure);
    return x->shared->failure[0];
}

static bool visit(struct explorer *x, unsigned depth);

/* All that can happen from here, each from the same copy of the world. */
static bool branch(struct explorer *x, unsigned depth, const struct act *acts, unsigned n)
{
    size_t size = world_size(x->w);
    void *copy = malloc(size);
    assert(copy);
    memcpy(copy, x->w, size);
    bool ok = true;
    for (unsigned i = 0; ok && i < n && x->shared->states < x->limit; i++) {
        if (i > 0)
            memcpy((void *)x->w, copy, size);
        x->shared->path[depth] = acts[i];
        x->shared->depth = depth + 1;
        x->shared->acts++;
        world_do(x->w, acts[i]);
        ok = !failed(x) && visit(x, depth + 1);
    }
    free(copy);
    return ok;
}

static bool visit(struct explorer *x, unsigned depth)
{
    struct act acts[ACTS_MAX];
    if (!see(&x->seen, digest(x->w)))
        return true;
    x->shared->states++;
    if (depth > x->shared->deepest)
        x->shared->deepest = depth;
    unsigned n = world_acts(x->w, acts);
    if (n == 0) {
        x->shared->ends++;
        world_finish(x->w);
        return !failed(x);
    }
    if (depth + 1 == DEPTH_MAX)
        fail(&x->w->sim, "it does not come to an end");
    return depth + 1 < DEPTH_MAX ? branch(x, depth, acts, n) : !failed(x);
}

static const char *act_name(struct act a)
{
    static const char *const names[] = {
        [ACT_DELIVER] = "deliver packet",
        [ACT_LOSE] = "lose packet",
        [ACT_DOUBLE] = "deliver and keep packet",
        [ACT_OUTPUT] = "let it send: end",
        [ACT_TIME] = "time passes",
        [ACT_OPEN] = "open: end",
        [ACT_CLOSE] = "close: end",
        [ACT_ABORT] = "abort: end",
    };
    return names[a.kind];
}

/* The way to a failure again, this time with its ladder; in a process of its own, since it may end in an
 * assertion. */
static void show(struct world *w, const struct scenario *scenario, const struct shared *shared)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        world_begin(w, scenario, true);
        for (unsigned i = 0; i < shared->depth; i++) {
            printf("-- %s %u\n", act_name(shared->path[i]), shared->path[i].which);
            world_do(w, shared->path[i]);
        }
        exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void explore(struct explorer *x, const struct scenario *scenario)
{
    world_begin(x->w, scenario, false);
    bool ok = visit(x, 0);
    exit(ok ? 0 : 1);
}

/* One scenario in a process of its own; true when all went well. */
static bool run_scenario(struct explorer *x, const struct scenario *scenario)
{
    struct shared *shared = x->shared;
    int status = 1;
    *shared = (struct shared){0};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        explore(x, scenario);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = pid > 0 && status == 0;
    printf("%9llu states, %9llu acts, %7llu ends, depth %3u%s  %s\n", (unsigned long long)shared->states,
           (unsigned long long)shared->acts, (unsigned long long)shared->ends, shared->deepest,
           shared->states < x->limit ? ", all" : "     ", scenario->name);
    if (!ok) {
        show(x->w, scenario, shared);
        printf("failed: %s\n", shared->failure[0] ? shared->failure : "an assertion or a crash, see above");
    }
    return ok;
}

int main(int argc, char **argv)
{
    struct explorer x = {.limit = 3000000};
    for (int c; (c = getopt(argc, argv, "n:")) != -1;) {
        if (c != 'n')
            return 2;
        x.limit = strtoull(optarg, NULL, 0);
    }
    if (x.limit == 0)
        x.limit = UINT64_MAX;
    int shared = MAP_SHARED | MAP_ANONYMOUS, private = MAP_PRIVATE | MAP_ANONYMOUS;
    x.shared = mmap(NULL, sizeof *x.shared, PROT_READ | PROT_WRITE, shared, -1, 0);
    x.w = mmap(NULL, sizeof *x.w, PROT_READ | PROT_WRITE, private, -1, 0);
    if (x.shared == MAP_FAILED || x.w == MAP_FAILED)
        return 1;
    uint64_t states = 0;
    unsigned bad = 0;
    for (size_t i = 0; i < SCENARIOS; i++) {
        bad += !run_scenario(&x, &scenarios[i]);
        states += x.shared->states;
    }
    printf("%llu states visited\n%zu passed, %u failed\n", (unsigned long long)states, SCENARIOS - bad, bad);
    return bad ? 1 : 0;
}
