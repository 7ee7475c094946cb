/* Finds the directory of the control sockets: one that belongs to this user and to nobody else.
 *
 * Called by control_listen.c for the server and control_client.c for the clients; both must find the same. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_path.h"

bool control_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len >= 1 && len <= CONTROL_NAME_MAX && strspn(name, allowed) == len && name[0] != '.' &&
           name[0] != '-';
}

/* A directory, not a link to one, that others cannot write to. */
static bool is_ours(const char *path, mode_t closed_to)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & closed_to) == 0;
}

/* The system's choice, when it is as safe as it promises; after `su` it may still be somebody else's. */
static bool runtime_directory(char *to, size_t room)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    if (xdg && xdg[0] == '/' && (size_t)snprintf(to, room, "%s", xdg) < room && is_ours(to, 022))
        return true;
    snprintf(to, room, "/run/user/%u", (unsigned)geteuid());
    return is_ours(to, 022);
}

/* /tmp is everybody's: the directory there must be closed to all others, or it may be a trap. */
static int fallback_directory(bool make, char *to, size_t room)
{
    snprintf(to, room, "/tmp/glass-%u", (unsigned)geteuid());
    if (make && mkdir(to, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (access(to, F_OK) < 0)
        return -errno;
    return is_ours(to, 077) ? 0 : -EPERM;
}

int control_path(const char *name, bool make, char *to, size_t room)
{
    char directory[108];
    if (!control_name_valid(name))
        return -EINVAL;
    int error = runtime_directory(directory, sizeof directory)
                    ? 0
                    : fallback_directory(make, directory, sizeof directory);
    if (error < 0)
        return error;
    return (size_t)snprintf(to, room, "%s/glass-%s.sock", directory, name) < room ? 0 : -ENAMETOOLONG;
}
