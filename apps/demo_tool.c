/* Runs a program for glass demo: ping, curl, nc. No RFC.
 *
 * Owns the pipes to it and the waiting for it, all bounded; demo.c says what has to come out. */
#include "demo_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tun/loop.h"

#define ARGS_MAX  24
#define POLL_STEP 20 /* ms between two looks at a child that is about to end */

bool tool_is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool tool_find(const char *name, char *to, size_t room)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        int n = snprintf(to, room, "%.*s/%s", (int)len, path, name);
        if (len > 0 && n > 0 && (size_t)n < room && tool_is_program(to))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

bool tool_exists(const char *name)
{
    char file[PATH_MAX];
    return tool_find(name, file, sizeof file);
}

static void become(int in, int out, char *const *argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive the demo */
    signal(SIGPIPE, SIG_DFL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv("/proc/self/exe", argv);
    fprintf(stderr, "glass demo: /proc/self/exe: %s\n", strerror(errno));
    _exit(126);
}

bool tool_start(struct tool *t, const char *stack, char *const *argv)
{
    char *full[ARGS_MAX] = {"glass", "exec", "--name", (char *)(uintptr_t)stack, "--"};
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    for (int i = 0; argv[i] && i + 6 < ARGS_MAX; i++)
        full[i + 5] = argv[i];
    memset(t, 0, sizeof *t);
    t->pid = -1;
    t->at_line_start = true;
    fflush(stdout);
    if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0)
        t->pid = fork();
    if (t->pid == 0)
        become(in[0], out[1], full);
    close(in[0]);
    close(out[1]);
    t->in = in[1];
    t->out = out[0];
    if (t->pid < 0)
        fprintf(stderr, "glass demo: cannot run %s: %s\n", argv[0], strerror(errno));
    return t->pid > 0;
}

bool tool_give(struct tool *t, const char *text, bool end)
{
    size_t len = strlen(text);
    bool given = write(t->in, text, len) == (ssize_t)len;
    if (end) {
        close(t->in);
        t->in = -1;
    }
    return given;
}

/* Shows bytes, each line a little to the right; beyond lines_max, lines are only counted. */
static void show(struct tool *t, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool visible = t->lines_max == 0 || t->lines < t->lines_max;
        if (visible && t->at_line_start)
            fputs(bytes[i] == '\n' ? "" : "    ", stdout);
        if (visible && bytes[i] != '\r') /* curl -v shows header lines with their CR */
            putchar(bytes[i]);
        t->at_line_start = bytes[i] == '\n';
        t->lines += t->at_line_start;
    }
    fflush(stdout);
}

static void show_the_end(const struct tool *t)
{
    if (t->lines_max > 0 && t->lines > t->lines_max)
        printf("    ... %d more lines\n", t->lines - t->lines_max);
    else if (!t->at_line_start)
        putchar('\n');
}

/* One read of its output. 0: it prints no more. */
static ssize_t take(struct tool *t)
{
    char bytes[4096];
    ssize_t n = read(t->out, bytes, sizeof bytes);
    if (n <= 0)
        return n < 0 && errno == EINTR ? 1 : 0;
    show(t, bytes, (size_t)n);
    size_t keep = sizeof t->seen - 1 - t->len;
    keep = keep < (size_t)n ? keep : (size_t)n;
    memcpy(t->seen + t->len, bytes, keep);
    t->len += keep;
    t->seen[t->len] = '\0';
    return n;
}

bool tool_show(struct tool *t, const char *text, usec until, const volatile sig_atomic_t *interrupted)
{
    while (!*interrupted && clock_now() < until) {
        if (text && strstr(t->seen, text))
            return true;
        struct pollfd fd = {.fd = t->out, .events = POLLIN};
        int ready = poll(&fd, 1, (int)((until - clock_now()) / 1000) + 1);
        if (ready > 0 && take(t) == 0)
            return !text || strstr(t->seen, text);
    }
    return false;
}

int child_finish(pid_t pid, bool ask, usec until, const volatile sig_atomic_t *interrupted)
{
    int status;
    bool asked = false;
    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid)
            break;
        if (done < 0 && errno != EINTR)
            return 127;
        if (clock_now() >= until)
            kill(pid, SIGKILL);
        else if (!asked && (ask || *interrupted))
            asked = kill(pid, SIGTERM) == 0;
        poll(NULL, 0, POLL_STEP);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tool_finish(struct tool *t, usec until, const volatile sig_atomic_t *interrupted)
{
    if (t->in >= 0)
        close(t->in);
    tool_show(t, NULL, until, interrupted);
    show_the_end(t);
    close(t->out);
    return child_finish(t->pid, false, until, interrupted);
}
