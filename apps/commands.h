/* The commands of `glass`: main.c finds one in its table and hands over.
 *
 * argv[0] is "glass up" and so on, so that getopt_long's own messages name the command. Each parses its arguments,
 * answers --help on standard output, and returns the exit status of the program. */
#ifndef GLASS_COMMANDS_H
#define GLASS_COMMANDS_H

#define EXIT_USAGE 2 /* an argument is wrong: one line named it */

int cmd_up(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_netstat(int argc, char **argv);
int cmd_ports(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_ladder(int argc, char **argv);
int cmd_nc(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_annotate(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_lab(int argc, char **argv);

#endif
