/* One TCP/IP stack: a value its caller owns, four verbs, no I/O.
 *
 *     stack_input   a datagram came from the wire; never sends, never calls an application
 *     stack_ready   the next socket with something to tell its owner
 *     stack_output  the next frame to send, or nothing to send now
 *     stack_due     when to call again if nothing arrives
 *
 * The caller's loop: read the device until it is empty (stack_input), serve sockets (stack_ready), write until
 * stack_output has nothing, sleep until stack_due or until the device is readable. A process may hold a thousand
 * stacks; one stack is used by one thread at a time. */
#ifndef GLASS_STACK_H
#define GLASS_STACK_H

#include "config.h"
#include "event.h"
#include "frame.h"
#include "socket.h"
#include "stack_parts.h" /* struct stack itself: for gdb and for its owner's memory, not for its users */

/* 0, or -EINVAL for a configuration that cannot work (mtu, address, no memory hooks). */
int stack_init(struct stack *stack, const struct stack_config *config, usec now);

/* Drops every socket and connection without a word to any peer and gives back all memory. */
void stack_free(struct stack *stack);

/* From now on `see` is told of every event (NULL: nobody is; an event then costs a branch). It replaces the observer of
 * the configuration. Not to be called from inside an observer. */
void stack_observe(struct stack *stack, void (*see)(void *context, const struct event *event), void *context);

/* From now on the device cuts what is no longer than this into segments; 0: none. As config.device_segments. */
void stack_set_device_segments(struct stack *stack, uint32_t bytes);

void stack_input(struct stack *stack, usec now, const uint8_t *datagram, size_t len);

/* The same from a device that says more: several segments in one, a checksum that need not be looked at. */
void stack_input_offloaded(struct stack *stack, usec now, const uint8_t *datagram, size_t len,
                           const struct offload *offload);

/* It is `now`, and what is due by then happens; the other verbs that are given the time do this first. For a caller
 * that wakes and lets applications work before anything else: socket calls are not given the time. */
void stack_time(struct stack *stack, usec now);

struct sock *stack_ready(struct stack *stack, unsigned *events);
bool stack_output(struct stack *stack, usec now, struct frame *frame);
usec stack_due(const struct stack *stack); /* 0: now; NEVER */

/* One row of a connection table: RFC 9293's STATUS call. */
struct sock_info {
    uint8_t protocol; /* 1 ICMP, 6 TCP, 17 UDP */
    struct endpoint local, remote;
    enum tcp_state state;
    uint32_t owner;                      /* process id, 0: none any more; before accept, the listener's */
    uint32_t connection;                 /* its number in events */
    uint32_t receive_queue, send_queue;  /* bytes; of a listener: waiting connections, backlog */
    bool timer_running;
    enum tcp_timer timer;                /* the one that fires first */
    usec timer_left;
    uint32_t retries; /* of that timer */
    bool has_tcp;     /* a TCP connection that is more than a TIME-WAIT record: */
    struct tcp_info tcp;
};

/* Visits every socket, every connection without one, and every TIME-WAIT record. */
void stack_each_socket(const struct stack *stack, void (*visit)(void *context, const struct sock_info *info),
                       void *context);

/* How many TCP connections exist that are neither CLOSED nor LISTEN nor TIME-WAIT. */
uint32_t stack_open_connections(const struct stack *stack);

/* ABORT for every connection that is left, owned or not: their RSTs wait to be sent. Sockets stay. */
void stack_abort_connections(struct stack *stack);

const struct core *stack_core(const struct stack *stack); /* counters, drops, settings, memory in use */

#endif
