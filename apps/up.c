/* `glass up`: builds a stack with its device, its services and its control socket (up_pieces.c), says where
 * it is, runs it until it is done closing (up_closing.c), and takes it down. Called by main.c. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "up_pieces.h"

#define OUTPUT_BUFFER 65536

static void announce(const struct up *up)
{
    char addr[16], how[PATH_MAX] = "", down[PATH_MAX], port[8] = "";
    const struct up_config *c = &up->config;
    uint16_t http = c->services.port[SERVICE_HTTP].port;
    addr_text(c->addr, addr);
    if (http != 80)
        snprintf(port, sizeof port, ":%u", http);
    if (up->lab.entered) {
        arg_hint(how, sizeof how - sizeof " -- ", "exec", c->name);
        strcat(how, " -- ");
    }
    arg_hint(down, sizeof down, "down", c->name);
    if (http)
        fprintf(up->out, "glass: %s is up on %s. Try: %scurl http://%s%s/   Stop: Ctrl-C, or %s\n", addr,
                up->device.name, how, addr, port, down);
    else
        fprintf(up->out, "glass: %s is up on %s. Try: %sping %s   Stop: Ctrl-C, or %s\n", addr,
                up->device.name, how, addr, down);
}

/* What may end while the stack goes on: its capture, and whoever read its output. Each is said once. */
static void check_outputs(struct up *up)
{
    fflush(up->out); /* a write for each turn, not for each line */
    if (up->loop.capture_error < 0 && up->status == 0) {
        up_say_error("--pcap: the capture stops here", up->loop.capture_error);
        up->status = EXIT_FAILURE;
    }
    if (ferror(up->out) && !up->closing) {
        up_say("nobody reads the output any more: closing");
        up->status = EXIT_FAILURE;
        up_begin_closing(up);
    }
}

/* What the link did, one line each way. */
static void report_link(const struct up *up)
{
    static const char *const name[LINK_WAYS] = {
        [LINK_TO_STACK] = "to the stack", [LINK_TO_KERNEL] = "to the kernel"};
    for (int way = 0; up->config.has_link && way < LINK_WAYS; way++) {
        const struct link_way *w = &up->link.way[way];
        fprintf(up->out, "glass: link %s:", name[way]);
        for (int i = 0; i < LINK_COUNTER_COUNT; i++)
            if (w->count[i] > 0 || i == LINK_IN)
                fprintf(up->out, "%s %llu %s", i ? "," : "", (unsigned long long)w->count[i],
                        link_counter_text((enum link_counter)i));
        fprintf(up->out, ", %u under way\n", w->held);
    }
}

static bool is_done(const struct up *up)
{
    return up->closing && (up->finished || stack_open_connections(&up->stack) == 0);
}

static void run(struct up *up)
{
    int error = 0;
    while (error == 0 && !is_done(up)) {
        error = loop_turn(&up->loop, NEVER);
        if (!up->loop.at_once) /* what was said is on its way before anybody sleeps */
            check_outputs(up);
    }
    stack_abort_connections(&up->stack); /* whoever was not done in time hears of it */
    if (error == 0)
        error = loop_turn(&up->loop, 0); /* the last segments leave */
    if (error < 0) {
        fprintf(stderr, "glass up: the device %s is gone: %s\n", up->device.name, strerror(-error));
        up->status = EXIT_FAILURE;
    }
    report_link(up);
    uint64_t dropped = up->way->dropped;
    if (dropped > 0)
        fprintf(stderr, "glass up: %s did not take %llu datagrams\n", up->device.name,
                (unsigned long long)dropped);
}

int up_run(const struct up_config *config)
{
    struct up up = {.config = *config,
                    .listener = {.fd = -1, .lock_fd = -1},
                    .lab = {.user_fd = -1, .net_fd = -1},
                    .device = {.fd = -1},
                    .signals = {.fd = -1},
                    .patience = {.passed = up_patience_ended}};
    up.out = config->pcap && strcmp(config->pcap, "-") == 0 ? stderr : stdout;
    if (config->out)
        up.out = config->out;
    setvbuf(up.out, NULL, config->trace ? _IOLBF : _IOFBF, OUTPUT_BUFFER); /* the access log: check_outputs */
    clock_set_step(config->step_clock);
    if (up_build(&up)) {
        announce(&up);
        fflush(up.out);
        if (config->ready)
            config->ready(config->ready_context);
        run(&up);
    } else
        up.status = EXIT_FAILURE;
    up_take_down(&up);
    return up.status;
}

int cmd_up(int argc, char **argv)
{
    struct up_config config;
    int status;
    if (!up_parse(&config, argc, argv, &status))
        return status;
    status = up_run(&config);
    if (status != EXIT_SUCCESS)
        clearerr(stdout); /* that nobody reads it was said */
    return status;
}
