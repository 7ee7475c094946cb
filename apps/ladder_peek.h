/* The TCP segment in a datagram that may be cut off behind its headers, and whose checksum may be wrong: a
 * dropped packet, a packet of a capture taken where the checksum was not yet filled in. */
#ifndef GLASS_LADDER_PEEK_H
#define GLASS_LADDER_PEEK_H

#include "ladder_model.h"

struct ladder_peek {
    struct endpoint source, destination;
    struct tcp_header header; /* without its text */
    uint32_t len;             /* of the text, as the IPv4 header has it */
};

/* False: not the beginning of a TCP segment, or not enough of it. */
bool ladder_peek(const uint8_t *bytes, size_t len, struct ladder_peek *out);

#endif
