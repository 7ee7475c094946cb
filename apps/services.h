/* The programs bound to ports: echo (RFC 862), discard (RFC 863), chargen (RFC 864), daytime (RFC 867), each over
 * TCP and UDP, and http (RFC 9112).
 *
 * service_config.c reads what the user wants; services.c starts and stops them. `glass up` calls both. */
#ifndef GLASS_SERVICES_H
#define GLASS_SERVICES_H

#include <stdio.h>
#include "../tun/loop.h"

enum service {
    SERVICE_ECHO,
    SERVICE_DISCARD,
    SERVICE_DAYTIME,
    SERVICE_CHARGEN,
    SERVICE_HTTP,
    SERVICE_COUNT
};

struct service_port {
    const char *name; /* "echo" */
    uint16_t port;    /* 0: off */
};

struct service_config {
    struct service_port port[SERVICE_COUNT]; /* indexed by enum service */
    const char *www;                         /* the folder http shares; NULL: its built-in page */
    FILE *access_log;                        /* one line a request; NULL: none */
};

/* The textbook's ports: 7, 9, 13, 19, 80; no folder, no log. */
void service_config_init(struct service_config *config);

/* Takes "NAME=PORT" or "NAME=off". True, or false and `why` says in one line what is wrong with it. Two services
 * may not be given one port. */
bool service_config_parse(struct service_config *config, const char *text, char *why, size_t room);

struct services;

/* Binds and listens. 0; or a negative errno value after one line on standard error that names the service, the
 * port or the folder, with nothing left open. `config` is copied. */
int services_start(struct loop *loop, struct stack *stack, const struct service_config *config,
                   struct services **out);

/* Closes the listeners, closes every connection in order (sock_close: what was taken for sending still leaves)
 * and frees all that the services own. NULL is allowed. */
void services_stop(struct services *services);

#endif
