/* The kernel's end of the link: address, MTU, flags, by ioctl (netdevice(7)); no other program is run. The
 * length of the queue is set by a message (rtnetlink(7)): its ioctl is for the host's root alone.
 *
 * Called by tun.c, and by lab.c for the loopback device. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tun.h"

static struct ifreq request_for(const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static struct ifreq request_addr(const char *name, uint32_t addr)
{
    struct ifreq request = request_for(name);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr)};
    memcpy(&request.ifr_addr, &in, sizeof in);
    return request;
}

static uint32_t addr_of(const struct ifreq *request)
{
    struct sockaddr_in in;
    memcpy(&in, &request->ifr_addr, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

static int call(int fd, unsigned long which, struct ifreq *request)
{
    return ioctl(fd, which, request) < 0 ? -errno : 0;
}

/* Without this the kernel sends router solicitations and multicast reports into a stack that speaks IPv4
 * only. They would be counted and dropped: where /proc/sys cannot be written nothing is broken. */
static void disable_ipv6(const char *name)
{
    char path[64 + IFNAMSIZ];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "1", 1);
    (void)written;
    close(fd);
}

static int set_up(int fd, const char *name)
{
    struct ifreq request = request_for(name);
    int error = call(fd, SIOCGIFFLAGS, &request);
    if (error < 0)
        return error;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return call(fd, SIOCSIFFLAGS, &request);
}

struct queue_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr attribute;
    uint32_t length;
};

struct queue_answer {
    struct nlmsghdr header;
    struct nlmsgerr result;
    struct queue_request quoted;
};

static int exchange_queue(int fd, unsigned ifindex)
{
    struct queue_request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
        .attribute = {.rta_len = RTA_LENGTH(sizeof request.length), .rta_type = IFLA_TXQLEN},
        .length = TUN_QUEUE};
    struct queue_answer answer;
    if (send(fd, &request, sizeof request, 0) < 0)
        return -errno;
    ssize_t n = recv(fd, &answer, sizeof answer, 0);
    if (n < 0)
        return -errno;
    if ((size_t)n < offsetof(struct queue_answer, quoted) || answer.header.nlmsg_type != NLMSG_ERROR)
        return -EPROTO;
    return answer.result.error;
}

static int set_queue(unsigned ifindex)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    int error = exchange_queue(fd, ifindex);
    close(fd);
    return error;
}

static int configure(int fd, const char *name, const struct device_config *config)
{
    struct ifreq addr = request_addr(name, config->addr);
    struct ifreq mask = request_addr(name, (uint32_t)(UINT64_C(0xffffffff) << (32 - config->prefix)));
    struct ifreq mtu = request_for(name);
    mtu.ifr_mtu = (int)config->mtu;

    int error = call(fd, SIOCSIFMTU, &mtu);
    if (error == 0)
        error = set_queue(if_nametoindex(name));
    if (error == 0)
        error = call(fd, SIOCSIFADDR, &addr);
    if (error == 0)
        error = call(fd, SIOCSIFNETMASK, &mask);
    if (error == 0)
        error = set_up(fd, name);
    return error;
}

int link_configure(const struct device *device, const struct device_config *config)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    disable_ipv6(device->name);
    int error = configure(fd, device->name, config);
    close(fd);
    return error;
}

/* 0 when the device has none of that kind of address. */
static uint32_t read_addr(int fd, const char *name, unsigned long which)
{
    struct ifreq request = request_for(name);
    request.ifr_addr.sa_family = AF_INET;
    return call(fd, which, &request) == 0 ? addr_of(&request) : 0;
}

static int read_all(int fd, struct device *device)
{
    struct ifreq mtu = request_for(device->name), flags = request_for(device->name);
    int error = call(fd, SIOCGIFMTU, &mtu);
    if (error == 0)
        error = call(fd, SIOCGIFFLAGS, &flags);
    if (error < 0)
        return error;
    device->mtu = (uint32_t)mtu.ifr_mtu;
    device->up = (flags.ifr_flags & IFF_UP) != 0;
    device->addr = read_addr(fd, device->name, SIOCGIFADDR);
    device->peer = read_addr(fd, device->name, SIOCGIFDSTADDR);
    if (device->peer == device->addr)
        device->peer = 0;
    device->prefix = (uint8_t)__builtin_popcount(read_addr(fd, device->name, SIOCGIFNETMASK));
    return 0;
}

int link_read(struct device *device)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = read_all(fd, device);
    close(fd);
    return error;
}

int link_up(const char *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = set_up(fd, name);
    close(fd);
    return error;
}
