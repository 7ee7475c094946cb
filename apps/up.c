/* `glass up`: builds a stack with its device, its services and its control socket, runs it, closes it in
 * order.
 *
 * Owns everything that a running stack consists of; each piece knows how to be taken down whether or not it
 * was built. Called by main.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../tun/capture.h"
#include "../tun/lab.h"
#include "../tun/link.h"
#include "../tun/offload.h"
#include "../tun/soft_offload.h"
#include "../tun/tun.h"
#include "args.h"
#include "annotation.h"
#include "commands.h"
#include "control_path.h"
#include "control_server.h"
#include "observers.h"
#include "tcp_settings.h"
#include "trace_text.h"
#include "up.h"
#include "way_out.h"
#include "heap.h"

#define CLOSING_TIME  SEC(2) /* how long peers have to finish their closes */
#define OUTPUT_BUFFER 65536

struct up {
    struct up_config config;
    struct control_listener listener;
    struct capture capture;
    struct lab lab;
    struct device device;
    struct link link; /* before the device, with --link; otherwise, when it has no offload, ... */
    struct soft_offload soft_offload;
    struct device *way; /* what the loop reads and writes: one of these three */
    struct stack stack;
    struct observers observers; /* of the stack; see observers.h for how to join */
    struct observer trace;      /* --trace */
    struct trace_style trace_style;
    struct observer asked;        /* config.observe */
    struct annotation annotation; /* --pcap FILE.pcapng */
    struct observer annotator;
    struct loop loop;
    struct services *services;
    struct control_server server;
    struct watch signals;
    struct deadline patience;
    usec started;
    FILE *out; /* what people read; standard error when the capture is on standard output */
    bool has_stack, has_loop, has_server;
    bool closing, finished;
    int status; /* the program's, as far as it is known */
};

static int say(const char *what)
{
    fprintf(stderr, "glass up: %s\n", what);
    return -1;
}

static int say_error(const char *what, int error)
{
    fprintf(stderr, "glass up: %s: %s\n", what, strerror(-error));
    return -1;
}

static const char *text_of(uint32_t addr, char to[INET_ADDRSTRLEN])
{
    struct in_addr in = {htonl(addr)};
    return inet_ntop(AF_INET, &in, to, INET_ADDRSTRLEN);
}

/* --- closing --- */

static void begin_closing(struct up *up)
{
    if (up->closing)
        return;
    up->closing = true;
    services_stop(up->services);
    up->services = NULL;
    control_server_stop(&up->server);
    loop_deadline(&up->loop, &up->patience, loop_now(&up->loop) + CLOSING_TIME);
}

static void patience_ended(struct deadline *patience)
{
    struct up *up = (struct up *)((char *)patience - offsetof(struct up, patience));
    up->finished = true;
}

static void asked_down(void *context)
{
    begin_closing(context);
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

/* The first Ctrl-C closes in order, the second at once. */
static void signal_came(struct watch *watch, uint32_t events)
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
    begin_closing(up);
}

/* --- the pieces, in the order in which they are built --- */

/* Blocked before anything exists that a signal could leave behind. */
static int open_signals(struct up *up)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write(2), and reported */
    up->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    up->signals.ready = signal_came;
    return up->signals.fd < 0 ? say_error("signals", -errno) : 0;
}

static int open_capture(struct up *up)
{
    if (!up->config.pcap)
        return 0;
    int error = capture_open(&up->capture, up->config.pcap, clock_wall_offset());
    if (error < 0)
        fprintf(stderr, "glass up: --pcap: cannot write %s: %s\n", up->config.pcap, strerror(-error));
    return error;
}

static int open_lab(struct up *up)
{
    char reason[LAB_REASON_MAX];
    int error = up->config.host ? lab_here(&up->lab, reason) : lab_enter(&up->lab, reason);
    return error < 0 ? say(reason) : 0;
}

