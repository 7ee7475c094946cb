/* The request parser: RFC 9112 2, 3, 5, 6, 9.3. Every request is given whole, byte by byte and in two parts:
 * the verdict must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../apps/http_chunk.h"
#include "../../apps/http_parse.h"

struct outcome {
    int verdict;
    size_t used;
    struct http_request request;
};

/* Each call gets its own copy of just the bytes so far: a parser that looks further is caught by the
 * sanitizer, and one that keeps pointers into old bytes as well. */
static int parse_copy(struct http_parser *p, const char *text, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    uint8_t *exact = len ? realloc(copy, len) : copy;
    assert_non_null(exact);
    int verdict = http_parse(p, exact, len);
    free(exact);
    return verdict;
}

static struct outcome feed(const char *text, size_t len, size_t step)
{
    struct http_parser p;
    struct outcome o = {HTTP_MORE, 0, {.minor = 0}};
    http_parser_init(&p);
    for (size_t have = step < len ? step : len;; have = have + step < len ? have + step : len) {
        o.verdict = parse_copy(&p, text, have);
        if (o.verdict != HTTP_MORE || have == len)
            break;
    }
    o.used = p.seen;
    o.request = p.request;
    return o;
}

static struct outcome parse_n(const char *text, size_t len)
{
    struct outcome whole = feed(text, len, len ? len : 1);
    const size_t steps[] = {1, 2, 7, len / 2 + 1};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct outcome cut = feed(text, len, steps[i]);
        assert_int_equal(cut.verdict, whole.verdict);
        assert_int_equal(cut.used, whole.used);
        assert_memory_equal(&cut.request, &whole.request, sizeof whole.request);
    }
    return whole;
}

static struct outcome parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void assert_piece(const char *text, struct http_piece piece, const char *expected)
{
    assert_int_equal(piece.len, strlen(expected));
    assert_memory_equal(text + piece.at, expected, piece.len);
}

struct request_row {
    const char *text;
    int verdict;
};

static void check_rows(const struct request_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int verdict = parse(rows[i].text).verdict;
        if (verdict != rows[i].verdict)
            print_error("%s\n-> %d, expected %d\n", rows[i].text, verdict, rows[i].verdict);
        assert_int_equal(verdict, rows[i].verdict);
    }
}

#define ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void good_requests_are_taken(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"HEAD /a/b?c=d HTTP/1.1\r\nhOsT:x:8080\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.0\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.9\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_DONE}, /* empty is what a target without authority sends */
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HTTP_DONE},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE}, /* RFC 9112 2.2 */
        {"GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"GET HTTP://x HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.1\r\nHost: x\r\nA-b_c!#$%&'*+.^`|~9: \t v \t w \t\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.1\r\nHost: x\r\nX-Latin: \xe9\xff\r\n\r\n", HTTP_DONE}, /* obs-text in a value */
        {"GET / HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\n", HTTP_DONE},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", HTTP_DONE},
        {"", HTTP_MORE},
        {"\r\n", HTTP_MORE},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r", HTTP_MORE},
    };
    ROWS(rows);
}

static void bad_request_lines_are_refused(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {"GET\r\n", 400},
        {"GET /\r\n", 400}, /* HTTP/0.9 */
        {"GET  / HTTP/1.1\r\n", 400},
        {"GET /  HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1 \r\n", 400},
        {" GET / HTTP/1.1\r\n", 400},
        {"GET\t/\tHTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1\n", 400}, /* a bare LF ends nothing */
        {"GET / HTTP/1.1\r\r\n", 400},
        {"GET / http/1.1\r\n", 400},
        {"GET / HTTP/1\r\n", 400},
        {"GET / HTTP/1.10\r\n", 400},
        {"GET / HTTP/x.1\r\n", 400},
        {"G@T / HTTP/1.1\r\n", 400},
        {"GET a HTTP/1.1\r\n", 400},
        {"GET * HTTP/1.1\r\n", 400},
        {"GET /a#b HTTP/1.1\r\n", 400},
        {"GET /\xc3\xbc HTTP/1.1\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\n", 400},
        {"GET /\x7f HTTP/1.1\r\n", 400},
        {"GET ftp://x/ HTTP/1.1\r\n", 400},
        {"GET http:/// HTTP/1.1\r\n", 400},
        {"GET http://user@x/ HTTP/1.1\r\n", 400},
        {"\x16\x03\x01\x02", 400}, /* TLS */
        {"\r\n\r\n\r\n\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\n", 505},
        {"GET / HTTP/0.9\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    };
    ROWS(rows);
}

static void bad_fields_are_refused(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},                       /* RFC 9112 3.2: no Host */
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400}, /* two */
        {"GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x, y@z\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400}, /* RFC 9112 5.1 */
        {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400}, /* RFC 9112 5.2 */
        {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA(b): c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\nB: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rB: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n", 400},
    };
    ROWS(rows);
    static const char nul[] = "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
    assert_int_equal(parse_n(nul, sizeof nul - 1).verdict, 400);
}

