/* Packets as the peer of a script makes and reads them: IPv4 with TCP, UDP or ICMP.
 *
 * Written without the stack's own header code and checksum, so that a mistake there cannot hide here. Called by
 * notation.c (build) and world.c (parse). */
#ifndef SCRIPT_PACKET_H
#define SCRIPT_PACKET_H

#include "../../stack/wire.h"

#define PACKET_MAX 65535

struct packet {
    uint32_t src, dst;
    uint8_t protocol, tos, ttl; /* ttl 0: 64 */
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t flags, data_offset; /* in words; building with 0 computes it */
    uint16_t window, urgent;
    uint8_t options[40];
    size_t options_len;
    uint8_t icmp_type, icmp_code;
    uint32_t icmp_rest;
    struct span payload;
    bool bad_checksum, bad_ip_checksum; /* build only */
};

/* The datagram's length, 0 when `to` is too small. */
size_t packet_build(const struct packet *p, uint8_t *to, size_t room);

/* NULL, or what is wrong with a datagram that the stack sent: lengths, checksums, port 0. */
const char *packet_parse(const uint8_t *bytes, size_t len, struct packet *p);

/* Byte k (from 0) of the stream that one side sends. */
enum side { SIDE_PEER, SIDE_STACK };
uint8_t pattern(enum side side, int64_t k);

#endif
