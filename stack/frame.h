/* The next datagram to send: headers in a small array, the payload where it lies. Nothing is gathered; the
 * device writes it as an iovec. Valid until the next call into the stack.
 *
 * And what a device can do in our place, which the RFCs know nothing of: cut a super-segment, up to 64 KiB of text
 * behind one header, into the segments that travel, and sum them. Towards us it may bring as much in one piece. */
#ifndef GLASS_FRAME_H
#define GLASS_FRAME_H

#include "wire.h"

#define FRAME_HEAD_MAX 120 /* IPv4 and TCP header, 60 bytes each */

#define FRAME_SPANS    4   /* pieces of payload: a ring wraps, and lent text lies elsewhere */

/* All zero: an ordinary datagram, whole and with its checksum. */
struct offload {
    uint16_t segment_size;   /* text of each segment of a super-segment, the last may have less; 0: it is one */
    uint16_t checksum_start; /* the sum of all from here to the end ... */
    uint16_t checksum_at;    /* ... belongs here, where that of the pseudo-header stands; 0: it is there already */
    bool checksum_good;      /* towards us: the device has looked, or there was no wire to spoil it */
};

struct frame {
    uint8_t head[FRAME_HEAD_MAX];
    size_t head_len;
    struct span body[FRAME_SPANS];
    struct offload offload;
};

static inline size_t frame_len(const struct frame *f)
{
    size_t len = f->head_len;
    for (int i = 0; i < FRAME_SPANS; i++)
        len += f->body[i].len;
    return len;
}

/* Copies the frame into `to`; returns its length, or 0 when it does not fit. */
size_t frame_gather(const struct frame *f, uint8_t *to, size_t room);

#endif