/* RFC 9112 6.1, 6.3, 11.2: a body's length said twice or in doubt lets two readers see two different
 * requests. */
static void doubtful_framing_is_refused(void **state)
{
    (void)state;
    static const struct request_row rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000000000\r\n\r\n", 413},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999999999999\r\n\r\n", 413},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0b"
         "chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    };
    ROWS(rows);
}

static void parts_of_a_request_are_found(void **state)
{
    (void)state;
    const char *text =
        "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nRange:bytes=0-1\t\r\nReferer: r\r\nReferer: s\r\n"
        "If-None-Match: \"e\"\r\nUser-Agent:\r\nContent-Length: 042\r\n\r\n";
    struct outcome o = parse(text);
    assert_int_equal(o.verdict, HTTP_DONE);
    assert_int_equal(o.request.method, HTTP_GET);
    assert_int_equal(o.request.minor, 1);
    assert_int_equal(o.request.content_length, 42);
    assert_piece(text, o.request.line, "GET /a%20b?c=d HTTP/1.1");
    assert_piece(text, o.request.target, "/a%20b?c=d");
    assert_piece(text, o.request.field[FIELD_RANGE], "bytes=0-1");
    assert_piece(text, o.request.field[FIELD_REFERER], "r");
    assert_piece(text, o.request.field[FIELD_IF_NONE_MATCH], "\"e\"");
    assert_true(http_has(&o.request, FIELD_USER_AGENT));
    assert_false(http_has(&o.request, FIELD_IF_MATCH));
    assert_int_equal(o.request.head_len, strlen(text));
}

static void absolute_form_loses_its_authority(void **state)
{
    (void)state;
    const char *with_path = "GET http://h:80/p?q HTTP/1.1\r\nHost: other\r\n\r\n";
    assert_piece(with_path, parse(with_path).request.target, "/p?q");
    const char *without = "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_piece(without, parse(without).request.target, "");
    const char *query = "GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_piece(query, parse(query).request.target, "?q");
}

static void methods_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum http_method method;
    } rows[] = {{"GET", HTTP_GET},       {"HEAD", HTTP_HEAD},    {"POST", HTTP_OTHER},
                {"PUT", HTTP_OTHER},     {"DELETE", HTTP_OTHER}, {"CONNECT", HTTP_OTHER},
                {"OPTIONS", HTTP_OTHER}, {"TRACE", HTTP_OTHER},  {"PATCH", HTTP_OTHER},
                {"get", HTTP_UNKNOWN},   {"GETS", HTTP_UNKNOWN}, {"BREW", HTTP_UNKNOWN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].name);
        struct outcome o = parse(text);
        assert_int_equal(o.verdict, HTTP_DONE);
        assert_int_equal(o.request.method, rows[i].method);
    }
}

static void persistence_follows_version_and_connection_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool close;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo , CLOSE\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(parse(rows[i].text).request.close, rows[i].close);
}

static void expectation_is_seen_in_1_1_alone(void **state)
{
    (void)state;
    assert_true(parse("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n\r\n").request.expects_continue);
    assert_false(parse("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").request.expects_continue);
    assert_false(parse("PUT / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n").request.expects_continue);
}

static void pipelined_remainder_is_left_alone(void **state)
{
    (void)state;
    const char *first = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", *both =
                                                                  "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                                                  "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n\x01";
    struct outcome o = parse(both);
    assert_int_equal(o.verdict, HTTP_DONE);
    assert_int_equal(o.request.head_len, strlen(first));
    const char *rest = both + o.request.head_len;
    o = parse(rest);
    assert_piece(rest, o.request.target, "/2");
    assert_string_equal(rest + o.request.head_len, "\x01");
}

