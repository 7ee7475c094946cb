/* A reader's end of CONTROL_TRACE. No RFC. trace.c and whatever else shows a running stack call it. */
#include "trace_stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "control_client.h"

/* CONTROL_TRACING, or why not. */
static int receive_answer(struct trace_stream *stream, const char *name)
{
    struct control_header header;
    union {
        struct control_tracing tracing;
        struct control_error error;
    } body;
    int r = control_receive(stream->fd, &header, &body, sizeof body, NULL);
    if (r == 0 && header.type == CONTROL_TRACING) {
        stream->about = body.tracing;
        return 0;
    }
    if (r == 0 && header.type == CONTROL_ERROR)
        fprintf(stderr, "glass: the stack named %s refuses: %.*s\n", name, (int)sizeof body.error.text - 1,
                body.error.text);
    else
        fprintf(stderr, "glass: no events from the stack named %s: %s\n", name,
                strerror(r < 0 ? -r : EPROTO));
    return -1;
}

int trace_stream_open(struct trace_stream *stream, const char *name)
{
    memset(stream, 0, sizeof *stream);
    stream->fd = control_connect(name, &stream->stack);
    if (stream->fd < 0)
        return -1;
    int r = control_send(stream->fd, CONTROL_TRACE, NULL, 0);
    if (r < 0)
        fprintf(stderr, "glass: no events from the stack named %s: %s\n", name, strerror(-r));
    if (r == 0 && receive_answer(stream, name) == 0)
        return 0;
    trace_stream_close(stream);
    return -1;
}

void trace_stream_close(struct trace_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static enum trace_news take(struct trace_stream *stream, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_EVENT:
        memcpy(&stream->record, m->body, sizeof stream->record);
        return record_valid(&stream->record) ? TRACE_EVENT : TRACE_GONE;
    case CONTROL_LOST:
        memcpy(&stream->lost, m->body, sizeof stream->lost);
        return TRACE_LOST;
    case CONTROL_END:
        return TRACE_END;
    default:
        return TRACE_GONE;
    }
}

enum trace_news trace_stream_next(struct trace_stream *stream)
{
    struct control_message m;
    int r = control_inbox_peek(&stream->inbox, &m);
    if (r == 0) {
        ssize_t n = control_inbox_read(&stream->inbox, stream->fd);
        if (n == -EAGAIN)
            return TRACE_NOTHING;
        if (n <= 0)
            return TRACE_GONE;
        r = control_inbox_peek(&stream->inbox, &m);
    }
    if (r == 0)
        return TRACE_NOTHING;
    if (r < 0)
        return TRACE_GONE;
    enum trace_news news = take(stream, &m);
    control_inbox_drop(&stream->inbox);
    return news;
}
