/* From a request to its response: RFC 9110 9.3.1 and 9.3.2 (GET, HEAD), 13 (conditions), 14 (ranges), 15
 * (status). */
#ifndef GLASS_HTTP_ANSWER_H
#define GLASS_HTTP_ANSWER_H

#include <time.h>
#include "../stack/wire.h"
#include "http_parse.h"
#include "text.h"

#define HTTP_BODY_MAX (1u << 20) /* bytes of a request body that are read and thrown away: 413 */

/* What is asked, and where. */
struct http_question {
    int folder; /* a descriptor of the shared folder, -1: none, the welcome page answers */
    const struct http_request *request;
    const uint8_t *bytes; /* of the request */
    struct endpoint local, remote;
    time_t now;
};

struct http_stored; /* http_store.h */

struct http_answer {
    int status;
    bool last;       /* the connection ends after it */
    struct text out; /* the head, and a body that is a page; out.bad: there was no memory */
    size_t head_len;
    int fd;          /* the file that is the body, -1: none */
    struct http_stored *stored; /* whose descriptor that is; NULL: it is the answer's own */
    int64_t at, end; /* what of it is to be sent */
};

void http_answer(struct http_answer *a, const struct http_question *q);

/* To something that is no request: the connection's last response. */
void http_answer_error(struct http_answer *a, int status, time_t now);

void http_answer_free(struct http_answer *a);

#endif
