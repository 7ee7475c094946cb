/* UDP, RFC 768; RFC 1122 4.1. */
#ifndef GLASS_UDP_H
#define GLASS_UDP_H

#include "dgram.h"
#include "ip_wire.h"
#include "outbox.h"
#include "port.h"

#define UDP_HEADER 8

struct udp {
    struct core *core;
    struct outbox *outbox;
    struct ports *ports;
};

/* DROP_UDP_NO_PORT asks the caller for an ICMP port unreachable (RFC 1122 4.1.3.1). */
enum drop udp_input(struct udp *udp, const struct ip_packet *p);

/* Queues one datagram. len, or -EMSGSIZE (over 65507), -EAGAIN (send buffer full), -ENOBUFS, -EINVAL (port 0). */
int64_t udp_send(struct udp *udp, struct sock *s, struct endpoint from, struct endpoint to, const void *bytes,
                 size_t len);

/* An ICMP error about a datagram from local to remote: becomes the error of the socket that sent it, if that
 * socket is connected to that remote (RFC 1122 4.1.3.3). False when no socket matches. */
bool udp_icmp_error(struct udp *udp, struct endpoint local, struct endpoint remote, int error, bool hard);

#endif
