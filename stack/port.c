/* RFC 6335 (what the port ranges are for), RFC 6056 (how to choose a dynamic one): who owns a port.
 * socket_open.c takes, socket_close.c releases; udp.c, icmp.c and tcp_listen.c look up. */
#include "port.h"

#include <assert.h>
#include <errno.h>

enum port_class port_class_of(uint16_t port)
{
    if (port == 0)
        return PORT_RESERVED;
    if (port <= PORT_WELL_KNOWN_LAST)
        return PORT_WELL_KNOWN;
    return port <= PORT_REGISTERED_LAST ? PORT_REGISTERED : PORT_DYNAMIC;
}

void ports_init(struct ports *ports, struct core *core)
{
    *ports = (struct ports){.core = core};
}

void ports_free(struct ports *ports)
{
    struct table_node *node;
    while ((node = table_walk(&ports->owners, NULL))) {
        table_remove(&ports->owners, node);
        core_free(ports->core, node, sizeof(struct port_owner));
    }
    table_free(&ports->owners, ports->core);
}

static uint32_t hash_of(const struct ports *ports, uint8_t protocol, uint16_t port)
{
    uint32_t name = (uint32_t)protocol << 16 | port;
    return siphash_slot(ports->core->config.key, &name, sizeof name);
}

static struct port_owner *owner_of(struct table_node *node)
{
    return (struct port_owner *)node; /* its first member */
}

/* The next of those who hold (protocol, port) after `last`, NULL for the first: one for each local address.
 */
static struct port_owner *holder(const struct ports *ports, uint8_t protocol, uint16_t port,
                                 const struct port_owner *last)
{
    uint32_t hash = last ? last->node.hash : hash_of(ports, protocol, port);
    struct table_node *n = last ? table_next(&last->node, hash) : table_first(&ports->owners, hash);
    for (; n; n = table_next(n, hash)) {
        if (owner_of(n)->protocol == protocol && owner_of(n)->port == port)
            return owner_of(n);
    }
    return NULL;
}

static bool overlaps(uint32_t a, uint32_t b)
{
    return a == b || a == 0 || b == 0;
}

static int owner_new(struct ports *ports, const struct port_owner *fields, struct port_owner **out)
{
    struct port_owner *o = core_alloc(ports->core, sizeof *o);
    if (!o)
        return -ENOBUFS;
    *o = *fields;
    if (!table_insert(&ports->owners, ports->core, &o->node, hash_of(ports, o->protocol, o->port))) {
        core_free(ports->core, o, sizeof *o);
        return -ENOBUFS;
    }
    *out = o;
    return 0;
}

int port_take(struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port, struct sock *sock,
              struct port_owner **out)
{
    assert(sock);
    if (port == 0)
        return -EINVAL;
    if (port_in_use(ports, protocol, addr, port))
        return -EADDRINUSE;
    return owner_new(
        ports,
        &(struct port_owner){.sock = sock, .addr = addr, .users = 1, .port = port, .protocol = protocol},
        out);
}

int port_share(struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port, struct port_owner **out)
{
    if (port == 0)
        return -EINVAL;
    struct port_owner *shared = NULL;
    for (struct port_owner *o = NULL; (o = holder(ports, protocol, port, o));) {
        if (o->sock && overlaps(o->addr, addr))
            return -EADDRINUSE;
        if (!o->sock && o->addr == addr)
            shared = o;
    }
    if (!shared)
        return owner_new(
            ports, &(struct port_owner){.addr = addr, .users = 1, .port = port, .protocol = protocol}, out);
    shared->users++;
    *out = shared;
    return 0;
}

void port_release(struct ports *ports, struct port_owner *owner)
{
    assert(owner->users > 0);
    if (--owner->users > 0)
        return;
    table_remove(&ports->owners, &owner->node);
    core_free(ports->core, owner, sizeof *owner);
}

struct sock *port_lookup(const struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port)
{
    struct sock *any = NULL;
    for (struct port_owner *o = NULL; (o = holder(ports, protocol, port, o));) {
        if (o->sock && o->addr == addr)
            return o->sock;
        if (o->addr == 0)
            any = o->sock;
    }
    return any;
}

bool port_in_use(const struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port)
{
    for (struct port_owner *o = NULL; (o = holder(ports, protocol, port, o));) {
        if (overlaps(o->addr, addr))
            return true;
    }
    return false;
}

static bool socket_owns(const struct ports *ports, uint8_t protocol, uint32_t addr, uint16_t port)
{
    for (struct port_owner *o = NULL; (o = holder(ports, protocol, port, o));) {
        if (o->sock && overlaps(o->addr, addr))
            return true;
    }
    return false;
}

/* RFC 6056 3.3.3: F(local, remote, secret). To one remote, ports follow each other, so that one is used again
 * as late as possible; nobody else can tell where. Without a remote that would be one sequence for all to
 * see: RFC 6056 3.3.1, a random place. */
static uint32_t first_offset(struct ports *ports, uint8_t protocol, uint32_t local, struct endpoint remote)
{
    if (remote.addr == 0)
        return (uint32_t)core_random(ports->core);
    uint32_t ends[3] = {local, remote.addr, (uint32_t)protocol << 16 | remote.port};
    return siphash(ports->core->config.key, ends, sizeof ends) + ports->next;
}

uint16_t port_choose(struct ports *ports, uint8_t protocol, uint32_t local, struct endpoint remote,
                     bool (*usable)(void *context, uint16_t port), void *context)
{
    const uint32_t count = PORT_DYNAMIC_LAST - PORT_DYNAMIC_FIRST + 1;
    uint32_t offset = first_offset(ports, protocol, local, remote);
    for (uint32_t tried = 0; tried < count; tried++) {
        uint16_t port = (uint16_t)(PORT_DYNAMIC_FIRST + (offset + tried) % count);
        ports->next++;
        if (!socket_owns(ports, protocol, local, port) && (!usable || usable(context, port)))
            return port;
    }
    return 0;
}
