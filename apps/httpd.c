/* The HTTP server, connection by connection: read a head, send the response, skip a body, and so on until the
 * last response; then linger (RFC 9112 9.3 persistence, 9.3.2 pipelining, 9.5 time-outs, 9.6 tear-down).
 *
 * A connection is always in one phase. Each phase is a function that works until the socket says -EAGAIN; the
 * next news, or the deadline, goes on where it stopped. While a response is being sent nothing more is read:
 * a client that pipelines without reading closes its own window. */
#include "httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_answer.h"
#include "http_chunk.h"
#include "http_log.h"
#include "http_store.h"

#define INPUT_ROOM_MIN 2048 /* bytes; most heads fit */
#define FILE_READ_MIN  4096
#define LEND_MIN       4096         /* bytes: less is copied */
#define LEND_MAX       (256u << 10) /* at a time: who reads slowly keeps no more of a file mapped than it must */

enum phase { READ_HEAD, SEND_ANSWER, SKIP_BODY, LINGER };

/* What a phase's function says. */
enum step {
    STEP_ON,    /* go on with the phase that stands now */
    STEP_WAIT,  /* for news or the deadline */
    STEP_CLOSE, /* the connection is over */
    STEP_ABORT, /* it is, and the client must not take it for a good end */
};

enum patience { UNSET, IDLE, HEAD, TURN };

struct http_conn {
    struct server_conn base;
    struct deadline deadline;
    struct endpoint remote;
    enum phase phase;
    enum patience patience; /* what the deadline stands for while a head is read */
    uint32_t turn;          /* requests still to answer before others have their turn */
    bool input_ended;

    uint8_t *input; /* from the first byte of the request that is read or answered; NULL: nothing there */
    uint32_t input_len, input_room;
    struct http_parser parser;

    struct http_answer answer;
    int64_t answer_sent; /* bytes of it that the socket took */
    size_t answer_room;  /* its share of httpd->pages */

    uint64_t skip; /* bytes of the body still to come */
    struct http_chunk chunk;
    uint64_t skipped; /* of the body, or while lingering */

    int64_t sent, acknowledged; /* bytes since the connection began; the latter when the deadline was set */
};

static struct httpd *httpd_of(const struct http_conn *c)
{
    return c->base.server->context;
}

static void set_deadline(struct http_conn *c, usec in)
{
    struct loop *loop = c->base.server->loop;
    loop_deadline(loop, &c->deadline, loop_now(loop) + in);
}

/* Bytes that the client has acknowledged: what shows whether it still listens. */
static int64_t acknowledged(const struct http_conn *c)
{
    int64_t unsent = 0;
    (void)sock_getopt(c->base.sock, SOCK_OPT_UNSENT, &unsent); /* fails when nothing is unsent any more */
    return c->sent - unsent;
}

static void wait_for_progress(struct http_conn *c, usec in)
{
    c->acknowledged = acknowledged(c);
    set_deadline(c, in);
}

/* --- input --- */

/* Room for more input. The parser has given its verdict before HTTP_HEAD_MAX bytes are there. */
static bool grow_input(struct http_conn *c)
{
    if (c->input_len < c->input_room)
        return true;
    uint32_t room = c->input_room ? c->input_room * 2 : INPUT_ROOM_MIN;
    uint8_t *input = room <= HTTP_HEAD_MAX ? realloc(c->input, room) : NULL;
    if (!input)
        return false;
    c->input = input;
    c->input_room = room;
    return true;
}

static void free_input(struct http_conn *c)
{
    free(c->input);
    c->input = NULL;
    c->input_len = c->input_room = 0;
}

static enum step receive(struct http_conn *c)
{
    if (!grow_input(c))
        return STEP_ABORT;
    ssize_t n = sock_recv(c->base.sock, c->input + c->input_len, c->input_room - c->input_len, 0);
    if (n == -EAGAIN)
        return STEP_WAIT;
    if (n < 0)
        return STEP_CLOSE;
    c->input_ended = n == 0;
    c->input_len += (uint32_t)n;
    return STEP_ON;
}