/* A request with a target of `target` bytes, `fields` fields more than Host, and one of `padding` bytes. */
static int verdict_of_size(size_t target, size_t fields, size_t padding)
{
    static char text[65536];
    size_t len = (size_t)sprintf(text, "GET /");
    memset(text + len, 'a', target - 1);
    len += target - 1;
    len += (size_t)sprintf(text + len, " HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 0; i < fields; i++)
        len += (size_t)sprintf(text + len, "F: v\r\n");
    if (padding) {
        len += (size_t)sprintf(text + len, "P:");
        memset(text + len, 'p', padding - 4);
        len += padding - 4;
        len += (size_t)sprintf(text + len, "\r\n");
    }
    len += (size_t)sprintf(text + len, "\r\n");
    return parse_n(text, len).verdict;
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    assert_int_equal(verdict_of_size(HTTP_TARGET_MAX, 0, 0), HTTP_DONE);
    assert_int_equal(verdict_of_size(HTTP_TARGET_MAX + 1, 0, 0), 414);
    assert_int_equal(verdict_of_size(HTTP_TARGET_MAX + 5000, 0, 0), 414);
    assert_int_equal(verdict_of_size(1, HTTP_FIELDS_MAX - 1, 0), HTTP_DONE);
    assert_int_equal(verdict_of_size(1, HTTP_FIELDS_MAX, 0), 431);
    size_t base = strlen("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(verdict_of_size(1, 0, HTTP_HEAD_MAX - base), HTTP_DONE);
    assert_int_equal(verdict_of_size(1, 0, HTTP_HEAD_MAX - base + 1), 431);
    assert_int_equal(verdict_of_size(1, 0, 2 * HTTP_HEAD_MAX), 431);
}

static void endless_lines_end_with_a_verdict(void **state)
{
    (void)state;
    static char text[2 * HTTP_HEAD_MAX];
    memset(text, 'A', sizeof text);
    assert_int_equal(parse_n(text, sizeof text).verdict, 414);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(parse_n(text, sizeof text).verdict, 431);
    for (size_t i = 0; i + 3 < sizeof text; i += 4)
        memcpy(text + i, "a:\r\n", 4);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(parse_n(text, sizeof text).verdict, 431);
}

/* Any bytes get a verdict, the same however they are cut. */
static void random_bytes_cause_nothing_worse_than_a_status(void **state)
{
    (void)state;
    const char *seed = "GET /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nRange: bytes=0-\r\n\r\n";
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char text[128];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (int changes = 0; changes <= round % 4; changes++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % len] = (char)(random >> 24);
        }
        struct outcome whole = feed(text, len, len), cut = feed(text, len, 1);
        assert_int_equal(whole.verdict, cut.verdict);
        assert_memory_equal(&whole.request, &cut.request, sizeof whole.request);
        assert_true(whole.verdict == HTTP_MORE || whole.verdict == HTTP_DONE ||
                    (whole.verdict >= 400 && whole.verdict <= 505));
    }
}

static enum chunk_place skip_chunks(const char *text, size_t step, size_t *used)
{
    struct http_chunk c = {0};
    size_t len = strlen(text);
    *used = 0;
    while (*used < len) {
        size_t n = len - *used < step ? len - *used : step;
        size_t took = http_chunk_skip(&c, (const uint8_t *)text + *used, n);
        *used += took;
        if (took < n)
            break;
    }
    return c.place;
}

static void chunked_bodies_are_skipped_to_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        const char *rest;
    } rows[] = {
        {"0\r\n\r\nGET", true, "GET"},
        {"5\r\nhello\r\n0\r\n\r\n", true, ""},
        {"A;x=y\r\n0123456789\r\n00\r\n\r\nrest", true, "rest"},
        {"1\r\nx\r\n0\r\nTrailer: t\r\nB: c\r\n\r\nrest", true, "rest"},
        {"5\r\nhello0\r\n\r\n", false, NULL},
        {"5\nhello\r\n0\r\n\r\n", false, NULL},
        {"\r\n", false, NULL},
        {"-1\r\n", false, NULL},
        {"0x5\r\n", false, NULL},
        {"5 \r\nhello\r\n", false, NULL},
        {"1111111111111111\r\n", false, NULL},
        {"5;\x01\r\nhello\r\n", false, NULL},
        {"0\r\n\rX", false, NULL},
        {"0\r\nT: t\nX", false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step < 32; step += 6) {
            size_t used;
            assert_int_equal(skip_chunks(rows[i].text, step, &used), rows[i].good ? CHUNK_DONE : CHUNK_BAD);
            if (rows[i].good)
                assert_string_equal(rows[i].text + used, rows[i].rest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_taken),
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(bad_fields_are_refused),
        cmocka_unit_test(doubtful_framing_is_refused),
        cmocka_unit_test(parts_of_a_request_are_found),
        cmocka_unit_test(absolute_form_loses_its_authority),
        cmocka_unit_test(methods_are_told_apart),
        cmocka_unit_test(persistence_follows_version_and_connection_field),
        cmocka_unit_test(expectation_is_seen_in_1_1_alone),
        cmocka_unit_test(pipelined_remainder_is_left_alone),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(endless_lines_end_with_a_verdict),
        cmocka_unit_test(random_bytes_cause_nothing_worse_than_a_status),
        cmocka_unit_test(chunked_bodies_are_skipped_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
