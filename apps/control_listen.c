/* Takes the name of a stack: a lock, then the socket.
 *
 * The lock decides who runs; the kernel drops it with its holder, however that ended, so a socket found by
 * the holder of the lock is a dead one's. Called by up_pieces.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "args.h"
#include "control_path.h"

#define LOCK_TRIES 16 /* another stack of that name may remove its lock file while we open it */

/* Whether the file we locked is still the one of that name. */
static bool still_there(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

/* The locked descriptor; -EADDRINUSE: a running stack holds it; -EAGAIN: it vanished meanwhile. */
static int try_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    int error = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
    if (error == 0 && !still_there(fd, path))
        error = -EAGAIN;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

static int take_lock(struct control_listener *l, const char *name)
{
    int error = -EAGAIN;
    for (int i = 0; i < LOCK_TRIES && error == -EAGAIN; i++) {
        error = control_path(name, true, l->path, sizeof l->path);
        if (error == 0 &&
            (size_t)snprintf(l->lock_path, sizeof l->lock_path, "%.*slock",
                             (int)(strlen(l->path) - strlen("sock")), l->path) >= sizeof l->lock_path)
            error = -ENAMETOOLONG;
        if (error == 0)
            error = try_lock(l->lock_path);
    }
    l->lock_fd = error < 0 ? -1 : error;
    return error < 0 ? error : 0;
}

static int bind_and_listen(int fd, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    mode_t mask = umask(0177); /* never open to others, not for a moment */
    int error = bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ? -errno : 0;
    umask(mask);
    if (error == 0 && listen(fd, 64) < 0)
        error = -errno;
    return error;
}

static int open_socket(struct control_listener *l)
{
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return -errno;
    return bind_and_listen(l->fd, l->path);
}

static void explain(const struct control_listener *l, const char *name, int error)
{
    char hint[PATH_MAX];
    switch (error) {
    case -EADDRINUSE:
        fprintf(stderr, "glass: a stack named %s runs already: choose another --name, or end it: %s\n", name,
                arg_hint(hint, sizeof hint, "down", name));
        break;
    case -EINVAL:
        fprintf(stderr, "glass: '%s' is not a name for a stack\n", name);
        break;
    case -EPERM:
        fprintf(
            stderr,
            "glass: /tmp/glass-%u belongs to somebody else or is open to others: let XDG_RUNTIME_DIR name a "
            "directory of your own\n",
            (unsigned)geteuid());
        break;
    default:
        fprintf(stderr, "glass: cannot make the control socket %s: %s\n", l->path, strerror(-error));
    }
}

int control_listen(struct control_listener *l, const char *name)
{
    *l = (struct control_listener){.fd = -1, .lock_fd = -1, .uid = geteuid()};
    int error = take_lock(l, name);
    if (error == 0)
        error = open_socket(l);
    if (error == 0)
        return 0;
    explain(l, name, error);
    control_unlisten(l);
    return error;
}

/* /tmp/glass-UID goes with its last socket; any other directory is not ours to remove. */
static void remove_fallback_directory(const struct control_listener *l)
{
    char directory[sizeof l->path], fallback[32];
    snprintf(directory, sizeof directory, "%s", l->path);
    snprintf(fallback, sizeof fallback, "/tmp/glass-%u", l->uid);
    char *slash = strrchr(directory, '/');
    if (!slash)
        return;
    *slash = '\0';
    if (strcmp(directory, fallback) == 0)
        rmdir(directory); /* fails while another stack's socket is in it, as it should */
}

void control_unlisten(struct control_listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->lock_fd >= 0) { /* the holder of the lock owns both files */
        unlink(l->path);
        unlink(l->lock_path);
        close(l->lock_fd);
        remove_fallback_directory(l);
    }
    l->fd = l->lock_fd = -1;
}
