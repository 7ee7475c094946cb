/* An HTTP/1.1 response, piece by piece: RFC 9112 4 to 8.
 *
 * Owns the framing of a message: where the head ends, where the body ends, and whether it is whole (8). A
 * server can only cause RESPONSE_BAD with a sentence that says why. get.c feeds it; bytes may come in pieces
 * of any size. */
#include "get_response.h"

#include <string.h>
#include <strings.h>

void response_init(struct response *r)
{
    memset(r, 0, sizeof *r);
}

static void bad(struct response *r, const char *why)
{
    r->phase = RESPONSE_BAD;
    r->bad = why;
}

/* --- the head --- */

/* RFC 9112 4: HTTP-version SP status-code SP [ reason-phrase ]. */
static bool status_line(struct response *r, const char *line, size_t len)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[7] < '0' || line[7] > '9' || line[8] != ' ')
        return false;
    for (int i = 9; i < 12; i++)
        if (line[i] < '0' || line[i] > '9')
            return false;
    r->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return r->status >= 100 && (len == 12 || line[12] == ' ');
}

static bool is_token(char c)
{
    return c != '\0' && (strchr("!#$%&'*+-.^_`|~", c) != NULL || (c >= '0' && c <= '9') ||
                         (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
}

/* RFC 9112 6.3: digits only, and the same number each time. */
static void content_length(struct response *r, const char *value, size_t len)
{
    uint64_t n = 0;
    if (len == 0)
        bad(r, "an empty Content-Length");
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9' || n > (UINT64_MAX - 9) / 10) {
            bad(r, "a Content-Length that is no number");
            return;
        }
        n = n * 10 + (uint64_t)(value[i] - '0');
    }
    if (r->has_length && n != r->left)
        bad(r, "two different Content-Lengths");
    r->has_length = true;
    r->left = n;
}

/* RFC 9112 6.1: we ask for no other coding, so no other is understood. */
static void transfer_encoding(struct response *r, const char *value, size_t len)
{
    if (len != 7 || strncasecmp(value, "chunked", 7) != 0 || r->chunked)
        bad(r, "a transfer coding that nobody asked for");
    r->chunked = true;
}

static bool named(const char *line, size_t name, const char *expected)
{
    return name == strlen(expected) && strncasecmp(line, expected, name) == 0;
}

/* RFC 9112 5: field-name ":" OWS field-value OWS; folded lines (5.2) are refused. */
static void field_line(struct response *r, const char *line, size_t len)
{
    size_t name = 0;
    while (name < len && is_token(line[name]))
        name++;
    if (name == 0 || name == len || line[name] != ':') {
        bad(r, "a malformed header field");
        return;
    }
    size_t start = name + 1, end = len;
    while (start < end && (line[start] == ' ' || line[start] == '\t'))
        start++;
    while (end > start && (line[end - 1] == ' ' || line[end - 1] == '\t'))
        end--;
    if (named(line, name, "Content-Length"))
        content_length(r, line + start, end - start);
    else if (named(line, name, "Transfer-Encoding"))
        transfer_encoding(r, line + start, end - start);
}

/* Where the line at `at` ends (its CR); NULL: a bare LF, a bare CR or a NUL is in it. */
static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at != '\r' && *at != '\n' && *at != '\0')
        at++;
    return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? at : NULL;
}

/* RFC 9112 6.3: how long the body is. */
static void body_begins(struct response *r)
{
    if (r->status / 100 == 1) { /* RFC 9110 15.2: interim; the real one follows */
        if (r->status == 101)
            bad(r, "a switch of protocols that nobody asked for");
        r->head_len = 0;
        r->has_length = r->chunked = false;
    } else if (r->status == 204 || r->status == 304) {
        r->phase = RESPONSE_DONE;
    } else if (r->chunked && r->has_length) {
        bad(r, "both Content-Length and Transfer-Encoding"); /* RFC 9112 6.3: may be an attack */
    } else if (r->chunked) {
        r->phase = RESPONSE_CHUNK_SIZE;
    } else if (r->has_length) {
        r->phase = r->left > 0 ? RESPONSE_BODY : RESPONSE_DONE;
    } else {
        r->until_close = true;
        r->phase = RESPONSE_BODY;
    }
}

static void head_whole(struct response *r)
{
    const char *at = r->head, *end = r->head + r->head_len - 2; /* without the empty line */
    bool first = true;
    while (at < end && r->phase == RESPONSE_HEAD) {
        const char *stop = line_end(at, end);
        if (!stop)
            bad(r, "a line of the head that does not end in CR LF");
        else if (!first)
            field_line(r, at, (size_t)(stop - at));
        else if (!status_line(r, at, (size_t)(stop - at)))
            bad(r, "not an HTTP/1 status line");
        first = false;
        at = stop ? stop + 2 : end;
    }
    if (r->phase == RESPONSE_HEAD && first)
        bad(r, "not an HTTP/1 status line");
    if (r->phase == RESPONSE_HEAD)
        body_begins(r);
}

