/* Writes the comment of one packet. No RFC decides it; the words are the RFC's. Called by annotation.c. */
#include "annotation_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "../stack/errno_name.h"
#include "../stack/event_text.h"
#include "../stack/tcp_info.h"
#include "../stack/tcp_rcv.h"

#define LINE 256 /* bytes; the longest rule fits */

__attribute__((format(printf, 2, 3))) static void add(struct annotation_lines *l, const char *format, ...)
{
    if (l->len + 1 >= l->room)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->at + l->len, l->room - l->len, format, args);
    va_end(args);
    if (n > 0)
        l->len = l->len + (size_t)n < l->room ? l->len + (size_t)n : l->room - 1;
}

/* A line is whole or missing: what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void add_line(struct annotation_lines *l, const char *format,
                                                           ...)
{
    char line[LINE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0 && l->len + (size_t)n + 2 < l->room)
        add(l, "%s%s", l->len ? "\n" : "", line);
}

/* Each rule is told once in a comment, below what it decided. */
static void add_rule(struct annotation_lines *l, enum rule which)
{
    char text[LINE];
    if (which == RULE_NONE || l->told[which])
        return;
    l->told[which] = 1;
    rule_text(which, text, sizeof text);
    add_line(l, "rule: %s", text);
}

static void add_view(struct annotation_lines *l, const struct annotation_facts *f)
{
    char addr[24];
    endpoint_text((struct endpoint){f->addr, 0}, addr, sizeof addr);
    const char *way = f->received ? "received" : "sent";
    if (f->connection)
        add_line(l, "view: %s %s, connection #%u", addr, way, f->connection);
    else
        add_line(l, "view: %s %s, no connection", addr, way);
}

static void add_states(struct annotation_lines *l, const struct annotation_facts *f)
{
    bool changed = false;
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind != EVENT_STATE)
            continue;
        changed = true;
        add_line(l, "state: %s -> %s", tcp_state_name(e->u.change.from), tcp_state_name(e->u.change.to));
        add_rule(l, e->rule);
    }
    if (!changed && f->connection)
        add_line(l, "state: %s", tcp_state_name(f->state));
}

static void add_segment(struct annotation_lines *l, const struct annotation_facts *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind == EVENT_SEGMENT_OUT && e->u.segment.retransmitted)
            add_line(l, "segment: retransmitted");
        if (e->kind == EVENT_SEGMENT_OUT || e->kind == EVENT_SEGMENT_IN)
            add_rule(l, e->rule);
    }
}

static void add_drops(struct annotation_lines *l, const struct annotation_facts *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind != EVENT_DROP)
            continue;
        add_line(l, "drop: %s (%s)", drop_text(e->u.drop.why), drop_name(e->u.drop.why));
        add_rule(l, e->rule);
    }
}

/* --- what moved --- */

static void add_move(struct annotation_lines *l, const char *name, int64_t from, int64_t to)
{
    if (from != to)
        add(l, "%s %lld -> %lld", name, (long long)from, (long long)to);
    else
        add(l, "%s %lld", name, (long long)to);
}

static void add_variables(struct annotation_lines *l, const struct annotation_facts *f)
{
    const struct annotation_values *b = f->before;
    const struct tcp_conn *c = f->c;
    struct annotation_lines line = {.at = (char[LINE]){0}, .room = LINE};
    add(&line, "snd: ");
    add_move(&line, "UNA", b->una, c->snd.una);
    add_move(&line, ", NXT", b->snd_nxt, c->snd.nxt);
    add_move(&line, ", WND", b->snd_wnd, c->snd.wnd);
    if (b->una != c->snd.una || b->snd_nxt != c->snd.nxt || b->snd_wnd != c->snd.wnd)
        add_line(l, "%s", line.at);
    line.len = 0;
    add(&line, "rcv: ");
    add_move(&line, "NXT", b->rcv_nxt, c->rcv.nxt);
    add_move(&line, ", WND", b->rcv_wnd, rcv_wnd(c));
    if (b->rcv_nxt != c->rcv.nxt || b->rcv_wnd != rcv_wnd(c))
        add_line(l, "%s", line.at);
}

static void add_window(struct annotation_lines *l, const struct annotation_facts *f)
{
    struct tcp_info info;
    struct annotation_lines line = {.at = (char[LINE]){0}, .room = LINE};
    const struct record *last = NULL;
    for (unsigned i = 0; i < f->count; i++)
        if (f->events[i].event.kind == EVENT_WINDOW)
            last = &f->events[i];
    tcp_info_of(f->c, &info);
    add_move(&line, "cwnd:", f->before->cwnd ? f->before->cwnd : info.cwnd, info.cwnd);
    if (info.ssthresh == UINT32_MAX)
        add(&line, ", ssthresh none");
    else
        add(&line, ", ssthresh %u", info.ssthresh);
    add(&line, ", in flight %u", info.in_flight);
    if (last)
        add(&line, " (%s)", last->word);
    add_line(l, "%s", line.at);
    if (last)
        add_rule(l, last->event.rule);
}

static void add_round_trips(struct annotation_lines *l, const struct annotation_facts *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind != EVENT_RTT)
            continue;
        add_line(l, "rtt: %.3f ms, srtt %.3f, rttvar %.3f, rto %.3f", (double)e->u.rtt.sample / 1000,
                 (double)e->u.rtt.srtt / 1000, (double)e->u.rtt.rttvar / 1000, (double)e->u.rtt.rto / 1000);
        add_rule(l, e->rule);
    }
}

/* --- timers and calls --- */

static void add_timer(struct annotation_lines *l, const struct annotation_facts *f, unsigned which)
{
    const struct event *fired = NULL, *set = NULL;
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind == EVENT_TIMER_FIRED && e->u.timer.which == which)
            fired = e;
        if (e->kind == EVENT_TIMER_SET && e->u.timer.which == which)
            set = e;
    }
    const char *name = tcp_timer_name((enum tcp_timer)which);
    if (fired) {
        add_line(l, "timer: %s fired", name);
        add_rule(l, fired->rule);
    }
    if (set && set->u.timer.due == NEVER)
        add_line(l, "timer: %s off", name);
    else if (set)
        add_line(l, "timer: %s in %.3f ms", name, (double)(set->u.timer.due - set->time) / 1000);
    if (set)
        add_rule(l, set->rule);
}

static void add_calls(struct annotation_lines *l, const struct annotation_facts *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        const struct event *e = &f->events[i].event;
        if (e->kind != EVENT_CALL)
            continue;
        const char *error = e->u.call.result < 0 ? errno_name((int)-e->u.call.result) : NULL;
        if (error)
            add_line(l, "call: %s = %s", f->events[i].word, error);
        else
            add_line(l, "call: %s = %lld", f->events[i].word, (long long)e->u.call.result);
    }
}

void annotation_write(struct annotation_lines *l, const struct annotation_facts *f)
{
    add_view(l, f);
    add_states(l, f);
    add_segment(l, f);
    add_drops(l, f);
    if (f->c) {
        add_variables(l, f);
        add_window(l, f);
    }
    add_round_trips(l, f);
    for (unsigned which = 0; which <= TCP_TIMER_TIME_WAIT; which++)
        add_timer(l, f, which);
    add_calls(l, f);
}
