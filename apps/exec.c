/* `glass exec -- CMD...`: becomes CMD, beside the stack, in its namespaces. Called by main.c. */
#include <errno.h>
#include <stdbool.h>
#include <limits.h>
#include <getopt.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../tun/lab.h"
#include "args.h"
#include "commands.h"
#include "control_client.h"
#include "control_path.h"

#define EXIT_NOT_RUNNABLE 126 /* as shells have it */
#define EXIT_NOT_FOUND    127

static const char help[] = "usage: glass exec [--name NAME] [--] COMMAND [ARGUMENT]...\n"
                           "\n"
                           "Runs COMMAND beside the running stack, in its laboratory, where 10.7.0.2 can be "
                           "reached. Its exit status is\n"
                           "COMMAND's; 127: no such command, 126: it cannot be run, 1: no such stack.\n"
                           "\n"
                           "  --name NAME  which stack (glass)\n"
                           "  --help       this text\n";

static int parse(int argc, char **argv, const char **name, int *status)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    *name = CONTROL_NAME_DEFAULT;
    *status = 0;
    optind = 0;
    for (int code; (code = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        if (code == 'n')
            *name = optarg;
        else {
            *status = code == 'h' ? 0 : EXIT_USAGE;
            if (code == 'h')
                fputs(help, stdout);
            return -1;
        }
    }
    if (!control_name_valid(*name))
        *status = arg_error(argv[0], "--name: '%s' is not the name of a stack", *name);
    else if (optind == argc)
        *status = arg_error(argv[0], "no command to run");
    return *status == 0 ? optind : -1;
}

/* The stack's namespaces as descriptors, each told by its kind. */
static int ask_namespaces(int fd, int *user_fd, int *net_fd)
{
    struct control_header header;
    struct control_error refusal;
    int fds[2] = {-1, -1};
    int error = control_send(fd, CONTROL_NAMESPACE, NULL, 0);
    if (error == 0)
        error = control_receive(fd, &header, &refusal, sizeof refusal, fds);
    if (error == 0 && header.type != CONTROL_END)
        error = -EPROTO;
    for (int i = 0; i < 2 && error == 0; i++) {
        int kind = fds[i] >= 0 ? ioctl(fds[i], NS_GET_NSTYPE) : 0;
        if (kind == CLONE_NEWUSER)
            *user_fd = fds[i];
        else if (kind == CLONE_NEWNET)
            *net_fd = fds[i];
    }
    return error == 0 && *net_fd < 0 ? -EPROTO : error;
}

/* In the laboratory the user has another number, by which the control socket would not be found: so that
 * glass works inside, its directory is named. */
static void keep_control_directory(const char *name)
{
    char path[108];
    if (control_path(name, false, path, sizeof path) < 0)
        return;
    *strrchr(path, '/') = '\0';
    setenv("XDG_RUNTIME_DIR", path, 1);
}

static int enter(const char *name)
{
    struct control_hello hello;
    char reason[LAB_REASON_MAX];
    int user_fd = -1, net_fd = -1;
    int fd = control_connect(name, &hello);
    if (fd < 0)
        return -1;
    int error = ask_namespaces(fd, &user_fd, &net_fd);
    close(fd);
    if (error < 0) {
        fprintf(stderr, "glass exec: the stack %s did not say where it is: %s\n", name, strerror(-error));
        return -1;
    }
    keep_control_directory(name);
    error = lab_join(user_fd, net_fd, reason);
    if (error < 0)
        fprintf(stderr, "glass exec: %s\n", reason);
    close(net_fd);
    if (user_fd >= 0)
        close(user_fd);
    return error;
}

/* Whether some folder of PATH has a file of that name. execvp says EACCES already when one folder may not be
 * searched; a shell then still says that it found nothing. */
static bool is_in_path(const char *name)
{
    char path[PATH_MAX];
    const char *at = getenv("PATH");
    while (at && *at) {
        size_t len = strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)len, at, name);
        if (access(path, F_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

int cmd_exec(int argc, char **argv)
{
    const char *name;
    int status;
    int first = parse(argc, argv, &name, &status);
    if (first < 0)
        return status;
    if (enter(name) < 0)
        return EXIT_FAILURE;
    execvp(argv[first], argv + first);
    int error = errno;
    if (error == EACCES && !strchr(argv[first], '/') && !is_in_path(argv[first]))
        error = ENOENT;
    fprintf(stderr, "glass exec: %s: %s\n", argv[first], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
}
