/* Opens /dev/net/tun and makes or joins a device (Linux Documentation/networking/tuntap.rst).
 *
 * Owns the descriptor and the words for everything that can go wrong with it. Called by apps/up_pieces.c;
 * read and write are called by loop.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offload.h"
#include "tun.h"

#define PAGE_LEAST 4096 /* bytes */
#define GATHER_MAX 2048 /* bytes: up to here a copy costs less than the kernel's look at a list of parts */

const char *tun_path(void)
{
    const char *path = getenv("GLASS_TUN");
    return path && *path ? path : TUN_PATH;
}

/* All parts in one. 0: they are too long for that to pay. */
static size_t gather(const struct iovec *part, int count, uint8_t to[GATHER_MAX])
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        if (part[i].iov_len > GATHER_MAX - len)
            return 0;
        memcpy(to + len, part[i].iov_base, part[i].iov_len);
        len += part[i].iov_len;
    }
    return len;
}

/* Looks at each page. A part begins anywhere: a page's length on from there may be beyond its end, and the
 * last page not yet looked at. */
static void touch(const struct iovec *part, int count)
{
    for (int i = 0; i < count; i++) {
        const volatile uint8_t *bytes = part[i].iov_base;
        for (size_t at = 0; at < part[i].iov_len; at += PAGE_LEAST)
            (void)bytes[at];
        if (part[i].iov_len > 0)
            (void)bytes[part[i].iov_len - 1];
    }
}

/* A part may be a mapped file that was cut short meanwhile. The kernel just says EFAULT; but whoever looks at
 * it here is told by a signal, and what is missing is filled up (apps/http_store.c). */
static ssize_t write_vector(int fd, const struct iovec *part, int count)
{
    ssize_t n = writev(fd, part, count);
    if (n >= 0 || errno != EFAULT)
        return n;
    touch(part, count);
    return writev(fd, part, count);
}

static ssize_t write_parts(int fd, const struct iovec *part, int count)
{
    uint8_t whole[GATHER_MAX];
    if (count == 1)
        return write(fd, part->iov_base, part->iov_len);
    size_t len = gather(part, count, whole);
    return len ? write(fd, whole, len) : write_vector(fd, part, count);
}

static ssize_t plain_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    ssize_t n = read(device->fd, to, room);
    *offload = (struct offload){0};
    return n < 0 ? -errno : n;
}

static ssize_t plain_write(struct device *device, const struct iovec *part, int count,
                           const struct offload *offload)
{
    (void)offload; /* the stack was told that there is none */
    ssize_t n = write_parts(device->fd, part, count);
    return n < 0 ? -errno : n;
}

static ssize_t offload_device_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    uint8_t *header = to - OFFLOAD_HEADER; /* one read into one place costs less than one into two */
    ssize_t n = read(device->fd, header, OFFLOAD_HEADER + room);
    if (n < OFFLOAD_HEADER)
        return n < 0 ? -errno : 0;
    offload_read(header, offload);
    offload_finish_udp(offload, to, (size_t)n - OFFLOAD_HEADER);
    return n - OFFLOAD_HEADER;
}

static ssize_t offload_device_write(struct device *device, const struct iovec *part, int count,
                                    const struct offload *offload)
{
    uint8_t header[OFFLOAD_HEADER];
    struct iovec parts[2 + FRAME_SPANS] = {{header, sizeof header}};
    offload_write(offload, part, header);
    memcpy(parts + 1, part, (size_t)count * sizeof *part);
    ssize_t n = write_parts(device->fd, parts, count + 1);
    return n < 0 ? -errno : n - OFFLOAD_HEADER;
}

static void explain_access(const char *path, int error, char *reason)
{
    struct stat st;
    unsigned mode = stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
    if (error == EPERM)
        snprintf(
            reason, DEVICE_REASON_MAX,
            "%s may not be opened: a container or a mount without devices forbids it. Start the container "
            "with --device /dev/net/tun, or let GLASS_TUN name a node that may be opened",
            path);
    else
        snprintf(
            reason, DEVICE_REASON_MAX,
            "%s may not be opened (mode %04o). Either 'sudo chmod 666 %s', as most systems have it (it gives "
            "nobody power over the host's network: a device can only be made in a namespace one owns); or "
            "run "
            "as root",
            path, mode, path);
}

static void explain_open(const char *path, int error, char *reason)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        snprintf(reason, DEVICE_REASON_MAX,
                 "there is no %s. As root: 'modprobe tun', or 'mkdir -p /dev/net && mknod -m 666 "
                 "/dev/net/tun c 10 "
                 "200'; in a container: start it with --device /dev/net/tun",
                 path);
        break;
    case EACCES:
    case EPERM:
        explain_access(path, error, reason);
        break;
    case ENODEV:
    case ENXIO:
        snprintf(reason, DEVICE_REASON_MAX,
                 "%s is there but the kernel has no TUN driver: 'modprobe tun' as root", path);
        break;
    default:
        snprintf(reason, DEVICE_REASON_MAX, "cannot open %s: %s", path, strerror(error));
    }
}

