/* The running stack's end of control.h. `glass up` makes the listening socket (control_listen.c) and hands it over;
 * control.c accepts, checks who asks and serves each client from the loop, with the files of control_serving.h. */
#ifndef GLASS_CONTROL_SERVER_H
#define GLASS_CONTROL_SERVER_H

#include "control.h"

struct control_client;
struct link;
struct observers;

struct control_server {
    struct loop *loop;
    struct stack *stack;
    struct watch listener; /* its fd belongs to the caller */
    struct deadline accept_again;
    int user_ns_fd;        /* -1: the kernel has none */
    int net_ns_fd;
    void (*down)(void *context); /* a client asked the stack to close; called once for each that asks */
    void *context;
    struct control_client *clients;
    /* Set by the caller after the start. */
    const struct link *link;     /* its counters are shown; NULL: none */
    struct observers *observers; /* who watches the stack joins here; NULL: nobody can */
    usec started;                /* the stack's start, for those who watch */
    int (*reaches)(void *context, uint32_t addr, char *why, size_t room); /* way_out_check; NULL: not asked */
};

/* 0 or a negative errno value. The descriptors stay the caller's and must live until control_server_free. */
int control_server_start(struct control_server *server, struct loop *loop, struct stack *stack, int listen_fd,
                         int user_ns_fd, int net_ns_fd, void (*down)(void *context), void *context);

/* Closing begins: accepts nobody any more and closes in order every stack socket it owns for a client (whom it
 * tells CONTROL_ERROR, ESHUTDOWN). Clients that sent CONTROL_DOWN or CONTROL_TRACE stay connected. May be called from
 * `down`. */
void control_server_stop(struct control_server *server);

/* All is closed: those who sent CONTROL_DOWN or CONTROL_TRACE get CONTROL_END; then every client is let go. Called
 * before stack_free and loop_free. */
void control_server_free(struct control_server *server);

#endif
