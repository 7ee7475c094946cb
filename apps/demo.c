/* glass demo: the tour. A stack in its own laboratory, the system's own programs talking to it, and what went
 * over the wire.
 *
 * Owns the order of the steps and what must come out of each; the exit status is 0 only when all of it did.
 * The stack is `glass up`'s, in a child process; its events go into a log in shared memory, which becomes the
 * ladder. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "demo_tool.h"
#include "ladder.h"
#include "netstat.h"
#include "up.h"

#define PCAP_DEFAULT "glass-demo.pcap"
#define ADDR         "10.7.0.2"
#define LOG_ROOM     16384   /* records */
#define START_TIME   SEC(15) /* bounds, not waits */
#define TOOL_TIME    SEC(20)
#define CURL_LINES   22 /* its head and the beginning of the page */
#define CLOSE_TIME   SEC(3)
#define STOP_TIME    SEC(10)

struct demo {
    const char *pcap;
    char name[40]; /* of the stack: another than that of a `glass up` beside us */
    bool colour;
    pid_t stack;
    struct record_log *log;
    struct tool tool;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    interrupted = signal_number;
}

/* --- words --- */

static void heading(const struct demo *d, const char *text)
{
    printf(d->colour ? "\n\033[1m%s\033[0m\n\n" : "\n%s\n\n", text);
    fflush(stdout);
}

static void command(const struct demo *d, const char *text)
{
    printf(d->colour ? "  \033[36m$ %s\033[0m\n" : "  $ %s\n", text);
    fflush(stdout);
}

static bool failed(const char *what, const char *why)
{
    fflush(stdout);
    if (!interrupted)
        fprintf(stderr, "\nglass demo: %s: %s\n", what, why);
    return false;
}

static bool tools_are_there(void)
{
    static const struct {
        const char *program, *package;
    } needed[] = {{"ping", "iputils-ping"}, {"curl", "curl"}, {"nc", "netcat-openbsd"}};
    bool all = true;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (tool_exists(needed[i].program))
            continue;
        fprintf(stderr, "glass demo: %s is not installed: apt-get install %s\n", needed[i].program,
                needed[i].package);
        all = false;
    }
    return all;
}

/* --- the stack --- */

static void tell_ready(void *context)
{
    int fd = *(int *)context;
    if (write(fd, "", 1) == 1)
        close(fd);
}

/* The child: `glass up`, told apart by its name, quiet, with an observer. */
static int be_the_stack(const struct demo *d, int ready_fd)
{
    struct up_config config;
    char *argv[] = {"glass demo", "--name", (char *)(uintptr_t)d->name, "--pcap", (char *)(uintptr_t)d->pcap,
                    NULL};
    int status;
    setpgid(0, 0); /* the terminal's Ctrl-C is the parent's business */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!up_parse(&config, 5, argv, &status))
        return status;
    config.out = fopen("/dev/null", "we");
    if (!config.out)
        return EXIT_FAILURE;
    config.observe = record_log_observe;
    config.observe_context = d->log;
    config.ready = tell_ready;
    config.ready_context = &ready_fd;
    return up_run(&config);
}

/* Its exit status. */
static int stop_stack(struct demo *d)
{
    int status = d->stack > 0 ? child_finish(d->stack, true, clock_now() + STOP_TIME, &interrupted) : 0;
    d->stack = 0;
    return status;
}

static bool start_stack(struct demo *d)
{
    int ready[2];
    char byte;
    heading(d, "A TCP/IP stack, in a laboratory of its own: nothing here touches your network.");
    printf("  $ %s up --pcap %s\n", arg_program(), d->pcap);
    fflush(stdout);
    if (pipe2(ready, 0) < 0)
        return failed("pipe", strerror(errno));
    d->stack = fork();
    if (d->stack == 0) {
        close(ready[0]);
        _exit(be_the_stack(d, ready[1]));
    }
    close(ready[1]);
    struct pollfd fd = {.fd = ready[0], .events = POLLIN};
    bool up = d->stack > 0 && poll(&fd, 1, START_TIME / 1000) > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!up) {
        stop_stack(d);
        return failed("the stack did not start", "its reason is above");
    }
    printf("    " ADDR " is up: echo 7, discard 9, daytime 13, chargen 19, http 80.\n"
           "    The kernel, its peer, is 10.7.0.1; below, its programs talk to us.\n");
    return true;
}

