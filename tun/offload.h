/* What a TUN device does in our place (Linux Documentation/networking/tuntap.rst, virtio 1.2 5.1.6.4): cut a
 * super-segment into the segments that travel, bring in one piece what would come in many, and sum either. The device
 * says and is told so in a small header before each datagram; in the stack it is a struct offload (stack/frame.h). */
#ifndef GLASS_OFFLOAD_H
#define GLASS_OFFLOAD_H

#include <sys/uio.h>
#include "../stack/frame.h"

#define OFFLOAD_HEADER  10    /* bytes before each datagram; at most DEVICE_HEADROOM */
#define OFFLOAD_LARGEST 65535 /* bytes of a datagram, headers included: what IPv4 can say */

/* Asks the device behind `fd` for all it can do, or, with `wanted` false, for nothing: a persistent device remembers
 * what its last user asked. *got: whether it cuts and sums. 0 or a negative errno value. */
int offload_enable(int fd, bool wanted, bool *got);

/* The flags of TUNSETIFF that go with it. */
int offload_interface_flags(bool wanted);

/* Header <-> meaning; `part` is the datagram that follows it. */
void offload_read(const uint8_t header[OFFLOAD_HEADER], struct offload *offload);
void offload_write(const struct offload *offload, const struct iovec *part, uint8_t header[OFFLOAD_HEADER]);

/* Finishes the checksum of a UDP datagram that came without: an ICMP error may quote it. */
void offload_finish_udp(struct offload *offload, uint8_t *datagram, size_t len);

/* The datagram with the checksum that was left to the device, for a capture: `out` gets its parts, the first
 * OFFLOAD_FRONT bytes of it in a copy at `front`. How many parts. */
#define OFFLOAD_FRONT     FRAME_HEAD_MAX
#define OFFLOAD_PARTS_MAX (FRAME_SPANS + 2)
int offload_finish(const struct offload *offload, const struct iovec *part, int count, uint8_t front[OFFLOAD_FRONT],
                   struct iovec out[OFFLOAD_PARTS_MAX]);

#endif
