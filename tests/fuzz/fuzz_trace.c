/* One datagram of any contents as the trace shows it: as a drop, cut off where a record cuts it, and, when it
 * is a segment, as that; with a connection and without. Text and JSON are one line, a made packet fits its
 * room. */
#include "../../apps/record.h"
#include "../../apps/trace_filter.h"
#include "../../apps/trace_json.h"
#include "../../stack/event_text.h"
#include "../../stack/ip_wire.h"
#include "targets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void one_line(const char *text, size_t len)
{
    assert(len > 1 && text[len - 1] == '\n' && !memchr(text, '\n', len - 1));
    for (size_t i = 0; i + 1 < len; i++)
        assert(text[i] >= ' ' && text[i] < 0x7f);
}

static void print(const struct event *e, bool json, bool absolute)
{
    char *text = NULL;
    size_t len = 0;
    struct trace_style style = {.json = json, .absolute = absolute};
    FILE *out = open_memstream(&text, &len);
    assert(out);
    trace_text_print(out, e, &style);
    fclose(out);
    one_line(text, len);
    free(text);
}

static void filter(const struct event *e)
{
    static struct trace_filter filter;
    char why[TRACE_FILTER_WHY];
    uint8_t packet[TRACE_FILTER_PACKET];
    size_t wire_len;
    if (!filter.set) {
        bool compiled =
            trace_filter_open(&filter, "tcp[tcpflags] & tcp-syn != 0 or udp[4:2] > 9 or icmp", why);
        assert(compiled);
        (void)compiled;
    }
    assert(trace_filter_packet(e, packet, &wire_len) <= sizeof packet);
    trace_filter_wants(&filter, e);
}

static void show(const struct event *e)
{
    struct record *r = malloc(sizeof *r); /* exactly its size: a sanitizer sees a read beyond */
    assert(r);
    record_take(r, e, 0);
    assert(record_valid(r));
    struct event back = record_event(r);
    print(&back, false, false);
    print(&back, false, true);
    print(&back, true, false);
    filter(&back);
    free(r);
}

/* So that the parsers look further: the checksums are right. */
static bool parse(uint8_t *bytes, size_t len, struct ip_packet *p, struct tcp_header *h)
{
    size_t head = len ? (bytes[0] & 15u) * 4 : 0;
    if (head < IP_HEADER_MIN || len < head)
        return false;
    poke16(bytes + 10, 0);
    poke16(bytes + 10, checksum_of(bytes, head));
    if (ip_parse(bytes, len, p) != DROP_NONE || p->protocol != IP_TCP || p->body.len < TCP_HEADER_MIN)
        return false;
    tcp_checksum(bytes + p->header.len, p->body.len, NULL, 0, p->src, p->dst);
    return tcp_parse(p, h) == DROP_NONE;
}

static void segment(const struct ip_packet *p, const struct tcp_header *h, uint32_t connection)
{
    struct event e = {.kind = EVENT_SEGMENT_IN,
                      .connection = connection,
                      .protocol = IP_TCP,
                      .local = {p->dst, h->destination},
                      .remote = {p->src, h->source},
                      .rule = RULE_PAWS};
    e.u.segment.header = h;
    e.u.segment.seq = connection ? (int64_t)(int32_t)h->seq.n : (int64_t)h->seq.n;
    e.u.segment.ack = connection ? (int64_t)(int32_t)h->ack.n : (int64_t)h->ack.n;
    e.u.segment.len = (uint32_t)h->text.len;
    show(&e);
    e.kind = EVENT_SEGMENT_OUT;
    show(&e);
}

void fuzz_trace(const uint8_t *bytes, size_t len)
{
    struct ip_packet p;
    struct tcp_header h;
    struct event dropped = {.kind = EVENT_DROP,
                            .u.drop = {.why = DROP_TCP_CHECKSUM, .packet = bytes, .len = len}};
    show(&dropped);
    uint8_t *copy = malloc(len ? len : 1);
    assert(copy);
    memcpy(copy, bytes, len);
    if (parse(copy, len, &p, &h)) {
        segment(&p, &h, 0);
        segment(&p, &h, 7);
    }
    free(copy);
}
