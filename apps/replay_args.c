/* Arguments of the commands that replay a capture, and its opening. Called by replay.c and annotate.c. */
#include "replay_args.h"

#include <stdlib.h>

#include "../stack/event_text.h"
#include "args.h"
#include "commands.h"
#include "tcp_settings.h"

bool replay_arg_as(struct replay_args *a, const char *command, const char *text)
{
    a->reason = "as asked";
    if (arg_addr(text, &a->as) && a->as)
        return true;
    arg_error(command, "--as: not an IPv4 address: %s", text);
    return false;
}

bool replay_arg_tcp(struct replay_args *a, const char *command, const char *text)
{
    struct stack_config config;
    char why[160];
    stack_config_init(&config);
    if (a->tcp_count == REPLAY_TCP_MAX)
        arg_error(command, "--tcp: more than %d times", REPLAY_TCP_MAX);
    else if (!tcp_settings_parse(&config, text, why, sizeof why))
        arg_error(command, "%s", why);
    else {
        a->tcp[a->tcp_count++] = text;
        return true;
    }
    return false;
}

bool replay_arg_file(struct replay_args *a, const char *command, int count, char **words)
{
    if (count == 1 && *words[0]) {
        a->path = words[0];
        return true;
    }
    if (count <= 1)
        arg_error(command, "which capture?");
    else
        arg_error(command, "one capture at a time, not also '%s'", words[1]);
    return false;
}

static int fail(const char *command, const char *path, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", command, path, why);
    return EXIT_FAILURE;
}

int replay_open(struct replay *r, struct replay_args *a, const char *command)
{
    char why[REPLAY_WHY], addr[24];
    if (!replay_load(&r->capture, a->path, why))
        return fail(command, a->path, why);
    r->addr = a->as ? a->as : replay_guess(&r->capture, &a->reason);
    if (r->addr == 0)
        return fail(command, a->path, "it holds no IPv4 datagram");
    if (!replay_flows(r))
        return fail(command, a->path, "out of memory");
    if (r->count > 0)
        return 0;
    endpoint_text((struct endpoint){r->addr, 0}, addr, sizeof addr);
    return arg_error(command, "--as: nothing in %s is from or to %s", a->path, addr);
}
