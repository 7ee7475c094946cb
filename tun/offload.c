/* The header of a TUN device with IFF_VNET_HDR, and asking for it. Called by tun.c; offload_finish by loop.c.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../stack/checksum.h"
#include "../stack/ip_wire.h"
#include "offload.h"

/* Kernels since 6.2 cut UDP as well; their headers may be newer than ours. */
enum {
    CSUM = 0x01,
    TSO4 = 0x02,
    TSO_ECN = 0x08,
    USO4 = 0x20,
    USO6 = 0x40, /* never used here, but the kernel takes only both */
    GSO_UDP = 5, /* VIRTIO_NET_HDR_GSO_UDP_L4 */
};

_Static_assert(sizeof(struct virtio_net_hdr) == OFFLOAD_HEADER, "the shortest form of the header");

int offload_interface_flags(bool wanted)
{
    return wanted ? IFF_VNET_HDR : 0;
}

int offload_enable(int fd, bool wanted, bool *got)
{
    static const unsigned long all = CSUM | TSO4 | TSO_ECN | USO4 | USO6, older = CSUM | TSO4 | TSO_ECN;
    int size = OFFLOAD_HEADER;
    if (wanted && ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
        return -errno;
    *got = wanted && (ioctl(fd, TUNSETOFFLOAD, all) == 0 || ioctl(fd, TUNSETOFFLOAD, older) == 0);
    return *got || ioctl(fd, TUNSETOFFLOAD, 0ul) == 0 ? 0 : -errno;
}

void offload_read(const uint8_t header[OFFLOAD_HEADER], struct offload *offload)
{
    struct virtio_net_hdr h; /* in the machine's byte order */
    memcpy(&h, header, sizeof h);
    bool unfinished = h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
    *offload = (struct offload){
        .segment_size = h.gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : h.gso_size,
        .checksum_start = unfinished ? h.csum_start : 0,
        .checksum_at = unfinished ? (uint16_t)(h.csum_start + h.csum_offset) : 0,
        .checksum_good = unfinished || h.flags & VIRTIO_NET_HDR_F_DATA_VALID, /* it never was on a wire */
    };
}

void offload_finish_udp(struct offload *o, uint8_t *datagram, size_t len)
{
    if (o->checksum_at == 0 || o->segment_size || len < IP_HEADER_MIN || datagram[9] != IP_UDP ||
        o->checksum_at + 2u > len || o->checksum_start > len)
        return;
    uint16_t sum = checksum_of(datagram + o->checksum_start, len - o->checksum_start);
    poke16(datagram + o->checksum_at, sum ? sum : 0xffff); /* RFC 768: zero is kept for "none" */
    o->checksum_at = o->checksum_start = 0;
}

/* Only TCP and UDP are cut. Which of them it is stands in the IPv4 header. */
static uint8_t segments_of(const struct iovec *part)
{
    return ((const uint8_t *)part->iov_base)[9] == IP_TCP ? VIRTIO_NET_HDR_GSO_TCPV4 : GSO_UDP;
}

void offload_write(const struct offload *offload, const struct iovec *part, uint8_t header[OFFLOAD_HEADER])
{
    struct virtio_net_hdr h = {0};
    if (offload->checksum_at) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = offload->checksum_start;
        h.csum_offset = (uint16_t)(offload->checksum_at - offload->checksum_start);
    }
    if (offload->segment_size) {
        h.gso_type = segments_of(part);
        h.gso_size = offload->segment_size;
        h.hdr_len = (uint16_t)part->iov_len;
    }
    memcpy(header, &h, sizeof h);
}

int offload_finish(const struct offload *offload, const struct iovec *part, int count,
                   uint8_t front[OFFLOAD_FRONT], struct iovec out[OFFLOAD_PARTS_MAX])
{
    const uint8_t *first = part[0].iov_base;
    size_t len = part[0].iov_len, head = len < OFFLOAD_FRONT ? len : OFFLOAD_FRONT;
    memcpy(front, first, head);
    out[0] = (struct iovec){front, head};
    out[1] = (struct iovec){(uint8_t *)part[0].iov_base + head, len - head};
    for (int i = 1; i < count; i++)
        out[i + 1] = part[i];
    if (offload->checksum_at == 0 || offload->checksum_at + 2u > head || offload->checksum_start > head)
        return count + 1;
    struct checksum c = {0};
    checksum_add(&c, first + offload->checksum_start, len - offload->checksum_start);
    for (int i = 1; i < count; i++)
        checksum_add(&c, part[i].iov_base, part[i].iov_len);
    poke16(front + offload->checksum_at, checksum_finish(&c));
    return count + 1;
}