/* An existing device decides about the network it is in. */
static int adopt_network(struct up_config *c, const struct device *d)
{
    char addr[INET_ADDRSTRLEN];
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - d->prefix));
    if (!d->up)
        fprintf(stderr, "glass up: note: %s is down: 'ip link set %s up'\n", d->name, d->name);
    if (c->mtu == 0)
        c->mtu = d->mtu;
    if (c->mtu > d->mtu) {
        fprintf(stderr, "glass up: --mtu: %u is more than the %u of %s\n", c->mtu, d->mtu, d->name);
        return -1;
    }
    if (!c->addr_given && d->peer) {
        c->addr = d->peer;
        c->prefix = 32;
    } else if (!c->addr_given && d->addr && ((c->addr ^ d->addr) & mask) != 0) {
        fprintf(stderr, "glass up: %s has %s/%u: give the stack an address of that network with --ip\n",
                d->name, text_of(d->addr, addr), d->prefix);
        return -1;
    } else if (!c->addr_given && d->addr)
        c->prefix = d->prefix;
    if (c->addr == d->addr) {
        fprintf(stderr, "glass up: %s is the kernel's own address on %s: choose another with --ip\n",
                text_of(d->addr, addr), d->name);
        return -1;
    }
    return 0;
}

static int open_device(struct up *up)
{
    char reason[DEVICE_REASON_MAX];
    struct up_config *c = &up->config;
    if (c->host && device_exists(c->tun)) {
        int error = device_attach(&up->device, c->tun, c->offload, reason);
        return error < 0 ? say(reason) : adopt_network(c, &up->device);
    }
    if (c->mtu == 0)
        c->mtu = IP_MTU_DEFAULT;
    struct device_config device = {.name = c->tun,
                                   .addr = up_kernel_addr(c->addr, c->prefix),
                                   .prefix = c->prefix,
                                   .mtu = c->mtu,
                                   .offload = c->offload};
    int error = device_open(&up->device, &device, reason);
    return error < 0 ? say(reason) : 0;
}

/* A faulty wire carries, delays and loses single segments; over any other they may be cut at the last moment.
 */
static int open_link(struct up *up)
{
    int error;
    up->way = &up->device;
    if (up->config.has_link) {
        error = link_open(&up->link, &up->device, &up->config.link);
        up->way = &up->link.device;
        return error < 0 ? say_error("--link", error) : 0;
    }
    if (up->device.offload)
        return 0;
    error = soft_offload_open(&up->soft_offload, &up->device);
    up->way = &up->soft_offload.device;
    return error < 0 ? say_error("cannot cut segments", error) : 0;
}

/* A line is on its way before the next packet is looked at; times count from the start. */
static void trace(void *context, const struct event *event)
{
    struct up *up = context;
    trace_text_print(up->out, event, &up->trace_style);
}

static void open_observers(struct up *up)
{
    const struct up_config *config = &up->config;
    observers_init(&up->observers, &up->stack);
    up->trace_style = (struct trace_style){.started = up->started, .colour = trace_text_colour(up->out)};
    up->trace = (struct observer){.see = trace, .context = up};
    up->asked = (struct observer){.see = config->observe, .context = config->observe_context};
    if (config->trace)
        observers_add(&up->observers, &up->trace);
    if (config->observe)
        observers_add(&up->observers, &up->asked);
    if (up->capture.ng) {
        annotation_init(&up->annotation, &up->stack);
        up->annotator = (struct observer){.see = annotation_see, .context = &up->annotation};
        observers_add(&up->observers, &up->annotator);
        up->capture.view = &up->annotation.view;
    }
}

static int apply_tcp_settings(const struct up_config *c, struct stack_config *config)
{
    char why[160];
    for (unsigned i = 0; i < c->tcp_count; i++)
        if (!tcp_settings_parse(config, c->tcp[i], why, sizeof why))
            return say(why);
    return 0;
}

static int open_stack(struct up *up)
{
    struct stack_config config;
    stack_config_init(&config);
    config.addr = up->config.addr;
    config.prefix = up->config.prefix;
    config.mtu = (uint16_t)up->config.mtu;
    config.device_sums = up->device.offload || up->way->soft;
    config.device_segments = up->device.offload ? OFFLOAD_LARGEST : 0;
    if (apply_tcp_settings(&up->config, &config) < 0)
        return -1;
    config.memory = heap_memory;
    if (getrandom(config.key, sizeof config.key, 0) != (ssize_t)sizeof config.key)
        return say_error("no random numbers", -errno);
    up->started = clock_now();
    int error = stack_init(&up->stack, &config, up->started);
    up->has_stack = error == 0;
    if (error < 0)
        return say_error("cannot start the stack", error);
    open_observers(up);
    return 0;
}

