/* SipHash-2-4: a keyed hash that nobody without the key can aim. For tables, initial sequence numbers, dynamic ports. */
#ifndef GLASS_SIPHASH_H
#define GLASS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash64(const uint8_t key[16], const void *bytes, size_t len);

/* The same folded to 32 bits. */
uint32_t siphash(const uint8_t key[16], const void *bytes, size_t len);

#endif
