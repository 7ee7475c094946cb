/* `glass COMMAND ...`: finds the command in the table and hands over. */
#include <stdio.h>
#include <string.h>

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
    {"up", "glass up", cmd_up, "start a stack and run it until Ctrl-C"},
    {"exec", "glass exec", cmd_exec, "run a program beside the stack: glass exec -- curl http://10.7.0.2/"},
    {"netstat", "glass netstat", cmd_netstat, "its connections, straight from the stack"},
    {"nc", "glass nc", cmd_nc, "a connection or datagrams from the stack to a host"},
    {"get", "glass get", cmd_get, "fetch a page through the stack"},
    {"ping", "glass ping", cmd_ping, "echo requests from the stack"},
    {"down", "glass down", cmd_down, "close a running stack"},
};

static void usage(FILE *to)
{
    fputs("usage: glass COMMAND [ARGUMENT]...\n\nA TCP/IP stack you can see through.\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].about);
    fputs("\n'glass COMMAND --help' says more; 'glass --version' prints the version.\n", to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("glass " GLASS_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            argv[1] = (char *)commands[i].title;
            return commands[i].run(argc - 1, argv + 1);
        }
    fprintf(stderr, "glass: there is no %s '%s' (see glass --help)\n",
            argv[1][0] == '-' ? "option" : "command", argv[1]);
    return EXIT_USAGE;
}
