/* `glass exec -- CMD...`: becomes CMD, beside the stack, in its namespaces. Called by main.c. */
#include <errno.h>
#include <stdbool.h>
#include <limits.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
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
                           "Runs COMMAND beside the running stack, in its laboratory, where 10.7.0.2 can be\n"
                           "reached. Its exit status is COMMAND's; 127: no such command, 126: it cannot be\n"
                           "run, 1: no such stack.\n"
                           "\n"
                           "COMMAND gets the laboratory's addresses in no_proxy and NO_PROXY, so that curl\n"
                           "does not ask a proxy for them; and XDG_RUNTIME_DIR, so that glass works inside.\n"
                           "\n"
                           "      --name NAME  which stack (glass)\n"
                           "  -h, --help       this text\n";

/* The index of COMMAND in argv, or -1 and the program's exit status. */
static int parse(int argc, char **argv, const char **name, int *status)
{
    static const struct option longs[] = {ARG_NAME_OPTION, ARG_HELP_OPTION, ARG_END_OF_TABLE};
    struct arg_common common = {help, CONTROL_NAME_DEFAULT, NULL};
    if (arg_next(argc, argv, "+", longs, &common, status) == -2)
        return -1;
    *name = common.stack;
    if (optind < argc && *argv[optind])
        return optind;
    *status = arg_error(argv[0], "no command to run");
    return -1;
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

/* A list for no_proxy that grows by one address; what is too long to fit stays as it was. */
static void add_no_proxy(char *list, size_t room, uint32_t addr)
{
    size_t len = strlen(list);
    char text[24];
    int n = snprintf(text, sizeof text, "%s%u.%u.%u.%u", len ? "," : "", addr >> 24, addr >> 16 & 255,
                     addr >> 8 & 255, addr & 255);
    if (len + (size_t)n < room)
        memcpy(list + len, text, (size_t)n + 1);
}

/* A proxy of the user's environment is outside: it can reach neither the stack nor what runs beside it. The
 * addresses of the namespace this process is in by now, and the stack's. */
static void keep_from_proxy(const char *variable, uint32_t stack)
{
    char list[4096];
    const char *old = getenv(variable);
    struct ifaddrs *all;
    if (old && strlen(old) >= sizeof list / 2)
        return; /* the user's own list is more than we would add to */
    snprintf(list, sizeof list, "%s", old ? old : "");
    add_no_proxy(list, sizeof list, stack);
    if (getifaddrs(&all) == 0) {
        for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
            struct sockaddr_in in;
            if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
                continue;
            memcpy(&in, i->ifa_addr, sizeof in);
            add_no_proxy(list, sizeof list, ntohl(in.sin_addr.s_addr));
        }
        freeifaddrs(all);
    }
    setenv(variable, list, 1);
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
    keep_from_proxy("no_proxy", hello.addr.addr);
    keep_from_proxy("NO_PROXY", hello.addr.addr);
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
