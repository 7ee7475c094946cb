/* Entering and joining the laboratory: unshare(2), setns(2).
 *
 * Owns the namespaces' descriptors. Called by apps/up_pieces.c (enter) and apps/exec.c (join). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"
#include "tun.h"

#define USER_NAMESPACE "/proc/self/ns/user"
#define NET_NAMESPACE  "/proc/self/ns/net"

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int error = n < 0 ? -errno : n == (ssize_t)strlen(text) ? 0 : -EIO;
    close(fd);
    return error;
}

/* The number in a file of /proc/sys, or -1 when it cannot be read. */
static long read_setting(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? strtol(text, NULL, 10) : -1;
}

/* The usual switches that keep ordinary users out of user namespaces, and who turns them. */
static void explain_user_namespace(int error, char *reason)
{
    const char *how;
    if (read_setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        how = "this system switches them off: as root 'sysctl kernel.unprivileged_userns_clone=1'";
    else if (read_setting("/proc/sys/user/max_user_namespaces") == 0)
        how = "this system allows none: as root 'sysctl user.max_user_namespaces=10000'";
    else if (read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        how = "AppArmor forbids them: as root 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'";
    else if (error == ENOSPC || error == EUSERS)
        how = "there are too many already (user.max_user_namespaces)";
    else
        how = "a container (its seccomp filter) or a chroot is the usual cause: start it with --privileged, "
              "or with "
              "--cap-add SYS_ADMIN";
    snprintf(reason, LAB_REASON_MAX,
             "cannot make a user namespace for the laboratory (%s): %s. Or run as root, or use --host with a "
             "device "
             "that root made for you",
             strerror(error), how);
}

/* The user becomes root of the new namespace, and nobody else exists in it. */
static int map_ids(unsigned uid, unsigned gid)
{
    char map[32];
    /* An unprivileged process may set its group only after it gave up setgroups(2), user_namespaces(7). */
    int error = write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", gid);
    if (error == 0)
        error = write_file("/proc/self/gid_map", map);
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (error == 0)
        error = write_file("/proc/self/uid_map", map);
    return error;
}

static int unshare_both(char *reason)
{
    unsigned uid = geteuid(), gid = getegid();
    int error = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? -errno : map_ids(uid, gid);
    if (error < 0)
        explain_user_namespace(-error, reason);
    return error;
}

static int unshare_network(char *reason)
{
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    if (errno == EPERM)
        return unshare_both(reason);
    int error = errno;
    snprintf(reason, LAB_REASON_MAX, "cannot make a network namespace for the laboratory: %s%s",
             strerror(error), error == EINVAL ? " (the kernel has none: CONFIG_NET_NS)" : "");
    return -error;
}

int lab_here(struct lab *lab, char *reason)
{
    *lab = (struct lab){.user_fd = open(USER_NAMESPACE, O_RDONLY | O_CLOEXEC),
                        .net_fd = open(NET_NAMESPACE, O_RDONLY | O_CLOEXEC)};
    if (lab->net_fd >= 0)
        return 0; /* a kernel without user namespaces has no file for them */
    int error = errno;
    snprintf(reason, LAB_REASON_MAX, "cannot open " NET_NAMESPACE ": %s (is /proc mounted?)",
             strerror(error));
    lab_close(lab);
    return -error;
}

int lab_enter(struct lab *lab, char *reason)
{
    *lab = (struct lab){.user_fd = -1, .net_fd = -1};
    int error = unshare_network(reason);
    if (error < 0)
        return error;
    error = link_up("lo");
    if (error == -EPERM || error == -EACCES) {
        /* The namespace was made but gives no rights: that is how AppArmor restricts it. */
        explain_user_namespace(-error, reason);
        return error;
    }
    if (error < 0) {
        snprintf(reason, LAB_REASON_MAX, "cannot bring up lo in the laboratory: %s", strerror(-error));
        return error;
    }
    error = lab_here(lab, reason);
    lab->entered = error == 0;
    return error;
}

static bool inside_already(int fd, const char *path)
{
    struct stat there, here;
    return fstat(fd, &there) == 0 && stat(path, &here) == 0 && there.st_dev == here.st_dev &&
           there.st_ino == here.st_ino;
}

static int join(int fd, int type, const char *path, const char *what, char *reason)
{
    if (fd < 0 || inside_already(fd, path))
        return 0;
    if (setns(fd, type) == 0)
        return 0;
    int error = errno;
    snprintf(reason, LAB_REASON_MAX, "cannot enter the %s namespace of the stack: %s%s", what,
             strerror(error), error == EPERM ? " (run this as the user who started it)" : "");
    return -error;
}

int lab_join(int user_fd, int net_fd, char *reason)
{
    int error = join(user_fd, CLONE_NEWUSER, USER_NAMESPACE, "user", reason);
    return error < 0 ? error : join(net_fd, CLONE_NEWNET, NET_NAMESPACE, "network", reason);
}

void lab_close(struct lab *lab)
{
    if (lab->user_fd >= 0)
        close(lab->user_fd);
    if (lab->net_fd >= 0)
        close(lab->net_fd);
    *lab = (struct lab){.user_fd = -1, .net_fd = -1};
}
