/* The connection table, as `glass netstat` and `glass demo` print it. */
#ifndef GLASS_NETSTAT_H
#define GLASS_NETSTAT_H

#include <stdio.h>
#include "../stack/stack.h"

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

#endif