static void consume(struct http_conn *c, size_t n)
{
    c->input_len -= (uint32_t)n;
    memmove(c->input, c->input + n, c->input_len);
}

/* --- phase: read a head --- */

static void read_next_head(struct http_conn *c)
{
    c->phase = READ_HEAD;
    c->patience = UNSET;
    http_parser_init(&c->parser);
}

static void send_next_answer(struct http_conn *c)
{
    struct httpd *httpd = httpd_of(c);
    if (httpd->pages + c->answer.out.room > HTTPD_PAGES_SIZE) {
        http_answer_free(&c->answer);
        http_answer_error(&c->answer, 503, time(NULL));
    }
    c->answer_room = c->answer.out.room;
    httpd->pages += c->answer_room;
    c->answer_sent = 0;
    c->phase = SEND_ANSWER;
    wait_for_progress(c, HTTPD_STALL_TIME);
}

static void answer_error(struct http_conn *c, int status)
{
    http_answer_error(&c->answer, status, time(NULL));
    send_next_answer(c);
}

static void answer_request(struct http_conn *c)
{
    const struct http_request *r = &c->parser.request;
    struct http_question q = {.folder = httpd_of(c)->folder,
                              .request = r,
                              .bytes = c->input,
                              .remote = c->remote,
                              .now = time(NULL)};
    (void)sock_name(c->base.sock, &q.local); /* 0.0.0.0 on the page when it is gone: nobody will read it */
    http_answer(&c->answer, &q);
    c->skip = r->content_length;
    c->skipped = 0;
    c->chunk = (struct http_chunk){0};
    send_next_answer(c);
}

/* Nothing to do until more comes: how long may that take? */
static enum step wait_for_head(struct http_conn *c)
{
    enum patience patience = c->input_len > 0 ? HEAD : IDLE;
    if (patience == IDLE)
        free_input(c);
    if (c->patience != patience)
        set_deadline(c, patience == IDLE ? HTTPD_IDLE_TIME : HTTPD_HEAD_TIME);
    c->patience = patience;
    return STEP_WAIT;
}

static enum step wait_for_turn(struct http_conn *c)
{
    c->patience = TURN;
    set_deadline(c, 1);
    return STEP_WAIT;
}

static enum step read_head(struct http_conn *c)
{
    if (c->turn == 0)
        return wait_for_turn(c);
    int verdict = http_parse(&c->parser, c->input, c->input_len);
    if (verdict == HTTP_DONE) {
        c->turn--;
        answer_request(c);
        return STEP_ON;
    }
    if (verdict == HTTP_MORE && c->input_ended) {
        if (c->input_len == 0)
            return STEP_CLOSE;
        verdict = 400; /* RFC 9112 8: an incomplete request */
    }
    if (verdict != HTTP_MORE) {
        answer_error(c, verdict);
        return STEP_ON;
    }
    enum step step = receive(c);
    return step == STEP_WAIT ? wait_for_head(c) : step;
}

/* --- phase: send the response --- */

static void log_answer(const struct http_conn *c)
{
    int64_t body = c->answer_sent - (int64_t)c->answer.head_len;
    struct http_log_entry entry = {.remote = c->remote,
                                   .when = time(NULL),
                                   .request = &c->parser.request,
                                   .bytes = c->input,
                                   .status = c->answer.status,
                                   .sent = body > 0 ? body : 0};
    if (httpd_of(c)->log)
        http_log(httpd_of(c)->log, &entry);
}

static void end_answer(struct http_conn *c)
{
    log_answer(c);
    http_answer_free(&c->answer);
    httpd_of(c)->pages -= c->answer_room;
    c->answer_room = 0;
}

static enum step after_answer(struct http_conn *c)
{
    bool last = c->answer.last, chunked = c->parser.request.chunked;
    end_answer(c);
    if (last) {
        if (sock_shutdown(c->base.sock, SOCK_SHUT_WRITE) < 0)
            return STEP_CLOSE;
        c->phase = LINGER;
        c->skipped = 0;
        free_input(c);
        wait_for_progress(c, HTTPD_LINGER_TIME);
        return STEP_ON;
    }
    consume(c, c->parser.request.head_len);
    if (c->skip > 0 || chunked) {
        c->phase = SKIP_BODY;
        set_deadline(c, HTTPD_BODY_TIME);
    } else
        read_next_head(c);
    return STEP_ON;
}

