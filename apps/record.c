/* Copies of events. No RFC: what stack/event.h says, made to last. */
#include "record.h"

#include <stdio.h>
#include <string.h>

static void keep_word(struct record *r, const char *word)
{
    snprintf(r->word, sizeof r->word, "%s", word);
}

static void keep_packet(struct record *r, const uint8_t *packet, size_t len)
{
    r->packet_len = packet ? (uint32_t)(len < RECORD_PACKET ? len : RECORD_PACKET) : 0;
    if (r->packet_len)
        memcpy(r->packet, packet, r->packet_len);
}

void record_take(struct record *r, const struct event *e, unsigned side)
{
    memset(r, 0, sizeof *r); /* it may go to another process: nothing of ours travels between its fields */
    r->event = *e;
    r->side = side;
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        r->header = *e->u.segment.header;
        r->header.text.at = NULL; /* its length stays */
        r->event.u.segment.header = NULL;
        break;
    case EVENT_DROP:
        keep_packet(r, e->u.drop.packet, e->u.drop.len);
        r->event.u.drop.packet = NULL;
        break;
    case EVENT_WINDOW:
        keep_word(r, e->u.window.why);
        r->event.u.window.why = NULL;
        break;
    case EVENT_CALL:
        keep_word(r, e->u.call.name);
        r->event.u.call.name = NULL;
        break;
    default:
        break;
    }
}

struct event record_event(const struct record *r)
{
    struct event e = r->event;
    switch (e.kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        e.u.segment.header = &r->header;
        break;
    case EVENT_DROP:
        e.u.drop.packet = r->packet_len ? r->packet : NULL;
        break;
    case EVENT_WINDOW:
        e.u.window.why = r->word;
        break;
    case EVENT_CALL:
        e.u.call.name = r->word;
        break;
    default:
        break;
    }
    return e;
}

static bool kind_valid(const struct event *e)
{
    switch (e->kind) {
    case EVENT_STATE:
        return e->u.change.from < TCP_STATES && e->u.change.to < TCP_STATES;
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
        return e->u.timer.which <= TCP_TIMERS;
    case EVENT_DROP:
        return e->u.drop.why < DROP_COUNT;
    default:
        return e->kind <= EVENT_CALL;
    }
}

bool record_valid(const struct record *r)
{
    return kind_valid(&r->event) && r->event.state < TCP_STATES && r->event.rule < RULE_COUNT &&
           r->header.options.sack_count <= TCP_SACK_BLOCKS && r->packet_len <= RECORD_PACKET &&
           r->word[RECORD_WORD - 1] == '\0';
}

size_t record_log_size(unsigned room)
{
    return sizeof(struct record_log) + room * sizeof(struct record);
}

void record_log_init(struct record_log *log, unsigned room)
{
    atomic_init(&log->count, 0);
    atomic_init(&log->lost, 0);
    log->room = room;
}

void record_log_add(struct record_log *log, const struct event *e, unsigned side)
{
    unsigned at = atomic_load_explicit(&log->count, memory_order_relaxed);
    if (at == log->room) {
        atomic_fetch_add(&log->lost, 1);
        return;
    }
    record_take(&log->record[at], e, side);
    atomic_store_explicit(&log->count, at + 1, memory_order_release);
}

void record_log_observe(void *log, const struct event *e)
{
    record_log_add(log, e, 0);
}
