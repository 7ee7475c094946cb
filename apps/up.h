/* What `glass up` was asked for. up_args.c reads it, up.c does it with the files of up_pieces.h. */
#ifndef GLASS_UP_H
#define GLASS_UP_H

#include "../tun/clock.h"
#include "../tun/link.h"
#include "services.h"

#define UP_TCP_MAX 16 /* times that --tcp may be given */

struct up_config {
    const char *name;
    const char *tun;
    uint32_t addr; /* of the stack */
    uint8_t prefix;
    bool addr_given;
    bool host;
    uint32_t mtu; /* 0: not given */
    const char *pcap;
    bool trace;
    bool offload, offload_given; /* where the kernel has it */
    enum clock_step step_clock;
    bool has_link;
    struct link_config link;
    const char *tcp[UP_TCP_MAX]; /* as given: an initial window in segments needs the MTU, known later */
    unsigned tcp_count;
    struct service_config services;

    /* For `glass demo`; all zero otherwise. */
    FILE *out; /* what people read, instead of standard output */
    void (*observe)(void *context, const struct event *event);
    void *observe_context;
    void (*ready)(void *context); /* everything is built and answers from now on */
    void *ready_context;
};

/* True: go on. False: the program ends with *status (--help, or an argument that was named on standard error). */
bool up_parse(struct up_config *config, int argc, char **argv, int *status);

/* Builds it, runs it until it is asked to close, takes it down. The program's exit status. */
int up_run(const struct up_config *config);

/* The other end of the link: the first address of the network that is not `addr`. */
uint32_t up_kernel_addr(uint32_t addr, uint8_t prefix);

#endif
