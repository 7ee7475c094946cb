/* `glass COMMAND ...`: finds the command in the table and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"

#define GLASS_VERSION "0.1.0"

struct command {
    const char *name;
    const char *title; /* what getopt_long calls it */
    int (*run)(int argc, char **argv);
    const char *about;
};

static const struct command commands[] = {
    {"demo", "glass demo", cmd_demo, "the tour: a laboratory, a ping, a curl, and what went over the wire"},
    {"lab", "glass lab", cmd_lab, "two stacks in virtual time: glass lab handshake, or --list"},
    {"up", "glass up", cmd_up, "start a stack and run it until Ctrl-C"},
    {"exec", "glass exec", cmd_exec, "run a program beside the stack: glass exec -- curl http://10.7.0.2/"},
    {"netstat", "glass netstat", cmd_netstat, "its connections, straight from the stack"},
    {"ports", "glass ports", cmd_ports, "what a port is, and who holds it"},
    {"trace", "glass trace", cmd_trace, "follow it: segments, states, timers, drops, and which rule decided"},
    {"ladder", "glass ladder", cmd_ladder, "a connection as a sequence diagram: live, or of a capture"},
    {"replay", "glass replay", cmd_replay,
     "a capture again, with this stack in the place of one side: what differs"},
    {"annotate", "glass annotate", cmd_annotate,
     "a capture with the stack's view beside each packet, for Wireshark"},
    {"nc", "glass nc", cmd_nc, "a connection or datagrams from the stack to a host"},
    {"get", "glass get", cmd_get, "fetch a page through the stack"},
    {"ping", "glass ping", cmd_ping, "echo requests from the stack"},
    {"down", "glass down", cmd_down, "close a running stack"},
    {"doctor", "glass doctor", cmd_doctor,
     "whether this machine has what glass needs, and what to do about it"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *to)
{
    const char *program = arg_program();
    fputs("usage: glass COMMAND [ARGUMENT]...\n\nA TCP/IP stack you can see through.\n\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "  %-9s %s\n", "help", "what a command does: the same as COMMAND --help");
    fprintf(to, "\n'%s help COMMAND' says more; '%s --version' prints the version.\n", program, program);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *what)
{
    fprintf(stderr, "glass: there is no %s '%s' (see %s --help)\n", what[0] == '-' ? "option" : "command",
            what, arg_program());
    return EXIT_USAGE;
}

/* `glass help [COMMAND]`. */
static int help(int argc, char **argv)
{
    static char dashes[] = "--help";
    if (argc > 3)
        return arg_error("glass help", "one COMMAND at a time");
    bool whole = argc < 3 || strcmp(argv[2], "help") == 0 || strcmp(argv[2], "--help") == 0 ||
                 strcmp(argv[2], "-h") == 0;
    if (whole) {
        usage(stdout);
        return 0;
    }
    const struct command *command = find(argv[2]);
    if (!command)
        return unknown(argv[2]);
    char *words[] = {(char *)(uintptr_t)command->title, dashes, NULL};
    return command->run(2, words);
}

/* A descriptor from 0 to 2 that was closed would be the next socket or file, and what is printed would go
 * into it. One that can only fail takes its place: reading and writing it is an error, which is reported. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null",
                 fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest that is free: this one */
    errno = 0;
}

static int run(int argc, char **argv)
{
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("glass " GLASS_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc, argv);
    const struct command *command = find(argv[1]);
    if (!command)
        return unknown(argv[1]);
    if (argc > 2 && strcmp(argv[2], "-h") == 0)
        argv[2] = "--help"; /* after every command, also one whose -h is nothing to getopt */
    argv[1] = (char *)(uintptr_t)command->title;
    return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    arg_set_program(argv[0]);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    const struct command *command = find(argv[1]);
    bool is_help = strcmp(argv[1], "help") == 0;
    return arg_end(command ? command->title : is_help ? "glass help" : "glass", run(argc, argv));
}
