/* glass netstat: the stack's table of sockets, connections and TIME-WAIT records, with the options that
 * people know from Linux' and Windows' netstat.
 *
 * Owns the command line and the repetition; what is printed is netstat_table.c's and its neighbours'. Called
 * by main.c. */
#include "netstat.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "control_path.h"

#define INTERVAL  1000 /* milliseconds between two tables of -c */
#define LINES_MIN 4    /* a terminal that says it has fewer is not believed */
#define CLEAR     "\033[H\033[J"
#define SHOWN_MAX (256u << 20) /* bytes of one table */

struct netstat {
    struct arg_common common;
    struct netstat_options options;
    bool statistics, json, again; /* -s, --json, -c */
    int64_t count;                /* --count; 0: until interrupted */
};

static const char help[] =
    "usage: glass netstat [-a | -l] [-t] [-u] [-n] [-o] [-p] [-i] [-c] [--json] [--name NAME]\n"
    "       glass netstat -s [-a] [-t] [-u] [-c] [--name NAME]\n"
    "\n"
    "Shows the connections of a running stack, straight from the stack. Letters may be\n"
    "bundled: -ano as on Windows, -tulpn and -anop as on Linux.\n"
    "\n"
    "  -a, --all         also sockets without a remote end: listeners, unconnected UDP\n"
    "  -l, --listening   only those\n"
    "  -t, --tcp         TCP only; -tu: TCP and UDP\n"
    "  -u, --udp         UDP only\n"
    "  -n, --numeric     numbers, not the names that /etc/services and /etc/hosts have for\n"
    "                    ports and addresses; a name server is never asked\n"
    "  -o, --timers      the timer that fires first: KIND (SECONDS LEFT/RETRIES/0)\n"
    "                    on: retransmission; probe: zero window; delack: delayed ACK;\n"
    "                    keepalive; finwait2; timewait; reorder, tlp: loss recovery waits;\n"
    "                    off: none runs\n"
    "  -p, --program     the owner's process and program: a stack knows, so always shown\n"
    "  -i, --info        two more lines for a connection, as ss -i: congestion control and its\n"
    "                    state (open, recovery, loss), options that both ends agreed on, mss,\n"
    "                    windows; cwnd, ssthresh, rtt:SMOOTHED/VARIATION and rto in\n"
    "                    milliseconds, bytes in flight, segments retransmitted\n"
    "  -s, --statistics  what was counted instead: by protocol, every reason for which\n"
    "                    something was dropped, the link's faults, memory; -a: zeros too\n"
    "  -c, --continuous  again every second\n"
    "      --count N     N times, then end\n"
    "      --json        an object a line, for programs: numbers, and all that -i shows\n"
    "      --name NAME   which stack (glass)\n"
    "  -h, --help        this text\n"
    "\n"
    "Recv-Q and Send-Q are bytes that wait; of a listener, connections that wait and\n"
    "its backlog. PID is the process that owns the socket, - when none does any more.\n";

/* One round, as text. 0; -1 after one line on standard error. */
static int render(FILE *out, const struct netstat *n, int64_t round)
{
    struct sock_info *rows;
    struct control_stats stats;
    if (n->statistics) {
        if (netstat_ask_stats(n->common.stack, &stats) < 0)
            return -1;
        netstat_print_stats(out, &stats, &n->options);
        return 0;
    }
    ssize_t count = netstat_ask(n->common.stack, &rows);
    if (count < 0)
        return -1;
    if (n->json)
        netstat_print_json(out, rows, (size_t)count, &n->options, n->again ? round : 0);
    else
        netstat_print(out, rows, (size_t)count, &n->options);
    free(rows);
    return 0;
}