/* --- the steps --- */

/* Runs one program to its end and shows at most lines_max lines of it (0: all). True when it succeeded and
 * printed `expected`. */
static bool run_tool(struct demo *d, const char *shown, char *const *argv, const char *input,
                     const char *expected, int lines_max)
{
    command(d, shown);
    if (interrupted || !tool_start(&d->tool, d->name, argv))
        return false;
    d->tool.lines_max = lines_max;
    if (!tool_give(&d->tool, input, true))
        failed(argv[0], "takes no input");
    int status = tool_finish(&d->tool, clock_now() + TOOL_TIME, &interrupted);
    if (status != 0)
        return failed(shown, "it failed");
    return strstr(d->tool.seen, expected) || failed(shown, "it did not print what it should");
}

static bool step_ping(struct demo *d)
{
    char *argv[] = {"ping", "-c", "3", "-i", "0.2", "-W", "5", ADDR, NULL};
    heading(d, "ICMP: echo request and reply.");
    return run_tool(d, "ping -c 3 -i 0.2 " ADDR, argv, "", " 0% packet loss", 0);
}

static bool step_curl(struct demo *d)
{
    char *argv[] = {"curl", "-sv", "--noproxy", "*", "--max-time", "15", "http://" ADDR "/", NULL};
    heading(d, "TCP: a web page, over three-way handshake, data, and close.");
    return run_tool(d, "curl -sv http://" ADDR "/", argv, "", "< HTTP/1.1 200 ", CURL_LINES);
}

static bool step_udp(struct demo *d)
{
    char *argv[] = {"nc", "-u", "-w1", ADDR, "7", NULL};
    heading(d, "UDP: one datagram there, one back, and nc waits a second for more.");
    return run_tool(d, "echo 'hello, UDP' | nc -u -w1 " ADDR " 7", argv, "hello, UDP\n", "hello, UDP\n", 0);
}

static bool step_tcp(struct demo *d)
{
    char *argv[] = {"nc", "-N", ADDR, "7", NULL};
    heading(d, "TCP again: -N closes our half at the end of the input; the echo still comes back.");
    return run_tool(d, "echo 'hello, TCP' | nc -N " ADDR " 7", argv, "hello, TCP\n", "hello, TCP\n", 0);
}

/* Whether the connection has come to its end; curl may be gone a little earlier. */
static bool connection_ended(const struct record_log *log, uint32_t connection)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        const struct event *e = &log->record[i].event;
        if (e->connection == connection && e->kind == EVENT_STATE &&
            (e->u.change.to == TCP_CLOSED || e->u.change.to == TCP_TIME_WAIT))
            return true;
    }
    return false;
}

static bool step_ladder(struct demo *d)
{
    struct ladder_style style = {.width = LADDER_WIDTH, .fold = LADDER_FOLD, .colour = d->colour};
    usec until = clock_now() + CLOSE_TIME;
    uint32_t connection = ladder_find(d->log, 80);
    heading(d, "What curl's connection was on the wire. Numbers count from each side's first.");
    while (!connection_ended(d->log, connection) && clock_now() < until && !interrupted)
        poll(NULL, 0, 10);
    if (!ladder_print(stdout, d->log, connection, &style))
        return failed("the ladder", "the connection left no events");
    return connection_ended(d->log, connection) || failed("curl's connection", "it did not close");
}

static bool print_table(const struct demo *d)
{
    struct sock_info *rows;
    struct netstat_options options = {.listeners = true, .numeric = true, .timers = true};
    ssize_t count = netstat_ask(d->name, &rows);
    bool established = false;
    if (count < 0)
        return false;
    for (ssize_t i = 0; i < count; i++)
        established |= rows[i].protocol == 6 && rows[i].local.port == 7 && rows[i].state == TCP_ESTABLISHED;
    netstat_print(stdout, rows, (size_t)count, &options);
    free(rows);
    return established || failed("the table", "the connection of nc is not in it");
}