static int open_loop(struct up *up)
{
    int error = loop_init(&up->loop, &up->stack, up->way, up->config.pcap ? &up->capture : NULL);
    up->has_loop = error == 0;
    if (up->config.has_link)
        link_run(&up->link, &up->loop);
    if (error == 0)
        error = loop_watch(&up->loop, &up->signals, EPOLLIN);
    return error < 0 ? say_error("cannot start the event loop", error) : 0;
}

static int open_services(struct up *up)
{
    up->config.services.access_log = up->out;
    return services_start(&up->loop, &up->stack, &up->config.services, &up->services);
}

static int reaches(void *context, uint32_t addr, char *why, size_t room)
{
    const struct up *up = context;
    struct way_out from = {up->config.addr, up->config.prefix, up->lab.entered};
    return way_out_check(&from, addr, why, room);
}

static int open_control(struct up *up)
{
    int error = control_server_start(&up->server, &up->loop, &up->stack, up->listener.fd, up->lab.user_fd,
                                     up->lab.net_fd, asked_down, up);
    up->has_server = error == 0;
    up->server.link = up->config.has_link ? &up->link : NULL;
    up->server.observers = &up->observers;
    up->server.started = up->started;
    up->server.reaches = reaches;
    return error < 0 ? say_error("cannot serve the control socket", error) : 0;
}

/* The control socket comes first: a second stack of this name must not touch the first one's capture. */
static bool build(struct up *up)
{
    return open_signals(up) == 0 && control_listen(&up->listener, up->config.name) == 0 &&
           open_capture(up) == 0 && open_lab(up) == 0 && open_device(up) == 0 && open_link(up) == 0 &&
           open_stack(up) == 0 && open_loop(up) == 0 && open_services(up) == 0 && open_control(up) == 0;
}

static void take_down(struct up *up)
{
    if (capture_close(&up->capture) < 0 && up->status == 0)
        up->status = say_error("--pcap: the capture is incomplete", up->capture.error) ? EXIT_FAILURE : 0;
    link_close(&up->link);
    soft_offload_close(&up->soft_offload);
    device_close(&up->device);
    control_unlisten(&up->listener);
    services_stop(up->services);
    if (up->has_server)
        control_server_free(&up->server); /* those who asked for it learn now that all is gone */
    if (up->has_stack)
        stack_free(&up->stack);
    if (up->has_loop)
        loop_free(&up->loop);
    lab_close(&up->lab);
    if (up->signals.fd >= 0)
        close(up->signals.fd);
}

/* --- running --- */

static void announce(const struct up *up)
{
    char addr[INET_ADDRSTRLEN], how[PATH_MAX] = "", down[PATH_MAX], port[8] = "";
    const struct up_config *c = &up->config;
    uint16_t http = c->services.port[SERVICE_HTTP].port;
    text_of(c->addr, addr);
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
        say_error("--pcap: the capture stops here", up->loop.capture_error);
        up->status = EXIT_FAILURE;
    }
    if (ferror(up->out) && !up->closing) {
        say("nobody reads the output any more: closing");
        up->status = EXIT_FAILURE;
        begin_closing(up);
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
                    .patience = {.passed = patience_ended}};
    up.out = config->pcap && strcmp(config->pcap, "-") == 0 ? stderr : stdout;
    if (config->out)
        up.out = config->out;
    setvbuf(up.out, NULL, config->trace ? _IOLBF : _IOFBF, OUTPUT_BUFFER); /* the access log: check_outputs */
    clock_set_step(config->step_clock);
    if (build(&up)) {
        announce(&up);
        fflush(up.out);
        if (config->ready)
            config->ready(config->ready_context);
        run(&up);
    } else
        up.status = EXIT_FAILURE;
    take_down(&up);
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
