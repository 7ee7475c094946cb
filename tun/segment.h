/* Cutting a super-segment into the segments that travel, and joining segments that continue each other: what a device
 * with offload does (offload.h), in software. On bytes alone: soft_offload.c puts it before a device.
 *
 * It pays because a stack's work is per segment it hears or makes (which connection? what does it acknowledge? which
 * timer?), and of 40 segments of one stream that work is the same 40 times over. What has to be done for each by
 * itself, its headers and its checksum, is done here. */
#ifndef GLASS_SEGMENT_H
#define GLASS_SEGMENT_H

#include <sys/uio.h>
#include "../stack/checksum.h"
#include "offload.h"

/* --- out --- */

struct segment_cut {
    uint8_t head[FRAME_HEAD_MAX];
    size_t head_len, ip_len;
    size_t size, left;                   /* text of each segment; of those still to come */
    uint32_t seq;                        /* of the next */
    uint8_t flags;                       /* those the super-segment has */
    bool first;
    struct checksum ip_common, tcp_common; /* of what all their headers have in common */
    const struct iovec *part;            /* the text */
    size_t parts, at;
};

/* Begins to cut a TCP super-segment: part[0] is its headers, the others its text, at least a byte; size > 0 is the text of
 * each segment, the last may have less. `part` must stay. */
void segment_cut(struct segment_cut *cut, const struct iovec *part, int count, uint16_t size);

/* The next segment, with its checksums: its length, or 0 when there is no more. `to` must have room for headers and
 * `size` bytes. */
size_t segment_next(struct segment_cut *cut, uint8_t *to);

/* How many are still to come. */
static inline size_t segments_left(const struct segment_cut *cut)
{
    return (cut->left + cut->size - 1) / cut->size;
}

/* --- in --- */

struct segment_join {
    uint8_t *at; /* the first, and behind its text that of those that continue it */
    size_t len;
    size_t head_len, size; /* headers of the first; text of each */
    uint32_t next;         /* sequence number */
    bool complete;         /* nothing may follow: the last was short, or had a PSH */
};

/* Whether others may continue the datagram of `len` bytes at `at`: a whole TCP segment with text, an IPv4 header without
 * options, no flags but ACK and PSH, good checksums. */
bool segment_join(struct segment_join *join, uint8_t *at, size_t len);

/* Whether the datagram of `len` bytes at `next` continues it: that, and headers that differ in nothing but
 * identification, PSH, checksums and the sequence number, which follows exactly. Then its text, next + head_len, must
 * be, or be copied to, behind the text that is there. */
bool segment_continues(struct segment_join *join, const uint8_t *next, size_t len);

/* Writes the header of the whole. Its TCP checksum is not that of its text: each was right, and nobody need look again.
 * What it is goes into *offload; its length is join->len. */
void segment_joined(struct segment_join *join, struct offload *offload);

#endif
