/* script FILE.pkt..: runs conversations in virtual time against one stack each.
 *
 * A line is a time, a verb and its words; # starts a comment, ; separates commands of one moment.
 *
 *     +0.010        the line happens this many seconds after the one before it; none means +0
 *     +0.9~1.1      only with >: somewhere between; +*: within the next hour
 *     < SEGMENT     the peer sends it                       > SEGMENT    the stack sends exactly this next,
 * now > none        nothing was sent up to now              = [S] STATE  the connection's (or socket's) state
 *     ! S WORDS     events and errors of a socket           drop R N     this drop reason was counted N times
 *     config, peer, include FILE, and the socket calls (calls.c)
 *
 * Everything the stack sends must be expected by a line. In the end everything is aborted, an hour passes,
 * and nothing may be left. Each script runs in its own process: one that crashes does not hide the others. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

static bool run_file(struct world *w, const char *path, int depth);

/* At `now` plus what a word like +0.5, +0.9~1.1 or +* says; false when it is not a time. */
static bool read_time(const char *word, usec now, usec *earliest, usec *latest)
{
    *earliest = *latest = now;
    if (word[0] != '+')
        return false;
    if (word[1] == '*') {
        *latest = now + SEC(3600);
        return word[2] == 0;
    }
    char *end;
    *earliest = *latest = now + (usec)(strtod(word + 1, &end) * 1e6 + 0.5);
    if (*end == '~')
        *latest = now + (usec)(strtod(end + 1, &end) * 1e6 + 0.5);
    return *end == 0;
}

/* Whatever was sent must have been expected before the script goes on. */
static bool nothing_unexpected(struct world *w)
{
    return !world_next_sent(w) || run_expect(w, (char[]){"none"}, w->now, w->now);
}

static bool run_verb(struct world *w, const char *verb, char *rest)
{
    if (strcmp(verb, "=") == 0)
        return run_state(w, rest);
    if (strcmp(verb, "!") == 0)
        return run_events(w, rest);
    if (strcmp(verb, "drop") == 0 || strcmp(verb, "count") == 0)
        return run_counter(w, verb, rest);
    if (strcmp(verb, "newer_iss") == 0)
        return run_newer_iss(w, rest);
    if (!nothing_unexpected(w))
        return false;
    return strcmp(verb, "<") == 0 ? run_inject(w, rest) : run_call(w, verb, rest);
}

static bool run_timed(struct world *w, const char *verb, char *rest, usec earliest, usec latest)
{
    if (!world_start(w))
        return false;
    if (strcmp(verb, ">") == 0)
        return run_expect(w, rest, earliest, latest);
    if (earliest != latest)
        return world_fail(w, "only > may come between two times");
    if (earliest > w->now && (!world_advance(w, earliest, false) || !nothing_unexpected(w)))
        return false;
    return run_verb(w, verb, rest);
}

static bool run_include(struct world *w, const char *name, const char *from, int depth)
{
    char path[512];
    const char *slash = strrchr(from, '/');
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - from) : 0, from, name ? name : "");
    return depth > 3 ? world_fail(w, "includes too deep") : run_file(w, path, depth + 1);
}

static bool run_command(struct world *w, char *line, const char *path, int depth)
{
    usec earliest, latest;
    line[strcspn(line, "\n")] = 0;
    for (size_t n = strlen(line); n && (line[n - 1] == ' ' || line[n - 1] == '\t'); n--)
        line[n - 1] = 0;
    char *verb = next_word(&line);
    if (verb && read_time(verb, w->now, &earliest, &latest))
        verb = next_word(&line);
    if (!verb)
        return true;
    line += strspn(line, " \t");
    if (strcmp(verb, "config") == 0)
        return run_config(w, line);
    if (strcmp(verb, "peer") == 0)
        return run_peer(w, line);
    if (strcmp(verb, "include") == 0)
        return run_include(w, next_word(&line), path, depth);
    return run_timed(w, verb, line, earliest, latest);
}

static bool run_line(struct world *w, char *line, const char *path, int depth)
{
    line[strcspn(line, "#\n")] = 0;
    for (char *next; line; line = next) {
        next = strchr(line, ';');
        if (next)
            *next++ = 0;
        if (!run_command(w, line, path, depth))
            return false;
    }
    return true;
}

static bool run_file(struct world *w, const char *path, int depth)
{
    FILE *f = fopen(path, "r");
    const char *outer = w->file;
    int outer_line = w->line;
    if (!f)
        return world_fail(w, "cannot open %s", path);
    char line[1024];
    bool good = true;
    w->file = path;
    for (w->line = 1; good && fgets(line, sizeof line, f); w->line += good) {
        if (w->line == 1 && line[0] != '#')
            good = world_fail(w, "the first line of a script says what it tests");
        good = good && run_line(w, line, path, depth);
    }
    fclose(f);
    if (good) {
        w->file = outer;
        w->line = outer_line;
    }
    return good;
}

static struct world world; /* one script a process; here so that a crash can still tell the story */

static void tell_crash(int signal)
{
    world_fail(&world, "crash: %s", strsignal(signal));
    fflush(stdout);
    _exit(2);
}

static int run_script(const char *path)
{
    signal(SIGABRT, tell_crash);
    signal(SIGALRM, tell_crash);
    alarm(20);
    world_open(&world, path);
    bool good = run_file(&world, path, 0) && world_end(&world);
    world_close(&world);
    return good ? 0 : 1;
}

static bool passes(const char *path)
{
    int status = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(run_script(path));
    if (child < 0 || waitpid(child, &status, 0) != child || status == 0)
        return child > 0 && status == 0;
    if (WIFSIGNALED(status))
        printf("FAIL %s: %s\n", path, strsignal(WTERMSIG(status)));
    return false;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed += !passes(argv[i]);
    printf("%d scripts, %d failed\n", argc - 1, failed);
    return failed != 0;
}
