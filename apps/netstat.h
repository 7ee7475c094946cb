/* The connection table, as `glass netstat` and `glass demo` print it. */
#ifndef GLASS_NETSTAT_H
#define GLASS_NETSTAT_H

#include <stdio.h>
#include "control.h"

struct netstat_options {
    bool listeners; /* -a */
    bool numeric;   /* -n */
    bool timers;    /* -o */
};

/* "on (0.18/2/0)": which timer fires first, in how many seconds, after how many retries. */
void netstat_timer(const struct sock_info *info, char *to, size_t room);

/* By protocol (tcp, udp, icmp), local port, remote address and port. For qsort. */
int netstat_order(const void *a, const void *b);

/* Whether a row is shown without -a: it has a remote end. */
bool netstat_connected(const struct sock_info *info);

void netstat_print(FILE *out, struct sock_info *rows, size_t count, const struct netstat_options *options);

/* Asks the stack called `name`. The rows (free them) and how many; -1 after one line on standard error. */
ssize_t netstat_ask(const char *name, struct sock_info **rows);

/* glass netstat -s: every counter, in the words of RFC 4022 and of Linux' netstat where it has the same; `all`:
 * also those that are zero. */
void netstat_print_stats(FILE *out, const struct control_stats *stats, bool all);

/* As netstat_ask. 0 or -1. */
int netstat_ask_stats(const char *name, struct control_stats *stats);

#endif
