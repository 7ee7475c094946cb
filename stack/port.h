/* Who owns a port, and dynamic ports (RFC 6335, RFC 6056).
 *
 * One socket owns a (protocol, address, port). Connections that were opened without bind share their dynamic
 * port: it has users and no owner. ICMP echo identifiers are ports of protocol 1. Port 0 is nobody's. */
#ifndef GLASS_PORT_H
#define GLASS_PORT_H

#include "core.h"
#include "table.h"

struct sock;

struct port_owner {
    struct table_node node; /* keyed by protocol and port */
    struct sock *sock;      /* NULL: shared by connections with a dynamic port */
    uint32_t addr;          /* 0: any of ours */
    uint32_t users;         /* sockets that hold it: 1, or more when shared */
    uint16_t port;
    uint8_t protocol;
};

struct ports {
    struct core *core;
    struct table owners;
    uint16_t next; /* RFC 6056 3.3.3 "next_ephemeral": dynamic ports tried so far */
};

enum port_class { PORT_RESERVED, PORT_WELL_KNOWN, PORT_REGISTERED, PORT_DYNAMIC };
enum port_class port_class_of(uint16_t port);

void ports_init(struct ports *ports, struct core *core);
void ports_free(struct ports *ports);

/* Makes `sock` the owner. 0, -EADDRINUSE when another holds an overlapping address (0 overlaps all), -EINVAL for
 * port 0, -ENOBUFS. */
int port_take(struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port, struct sock *sock,
              struct port_owner **out);

/* Shares a dynamic port of connections that never called bind; -EADDRINUSE when a socket owns it. */
int port_share(struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port, struct port_owner **out);

void port_release(struct ports *ports, struct port_owner *owner);

/* The owner that a packet to addr:port reaches: its exact address before "any". NULL: nobody, or shared. */
struct sock *port_lookup(const struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port);

/* Whether any socket or connection holds it. */
bool port_in_use(const struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port);

/* RFC 6056 3.3.3, "simple hash-based": starts at a place that depends on both ends and the key (a random one when
 * remote is {0}), takes the next port of 49152..65535 that no socket owns and `usable` accepts (NULL: all). 0 when
 * there is none. */
uint16_t port_choose(struct ports *ports, uint8_t protocol, uint32_t local, struct endpoint remote,
                     bool (*usable)(void *context, uint16_t port), void *context);

#endif
