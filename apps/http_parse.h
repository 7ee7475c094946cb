/* The head of an HTTP/1.1 request: RFC 9112 2 to 6, RFC 9110 5.
 *
 * A pure function over bytes: no I/O, no memory, no clock. The caller keeps all bytes of the request from its
 * first and calls again when more have come; each byte is looked at once, so how they were cut does not
 * matter. */
#ifndef GLASS_HTTP_PARSE_H
#define GLASS_HTTP_PARSE_H

#include "../stack/wire.h"

#define HTTP_HEAD_MAX   16384 /* bytes of request line and fields together: 431 */
#define HTTP_TARGET_MAX 8000  /* bytes, RFC 9112 3 asks for at least this: 414 */
#define HTTP_FIELDS_MAX 100   /* 431 */
#define HTTP_BLANKS_MAX 4     /* empty lines skipped before a request line, RFC 9112 2.2 */

/* A part of the request, counted from its first byte. */
struct http_piece {
    uint16_t at, len;
};

static inline struct span http_text(const uint8_t *request, struct http_piece p)
{
    return (struct span){request + p.at, p.len};
}

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_OTHER,   /* a method of RFC 9110 9 that is not offered here: 405 */
    HTTP_UNKNOWN, /* 501 */
};

/* The fields that this server acts upon. */
enum http_field {
    FIELD_HOST,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONNECTION,
    FIELD_EXPECT,
    FIELD_RANGE,
    FIELD_IF_RANGE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_REFERER,
    FIELD_USER_AGENT,
    FIELD_COUNT
};

struct http_request {
    struct http_piece line; /* without its CRLF; what came of it so far when the head is bad */
    struct http_piece
        target; /* path and query; of an absolute-form what follows the authority, perhaps nothing */
    struct http_piece field[FIELD_COUNT]; /* the value, trimmed; see http_has */
    uint32_t present;                     /* bit n: field n came */
    enum http_method method;
    uint8_t minor; /* of HTTP/1.x, 0 or 1 */
    bool close;    /* this request is the connection's last, RFC 9112 9.3 */
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /* of the body, 0 without the field */
    size_t head_len;         /* bytes from the first to the empty line's end */
};

static inline bool http_has(const struct http_request *r, enum http_field field)
{
    return r->present & 1u << field;
}

struct http_parser {
    uint32_t seen; /* bytes looked at */
    uint32_t line; /* where the line being read starts */
    uint8_t fields, blanks;
    bool started;  /* the request line is complete */
    bool after_cr; /* the byte before was CR */
    bool says_close, says_keep_alive;
    struct http_request request;
};

#define HTTP_MORE 0
#define HTTP_DONE 200

void http_parser_init(struct http_parser *p);

/* `bytes`: the request from its first byte, `len` of them so far. HTTP_MORE; HTTP_DONE when the head is
 * complete; or the status of the error response, after which the connection must end. */
int http_parse(struct http_parser *p, const uint8_t *bytes, size_t len);

/* Two ASCII texts, letter case aside. */
bool http_same(struct span text, const char *word);

#endif
