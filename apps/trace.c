/* `glass trace`: follows a running stack, one line an event. No RFC: each line names the one behind it.
 *
 * Owns the arguments and the waiting; trace_stream.c brings the events, trace_filter.c chooses, trace_text.c
 * prints. Called by main.c. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/event_text.h"
#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "trace_filter.h"
#include "trace_json.h"
#include "trace_stream.h"
#include "trace_text.h"

#define FILTER_MAX 4096 /* bytes of an expression */

struct trace {
    const char *name;
    char expression[FILTER_MAX];
    int64_t count; /* events still to be shown; below 0: without end */
    struct trace_style style;
    struct trace_filter filter;
    struct trace_stream stream;
};

static const char help[] =
    "usage: glass trace [OPTION]... [FILTER]\n"
    "\n"
    "Follows a running stack, one line an event: segments in (<) and out (>) with\n"
    "flags, sequence numbers, window and options; state changes, timers, the\n"
    "congestion window, round-trip times, socket calls, and each drop with its\n"
    "reason. Times are seconds since the stack started, #N is the connection's\n"
    "number. Ctrl-C ends it.\n"
    "\n"
    "FILTER is a pcap filter expression: 'tcp port 80', udp, or\n"
    "'tcp[tcpflags] & tcp-syn != 0'. It is asked of the headers of the packet that an\n"
    "event is about; what happens between packets (a state, a timer, a call) goes\n"
    "with the latest packet of its connection.\n"
    "\n"
    "  --explain     below each event the rule that decided: RFC, section and one\n"
    "                plain sentence\n"
    "  --absolute    sequence numbers as on the wire; otherwise SYN is 0 and the\n"
    "                first byte 1\n"
    "  --json        one JSON object a line instead, described below; it has all\n"
    "                that the other options could add\n"
    "  --count N     end after N events\n"
    "  --name NAME   the stack called NAME (glass)\n"
    "  --color=WHEN  always, never, or auto: on a terminal unless NO_COLOR is set;\n"
    "                --color alone means always\n"
    "  -h, --help    this text\n"
    "\n"
    "A reader that is too slow never holds up the stack: it loses events, and a line\n"
    "says how many. Exit status: 0 when it ended by --count, by Ctrl-C or because the\n"
    "stack closed; 1 when there is no such stack, or it vanished; 2 when an argument\n"
    "is wrong.\n"
    "\n";

enum option_code {
    OPTION_EXPLAIN = 256,
    OPTION_ABSOLUTE,
    OPTION_JSON,
    OPTION_COUNT,
    OPTION_NAME,
    OPTION_COLOR,
    OPTION_HELP
};

static const struct option options[] = {
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"absolute", no_argument, NULL, OPTION_ABSOLUTE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"name", required_argument, NULL, OPTION_NAME},
    {"color", optional_argument, NULL, OPTION_COLOR},
    {"colour", optional_argument, NULL, OPTION_COLOR},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    interrupted = signal_number;
}

/* --- arguments --- */

static int set_color(struct trace *t, const char *when)
{
    if (!when || strcmp(when, "always") == 0)
        t->style.colour = true;
    else if (strcmp(when, "never") == 0)
        t->style.colour = false;
    else if (strcmp(when, "auto") == 0)
        t->style.colour = trace_text_colour(stdout);
    else
        return arg_error("glass trace", "--color: '%s' is neither auto nor always nor never", when);
    return 0;
}

static int set_option(struct trace *t, int code, const char *text)
{
    switch (code) {
    case OPTION_EXPLAIN:
        t->style.explain = true;
        return 0;
    case OPTION_ABSOLUTE:
        t->style.absolute = true;
        return 0;
    case OPTION_JSON:
        t->style.json = true;
        return 0;
    case OPTION_COUNT:
        if (!arg_number(text, 1, INT64_MAX, &t->count))
            return arg_error("glass trace", "--count: '%s' is not a number from 1", text);
        return 0;
    case OPTION_NAME:
        if (!control_name_valid(text))
            return arg_error("glass trace", "--name: '%s' is not a name", text);
        t->name = text;
        return 0;
    case OPTION_COLOR:
        return set_color(t, text);
    default:
        return EXIT_USAGE;
    }
}