/* The table, while a connection is open to be seen in it. */
static bool step_table(struct demo *d)
{
    char *argv[] = {"nc", "-N", ADDR, "7", NULL};
    usec until = clock_now() + TOOL_TIME;
    heading(d, "The table of connections, straight from the stack, while one is open.");
    command(d, "nc -N " ADDR " 7");
    if (!tool_start(&d->tool, d->name, argv))
        return false;
    bool ok = tool_give(&d->tool, "still here\n", false) &&
              tool_show(&d->tool, "still here\n", until, &interrupted);
    if (ok) {
        putchar('\n');
        command(d, "glass netstat -ano");
        ok = print_table(d);
    } else {
        failed("nc", "no echo came back");
    }
    int status = tool_finish(&d->tool, until, &interrupted);
    return ok && (status == 0 || failed("nc", "it failed"));
}

static void say_goodbye(const struct demo *d)
{
    const char *where = strchr(d->pcap, '/') ? "" : "./";
    heading(d, "Every packet of this is in a capture. To read it:");
    printf("  $ wireshark %s%s\n  $ tshark -r %s%s\n\n", where, d->pcap, where, d->pcap);
    printf("Next:  %s up    in one terminal, and\n"
           "       %s exec -- curl -v http://" ADDR "/    in another.\n",
           arg_program(), arg_program());
}

static bool tour(struct demo *d)
{
    bool all = start_stack(d) && step_ping(d) && step_curl(d) && step_udp(d) && step_tcp(d) &&
               step_ladder(d) && step_table(d);
    bool closed = stop_stack(d) == 0;
    if (all && !closed)
        failed("the stack did not close in order", "its reason is above");
    return all && closed && !interrupted;
}

static bool make_log(struct demo *d)
{
    size_t size = record_log_size(LOG_ROOM);
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return failed("memory", strerror(errno));
    d->log = at;
    record_log_init(d->log, LOG_ROOM);
    return true;
}

static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt}; /* no SA_RESTART: what waits is to end */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void help(void)
{
    puts("usage: glass demo [--pcap FILE]\n"
         "\n"
         "The tour: starts a stack in its own laboratory, lets ping, curl and nc talk to it,\n"
         "draws curl's connection as a ladder, shows the table of connections and leaves a\n"
         "capture. Exit status 0 when every step worked.\n"
         "\n"
         "  --pcap FILE  where the capture goes (default: " PCAP_DEFAULT " in this directory)\n"
         "\n"
         "NO_COLOR, when set, leaves the colours out.");
}

/* -1: go on; otherwise the exit status. */
static int options_read(int argc, char **argv, struct demo *d)
{
    static const struct option longs[] = {
        {"pcap", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            help();
            return EXIT_SUCCESS;
        }
        if (c == '?' || c == ':')
            return arg_wrong_option(argv, longs, c);
        d->pcap = optarg;
    }
    if (optind < argc)
        return arg_error(argv[0], "unexpected argument: %s", argv[optind]);
    if (*d->pcap == '\0' || strcmp(d->pcap, "-") == 0)
        return arg_error(argv[0], "--pcap: the name of a file is needed");
    return -1;
}

int cmd_demo(int argc, char **argv)
{
    static struct demo d = {.pcap = PCAP_DEFAULT};
    const char *no_color = getenv("NO_COLOR");
    int status = options_read(argc, argv, &d);
    if (status >= 0)
        return status;
    d.colour = arg_escapes(stdout) && !(no_color && *no_color);
    snprintf(d.name, sizeof d.name, "demo-%d", (int)getpid());
    if (!tools_are_there() || !make_log(&d))
        return EXIT_FAILURE;
    catch_signals();
    bool worked = tour(&d);
    munmap(d.log, record_log_size(LOG_ROOM));
    if (worked)
        say_goodbye(&d);
    if (interrupted)
        return 128 + interrupted;
    return worked && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
