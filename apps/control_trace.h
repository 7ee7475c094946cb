/* The stream of events to one client of the control socket (CONTROL_TRACE).
 *
 * Events go into the client's queue up to a bound. A client that reads too slowly loses events, never the stack its
 * time: they are counted, and the count takes their place in the stream. Each struct control_client owns one;
 * control.c writes the queue out and watches for room. */
#ifndef GLASS_CONTROL_TRACE_H
#define GLASS_CONTROL_TRACE_H

#include "control_frame.h"
#include "observers.h"

#define CONTROL_TRACE_QUEUE (4u << 20) /* bytes that may wait for one reader: some 10,000 events */

struct control_trace {
    struct observer observer;
    struct observers *observers; /* NULL: nobody asked */
    struct control_queue *queue;
    void (*queued)(struct control_trace *trace); /* something waits in a queue that was empty */
    uint64_t lost;                               /* since the last that found room */
};

/* Joins the observers. */
void control_trace_start(struct control_trace *trace, struct observers *observers, struct control_queue *queue,
                         void (*queued)(struct control_trace *trace));

/* The queue has been written from: what was lost is told when there is room again. */
void control_trace_resume(struct control_trace *trace);

/* Leaves the observers; harmless when it never joined. */
void control_trace_stop(struct control_trace *trace);

#endif
