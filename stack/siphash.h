/* SipHash: a keyed hash that nobody without the key can aim. */
#ifndef GLASS_SIPHASH_H
#define GLASS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4, for what strangers see: initial sequence numbers, cookies, dynamic ports. */
uint64_t siphash64(const uint8_t key[16], const void *bytes, size_t len);

/* The same folded to 32 bits. */
uint32_t siphash(const uint8_t key[16], const void *bytes, size_t len);

/* SipHash-1-3, at two thirds of the price, for what only chooses a slot of a table; and folded. */
uint64_t siphash13(const uint8_t key[16], const void *bytes, size_t len);
uint32_t siphash_slot(const uint8_t key[16], const void *bytes, size_t len);

#endif
