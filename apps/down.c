/* `glass down`: asks a running stack to close in order and waits until it is gone. Called by main.c. */
#include <errno.h>
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
                           "      --name NAME  which stack (glass)\n"
                           "  -h, --help       this text\n";

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
    static const struct option longs[] = {ARG_NAME_OPTION, ARG_HELP_OPTION, ARG_END_OF_TABLE};
    struct arg_common common = {help, CONTROL_NAME_DEFAULT, NULL};
    int status;
    struct control_hello hello;
    if (arg_next(argc, argv, "", longs, &common, &status) == -2)
        return status;
    if (optind < argc)
        return arg_error(argv[0], "unexpected argument '%s'", argv[optind]);
    int fd = control_connect(common.stack, &hello);
    if (fd < 0)
        return EXIT_FAILURE;
    int error = ask_down(fd);
    close(fd);
    if (error == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "glass down: the stack %s (process %d) did not close: %s\n", common.stack, hello.pid,
            error == -EAGAIN ? "no answer" : strerror(-error));
    return EXIT_FAILURE;
}
