/* Byte ranges, RFC 9110 14.1.2 and 14.2. Pure. Called by httpd.c once the size is known. */
#include "http_range.h"
#include "http_parse.h"

/* 1*DIGIT; a number too large counts as the largest. -1: no digits. */
static int64_t get_number(struct reader *r)
{
    int64_t n = -1;
    while (reader_left(r) > 0 && *r->at >= '0' && *r->at <= '9') {
        int digit = get8(r) - '0';
        if (n < 0)
            n = 0;
        n = n > (INT64_MAX - 9) / 10 ? INT64_MAX : n * 10 + digit;
    }
    return n;
}

/* "-5": the last five bytes. All of it when there are fewer. */
static enum http_range suffix(int64_t count, int64_t size, int64_t *first, int64_t *end)
{
    if (count == 0)
        return RANGE_UNSATISFIABLE;
    if (size == 0)
        return RANGE_WHOLE; /* satisfiable, but no Content-Range can say "nothing" */
    *first = count < size ? size - count : 0;
    *end = size;
    return RANGE_PART;
}

enum http_range http_range(struct span value, int64_t size, int64_t *first, int64_t *end)
{
    const size_t unit = strlen("bytes=");
    if (value.len <= unit || !http_same((struct span){value.at, unit}, "bytes="))
        return RANGE_WHOLE;
    struct reader r = reader_of(value.at + unit, value.len - unit);
    int64_t from = get_number(&r);
    if (get8(&r) != '-')
        return RANGE_WHOLE;
    int64_t last = get_number(&r);
    if (r.bad || reader_left(&r) > 0)
        return RANGE_WHOLE;

    if (from < 0)
        return last < 0 ? RANGE_WHOLE : suffix(last, size, first, end);
    if (last >= 0 && last < from)
        return RANGE_WHOLE; /* malformed, RFC 9110 14.1.1 */
    if (from >= size)
        return RANGE_UNSATISFIABLE;
    *first = from;
    *end = last < 0 || last >= size ? size : last + 1;
    return RANGE_PART;
}