/* How much of the file to read: what the socket has room for, so that little is read twice. */
static size_t file_stretch(const struct http_conn *c)
{
    int64_t buffer = 0, unsent = 0;
    (void)sock_getopt(c->base.sock, SOCK_OPT_SEND_BUFFER, &buffer);
    (void)sock_getopt(c->base.sock, SOCK_OPT_UNSENT, &unsent);
    int64_t room = buffer - unsent, left = c->answer.end - c->answer.at;
    if (room < FILE_READ_MIN)
        room = FILE_READ_MIN;
    if (room > SERVER_SCRATCH)
        room = SERVER_SCRATCH;
    return (size_t)(left < room ? left : room);
}

/* Of a mapped file: nothing is read, and from 4 KiB on nothing is copied. */
static ssize_t send_stored_stretch(struct http_conn *c)
{
    struct http_answer *a = &c->answer;
    struct http_stored *s = a->stored;
    size_t left = (size_t)(a->end - a->at), n = left < LEND_MAX ? left : LEND_MAX;
    const struct loan loan = {s->at + a->at, n, http_store_release, s};
    if (n < LEND_MIN)
        return sock_send(c->base.sock, loan.bytes, n, 0);
    int error = sock_lend(c->base.sock, &loan);
    if (error)
        return error;
    http_store_keep(s);
    return (ssize_t)n;
}

/* Bytes that the socket took, or a negative errno value. A file that became shorter is an error: the length
 * is promised already. */
static ssize_t send_file_stretch(struct http_conn *c)
{
    struct http_answer *a = &c->answer;
    if (a->stored) {
        ssize_t n = send_stored_stretch(c);
        if (n > 0)
            a->at += n;
        return a->stored->torn ? -EIO : n;
    }
    ssize_t n = pread(a->fd, c->base.server->scratch, file_stretch(c), (off_t)a->at);
    if (n <= 0)
        return n < 0 && errno != EAGAIN ? -errno : -EIO;
    int flags = a->at + n < a->end ? SOCK_MORE : 0;
    ssize_t taken = sock_send(c->base.sock, c->base.server->scratch, (size_t)n, flags);
    if (taken > 0)
        a->at += taken;
    return taken;
}

static ssize_t send_stretch(struct http_conn *c)
{
    const struct http_answer *a = &c->answer;
    size_t at = (size_t)c->answer_sent;
    if (at >= a->out.len)
        return send_file_stretch(c);
    return sock_send(c->base.sock, a->out.at + at, a->out.len - at, a->at < a->end ? SOCK_MORE : 0);
}

/* Bytes of the file itself are still to be acknowledged. */
static bool is_on_loan(const struct http_conn *c)
{
    const struct http_answer *a = &c->answer;
    return c->answer_sent - (int64_t)a->out.len >= LEND_MIN && acknowledged(c) < c->sent;
}

static enum step send_answer(struct http_conn *c)
{
    const struct http_answer *a = &c->answer;
    if (a->out.bad)
        return STEP_ABORT;
    while ((uint64_t)c->answer_sent < a->out.len || a->at < a->end) {
        ssize_t n = send_stretch(c);
        if (n == -EAGAIN)
            return STEP_WAIT;
        if (n <= 0)
            return STEP_ABORT;
        c->answer_sent += n;
        c->sent += n;
    }
    if (a->stored &&
        is_on_loan(c)) /* only when all is acknowledged is it known whether the file stayed whole */
        return STEP_WAIT;
    if (a->stored && a->stored->torn)
        return STEP_ABORT;
    return after_answer(c);
}

/* --- phase: skip a body --- */

/* Takes what is there of the body out of the input. False: it is malformed or too large. */
static bool skip_input(struct http_conn *c)
{
    size_t n = c->skip < c->input_len ? (size_t)c->skip : c->input_len;
    if (c->parser.request.chunked)
        n = http_chunk_skip(&c->chunk, c->input, c->input_len);
    else
        c->skip -= n;
    consume(c, n);
    c->skipped += n;
    return c->skipped <= HTTP_BODY_MAX && c->chunk.place != CHUNK_BAD;
}

