/* glass nc: standard input and output as one end of a connection on the running stack (RFC 9293 3.9.1: OPEN,
 * SEND, RECEIVE, CLOSE), or of UDP datagrams (RFC 768).
 *
 * Owns the two directions of the relay between descriptors 0 and 1 and a stack socket. The stack does the
 * rest. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "relay.h"

#define UDP_WAIT SEC(1) /* for answers after the end of standard input, unless -w says otherwise */

struct nc_options {
    const char *command, *host, *port_text;
    struct arg_common common;
    struct endpoint remote;
    bool udp;
    usec wait; /* NEVER: -w was not given */
};

struct nc {
    const struct nc_options *options;
    struct relay relay;
    bool input_ended, done;
    size_t chunk;   /* what standard output surely takes at once */
    size_t written; /* of the message at the head of the inbox */
    usec idle_since;
    int status;
    uint8_t input[CONTROL_BODY_MAX];
};

static int complain(const struct nc_options *o, const char *why)
{
    fprintf(stderr, "%s: %s port %s: %s\n", o->command, o->host, o->port_text, why);
    return EXIT_FAILURE;
}

static void finish(struct nc *nc, int status)
{
    nc->done = true;
    nc->status = status;
}

static void end_input(struct nc *nc)
{
    nc->input_ended = true;
    if (!nc->options->udp && relay_send(&nc->relay, CONTROL_EOF, NULL, 0) < 0)
        finish(nc, complain(nc->options, "out of memory"));
}

/* Standard input is readable and the relay has room: one read, one message; of UDP, one datagram. */
static void take_input(struct nc *nc)
{
    size_t room = nc->options->udp ? UDP_PAYLOAD_MAX : sizeof nc->input;
    ssize_t n = read(STDIN_FILENO, nc->input, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0)
        fprintf(stderr, "glass nc: standard input: %s\n", strerror(errno));
    nc->idle_since = clock_now();
    if (n <= 0)
        end_input(nc);
    else if (relay_send(&nc->relay, CONTROL_DATA, nc->input, (size_t)n) < 0)
        finish(nc, complain(nc->options, "out of memory"));
}

/* Standard output takes something: what is left of a message. True when all of it is out. */
static bool give_output(struct nc *nc, const struct control_message *m)
{
    if (m->length == 0)
        return true;
    size_t left = m->length - nc->written;
    ssize_t n = write(STDOUT_FILENO, m->body + nc->written, left < nc->chunk ? left : nc->chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (n < 0) {
        fprintf(stderr, "glass nc: standard output: %s\n", strerror(errno));
        finish(nc, EXIT_FAILURE);
        return false;
    }
    nc->idle_since = clock_now();
    nc->written += (size_t)n;
    return nc->written == m->length;
}

/* The message at the head of the inbox, when it is not data for a full standard output. */
static void take_message(struct nc *nc, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_DATA:
        if (!give_output(nc, m))
            return;
        break;
    case CONTROL_EOF: /* the peer's FIN; we may still send */
        break;
    case CONTROL_END:
        finish(nc, EXIT_SUCCESS);
        break;
    case CONTROL_ERROR:
        relay_error(&nc->relay, m);
        finish(nc, complain(nc->options, nc->relay.text));
        break;
    default:
        finish(nc, complain(nc->options, "the stack sent nonsense"));
    }
    nc->written = 0;
    relay_drop(&nc->relay);
}

/* When to give up waiting: -w seconds without a byte either way; of UDP, only after the end of the input. */
static usec give_up_at(const struct nc *nc)
{
    usec wait = nc->options->wait;
    if (nc->options->udp && nc->input_ended)
        return nc->idle_since + (wait == NEVER ? UDP_WAIT : wait);
    if (nc->options->udp || wait == NEVER)
        return NEVER;
    return nc->idle_since + wait;
}

/* Nothing came for too long. UDP knows no other end, so there it is success. */
static void give_up(struct nc *nc)
{
    finish(nc, nc->options->udp ? EXIT_SUCCESS : complain(nc->options, "no data for the time of -w"));
}

enum { POLL_RELAY, POLL_INPUT, POLL_OUTPUT, POLL_COUNT };

/* A pipe or terminal that poll() calls writable takes PIPE_BUF bytes without blocking (which would hold up
 * the other direction), a file takes all. */
static size_t output_chunk(void)
{
    struct stat st;
    return fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? CONTROL_BODY_MAX : PIPE_BUF;
}

