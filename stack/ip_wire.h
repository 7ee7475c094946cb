/* The IPv4 header, RFC 791 3.1: bytes <-> fields. */
#ifndef GLASS_IP_WIRE_H
#define GLASS_IP_WIRE_H

#include "event.h"
#include "frame.h"

#define IP_HEADER_MIN 20
#define IP_HEADER_MAX 60
#define IP_ICMP       1
#define IP_TCP        6
#define IP_UDP        17

#define IP_ADDR(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define IP_ANY              0u
#define IP_BROADCAST        0xffffffffu

static inline bool ip_is_multicast(uint32_t addr)
{
    return addr >> 28 == 0xe;
}

/* The limited broadcast, or our subnet's (RFC 1122 3.2.1.3 (c), (d)); a /31 or /32 has none (RFC 3021). */
static inline bool ip_is_broadcast(const struct stack_config *config, uint32_t addr)
{
    if (addr == IP_BROADCAST)
        return true;
    return config->prefix < 31 && addr == (config->addr | 0xffffffffu >> config->prefix);
}

/* Whether addr can be one host's, and so be a source and be answered (RFC 1122 3.2.1.3, 3.2.2): not "this
 * network" 0/8, loopback 127/8, multicast, class E, a broadcast, or our subnet's own number. */
static inline bool ip_is_single_host(const struct stack_config *config, uint32_t addr)
{
    uint8_t net = (uint8_t)(addr >> 24);
    if (net == 0 || net == 127 || net >= 224 || ip_is_broadcast(config, addr))
        return false;
    return config->prefix >= 31 || addr != (config->addr & ~(0xffffffffu >> config->prefix));
}

/* A datagram as the transports see it: whole, validated, in host byte order. */
struct ip_packet {
    uint32_t src, dst;
    uint8_t protocol, ttl, tos;
    uint16_t id;
    bool dont_fragment, more_fragments;
    uint32_t offset;    /* of a fragment, bytes */
    bool to_many;       /* destination is broadcast or multicast */
    bool checksum_good; /* the transport's, says the device */
    uint16_t segment_size; /* of several in one, frame.h; 0: it is one */
    struct span header; /* as received; of the first fragment when reassembled */
    struct span body;   /* transport header and payload */
};

/* Checks version, lengths, checksum and options (RFC 1122 3.2.1) and fills p; p->to_many is left false.
 * `len` may exceed the datagram's own length, as with a padded frame. */
enum drop ip_parse(const uint8_t *bytes, size_t len, struct ip_packet *p);

/* The fields of a header to send; no options. */
struct ip_fields {
    uint32_t src, dst;
    uint16_t id;
    uint8_t protocol, ttl, tos;
    bool dont_fragment, more_fragments;
    uint32_t offset; /* bytes, a multiple of 8 */
};

/* Writes the 20 bytes of a header with its checksum, for `body_len` bytes behind it. */
void ip_fill(uint8_t header[IP_HEADER_MIN], const struct ip_fields *f, size_t body_len);

#endif
