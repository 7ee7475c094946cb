/* Sequence numbers, RFC 9293 3.4: all modular arithmetic of the tree is in this file.
 *
 * On the wire a sequence number is 32 bits that wrap; it is a struct here, so that a plain < does not compile.
 * Inside, a connection counts stream positions in 64 bits from its initial sequence number: the SYN is
 * position 0, byte k of the stream (k from 0) is position 1 + k, the FIN is the position after the last
 * byte. So the RFC's inequality is the C expression, and a trace shows the numbers of the textbook. */
#ifndef GLASS_SEQ_H
#define GLASS_SEQ_H

#include <stdint.h>

struct wireseq {
    uint32_t n;
};

/* The position closest to `near` that travels as w. Right as long as they are less than 2^31 apart, which
 * RFC 9293 3.4 asks of every window; it may be negative for an old duplicate. */
static inline int64_t seq_unwrap(struct wireseq w, uint32_t isn, int64_t near)
{
    return near + (int32_t)(w.n - isn - (uint32_t)near);
}

static inline struct wireseq seq_wrap(int64_t position, uint32_t isn)
{
    return (struct wireseq){isn + (uint32_t)position};
}

/* How far a lies after b on the circle, -2^31 .. 2^31-1: for records that keep no position. */
static inline int32_t seq_distance(struct wireseq a, struct wireseq b)
{
    return (int32_t)(a.n - b.n);
}

#endif
