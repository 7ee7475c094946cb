/* `glass down`: asks a running stack to close in order and waits until it is gone. Called by main.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"
#include "control_client.h"
#include "control_path.h"

#define PATIENCE 10 /* seconds; the stack itself gives its peers two */

static const char help[] = "usage: glass down [--name NAME]\n"
                           "\n"
                           "Closes a running stack in order, as Ctrl-C does, and waits until it is gone.\n"
                           "\n"
                           "  --name NAME  which stack (glass)\n"
                           "  --help       this text\n";

static bool parse(int argc, char **argv, const char **name, int *status)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    *name = CONTROL_NAME_DEFAULT;
    *status = 0;
    optind = 0;
    for (int code; (code = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (code == 'n')
            *name = optarg;
        else {
            *status = code == 'h' ? 0 : EXIT_USAGE;
            if (code == 'h')
                fputs(help, stdout);
            return false;
        }
    }
    if (!control_name_valid(*name))
        *status = arg_error(argv[0], "--name: '%s' is not the name of a stack", *name);
    else if (optind < argc)
        *status = arg_error(argv[0], "unexpected argument '%s'", argv[optind]);
    return *status == 0;
}

/* The answer comes when everything is closed and the name is free again. */
static int ask_down(int fd)
{
    struct control_header header = {0};
    struct control_error refusal;
    struct timeval patience = {.tv_sec = PATIENCE};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        return -errno;
    int error = control_send(fd, CONTROL_DOWN, NULL, 0);
    if (error == 0)
        error = control_receive(fd, &header, &refusal, sizeof refusal, NULL);
    if (error == -ECONNRESET) /* it ended without a word: gone is gone */
        return 0;
    return error == 0 && header.type != CONTROL_END ? -EPROTO : error;
}

int cmd_down(int argc, char **argv)
{
    const char *name;
    int status;
    struct control_hello hello;
    if (!parse(argc, argv, &name, &status))
        return status;
    int fd = control_connect(name, &hello);
    if (fd < 0)
        return EXIT_FAILURE;
    int error = ask_down(fd);
    close(fd);
    if (error == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "glass down: the stack %s (process %d) did not close: %s\n", name, hello.pid,
            error == -EAGAIN ? "no answer" : strerror(-error));
    return EXIT_FAILURE;
}