static void explain_create(const char *name, int error, char *reason)
{
    switch (error) {
    case EPERM:
        snprintf(
            reason, DEVICE_REASON_MAX,
            "a new device in this network namespace needs CAP_NET_ADMIN. Run without --host, in a laboratory "
            "of your own, which needs no rights; or as root; or have root make one for you: 'ip tuntap add "
            "%s "
            "mode tun user NAME'",
            name);
        break;
    case EBUSY:
    case EEXIST:
        snprintf(reason, DEVICE_REASON_MAX,
                 "the name %s is taken by another device: choose one with --tun NAME", name);
        break;
    case ENOTTY:
        snprintf(reason, DEVICE_REASON_MAX, "%s is not the TUN driver's node (c 10 200)", tun_path());
        break;
    case EINVAL:
        snprintf(reason, DEVICE_REASON_MAX, "the kernel does not accept '%s' as the name of a device", name);
        break;
    default:
        snprintf(reason, DEVICE_REASON_MAX, "cannot make the device %s: %s", name, strerror(error));
    }
}

static void explain_attach(const char *name, int error, char *reason)
{
    switch (error) {
    case EPERM:
        snprintf(
            reason, DEVICE_REASON_MAX,
            "%s is not yours. Its owner may use it ('ip tuntap add %s mode tun user NAME' says who), and "
            "whoever has CAP_NET_ADMIN, such as root",
            name, name);
        break;
    case EBUSY:
        snprintf(reason, DEVICE_REASON_MAX, "%s is in use by another program", name);
        break;
    case EINVAL:
        snprintf(
            reason, DEVICE_REASON_MAX,
            "%s exists and is not a TUN device: choose another name with --tun NAME ('ip tuntap list' shows "
            "those there are)",
            name);
        break;
    default:
        snprintf(reason, DEVICE_REASON_MAX, "cannot attach to %s: %s", name, strerror(error));
    }
}

int tun_node_open(char *reason)
{
    int fd = open(tun_path(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int error = errno;
    explain_open(tun_path(), error, reason);
    return -error;
}

/* Binds the open node to a device of that name, with offload where it is wanted and the kernel has it. */
static int tun_set_interface(struct device *device, bool offload, int flags)
{
    flags |= IFF_TUN | IFF_NO_PI | offload_interface_flags(offload);
    struct ifreq request = {.ifr_flags = (short)flags};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device->name);
    if (ioctl(device->fd, TUNSETIFF, &request) < 0)
        return -errno;
    device->read = offload ? offload_device_read : plain_read;
    device->write = offload ? offload_device_write : plain_write;
    return offload_enable(device->fd, offload, &device->offload);
}

static int device_begin(struct device *device, const char *name, char *reason)
{
    *device = (struct device){.fd = -1};
    if (strlen(name) >= sizeof device->name || !*name) {
        snprintf(reason, DEVICE_REASON_MAX, "'%s' is not a device name: 1 to %zu characters", name,
                 sizeof device->name - 1);
        return -EINVAL;
    }
    snprintf(device->name, sizeof device->name, "%s", name);
    device->fd = tun_node_open(reason);
    return device->fd < 0 ? device->fd : 0;
}

static int device_fail(struct device *device, int error)
{
    device_close(device);
    return error;
}

static int device_finish(struct device *device, char *reason)
{
    device->ifindex = if_nametoindex(device->name);
    int error = device->ifindex ? link_read(device) : -errno;
    if (error < 0)
        snprintf(reason, DEVICE_REASON_MAX, "cannot read the settings of %s: %s", device->name,
                 strerror(-error));
    return error;
}

int device_open(struct device *device, const struct device_config *config, char *reason)
{
    int error = device_begin(device, config->name, reason);
    if (error < 0)
        return error;
    error = tun_set_interface(device, config->offload, IFF_TUN_EXCL);
    if (error < 0) {
        explain_create(device->name, -error, reason);
        return device_fail(device, error);
    }
    error = link_configure(device, config);
    if (error < 0) {
        snprintf(reason, DEVICE_REASON_MAX, "cannot set up the device %s: %s", device->name,
                 strerror(-error));
        return device_fail(device, error);
    }
    error = device_finish(device, reason);
    return error < 0 ? device_fail(device, error) : 0;
}

int device_attach(struct device *device, const char *name, bool offload, char *reason)
{
    int error = device_begin(device, name, reason);
    if (error < 0)
        return error;
    error = tun_set_interface(device, offload, 0);
    if (error < 0) {
        explain_attach(device->name, -error, reason);
        return device_fail(device, error);
    }
    error = device_finish(device, reason);
    return error < 0 ? device_fail(device, error) : 0;
}

bool device_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

void device_close(struct device *device)
{
    if (device->fd >= 0)
        close(device->fd);
    device->fd = -1;
}
