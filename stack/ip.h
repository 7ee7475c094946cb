/* The IPv4 layer: what arrives is checked, reassembled and handed to its transport. RFC 791, RFC 1122 3.2, 3.3.
 *
 * What leaves goes through the outbox (ICMP, UDP, replies) or is made by tcp_output. */
#ifndef GLASS_IP_H
#define GLASS_IP_H

#include "icmp.h"
#include "ip_frag.h"
#include "udp.h"

struct tcp;

struct ip {
    struct core *core;
    struct ip_frag frag;
    struct icmp *icmp;
    struct udp *udp;
    struct tcp *tcp;
};

void ip_init(struct ip *ip, struct core *core, struct icmp *icmp, struct udp *udp, struct tcp *tcp);
void ip_free(struct ip *ip);

/* A datagram from the wire, or several that the device left in one. It is delivered, kept as a fragment, or dropped
 * for a counted reason. */
void ip_input(struct ip *ip, const uint8_t *datagram, size_t len, const struct offload *offload);

/* Gives up on datagrams whose fragments stayed away, and tells their senders (RFC 1122 3.3.2). */
void ip_give_up(struct ip *ip, usec now);

static inline void ip_tick(struct ip *ip, usec now)
{
    if (!ip_frag_idle(&ip->frag)) /* which is rare */
        ip_give_up(ip, now);
}

/* When ip_tick has something to do; NEVER. */
usec ip_due(const struct ip *ip);

#endif
