/* A chunked body that nobody wants: finds its end (RFC 9112 7.1). */
#ifndef GLASS_HTTP_CHUNK_H
#define GLASS_HTTP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_place {
    CHUNK_SIZE,      /* in the digits */
    CHUNK_EXTENSION, /* after ';' */
    CHUNK_SIZE_LF,   /* CR seen after the size */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,      /* at the start of a line after the last chunk */
    CHUNK_TRAILER_LINE, /* within one */
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
    CHUNK_BAD,
};

struct http_chunk {
    enum chunk_place place;
    uint8_t digits;
    uint64_t left; /* of the chunk's data */
};

/* Eats bytes of the body, up to its end; returns how many. Afterwards c->place says CHUNK_DONE, CHUNK_BAD, or
 * that more must come. Start with a zeroed struct. */
size_t http_chunk_skip(struct http_chunk *c, const uint8_t *bytes, size_t len);

#endif