static enum step skip_body(struct http_conn *c)
{
    if (!skip_input(c) || c->input_ended)
        return STEP_CLOSE;
    if (c->parser.request.chunked ? c->chunk.place == CHUNK_DONE : c->skip == 0) {
        read_next_head(c);
        return STEP_ON;
    }
    return receive(c);
}

/* --- phase: linger --- */

/* RFC 9112 9.6: closing while the client still sends is a reset, and a reset may destroy the response before
 * it is read. So our half is closed, and what still comes is thrown away for a while. */
static enum step linger(struct http_conn *c)
{
    int64_t n = server_discard(&c->base);
    if (n == -EAGAIN)
        return STEP_WAIT;
    if (n <= 0)
        return STEP_CLOSE;
    c->skipped += (uint64_t)n;
    return c->skipped > HTTPD_LINGER_SIZE ? STEP_CLOSE : STEP_WAIT;
}

/* --- the connection --- */

static void go_on(struct http_conn *c)
{
    enum step (*const phases[])(struct http_conn *) = {
        [READ_HEAD] = read_head,
        [SEND_ANSWER] = send_answer,
        [SKIP_BODY] = skip_body,
        [LINGER] = linger,
    };
    enum step step = STEP_ON;
    while (step == STEP_ON)
        step = phases[c->phase](c);
    if (step == STEP_CLOSE)
        server_close(&c->base);
    else if (step == STEP_ABORT)
        server_abort(&c->base);
}

static void http_run(struct server_conn *base)
{
    struct http_conn *c = (struct http_conn *)base;
    if (c->patience == TURN)
        return; /* its deadline comes at once and goes on */
    c->turn = HTTPD_TURN;
    go_on(c);
}

static void head_late(struct http_conn *c)
{
    if (c->patience == IDLE) {
        server_close(&c->base);
        return;
    }
    if (c->patience == HEAD)
        answer_error(c, 408);
    c->patience = UNSET;
    c->turn = HTTPD_TURN;
    go_on(c);
}

static void http_late(struct deadline *deadline)
{
    struct http_conn *c = (struct http_conn *)((char *)deadline - offsetof(struct http_conn, deadline));
    bool progress = acknowledged(c) > c->acknowledged;
    if (c->phase == READ_HEAD)
        head_late(c);
    else if (c->phase == SEND_ANSWER && progress)
        wait_for_progress(c, HTTPD_STALL_TIME);
    else if (c->phase == LINGER && progress)
        wait_for_progress(c, HTTPD_LINGER_TIME);
    else if (c->phase == SEND_ANSWER)
        server_abort(&c->base);
    else
        server_close(&c->base);
}

static void http_begin(struct server_conn *base)
{
    struct http_conn *c = (struct http_conn *)base;
    c->deadline.passed = http_late;
    c->answer.fd = -1;
    (void)sock_peer(base->sock, &c->remote); /* 0.0.0.0 in the log when the client is gone already */
    read_next_head(c);
}

static void http_end(struct server_conn *base)
{
    struct http_conn *c = (struct http_conn *)base;
    loop_deadline(base->server->loop, &c->deadline, NEVER);
    if (c->phase == SEND_ANSWER)
        end_answer(c);
    free_input(c);
}

const struct server_program http_program = {
    .size = sizeof(struct http_conn),
    .limit = HTTPD_CONNECTIONS,
    .begin = http_begin,
    .run = http_run,
    .end = http_end,
    .nodelay = true,
};

int httpd_open(struct httpd *httpd, const char *www, FILE *log)
{
    *httpd = (struct httpd){.folder = -1, .log = log};
    if (!www)
        return 0;
    httpd->folder = open(www, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return httpd->folder < 0 ? -errno : 0;
}

void httpd_close(struct httpd *httpd)
{
    http_store_clear();
    if (httpd->folder >= 0)
        close(httpd->folder);
    httpd->folder = -1;
}
