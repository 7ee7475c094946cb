/* Events as JSON, RFC 8259. Called by trace_text.c. Numbers are numbers: whole microseconds, bytes,
 * positions. */
#include "trace_json.h"

#include <inttypes.h>
#include "../stack/errno_name.h"
#include "../stack/event_ends.h"
#include "../stack/event_text.h"
#include "../stack/ip_wire.h"

const char trace_json_help[] =
    "Each object of --json has\n"
    "  event        segment-in, segment-out, datagram-in, datagram-out, state,\n"
    "               timer-set, timer-fired, window, rtt, drop, call or lost\n"
    "  time_us      microseconds since the stack started\n"
    "  epoch_us     microseconds since 1970\n"
    "where they are known\n"
    "  connection   the connection's number, from 1\n"
    "  state        its state after the event\n"
    "  protocol     \"tcp\", \"udp\", \"icmp\" or a number\n"
    "  local_addr, local_port, remote_addr, remote_port\n"
    "               of an ICMP echo the port is its identifier\n"
    "  rule         what decided: {rfc, section, sentence}\n"
    "and by its kind of event\n"
    "  segment-*    flags (\"S.\" as in the text), flag_bits (the header's byte), seq,\n"
    "               ack, len, window (bytes, scaled), retransmitted;\n"
    "               seq_raw, ack_raw, window_raw, urgent: as on the wire;\n"
    "               options: {mss, window_scale, sack_permitted, ts_value, ts_echo,\n"
    "               sack: [[left, right], ...]}. With a connection seq, ack and sack\n"
    "               count from the initial sequence numbers\n"
    "  datagram-*   len (of the data); of ICMP also type and code\n"
    "  state        from, to\n"
    "  timer-*      timer, left_us (until it fires; null: it was stopped)\n"
    "  window       cwnd, ssthresh (bytes; null: none yet), why\n"
    "  rtt          sample_us, srtt_us, rttvar_us, rto_us\n"
    "  drop         reason, text, len (of the datagram)\n"
    "  call         call, result (a count, 0 or -errno), error (its name)\n"
    "  lost         count: events that this reader was too slow for\n";

static const char *const kind_name[] = {
    [EVENT_SEGMENT_IN] = "segment-in",
    [EVENT_SEGMENT_OUT] = "segment-out",
    [EVENT_DATAGRAM_IN] = "datagram-in",
    [EVENT_DATAGRAM_OUT] = "datagram-out",
    [EVENT_STATE] = "state",
    [EVENT_TIMER_SET] = "timer-set",
    [EVENT_TIMER_FIRED] = "timer-fired",
    [EVENT_WINDOW] = "window",
    [EVENT_RTT] = "rtt",
    [EVENT_DROP] = "drop",
    [EVENT_CALL] = "call",
};

void trace_json_string(FILE *out, const char *text)
{
    putc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 ||
                 *c >= 0x7f) /* others than ASCII: a byte is taken for Latin-1, so the line stays valid */
            fprintf(out, "\\u%04x", *c);
        else
            putc(*c, out);
    }
    putc('"', out);
}

static void field_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    trace_json_string(out, text);
}

static void field_number(FILE *out, const char *name, int64_t n)
{
    fprintf(out, ",\"%s\":%" PRId64, name, n);
}

static void field_bool(FILE *out, const char *name, bool truth)
{
    fprintf(out, ",\"%s\":%s", name, truth ? "true" : "false");
}

static void field_end(FILE *out, const char *who, struct endpoint e, bool has_port)
{
    char addr[24], name[16];
    endpoint_text((struct endpoint){e.addr, 0}, addr, sizeof addr);
    snprintf(name, sizeof name, "%s_addr", who);
    field_string(out, name, addr);
    snprintf(name, sizeof name, "%s_port", who);
    if (has_port)
        field_number(out, name, e.port);
}

static void add_ends(FILE *out, const struct event *e)
{
    struct event_ends ends = event_ends(e);
    bool arrives = event_arrives(e);
    if (!ends.known)
        return;
    if (ip_protocol_name(ends.protocol))
        field_string(out, "protocol", ip_protocol_name(ends.protocol));
    else
        field_number(out, "protocol", ends.protocol);
    struct endpoint local = arrives ? ends.dst : ends.src, remote = arrives ? ends.src : ends.dst;
    bool ports = ends.protocol == IP_TCP || ends.protocol == IP_UDP;
    field_end(out, "local", local, ports || local.port);
    field_end(out, "remote", remote, ports || remote.port);
}

