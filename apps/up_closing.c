/* A running stack closes in order: what a signal does, and how long peers are waited for. Called by up.c, by
 * up_pieces.c for `glass down`, and by the loop. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "up_pieces.h"

#define CLOSING_TIME SEC(2) /* how long peers have to finish their closes */

void up_begin_closing(struct up *up)
{
    if (up->closing)
        return;
    up->closing = true;
    services_stop(up->services);
    up->services = NULL;
    control_server_stop(&up->server);
    loop_deadline(&up->loop, &up->patience, loop_now(&up->loop) + CLOSING_TIME);
}

void up_patience_ended(struct deadline *patience)
{
    struct up *up = (struct up *)((char *)patience - offsetof(struct up, patience));
    up->finished = true;
}

static void ignore(int number)
{
    (void)number;
}

/* A debugger's Ctrl-C is meant for the debugger, which does not see a signal that signalfd takes. */
static bool stopped_for_debugger(int signal_number)
{
    if (signal_number != SIGINT || !clock_traced())
        return false;
    signal(SIGTRAP, ignore); /* it may have gone this very moment */
    raise(SIGTRAP);
    return true;
}

void up_signal_came(struct watch *watch, uint32_t events)
{
    struct up *up = (struct up *)((char *)watch - offsetof(struct up, signals));
    struct signalfd_siginfo info;
    (void)events;
    if (read(watch->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (stopped_for_debugger((int)info.ssi_signo))
        return;
    if (up->closing)
        up->finished = true;
    up_begin_closing(up);
}
