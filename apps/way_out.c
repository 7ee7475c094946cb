/* Says at once what a time-out would say after minutes: a laboratory has no way out (RFC 1122 3.3.1: the
 * stack's only gateway is the kernel, and the kernel forwards only when it is told to).
 *
 * Called by control_requests.c, through up_pieces.c, before it opens a socket for glass nc, get or ping. Runs
 * in the stack's network namespace; sends nothing. */
#include "way_out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "args.h"

/* What the kernel says of a datagram socket that is bound or connected to that address. 0 or a negative
 * errno. */
static int ask_kernel(int (*call)(int, const struct sockaddr *, socklen_t), uint32_t addr, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(addr)}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = call(fd, (const struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static bool is_the_kernels(uint32_t addr)
{
    return ask_kernel(bind, addr, 0) == 0;
}

static bool has_route(uint32_t addr)
{
    int error = ask_kernel(connect, addr, 9);
    return error != -ENETUNREACH && error != -EHOSTUNREACH;
}

/* Where /proc/sys is not readable the benefit of the doubt. */
static bool kernel_forwards(void)
{
    char setting = '1';
    int fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, &setting, 1);
    close(fd);
    return n != 1 || setting != '0';
}

int way_out_check(const struct way_out *stack, uint32_t addr, char *why, size_t room)
{
    char there[16], own[16], network[16];
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - stack->prefix));
    addr_text(addr, there);
    addr_text(stack->addr, own);
    addr_text(stack->addr & mask, network);
    if (addr >> 24 == 127)
        snprintf(why, room, "%s is each host's own loopback: the stack itself is %s", there, own);
    else if (((addr ^ stack->addr) & mask) == 0 || is_the_kernels(addr))
        return 0;
    else if (!has_route(addr) && stack->lab)
        snprintf(why, room, "%s is not in the laboratory's network %s/%u, and the laboratory has no way out",
                 there, network, stack->prefix);
    else if (!has_route(addr))
        snprintf(why, room, "%s is not in %s/%u, and the kernel has no route to it", there, network,
                 stack->prefix);
    else if (!kernel_forwards())
        snprintf(why, room,
                 "%s is not in %s/%u, and the kernel forwards nothing (sysctl net.ipv4.ip_forward)", there,
                 network, stack->prefix);
    else
        return 0;
    return -ENETUNREACH;
}
