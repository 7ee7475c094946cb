/* A device that cuts and joins in software, before one that does not. Called by loop.c through struct device,
 * and by apps/up_pieces.c.
 *
 * Nothing is kept back: what is joined is what the device had at once, and a datagram that was read too far
 * is the next that is given out. */
#include <errno.h>
#include <stdlib.h>

#include "segment.h"
#include "soft_offload.h"

#define DATAGRAM_MAX 65536 /* bytes; one more than IPv4 can say */

static const struct offload none;

/* --- in --- */

/* What was put aside, or else the device's next. */
static ssize_t read_one(struct soft_offload *soft, uint8_t *to, size_t room, struct offload *offload)
{
    ssize_t n = soft->aside_len;
    soft->aside_len = 0;
    if (n == 0)
        return soft->inner->read(soft->inner, to, room, offload);
    *offload = none;
    if (n > (ssize_t)room)
        n = (ssize_t)room;
    if (n > 0)
        memcpy(to, soft->aside, (size_t)n);
    return n;
}

/* Reads the next so that its text lies behind the text that is there: its headers, which are as long if it
 * continues it, then lie on the end of that, which is put back. No byte of text is moved. */
static bool read_next(struct soft_offload *soft, struct segment_join *join, size_t room)
{
    uint8_t under[FRAME_HEAD_MAX], *at = join->at + join->len - join->head_len;
    struct offload ignored;
    memcpy(under, at, join->head_len);
    ssize_t n = soft->inner->read(soft->inner, at, room - (join->len - join->head_len), &ignored);
    bool continues = n > 0 && segment_continues(join, at, (size_t)n);
    if (!continues)
        soft->aside_len = n;
    if (!continues && n > 0)
        memcpy(soft->aside, at, (size_t)n);
    memcpy(at, under, join->head_len);
    return continues;
}

static bool room_for_next(const struct segment_join *join, size_t room)
{
    return !join->complete && join->len + join->size <= OFFLOAD_LARGEST &&
           room >= DATAGRAM_MAX + join->len - join->head_len;
}

/* A small one is likely to be alone, or a question that waits for its answer. */
static ssize_t soft_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    struct soft_offload *soft = (struct soft_offload *)device;
    struct segment_join join;
    ssize_t n = read_one(soft, to, room, offload);
    if (device->watched || n <= DEVICE_ALONE || !segment_join(&join, to, (size_t)n))
        return n;
    while (room_for_next(&join, room) && read_next(soft, &join, room))
        ;
    segment_joined(&join, offload);
    return (ssize_t)join.len;
}

/* --- out --- */

static ssize_t write_whole(struct soft_offload *soft, const struct iovec *part, int count,
                           const struct offload *offload)
{
    uint8_t front[OFFLOAD_FRONT];
    struct iovec finished[OFFLOAD_PARTS_MAX];
    if (offload->checksum_at == 0)
        return soft->inner->write(soft->inner, part, count, &none);
    count = offload_finish(offload, part, count, front, finished);
    return soft->inner->write(soft->inner, finished, count, &none);
}

/* One that the device does not take ends it: the rest would find its queue as full. */
static ssize_t write_cut(struct soft_offload *soft, const struct iovec *part, int count, uint16_t size)
{
    struct segment_cut cut;
    ssize_t n = 0, sum = 0;
    segment_cut(&cut, part, count, size);
    for (size_t len; (len = segment_next(&cut, soft->segment)) > 0; sum += n) {
        struct iovec whole = {soft->segment, len};
        do
            n = soft->inner->write(soft->inner, &whole, 1, &none);
        while (n == -EINTR);
        if (n < 0) {
            soft->device.dropped += segments_left(&cut); /* the loop counts this one */
            return n;
        }
    }
    return sum;
}

static ssize_t soft_write(struct device *device, const struct iovec *part, int count,
                          const struct offload *offload)
{
    struct soft_offload *soft = (struct soft_offload *)device;
    return offload->segment_size ? write_cut(soft, part, count, offload->segment_size)
                                 : write_whole(soft, part, count, offload);
}

int soft_offload_open(struct soft_offload *soft, struct device *inner)
{
    uint8_t *space = malloc(2 * DATAGRAM_MAX);
    *soft = (struct soft_offload){.device = *inner, .inner = inner, .segment = space};
    if (!space)
        return -ENOMEM;
    soft->aside = space + DATAGRAM_MAX;
    soft->device.soft = true;
    soft->device.read = soft_read;
    soft->device.write = soft_write;
    return 0;
}

void soft_offload_close(struct soft_offload *soft)
{
    free(soft->segment);
    *soft = (struct soft_offload){0};
}
