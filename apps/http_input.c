/* The bytes of requests, from the socket to whoever takes them from the front. Called by httpd.c. */
#include "http_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http_parse.h"

#define INPUT_ROOM_MIN 2048 /* bytes; most heads fit */

/* Room for more input. The parser has given its verdict before HTTP_HEAD_MAX bytes are there. */
static bool grow_input(struct http_input *in)
{
    if (in->len < in->room)
        return true;
    uint32_t room = in->room ? in->room * 2 : INPUT_ROOM_MIN;
    uint8_t *at = room <= HTTP_HEAD_MAX ? realloc(in->at, room) : NULL;
    if (!at)
        return false;
    in->at = at;
    in->room = room;
    return true;
}

int http_input_read(struct http_input *in, struct sock *from)
{
    if (!grow_input(in))
        return -ENOMEM;
    ssize_t n = sock_recv(from, in->at + in->len, in->room - in->len, 0);
    if (n < 0)
        return (int)n;
    in->ended = n == 0;
    in->len += (uint32_t)n;
    return 0;
}

void http_input_drop(struct http_input *in, size_t n)
{
    in->len -= (uint32_t)n;
    memmove(in->at, in->at + n, in->len);
}

void http_input_free(struct http_input *in)
{
    free(in->at);
    in->at = NULL;
    in->len = in->room = 0;
}
