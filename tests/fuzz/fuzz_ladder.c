/* Ladders of anything: capture files of any contents, and records in any order of one stack or of two. No
 * line is longer than asked, and all of it is printable ASCII; the picture and the growing ladder take the
 * same. */
#include "../../apps/ladder_capture.h"
#include "../../stack/ip_wire.h"
#include "file.h"
#include "targets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH   80
#define RECORDS 512
#define STEP    8 /* bytes of input for a record */

struct output {
    FILE *to;
    char *text;
    size_t len;
};

static void begin(struct output *o)
{
    *o = (struct output){0};
    o->to = open_memstream(&o->text, &o->len);
    assert(o->to);
}

static void end(struct output *o, bool text)
{
    fclose(o->to);
    for (size_t i = 0, column = 0; text && i < o->len; i++) {
        column = o->text[i] == '\n' ? 0 : column + 1;
        assert(column <= WIDTH && (o->text[i] == '\n' || (o->text[i] >= ' ' && o->text[i] < 0x7f)));
    }
    free(o->text);
}

/* --- captures --- */

static void draw_capture(const uint8_t *bytes, size_t len, const struct ladder_style *style)
{
    char path[FUZZ_PATH], why[PACKET_FILE_WHY];
    struct ladder_drawing d;
    struct output o;
    int fd = fuzz_file(bytes, len, path);
    ladder_drawing_init(&d, LADDER_OF_WIRE);
    ladder_capture_read(&d, path, why);
    for (unsigned i = 0; i <= d.model.conversations && i < 3; i++) {
        begin(&o);
        ladder_drawing_text(o.to, &d, i, style);
        end(&o, true);
        begin(&o);
        ladder_drawing_svg(o.to, &d, i, style, "a capture");
        end(&o, false);
    }
    ladder_drawing_free(&d);
    close(fd);
}

/* --- records --- */

static void segment(struct record_log *log, struct event *e, const uint8_t *b, unsigned side)
{
    struct tcp_header h = {.source = e->local.port, .destination = e->remote.port, .flags = b[2]};
    h.seq.n = 1000 + b[3] * 10u;
    h.ack.n = 1000 + b[4] * 10u;
    h.window = b[5];
    h.options.sack_count = b[6] % (TCP_SACK_BLOCKS + 1);
    h.options.has_timestamps = b[6] & 0x40;
    h.options.mss = b[6] & 0x80 ? 1460 : 0;
    e->u.segment.header = &h;
    e->u.segment.seq = e->connection ? b[3] * 10 : h.seq.n;
    e->u.segment.ack = e->connection ? b[4] * 10 : h.ack.n;
    e->u.segment.len = b[5] & 0x7f;
    e->u.segment.retransmitted = b[5] & 0x80;
    record_log_add(log, e, side);
}

static void drop(struct record_log *log, struct event *e, const uint8_t *b, unsigned side)
{
    uint8_t packet[IP_HEADER_MIN + TCP_HEADER_MAX] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, IP_TCP};
    struct tcp_header h = {.source = e->remote.port, .destination = e->local.port, .flags = b[2]};
    struct writer w = writer_of(packet + 12, 8);
    put32(&w, e->remote.addr);
    put32(&w, e->local.addr);
    h.seq.n = 1000 + b[3] * 10u;
    tcp_write(&h, packet + IP_HEADER_MIN);
    e->u.drop.why = (enum drop)(b[5] % DROP_COUNT);
    e->u.drop.packet = b[6] & 1 ? packet : NULL;
    e->u.drop.len = 40;
    record_log_add(log, e, side);
}

static void add(struct record_log *log, const uint8_t *b, usec *now)
{
    static const enum event_kind kinds[] = {EVENT_SEGMENT_IN,  EVENT_SEGMENT_OUT, EVENT_STATE,
                                            EVENT_TIMER_FIRED, EVENT_CALL,        EVENT_WINDOW,
                                            EVENT_DROP,        EVENT_DATAGRAM_IN};
    unsigned side = b[0] & 1;
    struct event e = {.time = *now += b[1] * 100, .kind = kinds[b[0] >> 1 & 7], .protocol = IP_TCP};
    e.connection = b[0] >> 4 & 3;
    e.local = (struct endpoint){IP_ADDR(10, 0, 0, 1 + side), (uint16_t)(1 + (b[0] >> 6) + side * 7)};
    e.remote = (struct endpoint){IP_ADDR(10, 0, 0, 2 - side), (uint16_t)(1 + (b[7] & 1) + !side * 7)};
    e.rule = (enum rule)(b[7] % RULE_COUNT);
    if (e.kind == EVENT_SEGMENT_IN || e.kind == EVENT_SEGMENT_OUT) {
        segment(log, &e, b, side);
    } else if (e.kind == EVENT_DROP) {
        drop(log, &e, b, side);
    } else {
        if (e.kind == EVENT_STATE) {
            e.u.change.from = (enum tcp_state)(b[2] % TCP_STATES);
            e.u.change.to = (enum tcp_state)(b[3] % TCP_STATES);
        } else if (e.kind == EVENT_TIMER_FIRED) {
            e.u.timer.which = (enum tcp_timer)(b[2] % (TCP_TIMER_TIME_WAIT + 1));
        } else if (e.kind == EVENT_CALL) {
            e.u.call.name = "sock_recv";
            e.u.call.result = (int8_t)b[2];
        } else if (e.kind == EVENT_WINDOW) {
            e.u.window.cwnd = b[2] * 1000u;
            e.u.window.ssthresh = UINT32_MAX;
            e.u.window.why = "slow start";
        } else {
            e.protocol = IP_ICMP;
            e.u.datagram.type = b[2];
            e.u.datagram.code = b[3];
        }
        record_log_add(log, &e, side);
    }
}

static void stream(const struct record_log *log, bool both, const struct ladder_style *style)
{
    struct output o;
    begin(&o);
    struct ladder_stream *s = ladder_stream_open(o.to, both, style);
    assert(s);
    for (unsigned i = 0; i < log->count; i++) {
        ladder_stream_add(s, &log->record[i]);
        if (i % 7 == 6)
            ladder_stream_flush(s);
    }
    ladder_stream_close(s);
    end(&o, true);
}

static void draw_records(const uint8_t *bytes, size_t len, const struct ladder_style *style)
{
    struct record_log *log = calloc(1, record_log_size(RECORDS));
    struct output o;
    usec now = SEC(1);
    assert(log);
    record_log_init(log, RECORDS);
    for (; len >= STEP; bytes += STEP, len -= STEP)
        add(log, bytes, &now);
    for (uint32_t i = 0; i < 3; i++) {
        begin(&o);
        ladder_print(o.to, log, i, style);
        end(&o, true);
        begin(&o);
        ladder_svg(o.to, log, i, style, NULL);
        end(&o, false);
    }
    stream(log, false, style);
    stream(log, true, style);
    free(log);
}

/* The first byte: what follows, and how it is drawn. */
void fuzz_ladder(const uint8_t *bytes, size_t len)
{
    if (len < 1)
        return;
    struct ladder_style style = {.width = WIDTH, .fold = bytes[0] >> 4, .explain = bytes[0] & 2};
    style.absolute = bytes[0] & 4;
    style.tags = bytes[0] & 8;
    if (bytes[0] & 1)
        draw_capture(bytes + 1, len - 1, &style);
    else
        draw_records(bytes + 1, len - 1, &style);
}
