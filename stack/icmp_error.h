/* An ICMP error about something that we sent, as icmp.c understood it: what TCP, UDP and ping sockets are told. */
#ifndef GLASS_ICMP_ERROR_H
#define GLASS_ICMP_ERROR_H

#include "wire.h"

struct icmp_error {
    uint8_t type, code;
    uint8_t protocol;
    uint16_t next_hop_mtu; /* of fragmentation needed; 0: the router did not say */
    uint32_t src, dst;     /* of the quoted datagram */
    struct span quoted;    /* its transport header: at least 8 bytes */
    int error;             /* errno that RFC 1122 3.2.2.1 means */
    bool hard;             /* protocol, port unreachable, fragmentation needed (RFC 5461 2.1) */
};

#endif
