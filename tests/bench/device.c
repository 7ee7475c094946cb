/* Makes the reference programs' TUN device, and sums. */
#include "device.h"
#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_addr(struct ifreq *request, uint32_t addr)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr)};
    memcpy(&request->ifr_addr, &at, sizeof at);
}

static void ask(int fd, unsigned long what, void *with, const char *name)
{
    if (ioctl(fd, what, with) < 0)
        fail("%s: %s", name, strerror(errno));
}

static void configure(struct ifreq *request)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_addr(request, DEVICE_KERNEL);
    ask(fd, SIOCSIFADDR, request, "SIOCSIFADDR");
    set_addr(request, 0xffffff00);
    ask(fd, SIOCSIFNETMASK, request, "SIOCSIFNETMASK");
    request->ifr_mtu = DEVICE_MTU;
    ask(fd, SIOCSIFMTU, request, "SIOCSIFMTU");
    request->ifr_flags = IFF_UP | IFF_RUNNING;
    ask(fd, SIOCSIFFLAGS, request, "SIOCSIFFLAGS");
    close(fd);
}

int device_make(bool offload)
{
    const char *path = getenv("GLASS_TUN");
    int size = sizeof(struct virtio_net_hdr);
    struct ifreq request = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0))};
    int fd = open(path && *path ? path : "/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        fail("/dev/net/tun: %s", strerror(errno));
    strcpy(request.ifr_name, "bench0");
    ask(fd, TUNSETIFF, &request, "TUNSETIFF");
    if (offload)
        ask(fd, TUNSETVNETHDRSZ, &size, "TUNSETVNETHDRSZ");
    if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(offload ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN : 0)) < 0)
        fail("TUNSETOFFLOAD: %s", strerror(errno));
    configure(&request);
    return fd;
}

uint64_t device_sum(const void *bytes, uint32_t len, uint64_t sum)
{
    const uint8_t *at = bytes;
    uint64_t word = 0;
    for (; len >= 8; at += 8, len -= 8) {
        memcpy(&word, at, 8);
        sum += word;
        sum += sum < word;
    }
    word = 0;
    memcpy(&word, at, len);
    sum += word;
    return sum + (sum < word);
}

uint16_t device_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
