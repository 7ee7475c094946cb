/* Decides what a request gets and writes the head of the response; the body is a page in memory or a part of
 * an open file. No sockets here. Called by httpd.c. */
#include "http_answer.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "http_condition.h"
#include "http_date.h"
#include "http_file.h"
#include "http_page.h"
#include "http_path.h"
#include "http_range.h"
#include "http_store.h"

#define HEAD_TEXT_MAX (64u << 10) /* bytes; a Location three times as long as the target fits */
#define FILE_NAME_MAX (HTTP_TARGET_MAX + 16)

static void start(struct http_answer *a)
{
    *a = (struct http_answer){.fd = -1};
    text_init(&a->out, HTTP_PAGE_MAX + HEAD_TEXT_MAX);
}

void http_answer_free(struct http_answer *a)
{
    text_free(&a->out);
    if (a->stored)
        http_store_release(a->stored);
    else if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
    a->stored = NULL;
}

/* RFC 9112 4, RFC 9110 6.6.1 */
static void begin_head(struct http_answer *a, int status, time_t now)
{
    char date[HTTP_DATE_ROOM];
    http_date_text(now, date);
    a->status = status;
    text_format(&a->out, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: glasstack\r\n", status, http_reason(status),
                date);
}

static void end_head(struct http_answer *a, const struct http_request *r)
{
    if (a->last)
        text_add(&a->out, "Connection: close\r\n");
    else if (r->minor == 0) /* RFC 9112 C.2.2: such a client needs to be told */
        text_add(&a->out, "Connection: keep-alive\r\n");
    text_add(&a->out, "\r\n");
    a->head_len = a->out.len;
}

/* The rest of the head and, unless only that was asked for, the page. Frees it. */
static void end_with_page(struct http_answer *a, const struct http_request *r, struct text *page)
{
    text_format(&a->out, "Content-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n", page->len);
    end_head(a, r);
    if (r->method != HTTP_HEAD)
        text_bytes(&a->out, page->at, page->len);
    a->out.bad |= page->bad;
    text_free(page);
}

static void end_with_error_page(struct http_answer *a, const struct http_request *r)
{
    struct text page;
    text_init(&page, HTTP_PAGE_MAX);
    http_page_error(&page, a->status);
    end_with_page(a, r, &page);
}

static void refuse(struct http_answer *a, const struct http_question *q, int status)
{
    begin_head(a, status, q->now);
    if (status == 405)
        text_add(&a->out, "Allow: GET, HEAD\r\n"); /* RFC 9110 15.5.6 */
    end_with_error_page(a, q->request);
}

void http_answer_error(struct http_answer *a, int status, time_t now)
{
    const struct http_request nothing = {.minor = 1};
    start(a);
    a->last = true;
    begin_head(a, status, now);
    end_with_error_page(a, &nothing);
}

static void welcome(struct http_answer *a, const struct http_question *q)
{
    struct text page;
    text_init(&page, HTTP_PAGE_MAX);
    http_page_welcome(&page, q->local, q->remote, http_text(q->bytes, q->request->line));
    begin_head(a, 200, q->now);
    text_add(&a->out, "Cache-Control: no-store\r\n"); /* it shows this very connection */
    end_with_page(a, q->request, &page);
}

/* RFC 9110 15.4.2. The path is ours, normalised: it cannot begin with "//" and lead to another host. */
static void redirect(struct http_answer *a, const struct http_question *q, const struct http_path *path)
{
    begin_head(a, 301, q->now);
    text_add(&a->out, "Location: /");
    text_url(&a->out, path->text, path->len);
    text_add(&a->out, "/");
    text_bytes(&a->out, path->query.at, path->query.len); /* visible ASCII, says the parser */
    text_add(&a->out, "\r\n");
    end_with_error_page(a, q->request);
}

static void list(struct http_answer *a, const struct http_question *q, const struct http_path *path, int fd)
{
    struct text page;
    text_init(&page, HTTP_PAGE_MAX);
    int error = http_page_directory(&page, fd, path);
    if (error) {
        text_free(&page);
        refuse(a, q, http_file_status(error));
        return;
    }
    begin_head(a, 200, q->now);
    end_with_page(a, q->request, &page);
}

static void begin_file_head(struct http_answer *a, const struct http_question *q, int status,
                            const struct http_file *file)
{
    char modified[HTTP_DATE_ROOM];
    http_date_text(file->modified < q->now ? file->modified : q->now,
                   modified); /* RFC 9110 8.8.2.1: not ahead of Date */
    begin_head(a, status, q->now);
    text_format(&a->out, "ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n", file->etag, modified);
}

static void refuse_range(struct http_answer *a, const struct http_question *q, const struct http_file *file)
{
    begin_file_head(a, q, 416, file);
    text_format(&a->out, "Content-Range: bytes */%lld\r\n", (long long)file->size);
    end_with_error_page(a, q->request);
}

