/* Ranges (RFC 9110 14), dates (5.6.7) and conditions (13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../apps/http_condition.h"
#include "../../apps/http_date.h"
#include "../../apps/http_range.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void assert_part(const char *value, int64_t size, int64_t first, int64_t end)
{
    int64_t got_first = -1, got_end = -1;
    assert_int_equal(http_range(span_of(value), size, &got_first, &got_end), RANGE_PART);
    assert_int_equal(got_first, first);
    assert_int_equal(got_end, end);
}

static void assert_no_part(const char *value, int64_t size, enum http_range expected)
{
    int64_t first = -1, end = -1;
    assert_int_equal(http_range(span_of(value), size, &first, &end), expected);
    assert_int_equal(first, -1);
    assert_int_equal(end, -1);
}

static void ranges_from_and_to_are_cut_at_the_end(void **state)
{
    (void)state;
    assert_part("bytes=0-0", 100, 0, 1);
    assert_part("bytes=0-99", 100, 0, 100);
    assert_part("Bytes=10-1000", 100, 10, 100);
    assert_part("bytes=99-", 100, 99, 100);
    assert_part("bytes=0-", 100, 0, 100);
    assert_part("bytes=5-99999999999999999999999999", 100, 5, 100);
    assert_part("bytes=4294967296-4294967297", 1ll << 40, 4294967296, 4294967298);
}

static void suffix_ranges_count_from_the_end(void **state)
{
    (void)state;
    assert_part("bytes=-1", 100, 99, 100);
    assert_part("bytes=-100", 100, 0, 100);
    assert_part("bytes=-101", 100, 0, 100);
    assert_part("bytes=-99999999999999999999", 100, 0, 100);
    assert_no_part("bytes=-5", 0, RANGE_WHOLE);
}

static void ranges_behind_the_end_cannot_be_satisfied(void **state)
{
    (void)state;
    assert_no_part("bytes=100-", 100, RANGE_UNSATISFIABLE);
    assert_no_part("bytes=100-200", 100, RANGE_UNSATISFIABLE);
    assert_no_part("bytes=-0", 100, RANGE_UNSATISFIABLE);
    assert_no_part("bytes=0-", 0, RANGE_UNSATISFIABLE);
    assert_no_part("bytes=99999999999999999999-", 100, RANGE_UNSATISFIABLE);
}

static void malformed_and_foreign_ranges_are_ignored(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",          "bytes",      "bytes=",      "bytes=-",     "bytes=5",       "bytes=5-3",
        "bytes=a-b", "bytes=1-2x", "bytes = 1-2", "lines=1-2",   "bytes=1-2,5-6", "bytes=1-2,",
        "bytes=--5", "bytes=+1-2", "bytes=1--2",  "bytes=0x1-2", "bytes=0-0,-1",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_no_part(values[i], 100, RANGE_WHOLE);
}

static void dates_are_written_as_the_rfc_shows(void **state)
{
    (void)state;
    char text[HTTP_DATE_ROOM];
    http_date_text(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_text(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date_text((time_t)INT64_MAX, text); /* what a file system may say */
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void all_three_forms_of_dates_are_read(void **state)
{
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (int i = 0; i < 3; i++) {
        time_t when = 0;
        assert_true(http_date_parse(span_of(forms[i]), 1700000000, &when));
        assert_int_equal(when, 784111777);
    }
}

static void two_digit_years_are_at_most_fifty_ahead(void **state)
{
    (void)state;
    time_t when, now = 1700000000; /* in 2023 */
    assert_true(http_date_parse(span_of("Sunday, 06-Nov-73 08:49:37 GMT"), now, &when));
    assert_true(when > now);
    assert_true(http_date_parse(span_of("Sunday, 06-Nov-74 08:49:37 GMT"), now, &when));
    assert_true(when < now);
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 94",
        "-1",
        ",",
        ", ",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        time_t when;
        assert_false(http_date_parse(span_of(texts[i]), 1700000000, &when));
    }
}

/* --- conditions: a file with tag "abc", of 1994-11-06 08:49:37, asked for much later --- */

static const struct http_validators file = {"\"abc\"", 784111777, 1700000000};
#define ITS_DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER    "Sun, 06 Nov 1994 08:49:38 GMT"
#define EARLIER  "Sun, 06 Nov 1994 08:49:36 GMT"

