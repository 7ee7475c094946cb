/* Bytes on the wire: a bounded reader and writer of big-endian fields.
 *
 * A read or write past the end gives 0 or stores nothing, and sets `bad`; the caller tests it once, at the end.
 * No packed structs and no casts of buffers: those bring alignment and byte order into the logic. */
#ifndef GLASS_WIRE_H
#define GLASS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An IPv4 address and a port, both in host byte order. Address 0 stands for "any". */
struct endpoint {
    uint32_t addr;
    uint16_t port;
};

/* Bytes that somebody else owns. */
struct span {
    const uint8_t *at;
    size_t len;
};

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

struct writer {
    uint8_t *at, *end;
    bool bad;
};

static inline struct reader reader_of(const uint8_t *at, size_t len)
{
    return (struct reader){at, at + len, false};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next n bytes, or NULL (and bad) when there are fewer. */
static inline const uint8_t *get_bytes(struct reader *r, size_t n)
{
    if (reader_left(r) < n) {
        r->bad = true;
        r->at = r->end;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += n;
    return bytes;
}

static inline uint8_t get8(struct reader *r)
{
    const uint8_t *b = get_bytes(r, 1);
    return b ? b[0] : 0;
}

static inline uint16_t get16(struct reader *r)
{
    const uint8_t *b = get_bytes(r, 2);
    return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t get32(struct reader *r)
{
    const uint8_t *b = get_bytes(r, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline struct writer writer_of(uint8_t *at, size_t len)
{
    return (struct writer){at, at + len, false};
}

static inline uint8_t *put_space(struct writer *w, size_t n)
{
    if ((size_t)(w->end - w->at) < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *space = w->at;
    w->at += n;
    return space;
}

static inline void put8(struct writer *w, uint8_t v)
{
    uint8_t *b = put_space(w, 1);
    if (b)
        b[0] = v;
}

static inline void put16(struct writer *w, uint16_t v)
{
    uint8_t *b = put_space(w, 2);
    if (b) {
        b[0] = (uint8_t)(v >> 8);
        b[1] = (uint8_t)v;
    }
}

static inline void put32(struct writer *w, uint32_t v)
{
    put16(w, (uint16_t)(v >> 16));
    put16(w, (uint16_t)v);
}

static inline void put_bytes(struct writer *w, const void *bytes, size_t n)
{
    uint8_t *b = put_space(w, n);
    if (b && n)
        memcpy(b, bytes, n);
}

/* Overwrites two bytes already written, for checksums that are known last. */
static inline void poke16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static inline uint16_t peek16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

#endif