/* A part of the file, or all of it. */
static void send_file(struct http_answer *a, const struct http_question *q, const struct http_file *file,
                      const char *type, enum http_range range)
{
    begin_file_head(a, q, range == RANGE_PART ? 206 : 200, file);
    if (range == RANGE_PART)
        text_format(&a->out, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)a->at,
                    (long long)a->end - 1, (long long)file->size);
    text_format(&a->out, "Content-Type: %s\r\nContent-Length: %lld\r\n", type, (long long)(a->end - a->at));
    end_head(a, q->request);
    if (q->request->method == HTTP_HEAD)
        a->end = a->at;
}

/* What would be a 200, after conditions (RFC 9110 13.2) and then the range (14.2). Keeps file->fd. */
static void answer_file(struct http_answer *a, const struct http_question *q, const struct http_file *file,
                        const char *type)
{
    struct http_validators v = {file->etag, file->modified, q->now};
    int status = http_condition(q->request, q->bytes, &v);
    a->fd = file->fd;
    if (status == 412) {
        refuse(a, q, status);
        return;
    }
    if (status == 304) { /* RFC 9110 15.4.5: no content, and no fields that describe it */
        begin_file_head(a, q, status, file);
        end_head(a, q->request);
        return;
    }
    a->end = file->size;
    enum http_range range = RANGE_WHOLE;
    if (http_range_applies(q->request, q->bytes, &v))
        range = http_range(http_text(q->bytes, q->request->field[FIELD_RANGE]), file->size, &a->at, &a->end);
    if (range == RANGE_UNSATISFIABLE) {
        a->end = 0;
        refuse_range(a, q, file);
    } else
        send_file(a, q, file, type, range);
}

/* Its index.html, or the list of what it holds. Takes folder->fd. */
static void answer_folder(struct http_answer *a, const struct http_question *q, const struct http_path *path,
                          const struct http_file *folder)
{
    char name[FILE_NAME_MAX];
    snprintf(name, sizeof name, "%s%sindex.html", path->text, path->len ? "/" : "");
    struct http_file file;
    int error = http_file_open(q->folder, name, &file);
    if (error == -ENOENT) {
        list(a, q, path, folder->fd);
        return;
    }
    close(folder->fd);
    if (error) {
        refuse(a, q, http_file_status(error));
    } else if (file.directory) {
        close(file.fd);
        refuse(a, q, 403);
    } else
        answer_file(a, q, &file, http_file_type(name));
}

/* No conditions, no ranges, nothing to say about the connection: every such response of a second is the same.
 */
static bool is_ordinary(const struct http_answer *a, const struct http_request *r)
{
    static const int special[] = {FIELD_RANGE,    FIELD_IF_MATCH,          FIELD_IF_NONE_MATCH,
                                  FIELD_IF_RANGE, FIELD_IF_MODIFIED_SINCE, FIELD_IF_UNMODIFIED_SINCE};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (r->field[special[i]].len > 0)
            return false;
    return r->method == HTTP_GET && r->minor > 0 && !a->last;
}

static void answer_stored(struct http_answer *a, const struct http_question *q, struct http_stored *s)
{
    bool ordinary = is_ordinary(a, q->request);
    a->stored = s;
    if (ordinary && s->head_len > 0 && s->head_date == q->now) {
        a->status = 200;
        a->fd = s->file.fd;
        a->end = s->file.size;
        a->head_len = s->head_len;
        text_bytes(&a->out, s->head, s->head_len);
        return;
    }
    answer_file(a, q, &s->file, http_file_type(s->path));
    s->head_len =
        ordinary && a->status == 200 && !a->out.bad && a->out.len <= HTTP_STORE_HEAD ? a->out.len : 0;
    if (s->head_len > 0)
        memcpy(s->head, a->out.at, s->head_len);
    s->head_date = q->now;
}

static void answer_path(struct http_answer *a, const struct http_question *q)
{
    struct http_path path;
    int status = http_path(http_text(q->bytes, q->request->target), &path);
    if (status) {
        refuse(a, q, status);
        return;
    }
    if (q->folder < 0) {
        if (path.len == 0)
            welcome(a, q);
        else
            refuse(a, q, 404);
        return;
    }
    struct http_stored *stored;
    if (!path.directory && http_store_open(q->folder, path.text, q->now, &stored) == 0) {
        answer_stored(a, q, stored);
        return;
    }
    struct http_file file;
    int error = http_file_open(q->folder, path.text, &file);
    if (error)
        refuse(a, q, http_file_status(error));
    else if (file.directory && path.directory)
        answer_folder(a, q, &path, &file);
    else if (!file.directory && !path.directory)
        answer_file(a, q, &file, http_file_type(path.text));
    else {
        close(file.fd);
        if (file.directory)
            redirect(a, q, &path);
        else
            refuse(a, q, 404); /* "/file.txt/" */
    }
}

void http_answer(struct http_answer *a, const struct http_question *q)
{
    const struct http_request *r = q->request;
    start(a);
    /* RFC 9110 10.1.1: this client may or may not send its body after a final response. Do not guess. */
    a->last = r->close || (r->expects_continue && (r->content_length > 0 || r->chunked));
    if (r->content_length > HTTP_BODY_MAX) {
        a->last = true;
        refuse(a, q, 413);
    } else if (r->method == HTTP_UNKNOWN)
        refuse(a, q, 501);
    else if (r->method == HTTP_OTHER)
        refuse(a, q, 405);
    else
        answer_path(a, q);
}
