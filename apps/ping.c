/* glass ping: echo requests (RFC 792) from the running stack.
 *
 * Owns the schedule, the check of every answer and the summary. A datagram of a SOCK_PING socket is the
 * 16-bit sequence number and the echo's data; ours begins with the time it was sent, then counts 8, 9, 10 ...
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "ping_stats.h"
#include "relay.h"
#include "../stack/icmp.h"

#define SIZE_DEFAULT  56                /* bytes of data, as ping(8) */
#define SIZE_MAX_ECHO (UDP_PAYLOAD_MAX) /* 65535 less IPv4 and ICMP header: the same as for UDP */
#define SEQUENCE      2                 /* bytes before the data */
#define INTERVAL_MIN  MSEC(10)
#define SLOTS         1024 /* answers that are later than this many requests have no time */

struct ping_options {
    const char *command, *host;
    struct arg_common common;
    struct endpoint remote;
    int64_t count; /* 0: until interrupted */
    size_t size;
    usec interval, wait;
};

struct ping {
    const struct ping_options *options;
    struct relay relay;
    struct ping_stats stats;
    int64_t sent, answered; /* answered: requests, each once */
    int64_t duplicates, errors, corrupt;
    usec started, next_at, last_sent;
    struct {
        usec at;
        int64_t number; /* of the request, from 1; 0: none */
        bool answered;
    } slot[SLOTS];
    bool stopped, silence_said;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void fill(uint8_t *data, size_t size, usec at)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)i;
    if (size >= sizeof at)
        memcpy(data, &at, sizeof at);
}

static void send_request(struct ping *p, usec now)
{
    uint8_t datagram[SEQUENCE + SIZE_MAX_ECHO];
    size_t size = p->options->size;
    int64_t number = ++p->sent;
    poke16(datagram, (uint16_t)number);
    fill(datagram + SEQUENCE, size, now);
    p->slot[number % SLOTS].at = now;
    p->slot[number % SLOTS].number = number;
    p->slot[number % SLOTS].answered = false;
    p->last_sent = now;
    relay_send(&p->relay, CONTROL_DATA, datagram, SEQUENCE + size);
}

/* The request that an answer's 16 bits mean, or 0: not one of the last SLOTS. */
static int64_t request_of(const struct ping *p, uint16_t seq)
{
    int64_t number = p->sent - (uint16_t)((uint16_t)p->sent - seq);
    if (number < 1 || p->slot[number % SLOTS].number != number)
        return 0;
    return number;
}

/* The first byte that is not what we sent, or -1. */
static long first_difference(const uint8_t *data, size_t len, const struct ping *p, usec at)
{
    uint8_t expected[SIZE_MAX_ECHO];
    if (len != p->options->size)
        return (long)(len < p->options->size ? len : p->options->size);
    fill(expected, len, at);
    for (size_t i = 0; i < len; i++)
        if (data[i] != expected[i])
            return (long)i;
    return -1;
}

static void take_answer(struct ping *p, const uint8_t *datagram, size_t len, usec now)
{
    char from[16];
    if (len < SEQUENCE)
        return;
    uint16_t seq = peek16(datagram);
    int64_t number = request_of(p, seq);
    addr_text(p->options->remote.addr, from);
    printf("%zu bytes from %s: icmp_seq=%u", ICMP_HEADER + len - SEQUENCE, from, seq);
    if (number == 0) {
        puts(" (too late for a time)");
        return;
    }
    usec at = p->slot[number % SLOTS].at;
    long wrong = first_difference(datagram + SEQUENCE, len - SEQUENCE, p, at);
    bool again = p->slot[number % SLOTS].answered;
    p->slot[number % SLOTS].answered = true;
    p->answered += !again;
    p->duplicates += again;
    p->corrupt += wrong >= 0;
    if (!again)
        ping_stats_add(&p->stats, now - at);
    printf(" time=%.3f ms%s", (double)(now - at) / 1000, again ? " (DUP!)" : "");
    if (wrong >= 0)
        printf(" wrong data from byte %ld on!", wrong);
    putchar('\n');
}

