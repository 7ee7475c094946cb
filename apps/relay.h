/* A socket on the running stack, as a glass command holds it: what glass nc, get and ping have instead of a
 * file descriptor of the kernel's. It is read and written through poll(), in messages. */
#ifndef GLASS_RELAY_H
#define GLASS_RELAY_H

#include <poll.h>
#include "control_client.h"
#include "control_frame.h"

#define RELAY_PATIENCE SEC(3) /* without an answer, until the user is told that nothing came */

struct relay {
    int fd;
    struct endpoint local, remote;
    char text[120]; /* what the stack said about the last error */
    struct control_inbox inbox;
    struct control_queue queue;
    bool deaf; /* the stack's end takes no more; what it sent may still be read */
    bool gone; /* and it will send no more */
};

/* Whom to call, from where, and for how long to try. */
struct relay_call {
    const char *command; /* "glass nc", for what is said */
    const char *stack;   /* its name */
    const char *host;    /* as the user wrote it */
    enum sock_type type;
    struct endpoint remote;
    usec timeout; /* NEVER: as long as the stack tries */
};

/* Opens a socket of the stack and connects it. 0; -1 after one line on standard error: no such stack, refused, timed
 * out, nothing there that could answer. A connection that takes longer than RELAY_PATIENCE is said to do so. */
int relay_open(struct relay *r, const struct relay_call *call);

/* Waits for the relay, and for `count` other descriptors that stand behind it in `fds` (fds[0] is filled in),
 * until something happens or `until`; then reads and writes what it can. `full`: leave the stack's messages
 * where they are, the command cannot take one. 0, or -EINTR. */
int relay_wait(struct relay *r, struct pollfd *fds, nfds_t count, usec until, bool full);

/* The first message from the stack, valid until relay_drop. 1; 0: none yet; -ECONNABORTED: there will be
 * none. */
int relay_peek(struct relay *r, struct control_message *m);
void relay_drop(struct relay *r);

/* Whether another message may be given to relay_send: the last one has left. */
bool relay_room(const struct relay *r);
int relay_send(struct relay *r, enum control_type type, const void *bytes, size_t len);

/* The errno value of a CONTROL_ERROR; its text is kept in r->text. */
int relay_error(struct relay *r, const struct control_message *m);

void relay_close(struct relay *r);

/* An address by number or by name (getaddrinfo, IPv4 only). False after one line on standard error. */
bool relay_resolve(const char *command, const char *host, uint32_t *addr);

#endif