static struct http_parser parsed;

static const uint8_t *request(const char *method, const char *fields)
{
    static char text[512];
    snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: x\r\n%s\r\n", method, fields);
    http_parser_init(&parsed);
    assert_int_equal(http_parse(&parsed, (const uint8_t *)text, strlen(text)), HTTP_DONE);
    return (const uint8_t *)text;
}

static int condition(const char *fields)
{
    const uint8_t *bytes = request("GET", fields);
    return http_condition(&parsed.request, bytes, &file);
}

static bool range_applies(const char *method, const char *fields)
{
    const uint8_t *bytes = request(method, fields);
    return http_range_applies(&parsed.request, bytes, &file);
}

static void known_content_is_not_sent_again(void **state)
{
    (void)state;
    assert_int_equal(condition(""), 200);
    assert_int_equal(condition("If-None-Match: \"abc\"\r\n"), 304);
    assert_int_equal(condition("If-None-Match: W/\"abc\"\r\n"), 304); /* weak comparison */
    assert_int_equal(condition("If-None-Match: \"x\", W/\"y,z\" , \"abc\"\r\n"), 304);
    assert_int_equal(condition("If-None-Match: *\r\n"), 304);
    assert_int_equal(condition("If-None-Match: \"abcd\"\r\n"), 200);
    assert_int_equal(condition("If-None-Match: abc\r\n"), 200);
    assert_int_equal(condition("If-None-Match: \"abc\r\n"), 200);
    assert_int_equal(condition("If-Modified-Since: " ITS_DATE "\r\n"), 304);
    assert_int_equal(condition("If-Modified-Since: " LATER "\r\n"), 304);
    assert_int_equal(condition("If-Modified-Since: " EARLIER "\r\n"), 200);
    assert_int_equal(condition("If-Modified-Since: yesterday\r\n"), 200);
}

static void tags_come_before_dates(void **state)
{
    (void)state;
    assert_int_equal(condition("If-None-Match: \"x\"\r\nIf-Modified-Since: " LATER "\r\n"), 200);
    assert_int_equal(condition("If-Match: \"abc\"\r\nIf-Unmodified-Since: " EARLIER "\r\n"), 200);
}

static void other_content_than_meant_is_refused(void **state)
{
    (void)state;
    assert_int_equal(condition("If-Match: \"abc\"\r\n"), 200);
    assert_int_equal(condition("If-Match: *\r\n"), 200);
    assert_int_equal(condition("If-Match: \"x\"\r\n"), 412);
    assert_int_equal(condition("If-Match: W/\"abc\"\r\n"), 412); /* strong comparison */
    assert_int_equal(condition("If-Unmodified-Since: " ITS_DATE "\r\n"), 200);
    assert_int_equal(condition("If-Unmodified-Since: " EARLIER "\r\n"), 412);
    assert_int_equal(condition("If-Unmodified-Since: nonsense\r\n"), 200);
}

static void range_counts_for_get_and_unchanged_content(void **state)
{
    (void)state;
    assert_true(range_applies("GET", "Range: bytes=0-1\r\n"));
    assert_false(range_applies("HEAD", "Range: bytes=0-1\r\n"));
    assert_false(range_applies("GET", ""));
    assert_true(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: \"abc\"\r\n"));
    assert_false(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"));
    assert_false(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: W/\"abc\"\r\n"));
    assert_true(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: " ITS_DATE "\r\n"));
    assert_false(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: " LATER "\r\n"));
    assert_false(range_applies("GET", "Range: bytes=0-1\r\nIf-Range: \r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_from_and_to_are_cut_at_the_end),
        cmocka_unit_test(suffix_ranges_count_from_the_end),
        cmocka_unit_test(ranges_behind_the_end_cannot_be_satisfied),
        cmocka_unit_test(malformed_and_foreign_ranges_are_ignored),
        cmocka_unit_test(dates_are_written_as_the_rfc_shows),
        cmocka_unit_test(all_three_forms_of_dates_are_read),
        cmocka_unit_test(two_digit_years_are_at_most_fifty_ahead),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(known_content_is_not_sent_again),
        cmocka_unit_test(tags_come_before_dates),
        cmocka_unit_test(other_content_than_meant_is_refused),
        cmocka_unit_test(range_counts_for_get_and_unchanged_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
