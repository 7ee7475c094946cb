/* The Internet checksum, RFC 1071: one's complement sum of 16-bit words. */
#ifndef GLASS_CHECKSUM_H
#define GLASS_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sum in progress. Spans of any length may follow each other: an odd one leaves the next byte in the low
 * half of a word (RFC 1071 2B). Start with {0}. */
struct checksum {
    uint64_t sum;
    bool odd;
};

void checksum_add(struct checksum *c, const void *bytes, size_t len);

/* The pseudo-header of RFC 9293 3.1 and RFC 768: addresses in host order, length of header and payload. */
void checksum_add_pseudo(struct checksum *c, uint32_t src, uint32_t dst, uint8_t protocol, size_t len);

/* What goes into (or, over a received packet, must come out as 0 of) the checksum field. */
uint16_t checksum_finish(const struct checksum *c);

/* The three in one, for a single span. */
uint16_t checksum_of(const void *bytes, size_t len);

#endif
