/* The shared folder: what may be opened and what may not, pages, and whole responses without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../apps/http_answer.h"
#include "../../apps/http_file.h"
#include "../../apps/http_log.h"
#include "../../apps/http_page.h"

#define BIG_SIZE (5ll << 30) /* sparse */

struct folder {
    char root[64], secret[64];
    int fd;
};

static void write_file(const char *root, const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    assert_int_equal(fclose(f), 0);
}

static char *in(const struct folder *f, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", f->root, name);
    return path;
}

static void make_special_files(const struct folder *f)
{
    char target[256];
    assert_int_equal(mkfifo(in(f, "fifo"), 0600), 0);
    assert_int_equal(symlink("file.txt", in(f, "link-inside")), 0);
    snprintf(target, sizeof target, "%s/secret.txt", f->secret);
    assert_int_equal(symlink(target, in(f, "link-outside")), 0);
    assert_int_equal(symlink(f->secret, in(f, "link-folder")), 0);
    assert_int_equal(symlink("..", in(f, "sub/link-up")), 0);
    assert_int_equal(symlink("/proc/self/root", in(f, "magic")), 0);
    int fd = open(in(f, "big.bin"), O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, BIG_SIZE), 0);
    close(fd);

    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%.80s/socket", f->root);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&addr, sizeof addr), 0);
    close(s);
}

