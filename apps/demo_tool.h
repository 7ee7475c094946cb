/* A program that glass demo runs in the laboratory and watches: what it prints is shown and kept. */
#ifndef GLASS_DEMO_TOOL_H
#define GLASS_DEMO_TOOL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include "../stack/config.h"

#define TOOL_KEEP 65536 /* bytes of its output that are kept */

struct tool {
    pid_t pid;
    int in, out; /* its standard input; both of its outputs */
    size_t len;
    bool at_line_start;
    int lines, lines_max; /* shown, and how many may be; 0: all */
    char seen[TOOL_KEEP];
};

/* Whether `path` is a file that may be run: a folder is none. */
bool tool_is_program(const char *path);

/* Whether `name` is a program in PATH; its path, which is in `to` then. */
bool tool_find(const char *name, char *to, size_t room);
bool tool_exists(const char *name);

/* Starts `argv` (NULL-terminated) beside the stack called `stack`, by glass exec. False after one line. */
bool tool_start(struct tool *t, const char *stack, char *const *argv);

/* Gives it bytes, at most PIPE_BUF; then, with `end`, the end of its input. */
bool tool_give(struct tool *t, const char *text, bool end);

/* Shows what it prints until `text` was printed (NULL: until it prints no more). False: it did not by
 * `until`, or *interrupted was set. */
bool tool_show(struct tool *t, const char *text, usec until, const volatile sig_atomic_t *interrupted);

/* Waits for its end; ends it by force at `until` or when *interrupted. Its exit status, or 128 + the signal.
 */
int tool_finish(struct tool *t, usec until, const volatile sig_atomic_t *interrupted);

/* The same for any child of ours. `ask`: it is sent SIGTERM at once, as it is when *interrupted. */
int child_finish(pid_t pid, bool ask, usec until, const volatile sig_atomic_t *interrupted);

#endif