static void add_options(FILE *out, const struct tcp_options *o, uint32_t origin)
{
    const char *before = "";
    fputs(",\"options\":{", out);
    if (o->mss) {
        fprintf(out, "\"mss\":%u", o->mss);
        before = ",";
    }
    if (o->has_window_scale) {
        fprintf(out, "%s\"window_scale\":%u", before, o->window_scale);
        before = ",";
    }
    if (o->sack_permitted) {
        fprintf(out, "%s\"sack_permitted\":true", before);
        before = ",";
    }
    if (o->has_timestamps) {
        fprintf(out, "%s\"ts_value\":%" PRIu32 ",\"ts_echo\":%" PRIu32, before, o->ts_value, o->ts_echo);
        before = ",";
    }
    for (unsigned i = 0; i < o->sack_count; i++)
        fprintf(out, "%s[%" PRIu32 ",%" PRIu32 "]%s",
                i           ? ","
                : before[0] ? ",\"sack\":["
                            : "\"sack\":[",
                o->sack[i].left.n - origin, o->sack[i].right.n - origin, i + 1 == o->sack_count ? "]" : "");
    putc('}', out);
}

static void add_segment(FILE *out, const struct event *e)
{
    const struct tcp_header *h = e->u.segment.header;
    char flags[12];
    tcp_flags_text(h->flags, flags, sizeof flags);
    field_string(out, "flags", flags);
    field_number(out, "flag_bits", h->flags);
    field_number(out, "seq", e->u.segment.seq);
    field_number(out, "ack", h->flags & TCP_ACK ? e->u.segment.ack : 0);
    field_number(out, "len", e->u.segment.len);
    field_number(out, "window", e->u.segment.window);
    field_bool(out, "retransmitted", e->u.segment.retransmitted);
    field_number(out, "seq_raw", h->seq.n);
    field_number(out, "ack_raw", h->ack.n);
    field_number(out, "window_raw", h->window);
    field_number(out, "urgent", h->urgent);
    add_options(out, &h->options, e->connection ? h->ack.n - (uint32_t)e->u.segment.ack : 0);
}

static void add_timer(FILE *out, const struct event *e)
{
    field_string(out, "timer", tcp_timer_name(e->u.timer.which));
    if (e->u.timer.due == NEVER)
        fputs(",\"left_us\":null", out);
    else
        field_number(out, "left_us", e->u.timer.due - e->time);
}

static void add_window(FILE *out, const struct event *e)
{
    field_number(out, "cwnd", e->u.window.cwnd);
    if (e->u.window.ssthresh == UINT32_MAX)
        fputs(",\"ssthresh\":null", out);
    else
        field_number(out, "ssthresh", e->u.window.ssthresh);
    field_string(out, "why", e->u.window.why);
}

static void add_call(FILE *out, const struct event *e)
{
    const char *error = e->u.call.result < 0 ? errno_name((int)-e->u.call.result) : NULL;
    field_string(out, "call", e->u.call.name);
    field_number(out, "result", e->u.call.result);
    if (error)
        field_string(out, "error", error);
}

static void add_kind(FILE *out, const struct event *e)
{
    switch (e->kind) {
    case EVENT_SEGMENT_IN:
    case EVENT_SEGMENT_OUT:
        add_segment(out, e);
        break;
    case EVENT_DATAGRAM_IN:
    case EVENT_DATAGRAM_OUT:
        field_number(out, "len", (int64_t)e->u.datagram.len);
        if (e->protocol == IP_ICMP) {
            field_number(out, "type", e->u.datagram.type);
            field_number(out, "code", e->u.datagram.code);
        }
        break;
    case EVENT_STATE:
        field_string(out, "from", tcp_state_name(e->u.change.from));
        field_string(out, "to", tcp_state_name(e->u.change.to));
        break;
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
        add_timer(out, e);
        break;
    case EVENT_WINDOW:
        add_window(out, e);
        break;
    case EVENT_RTT:
        field_number(out, "sample_us", e->u.rtt.sample);
        field_number(out, "srtt_us", e->u.rtt.srtt);
        field_number(out, "rttvar_us", e->u.rtt.rttvar);
        field_number(out, "rto_us", e->u.rtt.rto);
        break;
    case EVENT_DROP:
        field_string(out, "reason", drop_name(e->u.drop.why));
        field_string(out, "text", drop_text(e->u.drop.why));
        field_number(out, "len", (int64_t)e->u.drop.len);
        break;
    case EVENT_CALL:
        add_call(out, e);
        break;
    }
}

static void add_rule(FILE *out, enum rule which)
{
    const struct rule_info *rule = rule_info(which);
    if (which == RULE_NONE)
        return;
    fputs(",\"rule\":{\"rfc\":", out);
    trace_json_string(out, rule->rfc);
    field_string(out, "section", rule->section);
    field_string(out, "sentence", rule->sentence);
    putc('}', out);
}

void trace_json_print(FILE *out, const struct event *e, const struct trace_style *style)
{
    fputs("{\"event\":", out);
    trace_json_string(out, kind_name[e->kind]);
    field_number(out, "time_us", e->time - style->started);
    field_number(out, "epoch_us", e->time + style->wall_offset);
    if (e->connection) {
        field_number(out, "connection", e->connection);
        field_string(out, "state", tcp_state_name(e->state));
    }
    add_ends(out, e);
    add_kind(out, e);
    add_rule(out, e->rule);
    fputs("}\n", out);
}
