/* A reader's end of CONTROL_TRACE: the events of a running stack, one after the other. */
#ifndef GLASS_TRACE_STREAM_H
#define GLASS_TRACE_STREAM_H

#include "control_frame.h"

enum trace_news {
    TRACE_NOTHING, /* none has arrived yet: wait for the descriptor */
    TRACE_EVENT,   /* stream->record */
    TRACE_LOST,    /* stream->lost events are missing here */
    TRACE_END,     /* the stack closed in order */
    TRACE_GONE,    /* it vanished, or what came makes no sense */
};

struct trace_stream {
    int fd; /* to wait for, with poll */
    struct control_hello stack;
    struct control_tracing about;
    struct record record; /* checked: record_event(&record) can be shown */
    uint64_t lost;
    struct control_inbox inbox;
};

/* Asks the stack called `name` for its events. 0; or -1 after one line on standard error. */
int trace_stream_open(struct trace_stream *stream, const char *name);
void trace_stream_close(struct trace_stream *stream);

/* What comes next; never waits. */
enum trace_news trace_stream_next(struct trace_stream *stream);

#endif
