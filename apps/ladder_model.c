/* From records to the steps of a ladder: which conversation a record belongs to, what happened to which
 * segment, what an end's state must be where no stack says it. RFC 9293 3.3.2 and 3.5.
 *
 * ladder.c, ladder_drawing.c and ladder_live.c feed it; what draws is the sink of its steps. */
#include "ladder_segments.h"

#include <errno.h>
#include <stdlib.h>
#include "../stack/errno_name.h"
#include "../stack/event_text.h"

#define NONE LADDER_NO_SEGMENT

void ladder_model_init(struct ladder_model *m, bool both, bool keeps)
{
    *m = (struct ladder_model){.both = both, .keeps = keeps, .latest = {NONE, NONE}};
}

void ladder_model_free(struct ladder_model *m)
{
    free(m->conversation);
    free(m->segment);
    ladder_model_init(m, m->both, m->keeps);
}

void ladder_model_step(struct ladder_model *m, const struct ladder_step *step)
{
    m->sink(m->context, step);
}

/* --- what a record says --- */

static unsigned side_of(const struct ladder_model *m, const struct record *r)
{
    return m->both ? r->side & 1 : LADDER_RIGHT;
}

void ladder_segment_header(struct ladder_segment *s, const struct tcp_header *h, uint32_t len)
{
    s->flags = h->flags;
    s->wire_seq = h->seq.n;
    s->wire_ack = h->ack.n;
    s->wire_window = h->window;
    s->window = h->window;
    s->options = h->options;
    s->len = len;
    s->seq = h->seq.n;
    s->ack = h->ack.n;
}

static struct ladder_segment segment_of(const struct record *r, unsigned from, unsigned conversation)
{
    struct ladder_segment s = {.sent = NEVER, .arrived = NEVER, .from = from, .conversation = conversation};
    ladder_segment_header(&s, &r->header, r->event.u.segment.len);
    s.window = r->event.u.segment.window;
    s.again = r->event.u.segment.retransmitted;
    s.rule = r->event.rule;
    return s;
}

/* Positions: the stack's own where it has a connection, else by what is known of the conversation. */
static void place(struct ladder_model *m, const struct record *r, struct ladder_segment *s)
{
    struct ladder_conversation *c = s->conversation ? ladder_conversation_at(m, s->conversation) : NULL;
    if (!c)
        return;
    if (r->event.connection) {
        s->seq = r->event.u.segment.seq;
        s->ack = r->event.u.segment.ack;
        s->is_relative = true;
        ladder_model_learn(c, s);
    } else {
        ladder_model_relate(c, s);
    }
    ladder_model_follow(c, s, !m->both && r->event.kind == EVENT_SEGMENT_IN);
}

static struct ladder_step step_of(const struct record *r, unsigned side, unsigned conversation,
                                  enum ladder_step_kind kind)
{
    return (struct ladder_step){.time = r->event.time,
                                .kind = kind,
                                .side = side,
                                .conversation = conversation,
                                .rule = r->event.rule};
}

/* The state that `side` must have now, when that is another than before. */
void ladder_model_infer(struct ladder_model *m, const struct ladder_segment *s, unsigned side, usec now)
{
    struct ladder_way *way = &ladder_conversation_at(m, s->conversation)->way[side];
    struct ladder_peer was = way->seen;
    if (s->from == side)
        ladder_peer_sent(&way->seen, s->flags, s->seq, s->len, s->ack);
    else
        ladder_peer_got(&way->seen, s->flags, s->seq, s->len, s->ack);
    if (!way->seen.known || (was.known && was.state == way->seen.state))
        return;
    ladder_model_step(m, &(struct ladder_step){.time = now,
                                               .kind = LADDER_STATE,
                                               .side = side,
                                               .conversation = s->conversation,
                                               .from = was.state,
                                               .state = way->seen.state,
                                               .inferred = true});
}

/* --- segments of one stack --- */

