/* An event as one line. */
#include "event_text.h"
#include "errno_name.h"
#include "event_ends.h"

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

const char *ip_protocol_name(uint8_t protocol)
{
    return protocol == IP_TCP ? "tcp" : protocol == IP_UDP ? "udp" : protocol == IP_ICMP ? "icmp" : NULL;
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

/* `origin`: what to subtract from a SACK block. */
static size_t options_text(const struct tcp_options *o, uint32_t origin, char *to, size_t room)
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
        add(&t, "%ssack %u:%u", before, o->sack[i].left.n - origin, o->sack[i].right.n - origin);
        before = ",";
    }
    if (t.len)
        add(&t, ">");
    return t.len;
}

size_t tcp_options_text(const struct tcp_options *o, char *to, size_t room)
{
    return options_text(o, 0, to, room);
}

size_t rule_text(enum rule which, char *to, size_t room)
{
    struct text t = text_in(to, room);
    const struct rule_info *r = rule_info(which);
    if (which != RULE_NONE)
        add(&t, "%s %s: %s", r->rfc, r->section, r->sentence);
    return t.len;
}

static void add_endpoints(struct text *t, const struct event *e)
{
    struct event_ends ends = event_ends(e);
    char src[24], dst[24];
    endpoint_text(ends.src, src, sizeof src);
    endpoint_text(ends.dst, dst, sizeof dst);
    add(t, "%s > %s ", src, dst);
}

/* Numbers of the segment that `numbers` asks for. A SACK block lies in the sequence space that ACK counts. */
static void add_numbers(struct text *t, const struct event *e, enum event_numbers numbers)
{
    const struct tcp_header *h = e->u.segment.header;
    bool relative = numbers == EVENT_RELATIVE && e->connection;
    long long seq = relative ? e->u.segment.seq : h->seq.n;
    long long end = relative ? seq + e->u.segment.len : (long long)(h->seq.n + e->u.segment.len);
    char options[160];
    add(t, "%lld:%lld(%u)", seq, end, e->u.segment.len);
    if (h->flags & TCP_ACK)
        add(t, " ack %lld", relative ? (long long)e->u.segment.ack : (long long)h->ack.n);
    add(t, " win %u", e->u.segment.window);
    if (h->flags & TCP_URG)
        add(t, " urg %u", h->urgent);
    if (options_text(&h->options, relative ? h->ack.n - (uint32_t)e->u.segment.ack : 0, options,
                     sizeof options))
        add(t, " %s", options);
}

static void add_segment(struct text *t, const struct event *e, enum event_numbers numbers)
{
    char flags[12];
    tcp_flags_text(e->u.segment.header->flags, flags, sizeof flags);
    if (!e->connection)
        add_endpoints(t, e);
    else
        add(t, "%s ", e->kind == EVENT_SEGMENT_IN ? "<" : ">");
    add(t, "%-2s ", flags);
    add_numbers(t, e, numbers);
    if (!e->connection)
        return;
    pad_to(t, 72);
    add(t, "%s%s", tcp_state_name(e->state), e->u.segment.retransmitted ? ", again" : "");
}

static const char *icmp_name(uint8_t type)
{
    switch (type) {
    case 0:
        return " (echo reply)";
    case 3:
        return " (destination unreachable)";
    case 8:
        return " (echo request)";
    case 11:
        return " (time exceeded)";
    case 12:
        return " (parameter problem)";
    default:
        return "";
    }
}

static void add_datagram(struct text *t, const struct event *e)
{
    add_endpoints(t, e);
    if (e->protocol == IP_ICMP)
        add(t, "icmp type %u code %u%s (%zu)", e->u.datagram.type, e->u.datagram.code,
            icmp_name(e->u.datagram.type), e->u.datagram.len);
    else
        add(t, "udp (%zu)", e->u.datagram.len);
}

static void add_drop(struct text *t, const struct event *e)
{
    struct event_ends ends = event_ends(e);
    add(t, "%sdropped: %s (%s)", e->connection ? "  " : "", drop_text(e->u.drop.why),
        drop_name(e->u.drop.why));
    if (!ends.known || e->connection)
        return;
    add(t, "  ");
    add_endpoints(t, e);
    if (ip_protocol_name(ends.protocol))
        add(t, "%s", ip_protocol_name(ends.protocol));
    else
        add(t, "protocol %u", ends.protocol);
    add(t, " (%zu)", e->u.drop.len);
}

/* Of a call that no connection's number stands for, the socket's own name. */
static void add_call(struct text *t, const struct event *e)
{
    const char *error = e->u.call.result < 0 ? errno_name((int)-e->u.call.result) : NULL;
    char local[24];
    if (error)
        add(t, "  %s = %s", e->u.call.name, error);
    else
        add(t, "  %s = %lld", e->u.call.name, (long long)e->u.call.result);
    if (e->connection || e->local.port == 0)
        return;
    endpoint_text(e->local, local, sizeof local);
    add(t, "  (%s %s)", ip_protocol_name(e->protocol), local);
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

static void add_rtt(struct text *t, const struct event *e)
{
    add(t, "  rtt %.3f ms, srtt %.3f, rttvar %.3f, rto %.3f", (double)e->u.rtt.sample / 1000,
        (double)e->u.rtt.srtt / 1000, (double)e->u.rtt.rttvar / 1000, (double)e->u.rtt.rto / 1000);
}

size_t event_text(const struct event *e, char *to, size_t room)
{
    return event_text_in(e, EVENT_RELATIVE, to, room);
}

size_t event_text_in(const struct event *e, enum event_numbers numbers, char *to, size_t room)
{
    struct text t = text_in(to, room);
    add(&t, "%lld.%06lld ", (long long)(e->time / 1000000), (long long)(e->time % 1000000));
    if (e->connection)
        add(&t, "#%u ", e->connection);
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        add_segment(&t, e, numbers);
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
        add_rtt(&t, e);
        break;
    case EVENT_DROP:
        add_drop(&t, e);
        break;
    case EVENT_CALL:
        add_call(&t, e);
        break;
    }
    return t.len;
}
