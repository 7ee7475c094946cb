/* What the HTTP server makes of bytes, as pure functions: RFC 9112 2 to 7, RFC 9110 13, 14, RFC 3986 5.2.4.
 * How the bytes were cut on their way must never matter, and no path may lead out of the folder. */
#include "../../apps/http_chunk.h"
#include "../../apps/http_condition.h"
#include "../../apps/http_date.h"
#include "../../apps/http_path.h"
#include "../../apps/http_range.h"
#include "targets.h"

#include <assert.h>
#include <stdlib.h>

#define CUTS_MAX 64

/* In memory of exactly its size: what is read beyond the end is seen. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static void check_pieces(const struct http_request *r, size_t len)
{
    assert(r->line.at + r->line.len <= len && r->target.at + r->target.len <= len);
    for (int i = 0; i < FIELD_COUNT; i++)
        assert(r->field[i].at + r->field[i].len <= len);
}

static int parse_in_pieces(struct http_parser *p, const uint8_t *bytes, size_t len, size_t step)
{
    int verdict = HTTP_MORE;
    http_parser_init(p);
    for (size_t have = 0; have < len && verdict == HTTP_MORE;) {
        have = have + step < len ? have + step : len;
        uint8_t *some = copy_of(bytes, have);
        verdict = http_parse(p, some, have);
        free(some);
    }
    return verdict;
}

/* RFC 3986 5.2.4: whatever the target says, the name has no segment that leads elsewhere. */
static void check_path(struct span target)
{
    static struct http_path path;
    if (http_path(target, &path) != 0)
        return;
    assert(path.len <= HTTP_TARGET_MAX && strlen(path.text) == path.len && path.text[0] != '/');
    for (const char *at = path.text; at && *at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        size_t len = strcspn(at, "/");
        assert(len > 0 || !at[len]);
        assert(!(len == 1 && at[0] == '.') && !(len == 2 && at[0] == '.' && at[1] == '.'));
    }
    assert(path.query.len == 0 || path.query.at[0] == '?');
}

static void check_range(struct span value)
{
    static const int64_t sizes[] = {0, 1, 100, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        int64_t first = -1, end = -1;
        if (http_range(value, sizes[i], &first, &end) == RANGE_PART)
            assert(0 <= first && first < end && end <= sizes[i]);
    }
}

static void check_date(struct span text)
{
    time_t when, again;
    char written[HTTP_DATE_ROOM];
    if (!http_date_parse(text, 1700000000, &when))
        return;
    http_date_text(when, written);
    bool same = http_date_parse((struct span){(const uint8_t *)written, strlen(written)}, 1700000000, &again);
    assert(same && again == when);
    (void)same;
}

static void use_request(const struct http_request *r, const uint8_t *bytes)
{
    struct http_validators v = {"\"5f-1a2b\"", 1700000000, 1700000100};
    int status = http_condition(r, bytes, &v);
    assert(status == 200 || status == 304 || status == 412);
    (void)http_range_applies(r, bytes, &v);
    check_path(http_text(bytes, r->target));
    if (http_has(r, FIELD_RANGE))
        check_range(http_text(bytes, r->field[FIELD_RANGE]));
    if (http_has(r, FIELD_IF_MODIFIED_SINCE))
        check_date(http_text(bytes, r->field[FIELD_IF_MODIFIED_SINCE]));
}

static void check_head(const uint8_t *bytes, size_t len, size_t step)
{
    static struct http_parser whole, pieces;
    int verdict = parse_in_pieces(&whole, bytes, len, len ? len : 1);
    int again = parse_in_pieces(&pieces, bytes, len, step + len / CUTS_MAX);
    assert(verdict == again);
    check_pieces(&whole.request, len);
    if (verdict != HTTP_DONE)
        return;
    assert(whole.request.head_len <= len && whole.request.head_len == pieces.request.head_len);
    assert(whole.request.present == pieces.request.present && whole.request.close == pieces.request.close);
    assert(whole.request.content_length == pieces.request.content_length);
    use_request(&whole.request, bytes);
}

static void check_chunks(const uint8_t *bytes, size_t len, size_t step)
{
    struct http_chunk whole = {0}, pieces = {0};
    size_t eaten = http_chunk_skip(&whole, bytes, len), again = 0;
    assert(eaten <= len);
    while (again < len && pieces.place != CHUNK_DONE && pieces.place != CHUNK_BAD) {
        size_t some = again + step < len ? step : len - again;
        size_t n = http_chunk_skip(&pieces, bytes + again, some);
        assert(n <= some);
        again += n;
    }
    assert(again == eaten && whole.place == pieces.place && whole.left == pieces.left);
}

void fuzz_http(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return;
    uint8_t what = bytes[0];
    size_t step = 1 + bytes[1] % 16;
    uint8_t *copy = copy_of(bytes + 2, len - 2);
    struct span all = {copy, len - 2};
    switch (what % 6) {
    case 0:
        check_path(all);
        break;
    case 1:
        check_range(all);
        break;
    case 2:
        check_chunks(copy, len - 2, step);
        break;
    case 3:
        check_date(all);
        break;
    default:
        check_head(copy, len - 2, step);
        break;
    }
    free(copy);
}
