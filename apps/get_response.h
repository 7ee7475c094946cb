/* An HTTP/1.1 response, piece by piece: RFC 9112 4 (status line), 5 (fields), 6 (body), 7.1 (chunked). Strict
 * and bounded; does no I/O. */
#ifndef GLASS_GET_RESPONSE_H
#define GLASS_GET_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEAD_MAX 65536 /* bytes of status line and fields */
#define RESPONSE_LINE_MAX 1024  /* bytes of a chunk-size line */

enum response_phase {
    RESPONSE_HEAD,
    RESPONSE_BODY, /* Content-Length bytes, or until the connection ends */
    RESPONSE_CHUNK_SIZE,
    RESPONSE_CHUNK,
    RESPONSE_CHUNK_END, /* the CRLF behind a chunk */
    RESPONSE_TRAILER,
    RESPONSE_DONE,
    RESPONSE_BAD,
};

struct response {
    enum response_phase phase;
    int status;
    bool chunked, has_length, until_close;
    uint64_t left;   /* of the body or of this chunk */
    size_t head_len; /* of the final response, its empty line included */
    size_t line_len, trailer_len;
    const char *bad; /* what is wrong */
    char head[RESPONSE_HEAD_MAX];
    char small_line[RESPONSE_LINE_MAX];
};

void response_init(struct response *r);

/* Takes some of `bytes`: returns how many, and *body, *body_len is what of them belongs to the body (possibly
 * nothing). Call again with the rest until it takes nothing: the response is done or bad. */
size_t response_take(struct response *r, const uint8_t *bytes, size_t len, const uint8_t **body,
                     size_t *body_len);

/* The peer sends no more: NULL when the response is whole, else what is wrong. */
const char *response_end(struct response *r);

#endif