static void add_passing(struct ladder_model *m, const struct record *r, struct ladder_segment *s)
{
    s->sent = s->arrived = r->event.time;
    s->fate = LADDER_ARRIVED;
    size_t which = ladder_model_keep(m, s);
    if (which == NONE)
        return;
    struct ladder_step step = step_of(r, s->from, s->conversation, LADDER_PASSES);
    step.segment = which;
    if (s->from == LADDER_LEFT)
        m->latest[LADDER_RIGHT] = which;
    ladder_model_step(m, &step);
    if (s->conversation)
        ladder_model_infer(m, s, LADDER_LEFT, r->event.time);
}

/* --- segments of two stacks --- */

static void depart(struct ladder_model *m, const struct record *r, struct ladder_segment *s)
{
    s->sent = r->event.time;
    s->fate = LADDER_FLIES;
    struct ladder_step step = step_of(r, s->from, s->conversation, LADDER_DEPARTS);
    step.segment = ladder_model_keep(m, s);
    if (step.segment != NONE)
        ladder_model_step(m, &step);
}

static void arrive(struct ladder_model *m, const struct record *r, struct ladder_segment *s)
{
    struct ladder_step step = step_of(r, !s->from, s->conversation, LADDER_ARRIVES);
    step.segment = ladder_flight_land(m, s, r->event.time);
    if (step.segment == NONE)
        return;
    m->latest[step.side] = step.segment;
    ladder_model_step(m, &step);
}

static void add_segment(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    unsigned side = side_of(m, r), from = e->kind == EVENT_SEGMENT_OUT ? side : !side;
    m->addr[side] = e->local.addr;
    unsigned number = ladder_model_find(m, side, e->local, e->remote, e->connection, true);
    struct ladder_segment s = segment_of(r, from, number);
    if (m->both && e->kind == EVENT_SEGMENT_IN) {
        arrive(m, r, &s);
        return;
    }
    place(m, r, &s);
    if (m->both)
        depart(m, r, &s);
    else
        add_passing(m, r, &s);
}

/* --- all else --- */

static void add_state(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    unsigned side = side_of(m, r);
    unsigned number = ladder_model_find(m, side, e->local, e->remote, e->connection, true);
    struct ladder_step step = step_of(r, side, number, LADDER_STATE);
    step.from = e->u.change.from;
    step.state = e->u.change.to;
    if (number) {
        ladder_conversation_at(m, number)->way[side].has_state = true;
        ladder_conversation_at(m, number)->way[side].state = step.state;
    }
    ladder_model_step(m, &step);
}

static void add_timer(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    unsigned side = side_of(m, r);
    struct ladder_step step =
        step_of(r, side, ladder_model_find(m, side, e->local, e->remote, e->connection, e->connection != 0),
                LADDER_TIMER);
    step.matters = e->u.timer.which != TCP_TIMER_DELAYED_ACK;
    snprintf(step.text, sizeof step.text, "the %s timer went off", tcp_timer_name(e->u.timer.which));
    ladder_model_step(m, &step);
}

/* What an application was told matters when it is an error or the end; that it must wait never does. */
static void add_call(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    int64_t result = e->u.call.result;
    unsigned side = side_of(m, r);
    if (result == -EAGAIN || result == -EINPROGRESS)
        return;
    unsigned number = ladder_model_find(m, side, e->local, e->remote, e->connection, e->connection != 0);
    struct ladder_step step = step_of(r, side, number, LADDER_CALL);
    const char *error = result < 0 ? errno_name((int)-result) : NULL;
    step.matters = result < 0;
    if (error)
        snprintf(step.text, sizeof step.text, "%s: %s", r->word, error);
    else
        snprintf(step.text, sizeof step.text, "%s = %lld", r->word, (long long)result);
    ladder_model_step(m, &step);
}