static size_t take_head(struct response *r, const uint8_t *bytes, size_t len)
{
    static const char http[] = "HTTP/1.";
    for (size_t i = 0; i < len; i++) {
        if (r->head_len == sizeof r->head) {
            bad(r, "a head that is too long");
            return i;
        }
        r->head[r->head_len++] = (char)bytes[i];
        if (r->head_len < sizeof http && r->head[r->head_len - 1] != http[r->head_len - 1]) {
            bad(r, "not an HTTP/1 status line"); /* said at once: another protocol may never send CR LF */
            return i;
        }
        bool ends = r->head_len >= 4 && memcmp(r->head + r->head_len - 4, "\r\n\r\n", 4) == 0;
        if (ends) {
            head_whole(r);
            return i + 1;
        }
    }
    return len;
}

/* --- the body --- */

static size_t take_body(struct response *r, size_t len)
{
    if (r->until_close)
        return len;
    size_t n = len < r->left ? len : (size_t)r->left;
    r->left -= n;
    if (r->left == 0)
        r->phase = r->phase == RESPONSE_CHUNK ? RESPONSE_CHUNK_END : RESPONSE_DONE;
    return n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 9112 7.1: chunk-size [ chunk-ext ]; extensions (7.1.1) are passed over. */
static void chunk_size(struct response *r, const char *line, size_t len)
{
    size_t i = 0;
    uint64_t n = 0;
    for (; i < len && hex_digit(line[i]) >= 0; i++) {
        if (n >> 56) {
            bad(r, "a chunk that is too long");
            return;
        }
        n = n << 4 | (uint64_t)hex_digit(line[i]);
    }
    if (i == 0 || (i < len && line[i] != ';' && line[i] != ' ' && line[i] != '\t')) {
        bad(r, "a malformed chunk size");
        return;
    }
    r->left = n;
    r->phase = n > 0 ? RESPONSE_CHUNK : RESPONSE_TRAILER;
}

static void small_line_whole(struct response *r)
{
    size_t len = r->line_len - 2;
    r->line_len = 0;
    if (r->phase == RESPONSE_CHUNK_SIZE)
        chunk_size(r, r->small_line, len);
    else if (r->phase == RESPONSE_CHUNK_END && len == 0)
        r->phase = RESPONSE_CHUNK_SIZE;
    else if (r->phase == RESPONSE_CHUNK_END)
        bad(r, "a chunk longer than its size");
    else if (len == 0)
        r->phase = RESPONSE_DONE; /* the end of the trailer, RFC 9112 7.1.2 */
    else if ((r->trailer_len += len) > RESPONSE_HEAD_MAX)
        bad(r, "a trailer that is too long");
}

/* A line of the chunked coding. */
static size_t take_small_line(struct response *r, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (r->line_len == sizeof r->small_line) {
            bad(r, "a line of the chunked coding that is too long");
            return i;
        }
        char before = r->line_len > 0 ? r->small_line[r->line_len - 1] : '\0';
        r->small_line[r->line_len++] = (char)bytes[i];
        if ((bytes[i] == '\n') != (before == '\r')) {
            bad(r, "a line of the chunked coding that does not end in CR LF");
            return i;
        }
        if (bytes[i] == '\n') {
            small_line_whole(r);
            return i + 1;
        }
    }
    return len;
}

size_t response_take(struct response *r, const uint8_t *bytes, size_t len, const uint8_t **body,
                     size_t *body_len)
{
    *body = bytes;
    *body_len = 0;
    switch (r->phase) {
    case RESPONSE_HEAD:
        return take_head(r, bytes, len);
    case RESPONSE_BODY:
    case RESPONSE_CHUNK:
        return *body_len = take_body(r, len);
    case RESPONSE_CHUNK_SIZE:
    case RESPONSE_CHUNK_END:
    case RESPONSE_TRAILER:
        return take_small_line(r, bytes, len);
    case RESPONSE_DONE:
    case RESPONSE_BAD:
        break;
    }
    return 0;
}

const char *response_end(struct response *r)
{
    if (r->phase == RESPONSE_BAD)
        return r->bad;
    if (r->phase == RESPONSE_DONE || (r->phase == RESPONSE_BODY && r->until_close))
        return NULL;
    if (r->phase == RESPONSE_HEAD)
        return r->head_len == 0 ? "an empty reply" : "the connection ended within the head";
    return "the connection ended before the body was whole"; /* RFC 9112 8: incomplete */
}
