/* Skipping a chunked body: RFC 9112 7.1 (chunks), 7.1.1 (extensions, ignored), 7.1.2 (trailers, discarded).
 * The same strictness as in the head: CRLF only. How much may be skipped is httpd.c's affair. */
#include "http_chunk.h"

#define CHUNK_DIGITS_MAX 15 /* hexadecimal digits that fit `left` */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum chunk_place size_byte(struct http_chunk *c, uint8_t byte)
{
    int value = hex_value(byte);
    if (value >= 0) {
        if (++c->digits > CHUNK_DIGITS_MAX)
            return CHUNK_BAD;
        c->left = c->left * 16 + (uint64_t)value;
        return CHUNK_SIZE;
    }
    if (c->digits == 0)
        return CHUNK_BAD;
    if (byte == '\r')
        return CHUNK_SIZE_LF;
    return byte == ';' ? CHUNK_EXTENSION : CHUNK_BAD;
}

/* A byte of a line whose text does not matter. */
static enum chunk_place line_byte(uint8_t byte, enum chunk_place here, enum chunk_place at_cr)
{
    if (byte == '\r')
        return at_cr;
    return (byte < 0x20 && byte != '\t') || byte == 0x7f ? CHUNK_BAD : here;
}

static enum chunk_place line_feed(uint8_t byte, enum chunk_place next)
{
    return byte == '\n' ? next : CHUNK_BAD;
}

static enum chunk_place next_place(struct http_chunk *c, uint8_t byte)
{
    switch (c->place) {
    case CHUNK_SIZE:
        return size_byte(c, byte);
    case CHUNK_EXTENSION:
        return line_byte(byte, CHUNK_EXTENSION, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        c->digits = 0;
        return line_feed(byte, c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER);
    case CHUNK_DATA_CR:
        return byte == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
    case CHUNK_DATA_LF:
        return line_feed(byte, CHUNK_SIZE);
    case CHUNK_TRAILER:
        return line_byte(byte, CHUNK_TRAILER_LINE, CHUNK_END_LF);
    case CHUNK_TRAILER_LINE:
        return line_byte(byte, CHUNK_TRAILER_LINE, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        return line_feed(byte, CHUNK_TRAILER);
    case CHUNK_END_LF:
        return line_feed(byte, CHUNK_DONE);
    default:
        return c->place;
    }
}

static size_t skip_data(struct http_chunk *c, size_t len)
{
    size_t n = c->left < len ? (size_t)c->left : len;
    c->left -= n;
    if (c->left == 0)
        c->place = CHUNK_DATA_CR;
    return n;
}

size_t http_chunk_skip(struct http_chunk *c, const uint8_t *bytes, size_t len)
{
    size_t used = 0;
    while (used < len && c->place != CHUNK_DONE && c->place != CHUNK_BAD) {
        if (c->place == CHUNK_DATA)
            used += skip_data(c, len - used);
        else
            c->place = next_place(c, bytes[used++]);
    }
    return used;
}
