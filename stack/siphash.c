/* SipHash-2-4 and -1-3 (Aumasson, Bernstein 2012): rounds for each word, and at the end. */
#include "siphash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

/* Eight bytes, the first the lowest: written so that compilers see the one load that it is on most machines.
 */
static inline uint64_t little64(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

/* The last word: what is left, and the length in the highest byte. */
static inline uint64_t last_word(const uint8_t *at, size_t len)
{
    uint8_t word[8] = {[7] = (uint8_t)len};
    memcpy(word, at, len % 8);
    return little64(word);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void sip_rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++)
        sip_round(v);
}

static inline void absorb(uint64_t v[4], uint64_t word, int rounds)
{
    v[3] ^= word;
    sip_rounds(v, rounds);
    v[0] ^= word;
}

/* Inlined, or the numbers of rounds would be counted down each time. */
__attribute__((always_inline)) static inline uint64_t sip(const uint8_t key[16], const void *bytes,
                                                          size_t len, int each, int last)
{
    const uint8_t *at = bytes;
    uint64_t k0 = little64(key), k1 = little64(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    for (size_t left = len; left >= 8; left -= 8, at += 8)
        absorb(v, little64(at), each);
    absorb(v, last_word(at, len), each);
    v[2] ^= 0xff;
    sip_rounds(v, last);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash64(const uint8_t key[16], const void *bytes, size_t len)
{
    return sip(key, bytes, len, 2, 4);
}

static inline uint32_t fold(uint64_t h)
{
    return (uint32_t)(h ^ h >> 32);
}

uint32_t siphash(const uint8_t key[16], const void *bytes, size_t len)
{
    return fold(siphash64(key, bytes, len));
}

uint64_t siphash13(const uint8_t key[16], const void *bytes, size_t len)
{
    return sip(key, bytes, len, 1, 3);
}

uint32_t siphash_slot(const uint8_t key[16], const void *bytes, size_t len)
{
    return fold(siphash13(key, bytes, len));
}
