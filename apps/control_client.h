/* A glass command's end of control.h, blocking: the commands wait for nothing else while they ask. */
#ifndef GLASS_CONTROL_CLIENT_H
#define GLASS_CONTROL_CLIENT_H

#include "control.h"

/* Connects to the stack called `name` and exchanges CONTROL_HELLO. The socket, or -1 after one line on standard
 * error ("no stack named glass is running", another version, not ours). */
int control_connect(const char *name, struct control_hello *server);

/* One whole message. 0 or a negative errno value. */
int control_send(int fd, enum control_type type, const void *body, size_t len);

/* One whole message. 0; -ECONNRESET at end of file; -EMSGSIZE when the body is larger than room. Descriptors that
 * come with it are stored in fds (-1: none) and are the caller's to close; fds NULL: they are closed. */
int control_receive(int fd, struct control_header *header, void *body, size_t room, int fds[2]);

#endif
