/* glass get: URLs, and responses in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>
#include "../../apps/get_response.h"
#include "../../apps/get_url.h"

struct result {
    struct response response;
    char body[4096];
    size_t body_len, taken;
    const char *wrong; /* at the end of the connection */
};

/* Feeds `text` in pieces of `piece` bytes, then ends the connection. */
static struct result *receive(const char *text, size_t len, size_t piece)
{
    static struct result r;
    memset(&r, 0, sizeof r);
    response_init(&r.response);
    while (r.taken < len) {
        size_t give = len - r.taken < piece ? len - r.taken : piece;
        const uint8_t *body;
        size_t body_len;
        size_t n = response_take(&r.response, (const uint8_t *)text + r.taken, give, &body, &body_len);
        assert_true(n <= give && body_len <= n);
        assert_true(r.body_len + body_len <= sizeof r.body);
        memcpy(r.body + r.body_len, body, body_len);
        r.body_len += body_len;
        r.taken += n;
        if (r.response.phase == RESPONSE_DONE || r.response.phase == RESPONSE_BAD)
            break;
        assert_true(n > 0);
    }
    r.wrong = response_end(&r.response);
    return &r;
}

static const size_t pieces[] = {1, 2, 3, 7, 64, 4096};
#define FOR_PIECES for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)

static void assert_body(const char *text, const char *body)
{
    FOR_PIECES
    {
        struct result *r = receive(text, strlen(text), pieces[p]);
        assert_null(r->wrong);
        assert_int_equal(r->body_len, strlen(body));
        assert_memory_equal(r->body, body, r->body_len);
    }
}

static void assert_wrong(const char *text, const char *why)
{
    FOR_PIECES
    {
        struct result *r = receive(text, strlen(text), pieces[p]);
        assert_non_null(r->wrong);
        assert_non_null(strstr(r->wrong, why));
    }
}

#define OK "HTTP/1.1 200 OK\r\n"

