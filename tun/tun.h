/* A TUN device: raw IPv4 datagrams in and out, and the kernel's end of the link.
 *
 * tun.c opens devices; tun_link.c sets their address, MTU and flags by system calls. loop.c reads and writes
 * through the two function pointers, so that a test, or a link with faults, can stand in for the kernel. */
#ifndef GLASS_TUN_H
#define GLASS_TUN_H

#include <net/if.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stack/frame.h"

#define TUN_PATH          "/dev/net/tun" /* the environment variable GLASS_TUN names another node */
#define TUN_QUEUE         5000           /* datagrams; 100 clients with a 64 KB window each send 4400 at once */
#define DEVICE_REASON_MAX 512
#define DEVICE_HEADROOM   16             /* bytes */
#define DEVICE_ALONE      576            /* bytes: a stream's segments are larger, and seldom alone */

struct device {
    int fd;
    char name[IFNAMSIZ];
    unsigned ifindex;
    uint32_t addr, peer; /* of the kernel's end; what it calls the other end, 0 when it names none */
    uint8_t prefix;
    uint32_t mtu;
    bool up;
    bool offload;     /* it cuts super-segments and sums: offload.h */
    bool soft;        /* the program does, in its place, while nobody watches: soft_offload.h */
    bool watched;     /* somebody is to see each segment: said by the loop at each turn's begin */
    uint64_t dropped; /* datagrams that the device did not take */

    /* One datagram, or a super-segment: its length, or a negative errno value. -EAGAIN: none waits (read), no room
     * (write). What the device did of it, or is to do, stands in *offload: all zero for one without offload. There
     * must be DEVICE_HEADROOM bytes before `to`, which read may use. Of a super-segment to write, part[0] is the
     * headers. */
    ssize_t (*read)(struct device *device, uint8_t *to, size_t room, struct offload *offload);
    ssize_t (*write)(struct device *device, const struct iovec *part, int count, const struct offload *offload);
};

struct device_config {
    const char *name;
    uint32_t addr; /* of the kernel's end, host byte order */
    uint8_t prefix;
    uint32_t mtu;
    bool offload; /* wanted; device->offload says whether the kernel has it */
};

/* Makes a device that lives as long as its descriptor, sets it up and brings it up. 0; or a negative errno value,
 * and `reason` (DEVICE_REASON_MAX bytes) says what is missing and what to do. */
int device_open(struct device *device, const struct device_config *config, char *reason);

/* Attaches to an existing, configured device as it is and reads its address and MTU. As device_open. */
int device_attach(struct device *device, const char *name, bool offload, char *reason);

/* Whether a network device of that name exists in this namespace. */
bool device_exists(const char *name);

void device_close(struct device *device);

/* The node of the TUN driver: TUN_PATH, or what GLASS_TUN names; and that node opened, as device_open. */
const char *tun_path(void);
int tun_node_open(char *reason);

/* tun_link.c: 0 or a negative errno value. */
int link_configure(const struct device *device, const struct device_config *config);
int link_read(struct device *device); /* address, peer, prefix, MTU, up */
int link_up(const char *name);

#endif