static void add_window(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    unsigned side = side_of(m, r);
    unsigned number = ladder_model_find(m, side, e->local, e->remote, e->connection, e->connection != 0);
    struct ladder_step step = step_of(r, side, number, LADDER_REMARK);
    int n = snprintf(step.text, sizeof step.text, "cwnd %u", e->u.window.cwnd);
    if (e->u.window.ssthresh != UINT32_MAX)
        n += snprintf(step.text + n, sizeof step.text - (size_t)n, ", ssthresh %u", e->u.window.ssthresh);
    snprintf(step.text + n, sizeof step.text - (size_t)n, ": %s", r->word);
    ladder_model_step(m, &step);
}

/* ICMP errors change connections; which one, only the quoted header would tell. */
static void add_datagram(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    struct ladder_step step = step_of(r, side_of(m, r), 0, LADDER_REMARK);
    if (e->protocol != IP_ICMP || e->kind != EVENT_DATAGRAM_IN || e->u.datagram.type != 3)
        return;
    step.matters = true;
    snprintf(step.text, sizeof step.text, "ICMP: unreachable, code %u%s", e->u.datagram.code,
             e->u.datagram.code == 4 ? " (too big, DF set)" : "");
    ladder_model_step(m, &step);
}

/* The wire lost what `side` sent: the datagram at hand, or its latest. */
static void add_lost(struct ladder_model *m, const struct record *r)
{
    struct ladder_peek peek;
    bool known = r->packet_len && ladder_peek(r->packet, r->packet_len, &peek);
    ladder_flight_lose(m, side_of(m, r), known ? &peek : NULL);
}

/* A segment that was thrown away before it was looked at has no other record than the drop's. */
static size_t dropped_segment(struct ladder_model *m, const struct record *r, const struct ladder_peek *peek,
                              unsigned side, unsigned number)
{
    struct ladder_segment s = {.sent = NEVER, .arrived = NEVER, .from = !side, .conversation = number};
    ladder_segment_header(&s, &peek->header, peek->len);
    const struct ladder_segment *last =
        m->latest[side] == NONE ? NULL : ladder_segment_at(m, m->latest[side]);
    if (last && last->arrived == r->event.time && ladder_segment_is_same(last, &s))
        return m->latest[side];
    if (m->both) {
        arrive(m, r, &s);
    } else {
        if (number)
            ladder_model_relate(ladder_conversation_at(m, number), &s);
        add_passing(m, r, &s);
    }
    return m->latest[side];
}

static void add_drop(struct ladder_model *m, const struct record *r)
{
    struct ladder_peek peek;
    unsigned side = side_of(m, r), number = 0;
    if (r->event.u.drop.why == DROP_NONE) {
        add_lost(m, r);
        return;
    }
    struct ladder_step step = step_of(r, side, 0, LADDER_DROP);
    step.segment = NONE;
    if (r->packet_len && ladder_peek(r->packet, r->packet_len, &peek)) {
        number = ladder_model_find(m, side, peek.destination, peek.source, 0, true);
        step.segment = dropped_segment(m, r, &peek, side, number);
    }
    step.conversation = number;
    step.matters = number != 0;
    snprintf(step.text, sizeof step.text, "dropped: %s", drop_text(r->event.u.drop.why));
    ladder_model_step(m, &step);
}

void ladder_model_add(struct ladder_model *m, const struct record *r)
{
    const struct event *e = &r->event;
    if (e->kind == EVENT_DROP)
        add_drop(m, r);
    else if (e->kind == EVENT_DATAGRAM_IN || e->kind == EVENT_DATAGRAM_OUT)
        add_datagram(m, r);
    else if (e->protocol != IP_TCP)
        return;
    else if (e->kind == EVENT_SEGMENT_IN || e->kind == EVENT_SEGMENT_OUT)
        add_segment(m, r);
    else if (e->kind == EVENT_STATE)
        add_state(m, r);
    else if (e->kind == EVENT_TIMER_FIRED)
        add_timer(m, r);
    else if (e->kind == EVENT_CALL)
        add_call(m, r);
    else if (e->kind == EVENT_WINDOW)
        add_window(m, r);
}

void ladder_model_end(struct ladder_model *m)
{
    if (m->both)
        ladder_flight_end(m);
    else
        ladder_model_lost(m);
}