/* As much of the text as the terminal has lines for. */
static void draw(const char *text)
{
    struct winsize size;
    bool sized = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row >= LINES_MIN;
    unsigned room = sized ? size.ws_row - 2u : UINT_MAX, left = 0;
    const char *end = text;
    for (const char *newline; (newline = strchr(end, '\n')) && room > 0; room--)
        end = newline + 1;
    for (const char *rest = end; (rest = strchr(rest, '\n')); rest++)
        left++;
    fputs(CLEAR, stdout);
    fwrite(text, 1, (size_t)(end - text), stdout);
    if (left > 0)
        printf("... %u more lines than this terminal has\n", left);
}

/* The table is whole before the terminal is cleared: no flicker. */
static int redraw(const struct netstat *n, int64_t round)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int result = out ? render(out, n, round) : -1;
    bool whole = out && fclose(out) == 0;
    if (result == 0 && whole)
        draw(text);
    if (!whole)
        fprintf(stderr, "glass netstat: out of memory\n");
    free(text);
    return whole ? result : -1;
}

static int show(const struct netstat *n, int64_t round)
{
    if (n->again && !n->json && arg_escapes(stdout))
        return redraw(n, round);
    if (round > 1 && !n->json)
        putchar('\n');
    return render(stdout, n, round);
}

static int run(const struct netstat *n)
{
    for (int64_t round = 1;; round++) {
        if (show(n, round) < 0 || fflush(stdout) != 0)
            return EXIT_FAILURE; /* main reports what could not be written */
        if (!n->again || round == n->count)
            return EXIT_SUCCESS;
        poll(NULL, 0, INTERVAL);
    }
}

enum { OPTION_COUNT = 256, OPTION_JSON };

/* One option. 0, or the exit status. */
static int take(struct netstat *n, int code, const char *command)
{
    struct netstat_options *o = &n->options;
    o->listeners |= code == 'a';
    o->only_listeners |= code == 'l';
    o->numeric |= code == 'n';
    o->timers |= code == 'o';
    o->tcp |= code == 't';
    o->udp |= code == 'u';
    o->info |= code == 'i';
    n->statistics |= code == 's';
    n->json |= code == OPTION_JSON;
    n->again |= code == 'c' || code == OPTION_COUNT;
    if (code == OPTION_COUNT && !arg_number(optarg, 1, INT64_C(1) << 40, &n->count))
        return arg_error(command, "--count: not a number from 1 on: %s", optarg);
    return 0;
}

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct netstat *n)
{
    static const struct option longs[] = {{"all", no_argument, NULL, 'a'},
                                          {"listening", no_argument, NULL, 'l'},
                                          {"tcp", no_argument, NULL, 't'},
                                          {"udp", no_argument, NULL, 'u'},
                                          {"numeric", no_argument, NULL, 'n'},
                                          {"timers", no_argument, NULL, 'o'},
                                          {"program", no_argument, NULL, 'p'},
                                          {"programs", no_argument, NULL, 'p'},
                                          {"info", no_argument, NULL, 'i'},
                                          {"statistics", no_argument, NULL, 's'},
                                          {"continuous", no_argument, NULL, 'c'},
                                          {"count", required_argument, NULL, OPTION_COUNT},
                                          {"json", no_argument, NULL, OPTION_JSON},
                                          ARG_NAME_OPTION,
                                          ARG_HELP_OPTION,
                                          ARG_END_OF_TABLE};
    int status, code;
    while ((code = arg_next(argc, argv, "altunopisc", longs, &n->common, &status)) >= 0)
        if ((status = take(n, code, argv[0])) != 0)
            return status;
    if (code == -2)
        return status;
    if (optind < argc)
        return arg_error(argv[0], "unexpected argument: %s", argv[optind]);
    if (n->statistics && n->json)
        return arg_error(argv[0], "--json is for the table, not for -s");
    return -1;
}

int cmd_netstat(int argc, char **argv)
{
    struct netstat n = {.common = {help, CONTROL_NAME_DEFAULT, NULL}};
    int status = parse(argc, argv, &n);
    return status >= 0 ? status : run(&n);
}