/* One turn: waits for what can go on, then lets it. */
static void turn(struct nc *nc)
{
    struct control_message m;
    struct pollfd fds[POLL_COUNT] = {[POLL_INPUT] = {.fd = -1}, [POLL_OUTPUT] = {.fd = -1}};
    int waiting = relay_peek(&nc->relay, &m);
    if (waiting < 0) {
        finish(nc, complain(nc->options, "the stack is gone"));
        return;
    }
    if (waiting > 0 && m.type != CONTROL_DATA) {
        take_message(nc, &m);
        return;
    }
    if (waiting > 0)
        fds[POLL_OUTPUT] = (struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT};
    if (!nc->input_ended && relay_room(&nc->relay))
        fds[POLL_INPUT] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (relay_wait(&nc->relay, fds, POLL_COUNT - 1, give_up_at(nc), waiting > 0) < 0)
        return;
    if (fds[POLL_INPUT].revents)
        take_input(nc);
    if (waiting > 0 && fds[POLL_OUTPUT].revents)
        take_message(nc, &m);
    if (clock_now() >= give_up_at(nc))
        give_up(nc);
}

static int run(const struct nc_options *o)
{
    static struct nc nc; /* too large for a stack frame */
    nc.options = o;
    nc.chunk = output_chunk();
    const struct relay_call call = {.command = o->command,
                                    .stack = o->common.stack,
                                    .host = o->host,
                                    .type = o->udp ? SOCK_UDP : SOCK_TCP,
                                    .remote = o->remote,
                                    .timeout = o->wait};
    if (relay_open(&nc.relay, &call) < 0)
        return EXIT_FAILURE;
    nc.idle_since = clock_now();
    while (!nc.done)
        turn(&nc);
    relay_close(&nc.relay);
    return nc.status;
}

static const char help[] =
    "usage: glass nc [-u] [-w SECONDS] [--name NAME] HOST PORT\n"
    "\n"
    "Connects to HOST from the running stack and relays standard input and output.\n"
    "The end of standard input sends a FIN; what the peer sends is written until its\n"
    "FIN. Exit status 0 when both ends closed in order.\n"
    "\n"
    "  -u, --udp        UDP: each line typed, or each read of a file or pipe, is one\n"
    "                   datagram; ends one second after the end of standard input\n"
    "  -w, --wait S     TCP: give up connecting, or an idle connection, after S seconds\n"
    "                   UDP: S seconds of silence end it, after the end of the input\n"
    "  -N               accepted, and always so: the end of standard input sends a FIN\n"
    "      --name NAME  which stack (glass)\n"
    "  -h, --help       this text\n"
    "\n"
    "HOST is a name or an address, PORT a number from 1 to 65535 or a service.\n";

/* A port by number or by name: the textbook's, or one of /etc/services. */
static bool port_number(const char *text, bool udp, uint16_t *port)
{
    if (arg_port(text, port))
        return true;
    const struct servent *service = getservbyname(text, udp ? "udp" : "tcp");
    if (!service)
        return false;
    uint16_t network_order = (uint16_t)service->s_port;
    uint8_t wire[2];
    memcpy(wire, &network_order, sizeof wire);
    *port = (uint16_t)(wire[0] << 8 | wire[1]);
    return true;
}

/* -1: go on; otherwise the exit status. */
static int options_read(int argc, char **argv, struct nc_options *o)
{
    static const struct option longs[] = {{"udp", no_argument, NULL, 'u'},
                                          {"wait", required_argument, NULL, 'w'},
                                          ARG_NAME_OPTION,
                                          ARG_HELP_OPTION,
                                          ARG_END_OF_TABLE};
    int status, code;
    while ((code = arg_next(argc, argv, "uw:N", longs, &o->common, &status)) >= 0)
        o->udp |= code == 'u';
    if (code == -2)
        return status;
    if (argc - optind != 2)
        return arg_error(argv[0], argc - optind < 2 ? "HOST and PORT are needed" : "too many arguments");
    o->command = argv[0];
    o->host = argv[optind];
    o->port_text = argv[optind + 1];
    if (!port_number(o->port_text, o->udp, &o->remote.port))
        return arg_error(argv[0], "PORT: neither a number from 1 to 65535 nor a service: %s", o->port_text);
    return -1;
}

int cmd_nc(int argc, char **argv)
{
    struct nc_options options = {.wait = NEVER};
    options.common = (struct arg_common){help, CONTROL_NAME_DEFAULT, &options.wait};
    int status = options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (!relay_resolve(argv[0], options.host, &options.remote.addr))
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN); /* a closed standard output is an error like any other */
    return run(&options);
}
