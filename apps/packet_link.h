/* What carries an IPv4 datagram in a capture: link types, by their numbers in tcpdump.org's registry. */
#ifndef GLASS_PACKET_LINK_H
#define GLASS_PACKET_LINK_H

#include <stdbool.h>
#include "../stack/wire.h"

#define LINK_NULL      0   /* BSD loopback: an address family in the byte order of whoever captured */
#define LINK_ETHERNET  1
#define LINK_RAW       101 /* an IP header at once */
#define LINK_LOOP      108 /* OpenBSD loopback: the address family, big-endian */
#define LINK_LINUX_SLL 113 /* tcpdump -i any, version 1 */
#define LINK_IPV4      228 /* an IPv4 header at once */
#define LINK_LINUX_SLL2 276

/* libpcap's own number (DLT_) as the one that is written to files. */
unsigned link_of_dlt(int dlt);

bool link_is_known(unsigned link);

/* The IPv4 datagram in a frame, `at` NULL when it holds none. It ends where its own length says, if that is known
 * and less: Ethernet pads short frames. */
struct span link_datagram(unsigned link, const uint8_t *frame, size_t len);

/* Bytes of that datagram on the wire, where the whole frame had frame_wire_len bytes and the datagram begins
 * `before` bytes into it. */
size_t link_wire_len(struct span datagram, size_t before, size_t frame_wire_len);

#endif
