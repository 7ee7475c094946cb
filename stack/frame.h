/* The next datagram to send: headers in a small array, the payload where it lies. Nothing is gathered; the
 * device writes it as an iovec. Valid until the next call into the stack. */
#ifndef GLASS_FRAME_H
#define GLASS_FRAME_H

#include "wire.h"

#define FRAME_HEAD_MAX 120 /* IPv4 and TCP header, 60 bytes each */

struct frame {
    uint8_t head[FRAME_HEAD_MAX];
    size_t head_len;
    struct span body[2];
    uint32_t segment_size; /* payload of one segment when the device has to cut; 0: a single one */
};

static inline size_t frame_len(const struct frame *f)
{
    return f->head_len + f->body[0].len + f->body[1].len;
}

/* Copies the frame into `to`; returns its length, or 0 when it does not fit. */
size_t frame_gather(const struct frame *f, uint8_t *to, size_t room);

#endif
