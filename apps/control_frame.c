/* Messages of control.h <-> bytes. No RFC: both ends are glass.
 *
 * Owns the two buffers and every check of a length. The server (control_serving.h) and the client
 * commands call it. */
#include "control_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static const struct {
    uint32_t least, most;
} body_length[CONTROL_TYPES] = {
    [CONTROL_HELLO] = {sizeof(struct control_hello), sizeof(struct control_hello)},
    [CONTROL_NETSTAT] = {0, 0},
    [CONTROL_ROW] = {sizeof(struct sock_info), sizeof(struct sock_info)},
    [CONTROL_NAMESPACE] = {0, 0},
    [CONTROL_DOWN] = {0, 0},
    [CONTROL_OPEN] = {sizeof(struct control_open), sizeof(struct control_open)},
    [CONTROL_OPENED] = {sizeof(struct control_opened), sizeof(struct control_opened)},
    [CONTROL_DATA] = {0, CONTROL_BODY_MAX},
    [CONTROL_EOF] = {0, 0},
    [CONTROL_ERROR] = {sizeof(struct control_error), sizeof(struct control_error)},
    [CONTROL_END] = {0, 0},
    [CONTROL_COUNTERS] = {0, 0},
    [CONTROL_STATS] = {sizeof(struct control_stats), sizeof(struct control_stats)},
    [CONTROL_TRACE] = {0, 0},
    [CONTROL_TRACING] = {sizeof(struct control_tracing), sizeof(struct control_tracing)},
    [CONTROL_EVENT] = {sizeof(struct record), sizeof(struct record)},
    [CONTROL_LOST] = {sizeof(uint64_t), sizeof(uint64_t)},
};

bool control_length_right(uint32_t type, uint32_t length)
{
    if (type < CONTROL_HELLO || type >= CONTROL_TYPES)
        return false;
    return length >= body_length[type].least && length <= body_length[type].most;
}

ssize_t control_cut(const uint8_t *bytes, size_t have, struct control_message *m)
{
    struct control_header header;
    if (have < sizeof header)
        return 0;
    memcpy(&header, bytes, sizeof header);
    if (!control_length_right(header.type, header.length))
        return -EPROTO;
    if (have - sizeof header < header.length)
        return 0;
    *m = (struct control_message){(enum control_type)header.type, bytes + sizeof header, header.length};
    return (ssize_t)(sizeof header + header.length);
}

ssize_t control_inbox_read(struct control_inbox *in, int fd)
{
    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->end - in->start);
        in->end -= in->start;
        in->start = 0;
    }
    if (in->end == sizeof in->bytes)
        return -EAGAIN; /* a whole message waits: it goes first */
    ssize_t n = recv(fd, in->bytes + in->end, sizeof in->bytes - in->end, MSG_DONTWAIT);
    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    in->end += (size_t)n;
    return n;
}

int control_inbox_peek(const struct control_inbox *in, struct control_message *m)
{
    ssize_t n = control_cut(in->bytes + in->start, in->end - in->start, m);
    return n > 0 ? 1 : (int)n;
}

void control_inbox_drop(struct control_inbox *in)
{
    struct control_message m;
    ssize_t n = control_cut(in->bytes + in->start, in->end - in->start, &m);
    if (n > 0)
        in->start += (size_t)n;
}

/* Makes room for `more` bytes behind the end. */
static bool queue_grow(struct control_queue *q, size_t more)
{
    if (q->room - q->end >= more)
        return true;
    if (q->start > 0) {
        memmove(q->bytes, q->bytes + q->start, q->end - q->start);
        q->end -= q->start;
        q->start = 0;
    }
    if (q->room - q->end >= more)
        return true;
    size_t room = 2 * q->room > q->end + more ? 2 * q->room : q->end + more;
    uint8_t *bytes = realloc(q->bytes, room);
    if (!bytes)
        return false;
    q->bytes = bytes;
    q->room = room;
    return true;
}

int control_queue_put(struct control_queue *q, enum control_type type, const void *body, size_t length,
                      size_t limit)
{
    struct control_header header = {type, (uint32_t)length};
    if (length > CONTROL_BODY_MAX || q->end - q->start + sizeof header + length > limit)
        return -ENOBUFS;
    if (!queue_grow(q, sizeof header + length))
        return -ENOMEM;
    memcpy(q->bytes + q->end, &header, sizeof header);
    if (length > 0)
        memcpy(q->bytes + q->end + sizeof header, body, length);
    q->end += sizeof header + length;
    return 0;
}

uint8_t *control_queue_reserve(struct control_queue *q)
{
    if (!queue_grow(q, CONTROL_MESSAGE_MAX))
        return NULL;
    return q->bytes + q->end + sizeof(struct control_header);
}

void control_queue_commit(struct control_queue *q, enum control_type type, size_t length)
{
    struct control_header header = {type, (uint32_t)length};
    memcpy(q->bytes + q->end, &header, sizeof header);
    q->end += sizeof header + length;
}

int control_queue_flush(struct control_queue *q, int fd)
{
    while (q->start < q->end) {
        ssize_t n = send(fd, q->bytes + q->start, q->end - q->start, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -EAGAIN : -errno;
        q->start += (size_t)n;
    }
    q->start = q->end = 0;
    return 0;
}

void control_queue_free(struct control_queue *q)
{
    free(q->bytes);
    *q = (struct control_queue){0};
}
