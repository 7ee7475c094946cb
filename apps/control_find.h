/* Which stacks run on this machine, as far as this user may know: for hints, glass doctor and glass ports. */
#ifndef GLASS_CONTROL_FIND_H
#define GLASS_CONTROL_FIND_H

#include "control_path.h"

#define CONTROL_FOUND_MAX 64 /* stacks; more are not listed */

struct control_found {
    char name[CONTROL_NAME_MAX + 1];
    char directory[108]; /* of its control socket */
    unsigned uid;        /* whose it is */
    bool uid_known;
    bool ours;           /* --name NAME reaches it */
};

/* Fills `to` with up to `room` running stacks, ours first. How many. */
size_t control_find(struct control_found *to, size_t room);

/* Whether --name NAME would reach a stack; says nothing. */
bool control_is_running(const char *name);

/* "a stack named lab of user root runs: use sudo": how to reach it. */
void control_found_text(const struct control_found *found, char *to, size_t room);

/* One line on standard error: no such stack, which others run, how to start one. */
void control_say_absent(const char *name);

#endif
