/* Sends a response: what is in memory by copying, a mapped file by lending its bytes, another file stretch by
 * stretch through the server's scratch memory. Called by httpd.c in its phase SEND_ANSWER. */
#include "http_send.h"

#include <errno.h>
#include <unistd.h>

#include "http_store.h"

#define FILE_READ_MIN 4096
#define LEND_MIN      4096         /* bytes: less is copied */
#define LEND_MAX      (256u << 10) /* at a time: who reads slowly keeps no more of a file mapped than it must */

int64_t http_send_acknowledged(const struct http_send *s, const struct server_conn *to)
{
    int64_t unsent = 0;
    (void)sock_getopt(to->sock, SOCK_OPT_UNSENT, &unsent); /* fails when nothing is unsent any more */
    return s->total - unsent;
}

/* How much of the file to read: what the socket has room for, so that little is read twice. */
static size_t file_stretch(const struct http_answer *a, struct sock *to)
{
    int64_t buffer = 0, unsent = 0;
    (void)sock_getopt(to, SOCK_OPT_SEND_BUFFER, &buffer);
    (void)sock_getopt(to, SOCK_OPT_UNSENT, &unsent);
    int64_t room = buffer - unsent, left = a->end - a->at;
    if (room < FILE_READ_MIN)
        room = FILE_READ_MIN;
    if (room > SERVER_SCRATCH)
        room = SERVER_SCRATCH;
    return (size_t)(left < room ? left : room);
}

/* Of a mapped file: nothing is read, and from 4 KiB on nothing is copied. */
static ssize_t send_stored_stretch(const struct http_answer *a, struct sock *to)
{
    struct http_stored *stored = a->stored;
    size_t left = (size_t)(a->end - a->at), n = left < LEND_MAX ? left : LEND_MAX;
    const struct loan loan = {stored->at + a->at, n, http_store_release, stored};
    if (n < LEND_MIN)
        return sock_send(to, loan.bytes, n, 0);
    int error = sock_lend(to, &loan);
    if (error)
        return error;
    http_store_keep(stored);
    return (ssize_t)n;
}

/* Bytes that the socket took, or a negative errno value. A file that became shorter is an error: the length
 * is promised already. */
static ssize_t send_file_stretch(struct http_answer *a, struct server_conn *to)
{
    if (a->stored) {
        ssize_t n = send_stored_stretch(a, to->sock);
        if (n > 0)
            a->at += n;
        return a->stored->torn ? -EIO : n;
    }
    ssize_t n = pread(a->fd, to->server->scratch, file_stretch(a, to->sock), (off_t)a->at);
    if (n <= 0)
        return n < 0 && errno != EAGAIN ? -errno : -EIO;
    int flags = a->at + n < a->end ? SOCK_MORE : 0;
    ssize_t taken = sock_send(to->sock, to->server->scratch, (size_t)n, flags);
    if (taken > 0)
        a->at += taken;
    return taken;
}

static ssize_t send_stretch(struct http_send *s, struct server_conn *to)
{
    struct http_answer *a = &s->answer;
    size_t at = (size_t)s->sent;
    if (at >= a->out.len) {
        ssize_t n = send_file_stretch(a, to);
        bool later = at > a->out.len; /* the first is lent at once when the file was looked at */
        return n > 0 && later && a->stored && !http_store_is_whole(a->stored) ? -EIO : n;
    }
    return sock_send(to->sock, a->out.at + at, a->out.len - at, a->at < a->end ? SOCK_MORE : 0);
}

/* Bytes of the file itself are still to be acknowledged. */
static bool is_on_loan(const struct http_send *s, const struct server_conn *to)
{
    return s->sent - (int64_t)s->answer.out.len >= LEND_MIN && http_send_acknowledged(s, to) < s->total;
}

int http_send(struct http_send *s, struct server_conn *to)
{
    const struct http_answer *a = &s->answer;
    if (a->out.bad)
        return -ENOMEM;
    while ((uint64_t)s->sent < a->out.len || a->at < a->end) {
        ssize_t n = send_stretch(s, to);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        s->sent += n;
        s->total += n;
    }
    if (!a->stored)
        return 0;
    if (is_on_loan(s, to)) /* only when all is acknowledged is it known whether the file stayed whole */
        return -EAGAIN;
    return a->stored->torn ? -EIO : 0;
}