static void a_body_has_the_length_that_was_announced(void **state)
{
    (void)state;
    assert_body(OK "Content-Length: 5\r\n\r\nhello", "hello");
    assert_body(OK "content-length:5 \t\r\n\r\nhello and more", "hello");
    assert_body(OK "Content-Length: 0\r\n\r\n", "");
    assert_body(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello");
    assert_wrong(OK "Content-Length: 6\r\n\r\nhello", "before the body was whole");
}

static void a_body_without_length_ends_with_the_connection(void **state)
{
    (void)state;
    assert_body(OK "\r\nhello", "hello");
    assert_body("HTTP/1.0 200 OK\r\n\r\nhello", "hello");
    assert_body("HTTP/1.1 204 No Content\r\n\r\n", "");
    assert_body("HTTP/1.1 304\r\n\r\n", "");
}

static void chunks_are_put_together(void **state)
{
    (void)state;
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
    assert_body(CHUNKED "5\r\nhello\r\n1;name=\"v\"\r\n!\r\n0\r\n\r\n", "hello!");
    assert_body(CHUNKED "0B \r\nhello world\r\n0\r\nTrailer: x\r\n\r\n", "hello world");
    assert_body(CHUNKED "0\r\n\r\n", "");
}

static void a_malformed_chunk_is_refused(void **state)
{
    (void)state;
    assert_wrong(CHUNKED "\r\n", "chunk size");
    assert_wrong(CHUNKED "-1\r\n", "chunk size");
    assert_wrong(CHUNKED "0x5\r\nhello\r\n", "chunk size");
    assert_wrong(CHUNKED "fffffffffffffffff\r\n", "too long");
    assert_wrong(CHUNKED "5\nhello", "CR LF");
    assert_wrong(CHUNKED "5\r\nhello!\r\n", "longer than its size");
    assert_wrong(CHUNKED "5\r\nhello\n", "CR LF");
    assert_wrong(CHUNKED "5\r\nhel", "before the body was whole");
    assert_wrong(CHUNKED "5\r\nhello\r\n", "before the body was whole");
    assert_wrong(CHUNKED "5\r\nhello\r\n0\r\n", "before the body was whole");
}

static void a_malformed_head_is_refused(void **state)
{
    (void)state;
    assert_wrong("", "empty reply");
    assert_wrong("SSH-2.0-OpenSSH\r\n", "status line");
    assert_wrong("HTTP/2.0 200 OK\r\n\r\n", "status line");
    assert_wrong("HTTP/1.1 20 OK\r\n\r\n", "status line");
    assert_wrong("HTTP/1.1 2000 OK\r\n\r\n", "status line");
    assert_wrong("HTTP/1.1 099 OK\r\n\r\n", "status line");
    assert_wrong("HTTP/1.1200 OK\r\n\r\n", "status line");
    assert_wrong(OK "Content-Length: 5\n\r\nhello\r\n\r\n", "CR LF");
    assert_wrong(OK "no colon\r\n\r\n", "header field");
    assert_wrong(OK "Name : value\r\n\r\n", "header field");
    assert_wrong(OK "A: b\r\n folded\r\n\r\n", "header field");
    assert_wrong(OK ": value\r\n\r\n", "header field");
    assert_wrong(OK "Content-Le", "within the head");
}

static void a_body_of_two_minds_is_refused(void **state)
{
    (void)state;
    assert_wrong(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "two different");
    assert_wrong(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", "both");
    assert_wrong(OK "Transfer-Encoding: gzip\r\n\r\n", "transfer coding");
    assert_wrong(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding");
    assert_wrong(OK "Content-Length: +5\r\n\r\nhello", "no number");
    assert_wrong(OK "Content-Length: 99999999999999999999\r\n\r\nhello", "no number");
    assert_wrong(OK "Content-Length: 5, 5\r\n\r\nhello", "no number");
    assert_wrong(OK "Content-Length:\r\n\r\nhello", "empty");
}

static void an_interim_response_is_passed_over(void **state)
{
    (void)state;
    assert_body("HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi", "hi");
    assert_wrong("HTTP/1.1 101 Switching Protocols\r\n\r\n", "switch of protocols");
}

static void an_endless_head_or_line_is_refused(void **state)
{
    (void)state;
    size_t len = 2 * RESPONSE_HEAD_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'a', len);
    memcpy(text, OK, strlen(OK));
    struct result *r = receive(text, len, 1000);
    assert_string_equal(r->wrong, "a head that is too long");
    memcpy(text, CHUNKED, strlen(CHUNKED));
    memset(text + strlen(CHUNKED), '0', len - strlen(CHUNKED));
    r = receive(text, len, 1000);
    assert_non_null(strstr(r->wrong, "too long"));
    free(text);
}

static void a_head_with_a_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = OK "A: \0b\r\n\r\n";
    assert_non_null(receive(text, sizeof text - 1, 4096)->wrong);
}

/* --- URLs --- */

static void assert_url(const char *text, const char *host, uint16_t port, const char *path)
{
    struct url u;
    assert_null(url_parse(&u, text));
    assert_string_equal(u.host, host);
    assert_int_equal(u.port, port);
    assert_string_equal(u.path, path);
}

static void a_url_gives_host_port_and_path(void **state)
{
    (void)state;
    assert_url("http://10.7.0.1", "10.7.0.1", 80, "/");
    assert_url("http://10.7.0.1/", "10.7.0.1", 80, "/");
    assert_url("HTTP://host:8080/a/b?c=d#e", "host", 8080, "/a/b?c=d");
    assert_url("http://host?q", "host", 80, "/?q");
    assert_url("http://host#part", "host", 80, "/");
    assert_url("http://host:/x", "host", 80, "/x");
    assert_url("http://host:65535/", "host", 65535, "/");
}

static void a_wrong_url_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "10.7.0.1",
        "https://host/",
        "http://",
        "http:///path",
        "http://:80/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:8o/",
        "http://host:99999999999/",
        "http://user@host/",
        "http://[::1]/",
        "http://host/a b",
        "http://host/a\r\nX: y",
        "http://host/\xc3\xa9",
    };
    struct url u;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(url_parse(&u, wrong[i]));
}

static void a_url_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char text[URL_MAX + 10];
    struct url u;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://h/", 9);
    assert_non_null(url_parse(&u, text));
    text[URL_MAX - 1] = '\0';
    assert_null(url_parse(&u, text));
    memset(text + 7, 'h', 300);
    text[7 + 256] = '/';
    assert_non_null(url_parse(&u, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_the_length_that_was_announced),
        cmocka_unit_test(a_body_without_length_ends_with_the_connection),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(a_malformed_chunk_is_refused),
        cmocka_unit_test(a_malformed_head_is_refused),
        cmocka_unit_test(a_body_of_two_minds_is_refused),
        cmocka_unit_test(an_interim_response_is_passed_over),
        cmocka_unit_test(an_endless_head_or_line_is_refused),
        cmocka_unit_test(a_head_with_a_nul_is_refused),
        cmocka_unit_test(a_url_gives_host_port_and_path),
        cmocka_unit_test(a_wrong_url_is_refused_with_a_reason),
        cmocka_unit_test(a_url_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
