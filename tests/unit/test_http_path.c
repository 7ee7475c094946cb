/* Targets to names: decoding, normalisation, traversals (RFC 3986 2.1, 5.2.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../apps/http_path.h"
#include "../../apps/text.h"

static int path_of(const char *target, struct http_path *out)
{
    return http_path((struct span){(const uint8_t *)target, strlen(target)}, out);
}

static void assert_path(const char *target, const char *expected, bool directory)
{
    struct http_path path;
    assert_int_equal(path_of(target, &path), 0);
    assert_string_equal(path.text, expected);
    assert_int_equal(path.len, strlen(expected));
    assert_int_equal(path.directory, directory);
}

static void assert_refused(const char *target, int status)
{
    struct http_path path;
    assert_int_equal(path_of(target, &path), status);
}

static void plain_paths_lose_their_first_slash(void **state)
{
    (void)state;
    assert_path("/", "", true);
    assert_path("", "", true); /* absolute-form without a path */
    assert_path("/a", "a", false);
    assert_path("/a/", "a", true);
    assert_path("/a/b.html", "a/b.html", false);
    assert_path("//a///b//", "a/b", true);
}

static void percent_encoding_is_undone_once(void **state)
{
    (void)state;
    assert_path("/a%20b", "a b", false);
    assert_path("/%C3%bc", "\xc3\xbc", false);
    assert_path("/%2541", "%41", false);
    assert_path("/%252e%252e/a", "%2e%2e/a", false);
    assert_path("/a+b", "a+b", false);
    assert_path("/%3f%23", "?#", false);
}

static void dot_segments_are_resolved(void **state)
{
    (void)state;
    assert_path("/./a", "a", false);
    assert_path("/a/.", "a", true);
    assert_path("/a/..", "", true);
    assert_path("/a/../b", "b", false);
    assert_path("/a/b/../../c", "c", false);
    assert_path("/a/%2e%2E/b", "b", false);
    assert_path("/a//..//b", "b", false);
    assert_path("/...", "...", false);
    assert_path("/.hidden", ".hidden", false);
    assert_path("/a..b/..c", "a..b/..c", false);
}

static void climbing_above_the_root_is_refused(void **state)
{
    (void)state;
    assert_refused("/..", 400);
    assert_refused("/../etc/passwd", 400);
    assert_refused("/a/../../etc/passwd", 400);
    assert_refused("/%2e%2e/etc/passwd", 400);
    assert_refused("/.%2e/etc/passwd", 400);
    assert_refused("/a/b/../../../a", 400);
    assert_refused("/./../a", 400);
    assert_refused("//../a", 400);
}

static void encoded_slashes_and_nul_are_refused(void **state)
{
    (void)state;
    assert_refused("/a%2fb", 404);
    assert_refused("/..%2f..%2fetc/passwd", 404);
    assert_refused("/%2F", 404);
    assert_refused("/a%00", 400);
    assert_refused("/%00/../a", 400);
}

static void bad_encoding_is_refused(void **state)
{
    (void)state;
    assert_refused("/%", 400);
    assert_refused("/%4", 400);
    assert_refused("/%4g", 400);
    assert_refused("/%g4", 400);
    assert_refused("/%%41", 400);
    assert_refused("/a%4/b", 400);
    assert_refused("a", 400);
}

static void query_is_cut_off_and_kept(void **state)
{
    (void)state;
    struct http_path path;
    assert_int_equal(path_of("/a?b=/../%00?c", &path), 0);
    assert_string_equal(path.text, "a");
    assert_int_equal(path.query.len, strlen("?b=/../%00?c"));
    assert_memory_equal(path.query.at, "?b=/../%00?c", path.query.len);
    assert_int_equal(path_of("/a", &path), 0);
    assert_int_equal(path.query.len, 0);
}

static void longest_target_fits_and_a_longer_one_is_refused(void **state)
{
    (void)state;
    static char target[HTTP_TARGET_MAX + 2];
    struct http_path path;
    memset(target, 'a', HTTP_TARGET_MAX + 1);
    target[0] = '/';
    assert_int_equal(path_of(target, &path), 414);
    target[HTTP_TARGET_MAX] = '\0';
    assert_int_equal(path_of(target, &path), 0);
    assert_int_equal(path.len, HTTP_TARGET_MAX - 1);
}

/* Whatever the bytes: what comes out has no empty, "." or ".." segment, no NUL and no '/' at its ends. */
static void nothing_that_comes_out_can_climb(void **state)
{
    (void)state;
    static const char alphabet[] = "//..%%2eEfF0a?";
    uint32_t random = 7;
    int taken = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t target[24] = "/";
        size_t len = 1;
        for (; len < sizeof target; len++) {
            random = random * 1664525 + 1013904223;
            target[len] = (uint8_t)alphabet[(random >> 16) % (sizeof alphabet - 1)];
        }
        struct http_path path;
        if (http_path((struct span){target, len}, &path) != 0)
            continue;
        taken++;
        assert_int_equal(strlen(path.text), path.len);
        char *rest = NULL, copy[sizeof path.text];
        strcpy(copy, path.text);
        assert_null(strstr(copy, "//"));
        assert_true(path.len == 0 || (copy[0] != '/' && copy[path.len - 1] != '/'));
        for (char *part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
            assert_string_not_equal(part, ".");
            assert_string_not_equal(part, "..");
        }
    }
    assert_true(taken > 1000);
}

static void assert_escaped(void (*escape)(struct text *, const void *, size_t), const char *from, size_t len,
                           const char *to)
{
    struct text t;
    text_init(&t, 1000);
    escape(&t, from, len);
    assert_false(t.bad);
    assert_int_equal(t.len, strlen(to));
    assert_memory_equal(t.at, to, t.len);
    text_free(&t);
}

static void foreign_text_is_made_harmless(void **state)
{
    (void)state;
    assert_escaped(text_html, "<a href='x'>&\"", 14, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    assert_escaped(text_url, "a b/\xc3:?#%\"", 10, "a%20b/%C3%3A%3F%23%25%22");
    assert_escaped(text_log, "a\"\\\n\x1b[31m\x7f\xe9\0z", 13, "a\\\"\\\\\\x0A\\x1B[31m\\x7F\\xE9\\x00z");
}

static void text_remembers_that_it_did_not_fit(void **state)
{
    (void)state;
    struct text t;
    text_init(&t, 10);
    text_add(&t, "0123456789");
    assert_false(t.bad);
    text_add(&t, "x");
    assert_true(t.bad);
    assert_int_equal(t.len, 10);
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_paths_lose_their_first_slash),
        cmocka_unit_test(percent_encoding_is_undone_once),
        cmocka_unit_test(dot_segments_are_resolved),
        cmocka_unit_test(climbing_above_the_root_is_refused),
        cmocka_unit_test(encoded_slashes_and_nul_are_refused),
        cmocka_unit_test(bad_encoding_is_refused),
        cmocka_unit_test(query_is_cut_off_and_kept),
        cmocka_unit_test(longest_target_fits_and_a_longer_one_is_refused),
        cmocka_unit_test(nothing_that_comes_out_can_climb),
        cmocka_unit_test(foreign_text_is_made_harmless),
        cmocka_unit_test(text_remembers_that_it_did_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
