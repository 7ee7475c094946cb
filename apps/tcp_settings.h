/* The settings of TCP by readable names: `glass up --tcp sack=off,rto-min=1s`. One table, which also prints them. */
#ifndef GLASS_TCP_SETTINGS_H
#define GLASS_TCP_SETTINGS_H

#include <stdio.h>

#include "../stack/config.h"

/* Takes "OPTION=VALUE[,OPTION=VALUE]...". True; or false and `why` says in one line what is wrong with which option:
 * then *config is untouched. */
bool tcp_settings_parse(struct stack_config *config, const char *text, char *why, size_t room);

/* Every option with the value that `config` gives it, what it takes, and its RFC. */
void tcp_settings_print(FILE *out, const struct stack_config *config);

#endif
