/* What a line of a script can say. Each takes the line behind its verb, and is false after world_fail. */
#ifndef SCRIPT_COMMANDS_H
#define SCRIPT_COMMANDS_H

#include "world.h"

/* packets.c: inject, or expect the next datagram between two times. */
bool run_inject(struct world *w, char *line);
bool run_expect(struct world *w, char *line, usec earliest, usec latest);

/* calls.c: a socket call with its result; a state; pending errors and events. */
bool run_call(struct world *w, const char *verb, char *line);
bool run_state(struct world *w, char *line);
bool run_events(struct world *w, char *line);

/* settings.c: fields of struct stack_config, the peer, counters. */
bool run_config(struct world *w, char *line);
bool run_peer(struct world *w, char *line);
bool run_counter(struct world *w, const char *verb, char *line);
bool run_newer_iss(struct world *w, char *line);

#endif
