/* What `glass replay` and `glass annotate` are both told: a capture, whose side, settings. */
#ifndef GLASS_REPLAY_ARGS_H
#define GLASS_REPLAY_ARGS_H

#include "replay.h"

#define REPLAY_TCP_MAX 16 /* times that --tcp may be given */

struct replay_args {
    const char *path;
    uint32_t as; /* 0: to be guessed */
    const char *reason;
    const char *tcp[REPLAY_TCP_MAX];
    unsigned tcp_count;
};

/* Each false after a line on standard error. */
bool replay_arg_as(struct replay_args *a, const char *command, const char *text);
bool replay_arg_tcp(struct replay_args *a, const char *command, const char *text);
bool replay_arg_file(struct replay_args *a, const char *command, int count, char **words);

/* Reads the capture and finds the conversations. 0, or the program's exit status after a line on standard error. */
int replay_open(struct replay *r, struct replay_args *a, const char *command);

#endif