static int make_folder(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir;
    snprintf(f->root, sizeof f->root, "%.40s/glass-www-XXXXXX", base);
    snprintf(f->secret, sizeof f->secret, "%.40s/glass-sec-XXXXXX", base);
    assert_non_null(mkdtemp(f->root));
    assert_non_null(mkdtemp(f->secret));
    write_file(f->secret, "secret.txt", "SECRET");
    write_file(f->root, "file.txt", "0123456789");
    write_file(f->root, "empty", "");
    write_file(f->root, "a <b>&\"'.html", "<p>hi");
    write_file(f->root, "javascript:alert(1)", "x");
    assert_int_equal(mkdir(in(f, "sub"), 0700), 0);
    assert_int_equal(mkdir(in(f, "sub/deep"), 0700), 0);
    assert_int_equal(mkdir(in(f, "site"), 0700), 0);
    write_file(f->root, "sub/deep/leaf.css", "a{}");
    write_file(f->root, "site/index.html", "<h1>site");
    make_special_files(f);
    f->fd = open(f->root, O_PATH | O_DIRECTORY);
    assert_true(f->fd >= 0);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    struct folder *f = *state;
    close(f->fd);
    assert_int_equal(nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(nftw(f->secret, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

/* --- opening --- */

static void files_and_folders_are_opened(void **state)
{
    struct folder *f = *state;
    struct http_file file;
    assert_int_equal(http_file_open(f->fd, "sub/deep/leaf.css", &file), 0);
    char content[8] = "";
    assert_int_equal(read(file.fd, content, sizeof content), 3);
    assert_string_equal(content, "a{}");
    assert_int_equal(file.size, 3);
    assert_false(file.directory);
    assert_true(file.etag[0] == '"' && file.etag[strlen(file.etag) - 1] == '"');
    close(file.fd);
    assert_int_equal(http_file_open(f->fd, "", &file), 0);
    assert_true(file.directory);
    close(file.fd);
}

static void a_changed_file_has_another_tag(void **state)
{
    struct folder *f = *state;
    struct http_file before, after;
    write_file(f->root, "changing", "one");
    assert_int_equal(http_file_open(f->fd, "changing", &before), 0);
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 1000000000, .tv_nsec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, in(f, "changing"), times, 0), 0);
    assert_int_equal(http_file_open(f->fd, "changing", &after), 0);
    assert_string_not_equal(before.etag, after.etag);
    close(before.fd);
    close(after.fd);
    assert_int_equal(unlink(in(f, "changing")), 0);
}

/* The two ways to open must agree on everything. */
static void assert_refused_both_ways(const struct folder *f, const char *path, int error)
{
    assert_int_equal(http_open_walk(f->fd, path, O_PATH), error);
    int fd = http_open_beneath(f->fd, path, O_PATH);
    assert_true(fd == error || fd == -ENOSYS || fd == -EPERM);
}

static void links_are_not_followed(void **state)
{
    struct folder *f = *state;
    struct http_file file;
    static const char *const paths[] = {
        "link-inside", "link-outside",         "link-folder", "link-folder/secret.txt",
        "sub/link-up", "sub/link-up/file.txt", "magic",       "magic/etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(http_file_open(f->fd, paths[i], &file), -ELOOP);
        assert_refused_both_ways(f, paths[i], -ELOOP);
    }
}

static void parents_are_out_of_reach(void **state)
{
    struct folder *f = *state;
    struct http_file file;
    assert_int_equal(http_file_open(f->fd, "..", &file), -EXDEV);
    assert_refused_both_ways(f, "..", -EXDEV);
    assert_refused_both_ways(f, "../etc/passwd", -EXDEV);
    assert_int_equal(http_open_walk(f->fd, "sub/../../x", O_PATH), -EXDEV);
    assert_true(http_open_walk(f->fd, "/etc/passwd", O_PATH) < 0);
    assert_true(http_open_beneath(f->fd, "/etc/passwd", O_PATH) < 0);
}

static void special_files_are_not_even_opened(void **state)
{
    struct folder *f = *state;
    struct http_file file;
    /* A writer that does not want to wait finds no reader: nobody opened the FIFO. */
    assert_int_equal(http_file_open(f->fd, "fifo", &file), -EACCES);
    assert_int_equal(open(in(f, "fifo"), O_WRONLY | O_NONBLOCK), -1);
    assert_int_equal(errno, ENXIO);
    assert_int_equal(http_file_open(f->fd, "socket", &file), -EACCES);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct folder *f = *state;
    struct http_file file;
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[299] = '\0';
    assert_int_equal(http_file_open(f->fd, "none", &file), -ENOENT);
    assert_int_equal(http_file_open(f->fd, "file.txt/x", &file), -ENOTDIR);
    assert_refused_both_ways(f, "none/x", -ENOENT);
    assert_refused_both_ways(f, "file.txt/x", -ENOTDIR);
    assert_refused_both_ways(f, longest, -ENAMETOOLONG);
    assert_int_equal(http_file_status(-ENOTDIR), 404);
    assert_int_equal(http_file_status(-ELOOP), 403);
    assert_int_equal(http_file_status(-EMFILE), 503);
    assert_int_equal(http_file_status(-EIO), 500);
}

static void types_follow_the_last_extension(void **state)
{
    (void)state;
    assert_string_equal(http_file_type("a/index.HTML"), "text/html; charset=utf-8");
    assert_string_equal(http_file_type("a.tar.gz"), "application/gzip");
    assert_string_equal(http_file_type("a.css/plain"), "application/octet-stream");
    assert_string_equal(http_file_type(".png"), "image/png");
    assert_string_equal(http_file_type("README"), "application/octet-stream");
    assert_string_equal(http_file_type(""), "application/octet-stream");
}

/* --- whole responses --- */

struct reply {
    struct http_answer answer;
    char head[4096];
    char *body; /* of a page */
};

static void ask(const struct folder *f, const char *text, struct reply *reply)
{
    struct http_parser p;
    http_parser_init(&p);
    assert_int_equal(http_parse(&p, (const uint8_t *)text, strlen(text)), HTTP_DONE);
    struct http_question q = {.folder = f ? f->fd : -1,
                              .request = &p.request,
                              .bytes = (const uint8_t *)text,
                              .local = {0x0a070002, 80},
                              .remote = {0x0a070001, 40000},
                              .now = time(NULL) + 10};
    struct http_answer *a = &reply->answer;
    http_answer(a, &q);
    assert_false(a->out.bad);
    assert_true(a->head_len < sizeof reply->head);
    memcpy(reply->head, a->out.at, a->head_len);
    reply->head[a->head_len] = '\0';
    reply->body = strndup(a->out.at + a->head_len, a->out.len - a->head_len);
    assert_non_null(reply->body);
}

static void forget(struct reply *reply)
{
    http_answer_free(&reply->answer);
    free(reply->body);
}

static int status_of(const struct folder *f, const char *request_line)
{
    char text[512];
    struct reply reply;
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\n\r\n", request_line);
    ask(f, text, &reply);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", reply.answer.status);
    assert_memory_equal(reply.head, line, strlen(line));
    if (reply.answer.status != 304)
        assert_non_null(strstr(reply.head, "\r\nContent-Length: "));
    assert_non_null(strstr(reply.head, "\r\nDate: "));
    int status = reply.answer.status;
    forget(&reply);
    return status;
}

static void every_path_gets_its_status(void **state)
{
    struct folder *f = *state;
    static const struct {
        const char *line;
        int status;
    } rows[] = {
        {"GET /", 200},
        {"GET /file.txt", 200},
        {"HEAD /file.txt?query", 200},
        {"GET /sub/deep/../../file.txt", 200},
        {"GET /site/", 200},
        {"GET /sub", 301},
        {"GET /file.txt/", 404},
        {"GET /none", 404},
        {"GET /../etc/passwd", 400},
        {"GET /%2e%2e/%2e%2e/etc/passwd", 400},
        {"GET /..%2fetc%2fpasswd", 404},
        {"GET /file.txt%00.html", 400},
        {"GET /link-inside", 403},
        {"GET /link-outside", 403},
        {"GET /link-folder/secret.txt", 403},
        {"GET /magic/etc/passwd", 403},
        {"GET /fifo", 403},
        {"GET /socket", 403},
        {"POST /file.txt", 405},
        {"DELETE /none", 405},
        {"BREW /pot", 501},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int status = status_of(f, rows[i].line);
        if (status != rows[i].status)
            print_error("%s -> %d\n", rows[i].line, status);
        assert_int_equal(status, rows[i].status);
    }
}

static void head_has_the_fields_of_get_and_no_body(void **state)
{
    struct folder *f = *state;
    static const char *const targets[] = {"/", "/file.txt", "/none", "/sub", "/empty"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply get, head;
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
        ask(f, text, &get);
        snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
        ask(f, text, &head);
        assert_string_equal(strstr(get.head, "\r\nServer"), strstr(head.head, "\r\nServer"));
        assert_string_equal(head.body, "");
        assert_int_equal(head.answer.at, head.answer.end);
        forget(&get);
        forget(&head);
    }
}

static void ranges_of_a_big_file_are_exact(void **state)
{
    struct folder *f = *state;
    struct reply r;
    ask(f, "GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=4294967296-4294967305\r\n\r\n", &r);
    assert_int_equal(r.answer.status, 206);
    assert_true(r.answer.at == 4294967296 && r.answer.end == 4294967306);
    assert_non_null(strstr(r.head, "\r\nContent-Range: bytes 4294967296-4294967305/5368709120\r\n"));
    assert_non_null(strstr(r.head, "\r\nContent-Length: 10\r\n"));
    forget(&r);
    ask(f, "GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=5368709120-\r\n\r\n", &r);
    assert_int_equal(r.answer.status, 416);
    assert_int_equal(r.answer.at, r.answer.end);
    assert_non_null(strstr(r.head, "\r\nContent-Range: bytes */5368709120\r\n"));
    forget(&r);
    ask(f, "GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1,5-6\r\n\r\n", &r);
    assert_int_equal(r.answer.status, 200);
    assert_true(r.answer.end - r.answer.at == BIG_SIZE);
    forget(&r);
}

static void a_known_tag_gets_304_without_content(void **state)
{
    struct folder *f = *state;
    struct reply first, again;
    ask(f, "GET /file.txt HTTP/1.1\r\nHost: x\r\n\r\n", &first);
    char etag[HTTP_ETAG_ROOM], modified[64], text[512];
    assert_int_equal(sscanf(strstr(first.head, "ETag: "), "ETag: %63[^\r]", etag), 1);
    assert_int_equal(sscanf(strstr(first.head, "Last-Modified: "), "Last-Modified: %63[^\r]", modified), 1);
    forget(&first);

    snprintf(text, sizeof text, "GET /file.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", etag);
    ask(f, text, &again);
    assert_int_equal(again.answer.status, 304);
    assert_string_equal(again.body, "");
    assert_int_equal(again.answer.at, again.answer.end);
    assert_null(strstr(again.head, "Content-Length"));
    forget(&again);

    snprintf(text, sizeof text, "GET /file.txt HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: %s\r\n\r\n",
             modified);
    ask(f, text, &again);
    assert_int_equal(again.answer.status, 304);
    forget(&again);

    snprintf(text, sizeof text,
             "GET /file.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=2-3\r\nIf-Range: %s\r\n\r\n", etag);
    ask(f, text, &again);
    assert_int_equal(again.answer.status, 206);
    forget(&again);

    ask(f, "GET /file.txt HTTP/1.1\r\nHost: x\r\nIf-Match: \"no\"\r\n\r\n", &again);
    assert_int_equal(again.answer.status, 412);
    assert_int_equal(again.answer.at, again.answer.end);
    forget(&again);
}

static void a_folder_is_listed_without_links_and_with_names_made_harmless(void **state)
{
    struct folder *f = *state;
    struct reply r;
    ask(f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &r);
    assert_non_null(
        strstr(r.body, "<a href=\"a%20%3Cb%3E%26%22%27.html\">a &lt;b&gt;&amp;&quot;&#39;.html</a>"));
    assert_non_null(strstr(r.body, "href=\"javascript%3Aalert%281%29\""));
    assert_non_null(strstr(r.body, "<a href=\"sub/\">sub/</a>"));
    assert_null(strstr(r.body, "link-"));
    assert_null(strstr(r.body, "fifo"));
    forget(&r);
    ask(f, "GET /site/ HTTP/1.1\r\nHost: x\r\n\r\n", &r);
    assert_int_equal(r.answer.end, strlen("<h1>site"));
    forget(&r);
}

static void a_redirect_keeps_the_query_and_stays_here(void **state)
{
    struct folder *f = *state;
    struct reply r;
    ask(f, "GET //sub/./deep?a=b&c HTTP/1.1\r\nHost: x\r\n\r\n", &r);
    assert_int_equal(r.answer.status, 301);
    assert_non_null(strstr(r.head, "\r\nLocation: /sub/deep/?a=b&c\r\n"));
    forget(&r);
}

static void welcome_page_tells_the_connection(void **state)
{
    (void)state;
    struct reply r;
    ask(NULL, "GET /?<script> HTTP/1.1\r\nHost: x\r\n\r\n", &r);
    assert_int_equal(r.answer.status, 200);
    assert_non_null(strstr(r.body, "<code>10.7.0.1</code> port <code>40000</code>"));
    assert_non_null(strstr(r.body, "<code>10.7.0.2</code> port <code>80</code>"));
    assert_non_null(strstr(r.body, "GET /?&lt;script&gt; HTTP/1.1"));
    assert_null(strstr(r.body, "<script>"));
    forget(&r);
    assert_int_equal(status_of(NULL, "GET /none"), 404);
}

static void connection_field_says_what_will_happen(void **state)
{
    struct folder *f = *state;
    static const struct {
        const char *text;
        bool last;
        const char *field;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, NULL},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true, "Connection: close"},
        {"GET / HTTP/1.0\r\n\r\n", true, "Connection: close"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, "Connection: keep-alive"},
        {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", true,
         "Connection: close"},
        {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", false, "Allow: GET, HEAD"},
        {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", true, "HTTP/1.1 413 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r;
        ask(f, rows[i].text, &r);
        assert_int_equal(r.answer.last, rows[i].last);
        if (rows[i].field)
            assert_non_null(strstr(r.head, rows[i].field));
        else
            assert_null(strstr(r.head, "Connection:"));
        forget(&r);
    }
}

static void every_status_has_a_reason_and_a_page(void **state)
{
    (void)state;
    static const int statuses[] = {400, 403, 404, 405, 408, 412, 413, 414, 416, 431, 500, 501, 503, 505};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct http_answer a;
        http_answer_error(&a, statuses[i], 0);
        assert_string_not_equal(http_reason(statuses[i]), "Unknown");
        assert_true(a.last && !a.out.bad && a.out.len > a.head_len);
        http_answer_free(&a);
    }
}

static void log_lines_cannot_be_forged(void **state)
{
    (void)state;
    const char *text = "GET /\"x\\ HTTP/1.1\r\nHost: x\r\nUser-Agent: \xe9\t\"evil\r\n\r\n";
    struct http_parser p;
    http_parser_init(&p);
    assert_int_equal(http_parse(&p, (const uint8_t *)text, strlen(text)), HTTP_DONE);
    struct http_log_entry e = {{0x0a070001, 1234}, 784111777, &p.request, (const uint8_t *)text, 200, 42};
    char line[1024] = "";
    FILE *log = fmemopen(line, sizeof line, "w");
    http_log(log, &e);
    fclose(log);
    assert_string_equal(line,
                        "10.7.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /\\\"x\\\\ HTTP/1.1\" 200 42 \"-\" "
                        "\"\\xE9\\x09\\\"evil\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_folders_are_opened),
        cmocka_unit_test(a_changed_file_has_another_tag),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(parents_are_out_of_reach),
        cmocka_unit_test(special_files_are_not_even_opened),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(types_follow_the_last_extension),
        cmocka_unit_test(every_path_gets_its_status),
        cmocka_unit_test(head_has_the_fields_of_get_and_no_body),
        cmocka_unit_test(ranges_of_a_big_file_are_exact),
        cmocka_unit_test(a_known_tag_gets_304_without_content),
        cmocka_unit_test(a_folder_is_listed_without_links_and_with_names_made_harmless),
        cmocka_unit_test(a_redirect_keeps_the_query_and_stays_here),
        cmocka_unit_test(welcome_page_tells_the_connection),
        cmocka_unit_test(connection_field_says_what_will_happen),
        cmocka_unit_test(every_status_has_a_reason_and_a_page),
        cmocka_unit_test(log_lines_cannot_be_forged),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
