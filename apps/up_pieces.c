/* The pieces of a running stack, in the order in which they are built; and how all of them are taken down.
 * Called by up.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../tun/offload.h"
#include "args.h"
#include "heap.h"
#include "tcp_settings.h"
#include "up_pieces.h"
#include "way_out.h"

int up_say(const char *what)
{
    fprintf(stderr, "glass up: %s\n", what);
    return -1;
}

int up_say_error(const char *what, int error)
{
    fprintf(stderr, "glass up: %s: %s\n", what, strerror(-error));
    return -1;
}

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
    up->signals.ready = up_signal_came;
    return up->signals.fd < 0 ? up_say_error("signals", -errno) : 0;
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
    return error < 0 ? up_say(reason) : 0;
}

/* An existing device decides about the network it is in. */
static int adopt_network(struct up_config *c, const struct device *d)
{
    char addr[16];
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - d->prefix));
    addr_text(d->addr, addr);
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
                d->name, addr, d->prefix);
        return -1;
    } else if (!c->addr_given && d->addr)
        c->prefix = d->prefix;
    if (c->addr == d->addr) {
        fprintf(stderr, "glass up: %s is the kernel's own address on %s: choose another with --ip\n", addr,
                d->name);
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
        return error < 0 ? up_say(reason) : adopt_network(c, &up->device);
    }
    if (c->mtu == 0)
        c->mtu = IP_MTU_DEFAULT;
    struct device_config device = {.name = c->tun,
                                   .addr = up_kernel_addr(c->addr, c->prefix),
                                   .prefix = c->prefix,
                                   .mtu = c->mtu,
                                   .offload = c->offload};
    int error = device_open(&up->device, &device, reason);
    return error < 0 ? up_say(reason) : 0;
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
        return error < 0 ? up_say_error("--link", error) : 0;
    }
    if (up->device.offload)
        return 0;
    error = soft_offload_open(&up->soft_offload, &up->device);
    up->way = &up->soft_offload.device;
    return error < 0 ? up_say_error("cannot cut segments", error) : 0;
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
            return up_say(why);
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
        return up_say_error("no random numbers", -errno);
    up->started = clock_now();
    int error = stack_init(&up->stack, &config, up->started);
    up->has_stack = error == 0;
    if (error < 0)
        return up_say_error("cannot start the stack", error);
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
    return error < 0 ? up_say_error("cannot start the event loop", error) : 0;
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

static void asked_down(void *context)
{
    up_begin_closing(context);
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
    return error < 0 ? up_say_error("cannot serve the control socket", error) : 0;
}

/* The control socket comes first: a second stack of this name must not touch the first one's capture. */
bool up_build(struct up *up)
{
    return open_signals(up) == 0 && control_listen(&up->listener, up->config.name) == 0 &&
           open_capture(up) == 0 && open_lab(up) == 0 && open_device(up) == 0 && open_link(up) == 0 &&
           open_stack(up) == 0 && open_loop(up) == 0 && open_services(up) == 0 && open_control(up) == 0;
}

void up_take_down(struct up *up)
{
    if (capture_close(&up->capture) < 0 && up->status == 0)
        up->status = up_say_error("--pcap: the capture is incomplete", up->capture.error) ? EXIT_FAILURE : 0;
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