static void take_error(struct ping *p, const struct control_message *m)
{
    static const struct {
        int error;
        const char *text;
    } meaning[] = {
        {EHOSTUNREACH, "Destination Host Unreachable"},
        {ENETUNREACH, "Destination Net Unreachable"},
        {ECONNREFUSED, "Destination Port Unreachable"},
        {ENOPROTOOPT, "Destination Protocol Unreachable"},
        {EMSGSIZE, "Message too long"},
    };
    int error = relay_error(&p->relay, m);
    const char *text = p->relay.text;
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++)
        if (meaning[i].error == error)
            text = meaning[i].text;
    p->errors++;
    p->stopped |= error == ESHUTDOWN;
    printf("icmp_seq=%u %s\n", (uint16_t)p->sent, text);
}

static void take_messages(struct ping *p)
{
    struct control_message m;
    int got;
    while ((got = relay_peek(&p->relay, &m)) > 0) {
        if (m.type == CONTROL_DATA)
            take_answer(p, m.body, m.length, clock_now());
        else if (m.type == CONTROL_ERROR)
            take_error(p, &m);
        relay_drop(&p->relay);
    }
    if (got < 0 && !p->stopped) {
        fprintf(stderr, "glass ping: the stack is gone\n");
        p->stopped = true;
    }
}

/* Nobody there says nothing: after a while the user should know that silence is what came. */
static void say_silence(struct ping *p, usec now)
{
    if (p->silence_said || p->answered + p->errors > 0 || now < p->started + RELAY_PATIENCE)
        return;
    p->silence_said = true;
    fprintf(stderr, "%s: %s has not answered for %d s: is there such a host? Ctrl-C ends this\n",
            p->options->command, p->options->host, (int)(RELAY_PATIENCE / SEC(1)));
}

static bool all_sent(const struct ping *p)
{
    return p->options->count > 0 && p->sent >= p->options->count;
}

static bool is_done(const struct ping *p, usec now)
{
    if (p->stopped || interrupted)
        return true;
    return all_sent(p) && (p->answered + p->errors >= p->sent || now >= p->last_sent + p->options->wait);
}

static void run(struct ping *p)
{
    struct pollfd fd;
    usec now = clock_now();
    p->started = p->next_at = now;
    while (!is_done(p, now)) {
        if (!all_sent(p) && now >= p->next_at && relay_room(&p->relay)) {
            send_request(p, now);
            p->next_at = now + p->options->interval;
        }
        usec until = all_sent(p) ? p->last_sent + p->options->wait : p->next_at;
        if (!all_sent(p) && !relay_room(&p->relay))
            until = NEVER; /* the stack does not take it yet: its room wakes us */
        if (!p->silence_said && now < p->started + RELAY_PATIENCE && until > p->started + RELAY_PATIENCE)
            until = p->started + RELAY_PATIENCE;
        relay_wait(&p->relay, &fd, 0, until, false);
        take_messages(p);
        fflush(stdout);
        now = clock_now();
        say_silence(p, now);
    }
}

static void summary(const struct ping *p)
{
    int64_t lost = p->sent - p->answered;
    printf("\n--- %s ping statistics ---\n%lld packets transmitted, %lld received, ", p->options->host,
           (long long)p->sent, (long long)p->answered);
    if (p->duplicates > 0)
        printf("+%lld duplicates, ", (long long)p->duplicates);
    if (p->corrupt > 0)
        printf("+%lld corrupted, ", (long long)p->corrupt);
    if (p->errors > 0)
        printf("+%lld errors, ", (long long)p->errors);
    printf("%lld%% packet loss, time %lld ms\n", p->sent > 0 ? (long long)(lost * 100 / p->sent) : 0,
           (long long)((clock_now() - p->started) / 1000));
    if (p->stats.count == 0)
        return;
    printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", (double)p->stats.min / 1000,
           (double)ping_stats_mean(&p->stats) / 1000, (double)p->stats.max / 1000,
           (double)ping_stats_deviation(&p->stats) / 1000);
}

