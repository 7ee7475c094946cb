/* What is said to a client of the control socket, and what it is waited for. No RFC. Called by the three
 * other files that serve a client: see control_serving.h. */
#include "control_serving.h"

#include <errno.h>
#include <stdio.h>

#define QUEUE_MAX (64u << 20)               /* bytes one client may have waiting: some 300,000 rows */
#define BACKED_UP (2 * CONTROL_MESSAGE_MAX) /* a client that lets this much wait is not read */

bool client_say(struct control_client *c, enum control_type type, const void *body, size_t length)
{
    return control_queue_put(&c->queue, type, body, length, QUEUE_MAX) == 0;
}

void client_say_error(struct control_client *c, int error, const char *text)
{
    struct control_error e = {.error = error};
    snprintf(e.text, sizeof e.text, "%s", text);
    client_say(c, CONTROL_ERROR, &e, sizeof e);
}

void client_leave(struct control_client *c)
{
    bool relayed = c->state == CLIENT_RELAY;
    c->state = CLIENT_LAST;
    if (!relayed)
        loop_deadline(c->server->loop, &c->deadline, loop_now(c->server->loop) + REQUEST_TIME);
}

void client_refuse(struct control_client *c, int error, const char *text)
{
    client_say_error(c, error, text);
    client_leave(c);
}

void client_misbehaved(struct control_client *c)
{
    if (c->sock) {
        sock_abort(c->sock);
        c->sock = NULL;
    }
    client_refuse(c, EPROTO, "a message that makes no sense here");
}

bool client_serves_input(const struct control_client *c)
{
    return c->state == CLIENT_HELLO || c->state == CLIENT_REQUEST || c->state == CLIENT_RELAY;
}

bool client_is_read(const struct control_client *c)
{
    return client_serves_input(c) && !c->stalled && c->queue.end - c->queue.start < BACKED_UP;
}

int client_watch(struct control_client *c)
{
    uint32_t events = EPOLLRDHUP;
    if (client_is_read(c))
        events |= EPOLLIN;
    if (!control_queue_empty(&c->queue))
        events |= EPOLLOUT;
    return events == c->watch.events ? 0 : loop_watch(c->server->loop, &c->watch, events);
}
