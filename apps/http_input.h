/* What a client sent and nobody has used yet. */
#ifndef GLASS_HTTP_INPUT_H
#define GLASS_HTTP_INPUT_H

#include "../stack/socket.h"

struct http_input {
    uint8_t *at; /* NULL: nothing there */
    uint32_t len, room;
    bool ended;  /* the client sends no more */
};

/* Reads what has come, at the end of what is there. 0; -EAGAIN: nothing has; -ENOMEM: no room for it; another negative
 * errno value of the socket. */
int http_input_read(struct http_input *in, struct sock *from);

/* The first n bytes are done with. */
void http_input_drop(struct http_input *in, size_t n);

/* Forgets all and gives the memory back; reading may go on. */
void http_input_free(struct http_input *in);

#endif
