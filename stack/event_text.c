/* An event as one line. */
#include "event_text.h"

#include <stdarg.h>
#include <stdio.h>

/* Text that grows in a bounded buffer; what does not fit is cut. */
struct text {
    char *at;
    size_t len, room;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    if (t->len + 1 >= t->room)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at + t->len, t->room - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len = t->len + (size_t)n < t->room ? t->len + (size_t)n : t->room - 1;
}

static struct text text_in(char *to, size_t room)
{
    if (room)
        to[0] = '\0';
    return (struct text){to, 0, room};
}

static void pad_to(struct text *t, size_t column)
{
    add(t, "%*s", t->len < column ? (int)(column - t->len) : 1, "");
}

size_t endpoint_text(struct endpoint e, char *to, size_t room)
{
    struct text t = text_in(to, room);
    add(&t, "%u.%u.%u.%u", e.addr >> 24, e.addr >> 16 & 255, e.addr >> 8 & 255, e.addr & 255);
    if (e.port)
        add(&t, ":%u", e.port);
    return t.len;
}

size_t tcp_flags_text(uint8_t flags, char *to, size_t room)
{
    static const struct {
        uint8_t bit;
        char letter;
    } letters[] = {{TCP_FIN, 'F'}, {TCP_SYN, 'S'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
                   {TCP_ACK, '.'}, {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}};
    struct text t = text_in(to, room);
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (flags & letters[i].bit)
            add(&t, "%c", letters[i].letter);
    if (!flags)
        add(&t, "none");
    return t.len;
}

size_t tcp_options_text(const struct tcp_options *o, char *to, size_t room)
{
    struct text t = text_in(to, room);
    const char *before = "<";
    if (o->mss) {
        add(&t, "%smss %u", before, o->mss);
        before = ",";
    }
    if (o->sack_permitted) {
        add(&t, "%ssackOK", before);
        before = ",";
    }
    if (o->has_timestamps) {
        add(&t, "%sts %u/%u", before, o->ts_value, o->ts_echo);
        before = ",";
    }
    if (o->has_window_scale) {
        add(&t, "%swscale %u", before, o->window_scale);
        before = ",";
    }
    for (unsigned i = 0; i < o->sack_count; i++) {
        add(&t, "%ssack %u:%u", before, o->sack[i].left.n, o->sack[i].right.n);
        before = ",";
    }
    if (t.len)
        add(&t, ">");
    return t.len;
}

static void add_endpoints(struct text *t, const struct event *e)
{
    char local[24], remote[24];
    endpoint_text(e->local, local, sizeof local);
    endpoint_text(e->remote, remote, sizeof remote);
    bool in = e->kind == EVENT_SEGMENT_IN || e->kind == EVENT_DATAGRAM_IN;
    add(t, "%s > %s ", in ? remote : local, in ? local : remote);
}

static void add_segment(struct text *t, const struct event *e)
{
    const struct tcp_header *h = e->u.segment.header;
    char flags[12], options[160];
    tcp_flags_text(h->flags, flags, sizeof flags);
    tcp_options_text(&h->options, options, sizeof options);
    if (!e->connection)
        add_endpoints(t, e);
    else
        add(t, "%s ", e->kind == EVENT_SEGMENT_IN ? "<" : ">");
    add(t, "%-2s %lld:%lld(%u)", flags, (long long)e->u.segment.seq,
        (long long)e->u.segment.seq + e->u.segment.len, e->u.segment.len);
    if (h->flags & TCP_ACK)
        add(t, " ack %lld", (long long)e->u.segment.ack);
    add(t, " win %u", e->u.segment.window);
    if (h->flags & TCP_URG)
        add(t, " urg %u", h->urgent);
    if (options[0])
        add(t, " %s", options);
    if (!e->connection)
        return;
    pad_to(t, 72);
    add(t, "%s%s", tcp_state_name(e->state), e->u.segment.retransmitted ? ", again" : "");
}

static void add_datagram(struct text *t, const struct event *e)
{
    add_endpoints(t, e);
    if (e->protocol == IP_ICMP)
        add(t, "icmp type %u code %u (%zu)", e->u.datagram.type, e->u.datagram.code, e->u.datagram.len);
    else
        add(t, "udp (%zu)", e->u.datagram.len);
}

static void add_timer(struct text *t, const struct event *e)
{
    const char *name = tcp_timer_name(e->u.timer.which);
    if (e->kind == EVENT_TIMER_FIRED)
        add(t, "  %s timer fired", name);
    else if (e->u.timer.due == NEVER)
        add(t, "  %s timer off", name);
    else
        add(t, "  %s timer in %.3f ms", name, (double)(e->u.timer.due - e->time) / 1000);
}

/* A connection that begins says between whom; from then on its number stands for it. */
static void add_change(struct text *t, const struct event *e)
{
    char local[24], remote[24];
    add(t, "  %s -> %s", tcp_state_name(e->u.change.from), tcp_state_name(e->u.change.to));
    if (e->u.change.from != TCP_CLOSED)
        return;
    endpoint_text(e->local, local, sizeof local);
    endpoint_text(e->remote, remote, sizeof remote);
    add(t, "  (%s with %s)", local, remote);
}

static void add_window(struct text *t, const struct event *e)
{
    add(t, "  cwnd %u", e->u.window.cwnd);
    if (e->u.window.ssthresh != UINT32_MAX)
        add(t, " ssthresh %u", e->u.window.ssthresh);
    add(t, " (%s)", e->u.window.why);
}

size_t event_text(const struct event *e, char *to, size_t room)
{
    struct text t = text_in(to, room);
    add(&t, "%lld.%06lld ", (long long)(e->time / 1000000), (long long)(e->time % 1000000));
    if (e->connection)
        add(&t, "#%u ", e->connection);
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        add_segment(&t, e);
        break;
    case EVENT_DATAGRAM_IN:
    case EVENT_DATAGRAM_OUT:
        add_datagram(&t, e);
        break;
    case EVENT_STATE:
        add_change(&t, e);
        break;
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
        add_timer(&t, e);
        break;
    case EVENT_WINDOW:
        add_window(&t, e);
        break;
    case EVENT_RTT:
        add(&t, "  rtt %.3f ms, srtt %.3f, rto %.3f", (double)e->u.rtt.sample / 1000,
            (double)e->u.rtt.srtt / 1000, (double)e->u.rtt.rto / 1000);
        break;
    case EVENT_DROP:
        add(&t, "dropped: %s (%s)", drop_text(e->u.drop.why), drop_name(e->u.drop.why));
        break;
    case EVENT_CALL:
        add(&t, "  %s = %lld", e->u.call.name, (long long)e->u.call.result);
        break;
    }
    return t.len;
}