/* As tcpdump does: the words that are left are one expression. */
static int read_filter(struct trace *t, char *const *words)
{
    char why[TRACE_FILTER_WHY];
    size_t len = 0;
    for (; *words; words++) {
        len +=
            (size_t)snprintf(t->expression + len, sizeof t->expression - len, "%s%s", len ? " " : "", *words);
        if (len >= sizeof t->expression)
            return arg_error("glass trace", "the filter is longer than %d bytes", FILTER_MAX - 1);
    }
    if (!trace_filter_open(&t->filter, t->expression, why))
        return arg_error("glass trace", "filter '%s': %s", t->expression, why);
    return 0;
}

/* -1: go on; otherwise the exit status. */
static int read_arguments(struct trace *t, int argc, char **argv)
{
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (code == OPTION_HELP || code == 'h') {
            fputs(help, stdout);
            fputs(trace_json_help, stdout);
            return EXIT_SUCCESS;
        }
        bool is_wrong = code == '?' || code == ':';
        int status = is_wrong ? arg_wrong_option(argv, options, code) : set_option(t, code, optarg);
        if (status != 0)
            return status;
    }
    int status = read_filter(t, argv + optind);
    return status != 0 ? status : -1;
}

/* --- following --- */

static void show(struct trace *t, enum trace_news news)
{
    if (news == TRACE_LOST) {
        trace_text_lost(stdout, t->stream.lost, &t->style);
        return;
    }
    struct event event = record_event(&t->stream.record);
    if (!trace_filter_wants(&t->filter, &event))
        return;
    trace_text_print(stdout, &event, &t->style);
    if (t->count > 0)
        t->count--;
}

/* Whoever reads has all there is before we wait. A signal comes while we sleep, never between the look and
 * the sleep. */
static void wait_for_news(const struct trace *t)
{
    struct pollfd fd = {.fd = t->stream.fd, .events = POLLIN};
    sigset_t ours, before;
    fflush(stdout);
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    if (!interrupted)
        ppoll(&fd, 1, NULL, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* On standard error: what is printed stays what was asked for. */
static void announce(const struct trace *t)
{
    char addr[24];
    endpoint_text(t->stream.stack.addr, addr, sizeof addr);
    fprintf(stderr, "glass trace: %s; Ctrl-C ends it\n", addr);
}

static int end(enum trace_news news, const char *name)
{
    fflush(stdout);
    if (news == TRACE_END) {
        fprintf(stderr, "glass trace: the stack named %s has closed\n", name);
        return EXIT_SUCCESS;
    }
    fprintf(stderr,
            "glass trace: the stack named %s is gone without a word; its last events may be missing\n", name);
    return EXIT_FAILURE;
}

static int follow(struct trace *t)
{
    while (t->count != 0 && !interrupted && !ferror(stdout)) {
        enum trace_news news = trace_stream_next(&t->stream);
        if (news == TRACE_END || news == TRACE_GONE)
            return end(news, t->name);
        if (news != TRACE_NOTHING)
            show(t, news);
        else
            wait_for_news(t);
    }
    return EXIT_SUCCESS;
}

/* No SA_RESTART: a write that nobody reads ends, too. The second Ctrl-C is the kernel's business. */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

int cmd_trace(int argc, char **argv)
{
    static struct trace t = {.name = CONTROL_NAME_DEFAULT, .count = -1};
    t.style.colour = trace_text_colour(stdout);
    int status = read_arguments(&t, argc, argv);
    if (status < 0) {
        status = EXIT_FAILURE;
        catch_signals();
        if (trace_stream_open(&t.stream, t.name) == 0) {
            t.style.started = t.stream.about.started;
            t.style.wall_offset = t.stream.about.wall_offset;
            announce(&t);
            status = follow(&t);
            trace_stream_close(&t.stream);
        }
    }
    trace_filter_close(&t.filter);
    return status;
}