static const char help[] = "usage: glass ping [-c N] [-s SIZE] [-i SECONDS] [-W SECONDS] [--name NAME] HOST\n"
                           "\n"
                           "Sends ICMP echo requests to HOST from the running stack. Exit status 0 when at\n"
                           "least one was answered.\n"
                           "\n"
                           "  -c, --count N     N requests (default: until Ctrl-C)\n"
                           "  -s, --size N      N bytes of data, 0 to 65507 (default 56)\n"
                           "  -i, --interval S  S seconds between two (default 1, at least 0.01)\n"
                           "  -W, --wait S      S seconds for the last answer (default 10)\n"
                           "      --name NAME   which stack (glass)\n"
                           "  -h, --help        this text\n";

/* One option with a value. False when the value is wrong. */
static bool option_value(struct ping_options *o, int option, const char *text)
{
    int64_t size = SIZE_DEFAULT;
    switch (option) {
    case 'c':
        return arg_number(text, 1, INT64_C(1) << 40, &o->count);
    case 's':
        if (!arg_number(text, 0, SIZE_MAX_ECHO, &size))
            return false;
        o->size = (size_t)size;
        return true;
    case 'i':
        return arg_seconds(text, &o->interval) && o->interval >= INTERVAL_MIN;
    default:
        return arg_seconds(text, &o->wait);
    }
}

/* -1: go on; otherwise the exit status. */
static int options_read(int argc, char **argv, struct ping_options *o)
{
    static const struct option longs[] = {{"count", required_argument, NULL, 'c'},
                                          {"size", required_argument, NULL, 's'},
                                          {"interval", required_argument, NULL, 'i'},
                                          {"wait", required_argument, NULL, 'W'},
                                          ARG_NAME_OPTION,
                                          ARG_HELP_OPTION,
                                          ARG_END_OF_TABLE};
    int status, code;
    while ((code = arg_next(argc, argv, "c:s:i:W:", longs, &o->common, &status)) >= 0)
        if (!option_value(o, code, optarg))
            return arg_error(argv[0], "-%c: out of range: %s", code, optarg);
    if (code == -2)
        return status;
    if (argc - optind != 1)
        return arg_error(argv[0], argc == optind ? "HOST is needed" : "one HOST at a time");
    o->command = argv[0];
    o->host = argv[optind];
    return -1;
}

static void catch_interrupts(void)
{
    struct sigaction act = {.sa_handler = interrupt}; /* no SA_RESTART: poll() is to end */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

int cmd_ping(int argc, char **argv)
{
    static struct ping p; /* too large for a stack frame */
    struct ping_options options = {.common = {help, CONTROL_NAME_DEFAULT, NULL},
                                   .size = SIZE_DEFAULT,
                                   .interval = SEC(1),
                                   .wait = SEC(10)};
    char addr[16];
    int status = options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (!relay_resolve(argv[0], options.host, &options.remote.addr))
        return EXIT_FAILURE;
    const struct relay_call call = {.command = options.command,
                                    .stack = options.common.stack,
                                    .host = options.host,
                                    .type = SOCK_PING,
                                    .remote = options.remote,
                                    .timeout = NEVER};
    p.options = &options;
    if (relay_open(&p.relay, &call) < 0)
        return EXIT_FAILURE;
    catch_interrupts();
    addr_text(options.remote.addr, addr);
    printf("PING %s (%s) %zu(%zu) bytes of data.\n", options.host, addr, options.size,
           options.size + ICMP_HEADER + IP_HEADER_MIN);
    run(&p);
    summary(&p);
    relay_close(&p.relay);
    return p.answered > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
