/* ICMP, RFC 792; RFC 1122 3.2.2; what to believe of an error: RFC 5927. */
#ifndef GLASS_ICMP_H
#define GLASS_ICMP_H

#include "dgram.h"
#include "icmp_error.h"
#include "ip_wire.h"
#include "outbox.h"
#include "port.h"

#define ICMP_HEADER           8
#define ICMP_ECHO_REPLY       0
#define ICMP_UNREACHABLE      3
#define ICMP_SOURCE_QUENCH    4
#define ICMP_REDIRECT         5
#define ICMP_ECHO             8
#define ICMP_TIME_EXCEEDED    11
#define ICMP_PARAMETER        12
#define ICMP_TIMESTAMP        13
#define ICMP_NET_UNREACHABLE  0
#define ICMP_HOST_UNREACHABLE 1
#define ICMP_PROTOCOL_UNREACHABLE 2
#define ICMP_PORT_UNREACHABLE 3
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMP_REASSEMBLY_TIME  1 /* code of time exceeded */

struct icmp {
    struct core *core;
    struct outbox *outbox;
    struct ports *ports;
    struct rate_limit errors;
};

/* Echo requests are answered, replies go to ping sockets. An error about something we sent fills *error and sets
 * *is_error: the caller passes it to the transport that it quotes. */
enum drop icmp_input(struct icmp *icmp, const struct ip_packet *p, struct icmp_error *error, bool *is_error);

/* Sends an ICMP error about `p`, unless RFC 1122 3.2.2 forbids it: about an ICMP error, a broadcast or multicast,
 * a later fragment, or a source that is no single host; or the rate limit says no (counted). */
void icmp_send_error(struct icmp *icmp, uint32_t from, const struct ip_packet *p, uint8_t type, uint8_t code);

/* An echo request from a ping socket: identifier is from.port; `bytes` starts with the 16-bit sequence number.
 * Errors as udp_send. */
int64_t icmp_send_echo(struct icmp *icmp, struct sock *s, struct endpoint from, uint32_t to, const void *bytes,
                       size_t len);

/* An ICMP error about an echo request of ours (local.port is its identifier), as udp_icmp_error. */
bool icmp_echo_error(struct icmp *icmp, struct endpoint local, uint32_t remote, int error);

#endif
