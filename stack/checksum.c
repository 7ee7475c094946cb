/* RFC 1071: the Internet checksum. Called for every header and payload that comes or goes, so add_words is
 * one of the hot loops of the tree.
 *
 * Three properties of one's complement addition (RFC 1071 2) make it both fast and short:
 *  (A) it is commutative and associative: words may be added in any order and grouping, in parallel sums;
 *  (B) it does not depend on byte order: add the words as this machine loads them, store the result as this
 *      machine stores it, and the bytes in memory are right;
 *  (C) wider words may be added, if at the end the halves are folded onto each other: 2^16 - 1 divides 2^64
 * - 1. */
#include "checksum.h"
#include "wire.h"

/* RFC 1071 2 "end-around carry": a carry out of the highest bit is worth one in the lowest. */
static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word); /* any alignment; a single load instruction */
    return word;
}

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* RFC 1071 4.1, inner loop: 32 bytes a turn, added in pairs (A), so that of the four additions only the last
 * has to wait for the turn before. That is as fast as memory gives the bytes. */
static uint64_t add_words(const uint8_t *at, size_t len)
{
    uint64_t left = 0, right = 0;
    for (; len >= 32; at += 32, len -= 32) {
        left = add_carry(left, add_carry(load64(at), load64(at + 8)));
        right = add_carry(right, add_carry(load64(at + 16), load64(at + 24)));
    }
    uint64_t sum = add_carry(left, right);
    for (; len >= 8; at += 8, len -= 8)
        sum = add_carry(sum, load64(at));
    if (len >= 4) { /* an IPv4 header without options ends here */
        sum = add_carry(sum, load32(at));
        at += 4;
        len -= 4;
    }
    if (len > 0) { /* RFC 1071 1: an odd end is padded with zero */
        const uint8_t rest[4] = {at[0], len > 1 ? at[1] : 0, len > 2 ? at[2] : 0, 0};
        sum = add_carry(sum, load32(rest));
    }
    return sum;
}

/* RFC 1071 2 (C) "deferred carries": folds a wide sum to 16 bits. */
static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* (B): as it lies in memory, it is in network order. */
static uint16_t as_stored(uint16_t native)
{
    uint8_t stored[2];
    memcpy(stored, &native, sizeof stored);
    return peek16(stored);
}

void checksum_add(struct checksum *c, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    uint16_t sum = as_stored(fold(add_words(bytes, len)));
    /* After an odd number of bytes this span starts in the low half of a word: its bytes change places. */
    c->sum += c->odd ? (uint16_t)(sum << 8 | sum >> 8) : sum;
    c->odd ^= len & 1;
}

void checksum_add_pseudo(struct checksum *c, uint32_t src, uint32_t dst, uint8_t protocol, size_t len)
{
    c->sum += (src >> 16) + (src & 0xffff);
    c->sum += (dst >> 16) + (dst & 0xffff);
    c->sum += protocol + len;
}

uint16_t checksum_finish(const struct checksum *c)
{
    return (uint16_t)~fold(c->sum);
}

uint16_t checksum_of(const void *bytes, size_t len)
{
    return (uint16_t)~as_stored(fold(add_words(bytes, len)));
}
