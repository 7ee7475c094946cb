/* Percent-decoding and normalisation of a request target. Nothing that leaves here can climb: ".." is
 * resolved on the text after decoding, so "%2e%2e" is no way round (RFC 3986 7.3). http_file.c does not rely
 * on it all the same. */
#include "http_path.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte of a segment, decoded, or -1: bad encoding. Each byte is decoded once, never twice. */
static int next_byte(struct reader *r)
{
    uint8_t c = get8(r);
    if (c != '%')
        return c;
    int high = hex_digit(get8(r)), low = hex_digit(get8(r));
    return r->bad || high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes one segment (up to '/' or the end) to the end of out->text, behind a '/'; its start goes to *start.
 */
static int take_segment(struct reader *r, struct http_path *out, size_t *start)
{
    size_t before = out->len;
    if (out->len > 0)
        out->text[out->len++] = '/';
    *start = out->len;
    while (reader_left(r) > 0 && *r->at != '/') {
        int c = next_byte(r);
        if (c <= 0)
            return 400;
        if (c == '/')
            return 404;
        out->text[out->len++] = (char)c;
    }
    if (*start == out->len)
        out->len = *start = before; /* an empty segment leaves no trace */
    return 0;
}

/* Takes the last segment off again. */
static void drop_segment(struct http_path *out)
{
    while (out->len > 0 && out->text[out->len - 1] != '/')
        out->len--;
    if (out->len > 0)
        out->len--;
}

/* RFC 3986 5.2.4, except that climbing above the root is an error and not ignored. */
static int resolve_segment(struct http_path *out, size_t start)
{
    const char *segment = out->text + start;
    size_t len = out->len - start;
    bool dot = len == 1 && segment[0] == '.';
    bool dots = len == 2 && segment[0] == '.' && segment[1] == '.';
    out->directory = len == 0 || dot || dots;
    if (dot || dots)
        drop_segment(out);
    if (!dots)
        return 0;
    if (out->len == 0 && start == 0)
        return 400;
    drop_segment(out);
    return 0;
}

int http_path(struct span target, struct http_path *out)
{
    out->len = 0;
    out->directory = true;
    const uint8_t *query = target.len ? memchr(target.at, '?', target.len) : NULL;
    size_t len = query ? (size_t)(query - target.at) : target.len;
    out->query = (struct span){target.at + len, target.len - len};
    if (len > HTTP_TARGET_MAX)
        return 414;

    struct reader r = reader_of(target.at, len);
    while (reader_left(&r) > 0) {
        if (get8(&r) != '/')
            return 400; /* only the first can be: a segment ends before '/' or at the end */
        size_t start;
        int status = take_segment(&r, out, &start);
        if (status == 0)
            status = resolve_segment(out, start);
        if (status != 0)
            return status;
    }
    out->text[out->len] = '\0';
    return 0;
}
