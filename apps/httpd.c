/* The HTTP server, connection by connection: read a head, send the response, skip a body, and so on until the
 * last response; then linger (RFC 9112 9.3 persistence, 9.3.2 pipelining, 9.5 time-outs, 9.6 tear-down).
 *
 * A connection is always in one phase. Each phase is a function that works until the socket says -EAGAIN; the
 * next news, or the deadline, goes on where it stopped. While a response is being sent nothing more is read:
 * a client that pipelines without reading closes its own window. */
#include "httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "http_chunk.h"
#include "http_input.h"
#include "http_log.h"
#include "http_send.h"
#include "http_store.h"

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

    struct http_input input; /* from the first byte of the request that is read or answered */
    struct http_parser parser;

    struct http_send send;
    size_t answer_room;   /* its share of httpd->pages */
    int64_t acknowledged; /* bytes since the connection began, when the deadline was set */

    uint64_t skip; /* bytes of the body still to come */
    struct http_chunk chunk;
    uint64_t skipped; /* of the body, or while lingering */
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

static void wait_for_progress(struct http_conn *c, usec in)
{
    c->acknowledged = http_send_acknowledged(&c->send, &c->base);
    set_deadline(c, in);
}

static enum step receive(struct http_conn *c)
{
    int error = http_input_read(&c->input, c->base.sock);
    if (error == -EAGAIN)
        return STEP_WAIT;
    if (error == -ENOMEM)
        return STEP_ABORT;
    return error ? STEP_CLOSE : STEP_ON;
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
    if (httpd->pages + c->send.answer.out.room > HTTPD_PAGES_SIZE) {
        http_answer_free(&c->send.answer);
        http_answer_error(&c->send.answer, 503, time(NULL));
    }
    c->answer_room = c->send.answer.out.room;
    httpd->pages += c->answer_room;
    c->send.sent = 0;
    c->phase = SEND_ANSWER;
    wait_for_progress(c, HTTPD_STALL_TIME);
}

static void answer_error(struct http_conn *c, int status)
{
    http_answer_error(&c->send.answer, status, time(NULL));
    send_next_answer(c);
}

static void answer_request(struct http_conn *c)
{
    const struct http_request *r = &c->parser.request;
    struct http_question q = {.folder = httpd_of(c)->folder,
                              .request = r,
                              .bytes = c->input.at,
                              .remote = c->remote,
                              .now = time(NULL)};
    (void)sock_name(c->base.sock, &q.local); /* 0.0.0.0 on the page when it is gone: nobody will read it */
    http_answer(&c->send.answer, &q);
    c->skip = r->content_length;
    c->skipped = 0;
    c->chunk = (struct http_chunk){0};
    send_next_answer(c);
}

/* Nothing to do until more comes: how long may that take? */
static enum step wait_for_head(struct http_conn *c)
{
    enum patience patience = c->input.len > 0 ? HEAD : IDLE;
    if (patience == IDLE)
        http_input_free(&c->input);
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
    int verdict = http_parse(&c->parser, c->input.at, c->input.len);
    if (verdict == HTTP_DONE) {
        c->turn--;
        answer_request(c);
        return STEP_ON;
    }
    if (verdict == HTTP_MORE && c->input.ended) {
        if (c->input.len == 0)
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
    int64_t body = c->send.sent - (int64_t)c->send.answer.head_len;
    struct http_log_entry entry = {.remote = c->remote,
                                   .when = time(NULL),
                                   .request = &c->parser.request,
                                   .bytes = c->input.at,
                                   .status = c->send.answer.status,
                                   .sent = body > 0 ? body : 0};
    if (httpd_of(c)->log)
        http_log(httpd_of(c)->log, &entry);
}

static void end_answer(struct http_conn *c)
{
    log_answer(c);
    http_answer_free(&c->send.answer);
    httpd_of(c)->pages -= c->answer_room;
    c->answer_room = 0;
}

static enum step after_answer(struct http_conn *c)
{
    bool last = c->send.answer.last, chunked = c->parser.request.chunked;
    end_answer(c);
    if (last) {
        if (sock_shutdown(c->base.sock, SOCK_SHUT_WRITE) < 0)
            return STEP_CLOSE;
        c->phase = LINGER;
        c->skipped = 0;
        http_input_free(&c->input);
        wait_for_progress(c, HTTPD_LINGER_TIME);
        return STEP_ON;
    }
    http_input_drop(&c->input, c->parser.request.head_len);
    if (c->skip > 0 || chunked) {
        c->phase = SKIP_BODY;
        set_deadline(c, HTTPD_BODY_TIME);
    } else
        read_next_head(c);
    return STEP_ON;
}

static enum step send_answer(struct http_conn *c)
{
    int error = http_send(&c->send, &c->base);
    if (error == -EAGAIN)
        return STEP_WAIT;
    return error ? STEP_ABORT : after_answer(c);
}

/* --- phase: skip a body --- */

/* Takes what is there of the body out of the input. False: it is malformed or too large. */
static bool skip_input(struct http_conn *c)
{
    size_t n = c->skip < c->input.len ? (size_t)c->skip : c->input.len;
    if (c->parser.request.chunked)
        n = http_chunk_skip(&c->chunk, c->input.at, c->input.len);
    else
        c->skip -= n;
    http_input_drop(&c->input, n);
    c->skipped += n;
    return c->skipped <= HTTP_BODY_MAX && c->chunk.place != CHUNK_BAD;
}

static enum step skip_body(struct http_conn *c)
{
    if (!skip_input(c) || c->input.ended)
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
    bool progress = http_send_acknowledged(&c->send, &c->base) > c->acknowledged;
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
    c->send.answer.fd = -1;
    (void)sock_peer(base->sock, &c->remote); /* 0.0.0.0 in the log when the client is gone already */
    read_next_head(c);
}

static void http_end(struct server_conn *base)
{
    struct http_conn *c = (struct http_conn *)base;
    loop_deadline(base->server->loop, &c->deadline, NEVER);
    if (c->phase == SEND_ANSWER)
        end_answer(c);
    http_input_free(&c->input);
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
