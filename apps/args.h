/* Arguments of the commands: options that all have, numbers, addresses, names; one clear line for what is wrong. */
#ifndef GLASS_ARGS_H
#define GLASS_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How the program was called, for hints that can be typed as they stand: "build/glass", or "glass" through PATH.
 * `argv0` must live as long as the program. */
void arg_set_program(const char *argv0);
const char *arg_program(void);

/* A hint: "build/glass netstat --name lab" from ("netstat", "lab"); --name only when it is not the default. The
 * result is in `to`, cut to room. */
const char *arg_hint(char *to, size_t room, const char *command, const char *stack);

/* Prints "COMMAND: text (see COMMAND --help)" on standard error and returns EXIT_USAGE. `command` is the title
 * "glass NAME"; behind "see" the program's name is as it was called. */
int arg_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The end of every command: flushes standard output. `status` as it is, or, when not all that was printed could be
 * written, EXIT_FAILURE after "COMMAND: cannot write: REASON" on standard error. A command that reported it itself has
 * called clearerr(3). */
int arg_end(const char *command, int status);

/* Whether what reads `out` is a terminal that knows escape sequences: TERM says so. */
bool arg_escapes(FILE *out);

/* Says on standard error when standard output is a terminal with fewer columns than `needed`: lines will wrap. */
void arg_say_narrow(const char *command, unsigned needed);

/* What the commands share. `help` is printed for -h and --help; `stack` is for --name; `wait`, in microseconds, for
 * -w and --wait (NULL: the command has none). */
struct arg_common {
    const char *help;
    const char *stack;
    int64_t *wait;
};

enum { ARG_NAME = 1000 };

/* For the end of the command's own table of long options. */
#define ARG_HELP_OPTION  {"help", no_argument, NULL, 'h'}
#define ARG_NAME_OPTION  {"name", required_argument, NULL, ARG_NAME}
#define ARG_END_OF_TABLE {NULL, 0, NULL, 0}

/* getopt_long(3), with what is shared done here. The code of an option that is the command's
 * own; -1: no more options, optind is the first argument; -2: the program ends with *status (help was printed, or an
 * argument was named on standard error). `shorts` has no 'h'; it has "w:" when there is a wait. */
int arg_next(int argc, char **argv, const char *shorts, const struct option *longs, struct arg_common *common,
             int *status);

/* The line for '?' and ':' of getopt_long(3), with opterr 0 and shorts that begin with ':'. Returns EXIT_USAGE. */
int arg_wrong_option(char **argv, const struct option *longs, int code);

/* The whole of `text` as a decimal number from min to max; no sign, no blanks. */
bool arg_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* A time in seconds, decimals allowed, up to a day; microseconds. */
bool arg_seconds(const char *text, int64_t *out);

/* "10.7.0.2", host byte order: four decimal numbers, no leading zeros, nothing behind. */
bool arg_addr(const char *text, uint32_t *addr);

/* The other way round: "10.7.0.2". */
void addr_text(uint32_t addr, char to[16]);

/* "10.7.0.2/24": an address that a host may have, prefix length 8 to 30. */
bool arg_cidr(const char *text, uint32_t *addr, uint8_t *prefix);

/* "NAME" or "1..65535": a port, by number or by the name of a textbook service (echo, discard, daytime, chargen,
 * http). */
bool arg_port(const char *text, uint16_t *port);

#endif
