/* The stream of events to one client. No RFC. Called by control_requests.c (start),
 * control.c and, for each event, by the stack. */
#include "control_trace.h"

static size_t waiting(const struct control_trace *trace)
{
    return trace->queue->end - trace->queue->start;
}

/* Counts when there is no room. After a loss half of the queue must be free again: one gap, not many. */
static void see(void *context, const struct event *event)
{
    struct control_trace *trace = context;
    struct record record;
    bool was_empty = control_queue_empty(trace->queue);
    control_trace_resume(trace);
    if (trace->lost > 0) {
        trace->lost++;
        return;
    }
    record_take(&record, event, 0);
    if (control_queue_put(trace->queue, CONTROL_EVENT, &record, sizeof record, CONTROL_TRACE_QUEUE) < 0)
        trace->lost++;
    else if (was_empty)
        trace->queued(trace);
}

void control_trace_start(struct control_trace *trace, struct observers *observers,
                         struct control_queue *queue, void (*queued)(struct control_trace *trace))
{
    *trace = (struct control_trace){.observers = observers, .queue = queue, .queued = queued};
    trace->observer = (struct observer){.see = see, .context = trace};
    observers_add(observers, &trace->observer);
}

void control_trace_resume(struct control_trace *trace)
{
    if (!trace->observers || trace->lost == 0 || waiting(trace) > CONTROL_TRACE_QUEUE / 2)
        return;
    if (control_queue_put(trace->queue, CONTROL_LOST, &trace->lost, sizeof trace->lost,
                          CONTROL_TRACE_QUEUE) == 0)
        trace->lost = 0;
}

void control_trace_stop(struct control_trace *trace)
{
    if (trace->observers)
        observers_remove(trace->observers, &trace->observer);
    trace->observers = NULL;
}
