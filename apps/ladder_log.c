/* The log behind a ladder: events of TCP connections as small records. The observer of the stack writes it,
 * ladder.c reads it. */
#include "ladder.h"

#include "../stack/ip_wire.h"
#include "../stack/tcp_wire.h"

size_t ladder_log_size(unsigned room)
{
    return sizeof(struct ladder_log) + room * sizeof(struct ladder_record);
}

void ladder_log_init(struct ladder_log *log, unsigned room)
{
    atomic_init(&log->count, 0);
    atomic_init(&log->lost, 0);
    log->room = room;
}

static void copy_segment(struct ladder_record *r, const struct event *e)
{
    r->seq = e->u.segment.seq;
    r->ack = e->u.segment.ack;
    r->len = e->u.segment.len;
    r->window = e->u.segment.window;
    r->retransmitted = e->u.segment.retransmitted;
    r->flags = e->u.segment.header->flags;
    r->wire_seq = e->u.segment.header->seq.n;
    r->wire_ack = e->u.segment.header->ack.n;
}

void ladder_observe(void *context, const struct event *e)
{
    struct ladder_log *log = context;
    if (e->protocol != IP_TCP)
        return;
    struct ladder_record r = {.time = e->time,
                              .local = e->local,
                              .remote = e->remote,
                              .connection = e->connection,
                              .kind = (uint8_t)e->kind};
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        copy_segment(&r, e);
        break;
    case EVENT_STATE:
        r.from = (uint8_t)e->u.change.from;
        r.to = (uint8_t)e->u.change.to;
        break;
    case EVENT_TIMER_FIRED:
        r.timer = (uint8_t)e->u.timer.which;
        break;
    case EVENT_CALL:
        break;
    default:
        return;
    }
    unsigned at = atomic_load_explicit(&log->count, memory_order_relaxed);
    if (at == log->room) {
        atomic_fetch_add(&log->lost, 1);
        return;
    }
    log->record[at] = r;
    atomic_store_explicit(&log->count, at + 1, memory_order_release);
}

uint32_t ladder_find(const struct ladder_log *log, uint16_t port)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire);
    while (count-- > 0) {
        const struct ladder_record *r = &log->record[count];
        if (r->connection != 0 && r->local.port == port && r->kind <= EVENT_SEGMENT_OUT)
            return r->connection;
    }
    return 0;
}
