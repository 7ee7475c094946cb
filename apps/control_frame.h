/* Messages of control.h <-> bytes: an inbox that cuts what arrived, a queue of what waits to be written. Both
 * are bounded; neither blocks. The server and the clients use the same two. */
#ifndef GLASS_CONTROL_FRAME_H
#define GLASS_CONTROL_FRAME_H

#include <sys/types.h>
#include "control.h"

#define CONTROL_MESSAGE_MAX (sizeof(struct control_header) + CONTROL_BODY_MAX)

/* One message where it lies in the inbox; valid until the next call with that inbox. */
struct control_message {
    enum control_type type;
    const uint8_t *body;
    size_t length;
};

/* Whether a body of `length` bytes is right for `type`; false for an unknown type. */
bool control_length_right(uint32_t type, uint32_t length);

/* The message that `bytes` begin with. How many bytes it takes; 0: not whole yet; -EPROTO: it never will be
 * one. */
ssize_t control_cut(const uint8_t *bytes, size_t have, struct control_message *m);

struct control_inbox {
    uint8_t bytes[CONTROL_MESSAGE_MAX];
    size_t start, end;
};

/* Reads once, what there is room for. How many bytes came; 0: end of file; -EAGAIN; another negative errno.
 */
ssize_t control_inbox_read(struct control_inbox *in, int fd);

/* The first message stays until control_inbox_drop. 1: *m is it; 0: none is whole; -EPROTO. */
int control_inbox_peek(const struct control_inbox *in, struct control_message *m);
void control_inbox_drop(struct control_inbox *in);

struct control_queue {
    uint8_t *bytes;
    size_t start, end, room;
};

static inline bool control_queue_empty(const struct control_queue *q)
{
    return q->start == q->end;
}

/* Adds one message. 0, or -ENOBUFS when the queue would hold more than `limit` bytes, or -ENOMEM. */
int control_queue_put(struct control_queue *q, enum control_type type, const void *body, size_t length,
                      size_t limit);

/* For a body that is made in place: room for one of up to CONTROL_BODY_MAX bytes (NULL: no memory), then how
 * long it became. Nothing is queued before the commit. */
uint8_t *control_queue_reserve(struct control_queue *q);
void control_queue_commit(struct control_queue *q, enum control_type type, size_t length);

/* Writes what the descriptor takes. 0: all is gone; -EAGAIN: some is left; another negative errno. */
int control_queue_flush(struct control_queue *q, int fd);
void control_queue_free(struct control_queue *q);

#endif
