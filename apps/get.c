/* glass get: one page over HTTP/1.1 (RFC 9112), through the running stack.
 *
 * Owns the request and what happens to the body; get_url.c reads the URL, get_response.c cuts the answer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "get_response.h"
#include "get_url.h"
#include "relay.h"

#define EXIT_STATUS_400 22     /* --fail and a status of 400 or more: curl's number */
#define CLOSE_TIME      SEC(2) /* for the peer's FIN, when all that it had to say is here */

struct get_options {
    const char *command, *file, *url_text;
    struct arg_common common;
    struct url url;
    struct endpoint remote;
    bool headers, fail;
    usec wait; /* without a byte; NEVER: as long as the stack goes on trying */
};

struct get {
    const struct get_options *options;
    struct relay relay;
    struct response response;
    int output;
    bool began; /* the head is whole and was dealt with */
};

static int complain(const struct get *g, const char *why)
{
    fprintf(stderr, "glass get: %s: %s\n", g->options->url_text, why);
    return EXIT_FAILURE;
}

static bool write_all(struct get *g, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(g->output, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "glass get: %s: %s\n", g->options->file ? g->options->file : "standard output",
                    strerror(errno));
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_request(struct get *g)
{
    const struct url *u = &g->options->url;
    char request[URL_MAX + sizeof u->host + 128], port[8] = "";
    if (u->port != 80)
        snprintf(port, sizeof port, ":%u", u->port);
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: glass\r\nAccept: */*\r\n"
                       "Connection: close\r\n\r\n",
                       u->path, u->host, port);
    return relay_send(&g->relay, CONTROL_DATA, request, (size_t)len) == 0;
}

static bool open_output(struct get *g)
{
    if (!g->options->file || strcmp(g->options->file, "-") == 0) {
        g->output = STDOUT_FILENO;
        return true;
    }
    g->output = open(g->options->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (g->output < 0)
        fprintf(stderr, "glass get: %s: %s\n", g->options->file, strerror(errno));
    return g->output >= 0;
}

/* The head is whole. -1: on to the body; otherwise the exit status. No file is made before this point. */
static int begin_body(struct get *g)
{
    const struct response *r = &g->response;
    g->began = true;
    if (r->status >= 400 && g->options->fail) {
        fprintf(stderr, "glass get: %s: the server answers %d\n", g->options->url_text, r->status);
        return EXIT_STATUS_400;
    }
    if (!open_output(g) || (g->options->headers && !write_all(g, r->head, r->head_len)))
        return EXIT_FAILURE;
    return -1;
}

/* -1: go on; otherwise the exit status. */
static int take_bytes(struct get *g, const uint8_t *bytes, size_t len)
{
    struct response *r = &g->response;
    while (r->phase != RESPONSE_DONE) {
        const uint8_t *body;
        size_t body_len;
        size_t n = response_take(r, bytes, len, &body, &body_len);
        bool body_begins = !g->began && r->phase != RESPONSE_HEAD && r->phase != RESPONSE_BAD;
        int status = body_begins ? begin_body(g) : -1;
        if (status >= 0)
            return status;
        if (!write_all(g, body, body_len))
            return EXIT_FAILURE;
        if (r->phase == RESPONSE_BAD)
            return complain(g, r->bad);
        bytes += n;
        len -= n;
        if (len == 0)
            break;
    }
    return r->phase == RESPONSE_DONE ? EXIT_SUCCESS : -1;
}

/* -1: go on; otherwise the exit status. */
static int take_end(struct get *g)
{
    const char *wrong = response_end(&g->response);
    return wrong ? complain(g, wrong) : EXIT_SUCCESS;
}

static int take_message(struct get *g, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_DATA:
        return take_bytes(g, m->body, m->length);
    case CONTROL_EOF:
    case CONTROL_END:
        return take_end(g);
    case CONTROL_ERROR:
        relay_error(&g->relay, m);
        return complain(g, g->relay.text);
    default:
        return complain(g, "the stack sent nonsense");
    }
}

/* The answer, message by message. The exit status. */
static int receive(struct get *g)
{
    struct control_message m;
    struct pollfd fd;
    int status = -1;
    usec heard = clock_now();
    while (status < 0) {
        usec until = g->options->wait == NEVER ? NEVER : heard + g->options->wait;
        int got = relay_peek(&g->relay, &m);
        if (got < 0)
            return complain(g, "the stack is gone");
        if (got > 0) {
            status = take_message(g, &m);
            relay_drop(&g->relay);
            heard = clock_now();
        } else if (until != NEVER && clock_now() >= until) {
            return complain(g, "no answer for the time of -w");
        } else {
            relay_wait(&g->relay, &fd, 0, until, false);
        }
    }
    return status;
}

/* A close in order: our FIN, and the peer's within a bounded time. The page is here, so nothing can fail now.
 */
static void close_in_order(struct get *g)
{
    struct control_message m;
    struct pollfd fd;
    usec until = clock_now() + CLOSE_TIME;
    if (relay_send(&g->relay, CONTROL_EOF, NULL, 0) < 0)
        return;
    while (clock_now() < until) {
        int got = relay_peek(&g->relay, &m);
        if (got < 0 || (got > 0 && (m.type == CONTROL_END || m.type == CONTROL_ERROR)))
            return;
        if (got > 0)
            relay_drop(&g->relay);
        else
            relay_wait(&g->relay, &fd, 0, until, false);
    }
}

static int run(const struct get_options *o)
{
    static struct get g = {.output = -1}; /* too large for a stack frame */
    g.options = o;
    response_init(&g.response);
    const struct relay_call call = {.command = o->command,
                                    .stack = o->common.stack,
                                    .host = o->url.host,
                                    .type = SOCK_TCP,
                                    .remote = o->remote,
                                    .timeout = o->wait};
    if (relay_open(&g.relay, &call) < 0)
        return EXIT_FAILURE;
    int status = send_request(&g) ? receive(&g) : complain(&g, "out of memory");
    if (status == EXIT_SUCCESS)
        close_in_order(&g);
    relay_close(&g.relay);
    if (g.output > STDERR_FILENO && close(g.output) < 0 && status == EXIT_SUCCESS) {
        fprintf(stderr, "glass get: %s: %s\n", o->file, strerror(errno));
        status = EXIT_FAILURE;
    }
    return status;
}

static const char help[] = "usage: glass get [-i] [-f] [-o FILE] [-w SECONDS] [--name NAME] URL\n"
                           "\n"
                           "Fetches http://HOST[:PORT]/PATH through the running stack and writes the body.\n"
                           "Redirections are shown, not followed. Exit status 0 when the whole body came,\n"
                           "whatever the server's status; 1 when it did not.\n"
                           "\n"
                           "  -i, --include      the status line and the header fields too\n"
                           "  -f, --fail         a status of 400 or more: no body, exit status 22\n"
                           "  -o, --output FILE  write to FILE\n"
                           "  -w, --wait S       give up connecting, or after a silence of S seconds\n"
                           "      --name NAME    which stack (glass)\n"
                           "  -h, --help         this text\n";

/* -1: go on; otherwise the exit status. */
static int options_read(int argc, char **argv, struct get_options *o)
{
    static const struct option longs[] = {{"include", no_argument, NULL, 'i'},
                                          {"fail", no_argument, NULL, 'f'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"wait", required_argument, NULL, 'w'},
                                          ARG_NAME_OPTION,
                                          ARG_HELP_OPTION,
                                          ARG_END_OF_TABLE};
    int status, code;
    while ((code = arg_next(argc, argv, "ifo:w:", longs, &o->common, &status)) >= 0) {
        o->headers |= code == 'i';
        o->fail |= code == 'f';
        if (code == 'o')
            o->file = optarg;
    }
    if (code == -2)
        return status;
    if (argc - optind != 1)
        return arg_error(argv[0], argc == optind ? "a URL is needed" : "one URL at a time");
    if (o->file && !*o->file)
        return arg_error(argv[0], "-o: the name of a file is needed");
    o->command = argv[0];
    o->url_text = argv[optind];
    const char *wrong = url_parse(&o->url, o->url_text);
    return wrong ? arg_error(argv[0], "URL: %s: %s", wrong, o->url_text) : -1;
}

int cmd_get(int argc, char **argv)
{
    struct get_options options = {.wait = NEVER};
    options.common = (struct arg_common){help, CONTROL_NAME_DEFAULT, &options.wait};
    int status = options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (!relay_resolve(argv[0], options.url.host, &options.remote.addr))
        return EXIT_FAILURE;
    options.remote.port = options.url.port;
    signal(SIGPIPE, SIG_IGN); /* a closed standard output is an error like any other */
    return run(&options);
}
