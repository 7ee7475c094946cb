/* The connection table, as `glass netstat`, `glass ports` and `glass demo` show it.
 *
 * netstat.c reads the command line; netstat_ask.c asks the stack; netstat_table.c, netstat_info.c and netstat_json.c
 * print rows, netstat_stats.c counters. */
#ifndef GLASS_NETSTAT_H
#define GLASS_NETSTAT_H

#include <stdio.h>
#include "control.h"

struct netstat_options {
    bool listeners;      /* -a: also what has no remote end */
    bool only_listeners; /* -l: nothing else */
    bool numeric;        /* -n */
    bool timers;         /* -o */
    bool tcp, udp;       /* -t, -u; neither: every protocol */
    bool info;           /* -i */
};

#define NETSTAT_OWNER_MAX 48

/* --- text of one thing; each is cut to room --- */

const char *netstat_protocol(uint8_t protocol); /* "tcp", "udp", "icmp" */

/* "on (0.18/2/0)": which timer fires first, in how many seconds, after how many retries. */
void netstat_timer(const struct sock_info *info, char *to, size_t room);
const char *netstat_timer_kind(const struct sock_info *info); /* "on", ... "off" */

/* The name of a process, harmless for a terminal; "-" when it is gone or in another place. */
void netstat_program(uint32_t pid, char *to, size_t room);

/* "4711/curl"; "-": nobody's any more. */
void netstat_owner(uint32_t pid, char *to, size_t room);

/* --- rows --- */

/* By protocol (tcp, udp, icmp), local port, remote address and port. For qsort. */
int netstat_order(const void *a, const void *b);

/* Whether it has a remote end: others are listeners, and datagram sockets open to anybody. */
bool netstat_connected(const struct sock_info *info);

bool netstat_is_shown(const struct sock_info *info, const struct netstat_options *options);

/* Sorts the rows and prints those that are shown, under a heading. */
void netstat_print(FILE *out, struct sock_info *rows, size_t count, const struct netstat_options *options);

/* -i: two lines of "key:value" under a connection's row. */
void netstat_print_info(FILE *out, const struct tcp_info *tcp);

/* --json: an object a line. `round`, from 1, is part of it; 0: it is not. */
void netstat_print_json(FILE *out, struct sock_info *rows, size_t count, const struct netstat_options *options,
                        int64_t round);

/* Asks the stack called `name`. The rows (free them) and how many; -1 after one line on standard error. */
ssize_t netstat_ask(const char *name, struct sock_info **rows);

/* --- counters --- */

/* glass netstat -s: every counter, in the words of RFC 4022 and of Linux' netstat where it has the same; of -a: also
 * those that are zero; of -t, -u: those of that protocol alone. */
void netstat_print_stats(FILE *out, const struct control_stats *stats, const struct netstat_options *options);

/* As netstat_ask. 0 or -1. */
int netstat_ask_stats(const char *name, struct control_stats *stats);

#endif
