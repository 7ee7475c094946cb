/* Sending a response: the head and a page from memory, a file from where it lies. */
#ifndef GLASS_HTTP_SEND_H
#define GLASS_HTTP_SEND_H

#include "http_answer.h"
#include "server.h"

/* Of one connection. For each response its owner fills in the answer and sets `sent` to 0. */
struct http_send {
    struct http_answer answer;
    int64_t sent;  /* bytes of it that the socket took */
    int64_t total; /* the same of all responses of this connection */
};

/* Goes on where it stopped. 0: the socket took all, and of a file that is lent the client has acknowledged all; -EAGAIN:
 * to be called again when the socket has news; another negative errno value: what was promised cannot be sent, and the
 * client must not take it for a good end. */
int http_send(struct http_send *s, struct server_conn *to);

/* Bytes of `total` that the client has acknowledged: what shows whether it still listens. */
int64_t http_send_acknowledged(const struct http_send *s, const struct server_conn *to);

#endif
