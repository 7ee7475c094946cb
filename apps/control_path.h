/* Where the control socket of a stack lies, and the server's end of it. */
#ifndef GLASS_CONTROL_PATH_H
#define GLASS_CONTROL_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_NAME_DEFAULT "glass"
#define CONTROL_NAME_MAX     32 /* bytes; the path must fit sockaddr_un */

/* 1 to CONTROL_NAME_MAX letters, digits, '.', '_' and '-', not starting with '.' or '-'. */
bool control_name_valid(const char *name);

/* $XDG_RUNTIME_DIR/glass-NAME.sock, or the same in /run/user/UID, or in /tmp/glass-UID, which is made (mode 0700)
 * when `make` is true. 0 or a negative errno value: -EINVAL bad name, -ENAMETOOLONG, -EPERM: the directory is
 * somebody else's or open to others, -ENOENT. */
int control_path(const char *name, bool make, char *to, size_t room);

/* The listening socket of one running stack. */
struct control_listener {
    int fd;      /* AF_UNIX stream, listening, non-blocking, mode 0600 */
    int lock_fd; /* flock on the .lock file beside it: held as long as this stack runs */
    char path[108], lock_path[108];
    unsigned uid; /* whose it is: in a user namespace of the laboratory the same user has another number */
};

/* Takes the name. 0; or a negative errno value after one line on standard error: -EADDRINUSE when a stack of that
 * name runs. The socket of a dead one is replaced. */
int control_listen(struct control_listener *l, const char *name);

/* Removes the socket and its lock file. Safe after a failed control_listen. */
void control_unlisten(struct control_listener *l);

#endif
