/* The trace: records, filters, JSON, text, and a reader that does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../../apps/control_trace.h"
#include "../../apps/trace_filter.h"
#include "../../apps/trace_json.h"
#include "../../apps/trace_text.h"
#include "../../stack/event_text.h"
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"
#include "../../apps/heap.h"

static const struct endpoint us = {IP_ADDR(10, 7, 0, 2), 80}, peer = {IP_ADDR(10, 7, 0, 1), 40000};

static struct event event_of(enum event_kind kind)
{
    return (struct event){.time = 2000000,
                          .kind = kind,
                          .connection = 3,
                          .protocol = IP_TCP,
                          .local = us,
                          .remote = peer,
                          .state = TCP_ESTABLISHED};
}

static struct event segment(enum event_kind kind, struct tcp_header *h, uint8_t flags, uint32_t len)
{
    bool in = kind == EVENT_SEGMENT_IN;
    *h = (struct tcp_header){.source = in ? peer.port : us.port,
                             .destination = in ? us.port : peer.port,
                             .seq = {5001},
                             .ack = {70101},
                             .flags = flags,
                             .window = 500,
                             .text = {NULL, len}};
    struct event e = event_of(kind);
    e.u.segment.header = h;
    e.u.segment.seq = 1;
    e.u.segment.ack = 101;
    e.u.segment.len = len;
    e.u.segment.window = 64000;
    return e;
}

/* --- text --- */

static void expect_text(const struct event *e, enum event_numbers numbers, const char *expected)
{
    char line[512];
    event_text_in(e, numbers, line, sizeof line);
    assert_string_equal(line, expected);
}

static void sequence_numbers_are_relative_or_as_on_the_wire(void **state)
{
    (void)state;
    struct tcp_header h;
    struct event e = segment(EVENT_SEGMENT_IN, &h, TCP_ACK, 10);
    h.options.sack_count = 1;
    h.options.sack[0] = (struct tcp_sack_block){{70201}, {70301}};
    expect_text(&e, EVENT_RELATIVE,
                "2.000000 #3 < .  1:11(10) ack 101 win 64000 <sack 201:301>              ESTABLISHED");
    expect_text(&e, EVENT_ABSOLUTE,
                "2.000000 #3 < .  5001:5011(10) ack 70101 win 64000 <sack 70201:70301>   ESTABLISHED");
    e.connection = 0;
    e.u.segment.seq = 5001;
    e.u.segment.ack = 70101;
    expect_text(
        &e, EVENT_RELATIVE,
        "2.000000 10.7.0.1:40000 > 10.7.0.2:80 .  5001:5011(10) ack 70101 win 64000 <sack 70201:70301>");
}

static void a_sack_block_below_the_ack_is_relative_too(void **state)
{
    (void)state;
    struct tcp_header h;
    struct event e = segment(EVENT_SEGMENT_OUT, &h, TCP_ACK, 0);
    h.options.sack_count = 1;
    h.options.sack[0] = (struct tcp_sack_block){{70001}, {70051}}; /* a D-SACK: positions 1 to 51 */
    expect_text(&e, EVENT_RELATIVE,
                "2.000000 #3 > .  1:1(0) ack 101 win 64000 <sack 1:51>                   ESTABLISHED");
}

static void a_call_that_failed_says_the_name_of_its_error(void **state)
{
    (void)state;
    struct event e = event_of(EVENT_CALL);
    e.u.call.name = "sock_recv";
    e.u.call.result = -EAGAIN;
    expect_text(&e, EVENT_RELATIVE, "2.000000 #3   sock_recv = EAGAIN");
    e.u.call.result = -99999; /* no such error: the number is better than nothing */
    expect_text(&e, EVENT_RELATIVE, "2.000000 #3   sock_recv = -99999");
    e.u.call.result = 512;
    expect_text(&e, EVENT_RELATIVE, "2.000000 #3   sock_recv = 512");
}

static size_t udp_packet(uint8_t *to)
{
    static const uint8_t udp[8] = {0x9c, 0x40, 0, 7, 0, 8, 0, 0};
    ip_fill(to, &(struct ip_fields){.src = peer.addr, .dst = us.addr, .protocol = IP_UDP, .ttl = 64},
            sizeof udp);
    memcpy(to + IP_HEADER_MIN, udp, sizeof udp);
    return IP_HEADER_MIN + sizeof udp;
}

static struct event drop(const uint8_t *packet, size_t len)
{
    return (struct event){.kind = EVENT_DROP,
                          .u.drop = {.why = DROP_UDP_NO_PORT, .packet = packet, .len = len}};
}

static void a_drop_says_whose_packet_it_was_as_far_as_it_can_be_read(void **state)
{
    (void)state;
    uint8_t packet[64];
    size_t len = udp_packet(packet);
    struct event e = drop(packet, len);
    expect_text(
        &e, EVENT_RELATIVE,
        "0.000000 dropped: no UDP socket at this port (UDP_NO_PORT)  10.7.0.1:40000 > 10.7.0.2:7 udp (28)");
    for (size_t cut = 0; cut < len; cut++) { /* cut off anywhere: shown without what is missing */
        uint8_t *kept = malloc(cut ? cut : 1);
        char line[256];
        memcpy(kept, packet, cut);
        e = drop(kept, cut);
        event_text(&e, line, sizeof line);
        assert_int_equal(strstr(line, "10.7.0.1") != NULL, cut >= IP_HEADER_MIN);
        assert_int_equal(strstr(line, ":40000 > 10.7.0.2:7 ") != NULL, cut >= IP_HEADER_MIN + 4);
        free(kept);
    }
    e = drop(NULL, 0);
    expect_text(&e, EVENT_RELATIVE, "0.000000 dropped: no UDP socket at this port (UDP_NO_PORT)");
}

/* --- rules --- */

static void every_rule_has_a_source_and_a_sentence(void **state)
{
    (void)state;
    char line[512];
    assert_int_equal(rule_text(RULE_NONE, line, sizeof line), 0);
    for (int i = RULE_NONE + 1; i < RULE_COUNT; i++) {
        const struct rule_info *r = rule_info((enum rule)i);
        size_t len = strlen(r->sentence);
        assert_int_equal(strncmp(r->rfc, "RFC ", 4), 0);
        assert_true(*r->section);
        assert_true(len > 10 && r->sentence[len - 1] == '.');
        size_t written = rule_text((enum rule)i, line, sizeof line);
        assert_int_equal(written, strlen(line));
    }
}

/* The reasons behind which there is no RFC but a bound of ours, or of the socket's owner. */
static void every_drop_has_a_rule_or_is_a_bound_of_ours(void **state)
{
    (void)state;
    static const enum drop ours[] = {
        DROP_NONE,        DROP_FRAGMENT_LIMIT, DROP_UDP_BUFFER_FULL, DROP_ICMP_BUFFER_FULL, DROP_TCP_LAND,
        DROP_TCP_BACKLOG, DROP_TCP_PEER_LIMIT, DROP_TCP_RING_FULL,   DROP_OUTBOX_FULL,      DROP_NO_MEMORY};
    for (int why = 0; why < DROP_COUNT; why++) {
        bool bound = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            bound |= ours[i] == (enum drop)why;
        if ((drop_rule((enum drop)why) == RULE_NONE) != bound)
            fail_msg("%s", drop_name((enum drop)why));
    }
}

/* --- records --- */

static void a_record_gives_back_its_event(void **state)
{
    (void)state;
    struct record r;
    struct tcp_header h;
    uint8_t packet[200] = {0x45};
    struct event e = segment(EVENT_SEGMENT_OUT, &h, TCP_ACK, 7);
    record_take(&r, &e, 1);
    memset(&h, 0xff, sizeof h); /* the original is gone */
    assert_true(record_valid(&r));
    struct event back = record_event(&r);
    assert_int_equal(r.side, 1);
    assert_int_equal(back.u.segment.header->seq.n, 5001);
    assert_int_equal(back.u.segment.header->text.len, 7);
    assert_null(back.u.segment.header->text.at);

    e = (struct event){.kind = EVENT_DROP, .u.drop = {DROP_IP_SHORT, packet, sizeof packet}};
    record_take(&r, &e, 0);
    back = record_event(&r);
    assert_int_equal(back.u.drop.len, sizeof packet); /* how long it was, though less is kept */
    assert_int_equal(r.packet_len, RECORD_PACKET);
    assert_memory_equal(back.u.drop.packet, packet, RECORD_PACKET);

    e = event_of(EVENT_WINDOW);
    e.u.window.why = "a word that is much too long to be kept as it is, and is cut";
    record_take(&r, &e, 0);
    back = record_event(&r);
    assert_int_equal(strlen(back.u.window.why), RECORD_WORD - 1);
    assert_int_equal(strncmp(back.u.window.why, e.u.window.why, RECORD_WORD - 1), 0);
}

static void a_record_out_of_bounds_is_not_shown(void **state)
{
    (void)state;
    struct event e = event_of(EVENT_STATE);
    struct record good, r;
    e.u.change.to = TCP_CLOSED;
    record_take(&good, &e, 0);
    assert_true(record_valid(&good));
    r = good, r.event.kind = (enum event_kind)77;
    assert_false(record_valid(&r));
    r = good, r.event.u.change.to = TCP_STATES;
    assert_false(record_valid(&r));
    r = good, r.event.state = (enum tcp_state)200;
    assert_false(record_valid(&r));
    r = good, r.event.rule = RULE_COUNT;
    assert_false(record_valid(&r));
    r = good, r.event.kind = EVENT_TIMER_SET, r.event.u.timer.which = (enum tcp_timer)(TCP_TIMERS + 1);
    assert_false(record_valid(&r));
    r = good, r.event.kind = EVENT_DROP, r.event.u.drop.why = DROP_COUNT;
    assert_false(record_valid(&r));
    r = good, r.packet_len = RECORD_PACKET + 1;
    assert_false(record_valid(&r));
    r = good, memset(r.word, 'x', sizeof r.word);
    assert_false(record_valid(&r));
    r = good, r.header.options.sack_count = TCP_SACK_BLOCKS + 1;
    assert_false(record_valid(&r));
}

static void a_full_log_counts_what_it_could_not_take(void **state)
{
    (void)state;
    struct record_log *log = malloc(record_log_size(2));
    struct event e = event_of(EVENT_STATE);
    record_log_init(log, 2);
    for (int i = 0; i < 5; i++) {
        e.time = i;
        record_log_observe(log, &e);
    }
    assert_int_equal(atomic_load(&log->count), 2);
    assert_int_equal(atomic_load(&log->lost), 3);
    assert_int_equal(log->record[1].event.time, 1);
    free(log);
}

/* --- filters --- */

static struct trace_filter filter;

static void want(const char *expression)
{
    char why[TRACE_FILTER_WHY];
    trace_filter_close(&filter);
    if (!trace_filter_open(&filter, expression, why))
        fail_msg("%s: %s", expression, why);
}

static bool wants(const struct event *e)
{
    return trace_filter_wants(&filter, e);
}

static void a_made_packet_reads_as_what_it_stands_for(void **state)
{
    (void)state;
    uint8_t packet[TRACE_FILTER_PACKET];
    struct tcp_header h, seen;
    struct ip_packet p;
    size_t wire_len;
    struct event e = segment(EVENT_SEGMENT_IN, &h, TCP_PSH | TCP_ACK, 0);
    h.options = (struct tcp_options){.has_timestamps = true, .ts_value = 9, .ts_echo = 8};
    size_t len = trace_filter_packet(&e, packet, &wire_len);
    assert_int_equal(len, IP_HEADER_MIN + TCP_HEADER_MIN + 12);
    assert_int_equal(wire_len, len);
    tcp_checksum(packet + IP_HEADER_MIN, len - IP_HEADER_MIN, NULL, 0, peer.addr, us.addr);
    assert_int_equal(ip_parse(packet, len, &p), DROP_NONE);
    assert_int_equal(tcp_parse(&p, &seen), DROP_NONE);
    assert_int_equal(p.src, peer.addr);
    assert_int_equal(p.dst, us.addr);
    assert_int_equal(seen.source, 40000);
    assert_int_equal(seen.seq.n, 5001);
    assert_int_equal(seen.ack.n, 70101);
    assert_int_equal(seen.flags, TCP_PSH | TCP_ACK);
    assert_int_equal(seen.window, 500);
    assert_int_equal(seen.options.ts_echo, 8);
}

static void segments_are_matched_by_their_headers(void **state)
{
    (void)state;
    struct tcp_header h;
    struct event in = segment(EVENT_SEGMENT_IN, &h, TCP_SYN, 0);
    static const char *const yes[] = {"tcp",
                                      "tcp port 80",
                                      "src host 10.7.0.1 and dst port 80",
                                      "ip",
                                      "tcp[tcpflags] & tcp-syn != 0",
                                      "tcp[4:4] = 5001",
                                      "tcp[14:2] = 500",
                                      "less 100",
                                      ""};
    static const char *const no[] = {
        "udp", "icmp", "tcp port 81", "src host 10.7.0.2", "greater 100", "tcp[tcpflags] & tcp-ack != 0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        want(yes[i]);
        if (!wants(&in))
            fail_msg("%s", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        want(no[i]);
        if (wants(&in))
            fail_msg("%s", no[i]);
    }
    want("greater 1000"); /* by its length on the wire, though its text is not kept */
    struct event out = segment(EVENT_SEGMENT_OUT, &h, TCP_ACK, 1400);
    assert_true(wants(&out));
}

static void datagrams_and_drops_are_matched(void **state)
{
    (void)state;
    uint8_t packet[64];
    struct event udp = {
        .kind = EVENT_DATAGRAM_OUT, .protocol = IP_UDP, .local = us, .remote = peer, .u.datagram.len = 3};
    struct event echo = {.kind = EVENT_DATAGRAM_IN,
                         .protocol = IP_ICMP,
                         .local.addr = us.addr,
                         .remote = {peer.addr, 77},
                         .u.datagram = {.len = 56, .type = 8}};
    struct event dropped = drop(packet, udp_packet(packet));
    want("udp src port 80");
    assert_true(wants(&udp));
    assert_false(wants(&echo));
    assert_false(wants(&dropped));
    want("icmp[icmptype] = icmp-echo and icmp[4:2] = 77");
    assert_true(wants(&echo));
    want("udp dst port 7");
    assert_true(wants(&dropped));
    dropped = drop(NULL, 0);
    assert_false(wants(&dropped));
}

static void what_has_no_packet_goes_with_the_latest_of_its_connection(void **state)
{
    (void)state;
    struct tcp_header h;
    struct event syn = segment(EVENT_SEGMENT_IN, &h, TCP_SYN, 0), change = event_of(EVENT_STATE);
    want("tcp port 80");
    assert_true(wants(&change)); /* before any packet: by its ends */
    want("tcp[tcpflags] & tcp-syn != 0");
    assert_false(wants(&change));
    assert_true(wants(&syn));
    assert_true(wants(&change));
    change.connection = 4; /* another one */
    assert_false(wants(&change));
    change.connection = 3;
    h.flags = TCP_ACK;
    assert_false(wants(&syn));
    assert_false(wants(&change));
}

/* Options packed closer than we write them must not be too much for a made header. */
static void options_of_any_peer_fit_a_made_packet(void **state)
{
    (void)state;
    uint8_t packet[TRACE_FILTER_PACKET];
    size_t wire_len;
    struct tcp_header h;
    struct event e = segment(EVENT_SEGMENT_IN, &h, TCP_SYN, 0);
    h.options = (struct tcp_options){.mss = 1460,
                                     .has_window_scale = true,
                                     .sack_permitted = true,
                                     .has_timestamps = true,
                                     .sack_count = TCP_SACK_BLOCKS};
    assert_true(trace_filter_packet(&e, packet, &wire_len) <= IP_HEADER_MIN + TCP_HEADER_MAX);
}

static void a_bad_filter_is_refused_with_its_reason(void **state)
{
    (void)state;
    struct trace_filter *f = calloc(1, sizeof *f);
    char why[TRACE_FILTER_WHY] = "";
    assert_false(trace_filter_open(f, "tcp prot 80", why));
    assert_non_null(strstr(why, "syntax error"));
    assert_null(strchr(why, '\n'));
    free(f);
}

/* --- JSON --- */

static char *json_of(const struct event *e)
{
    static char text[4096];
    FILE *out = fmemopen(text, sizeof text, "w");
    struct trace_style style = {.started = 500000, .wall_offset = 1700000000000000, .json = true};
    trace_text_print(out, e, &style);
    fclose(out);
    return text;
}

static void json_has_numbers_as_numbers(void **state)
{
    (void)state;
    struct tcp_header h;
    struct event e = segment(EVENT_SEGMENT_IN, &h, TCP_SYN | TCP_ACK, 0);
    h.options.mss = 1460;
    h.options.sack_count = 1;
    h.options.sack[0] = (struct tcp_sack_block){{70201}, {70301}};
    e.rule = RULE_PAWS;
    assert_string_equal(
        json_of(&e),
        "{\"event\":\"segment-in\",\"time_us\":1500000,\"epoch_us\":1700000002000000,"
        "\"connection\":3,\"state\":\"ESTABLISHED\",\"protocol\":\"tcp\","
        "\"local_addr\":\"10.7.0.2\",\"local_port\":80,\"remote_addr\":\"10.7.0.1\","
        "\"remote_port\":40000,\"flags\":\"S.\",\"flag_bits\":18,\"seq\":1,\"ack\":101,\"len\":0,"
        "\"window\":64000,\"retransmitted\":false,\"seq_raw\":5001,\"ack_raw\":70101,"
        "\"window_raw\":500,\"urgent\":0,\"options\":{\"mss\":1460,\"sack\":[[201,301]]},"
        "\"rule\":{\"rfc\":\"RFC 7323\",\"section\":\"5.3\","
        "\"sentence\":\"An older timestamp than the last: an old duplicate.\"}}\n");
}

static void a_stopped_timer_is_null_in_json(void **state)
{
    (void)state;
    struct event e = event_of(EVENT_TIMER_SET);
    e.u.timer.which = TCP_TIMER_PERSIST;
    e.u.timer.due = NEVER;
    assert_non_null(strstr(json_of(&e), "\"timer\":\"persist\",\"left_us\":null"));
    e.u.timer.due = e.time + 250;
    assert_non_null(strstr(json_of(&e), "\"timer\":\"persist\",\"left_us\":250"));
}

static void any_string_is_escaped_for_json(void **state)
{
    (void)state;
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    trace_json_string(out, "a\"b\\c\n\x01\xff/");
    fclose(out);
    assert_string_equal(text, "\"a\\\"b\\\\c\\u000a\\u0001\\u00ff/\"");
}

/* --- a reader that does not read --- */

static int woken;

static void queued(struct control_trace *trace)
{
    (void)trace;
    woken++;
}

static struct stack *new_stack(void)
{
    struct stack *stack = calloc(1, sizeof *stack);
    struct stack_config config;
    stack_config_init(&config);
    config.addr = us.addr;
    config.memory = heap_memory;
    assert_int_equal(stack_init(stack, &config, 0), 0);
    return stack;
}

static void free_stack(struct stack *stack)
{
    stack_free(stack);
    free(stack);
}

/* Each is an event: a drop of one byte that is no datagram. */
static void happen(struct stack *stack, unsigned count)
{
    while (count--)
        stack_input(stack, 0, (const uint8_t *)"x", 1);
}

static struct control_message next_message(struct control_queue *q)
{
    struct control_message m;
    ssize_t n = control_cut(q->bytes + q->start, q->end - q->start, &m);
    assert_true(n > 0);
    q->start += (size_t)n;
    return m;
}

static void a_slow_reader_loses_events_which_are_counted(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct stack *stack = new_stack();
    struct control_queue queue = {0};
    struct observers all;
    struct control_trace trace = {0};
    uint64_t lost = 0, events = 0;
    observers_init(&all, stack);
    woken = 0;
    control_trace_start(&trace, &all, &queue, queued);
    happen(stack, MANY);
    assert_int_equal(woken, 1); /* once: until it is written there is nothing to say */
    assert_true(queue.end - queue.start <= CONTROL_TRACE_QUEUE);
    assert_true(trace.lost > 0);
    while (!control_queue_empty(&queue)) /* it reads at last */
        events += next_message(&queue).type == CONTROL_EVENT;
    assert_int_equal(events + trace.lost, MANY);
    happen(stack, 1); /* first comes how many are missing, then the new one */
    struct control_message m = next_message(&queue);
    assert_int_equal(m.type, CONTROL_LOST);
    memcpy(&lost, m.body, sizeof lost);
    assert_int_equal(events + lost, MANY);
    assert_int_equal(next_message(&queue).type, CONTROL_EVENT);
    assert_true(control_queue_empty(&queue));
    control_trace_stop(&trace);
    control_queue_free(&queue);
    free_stack(stack);
}

static void what_was_lost_is_told_even_when_nothing_more_happens(void **state)
{
    (void)state;
    struct stack *stack = new_stack();
    struct control_queue queue = {0};
    struct observers all;
    struct control_trace trace = {0};
    observers_init(&all, stack);
    control_trace_start(&trace, &all, &queue, queued);
    happen(stack, 20000);
    control_trace_resume(&trace); /* no room yet: nothing */
    assert_true(trace.lost > 0);
    queue.start = queue.end;
    control_trace_resume(&trace);
    assert_int_equal(trace.lost, 0);
    assert_int_equal(next_message(&queue).type, CONTROL_LOST);
    control_trace_stop(&trace);
    control_queue_free(&queue);
    free_stack(stack);
}

/* --- several observers --- */

static void count_event(void *context, const struct event *e)
{
    (void)e;
    ++*(int *)context;
}

static void observers_come_and_go(void **state)
{
    (void)state;
    struct stack *stack = new_stack();
    int a = 0, b = 0;
    struct observer first = {.see = count_event, .context = &a}, second = {.see = count_event, .context = &b};
    struct observers all;
    observers_init(&all, stack);
    assert_null(stack_core(stack)->config.observe); /* nobody watches: an event costs a branch */
    observers_add(&all, &first);
    happen(stack, 1);
    observers_add(&all, &second);
    happen(stack, 1);
    observers_remove(&all, &first);
    observers_remove(&all, &first); /* harmless */
    happen(stack, 1);
    assert_int_equal(a, 2);
    assert_int_equal(b, 2);
    observers_remove(&all, &second);
    assert_null(stack_core(stack)->config.observe);
    free_stack(stack);
}

static int close_filter(void **state)
{
    (void)state;
    trace_filter_close(&filter);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_numbers_are_relative_or_as_on_the_wire),
        cmocka_unit_test(a_sack_block_below_the_ack_is_relative_too),
        cmocka_unit_test(a_call_that_failed_says_the_name_of_its_error),
        cmocka_unit_test(a_drop_says_whose_packet_it_was_as_far_as_it_can_be_read),
        cmocka_unit_test(every_rule_has_a_source_and_a_sentence),
        cmocka_unit_test(every_drop_has_a_rule_or_is_a_bound_of_ours),
        cmocka_unit_test(a_record_gives_back_its_event),
        cmocka_unit_test(a_record_out_of_bounds_is_not_shown),
        cmocka_unit_test(a_full_log_counts_what_it_could_not_take),
        cmocka_unit_test(a_made_packet_reads_as_what_it_stands_for),
        cmocka_unit_test(segments_are_matched_by_their_headers),
        cmocka_unit_test(datagrams_and_drops_are_matched),
        cmocka_unit_test(what_has_no_packet_goes_with_the_latest_of_its_connection),
        cmocka_unit_test(options_of_any_peer_fit_a_made_packet),
        cmocka_unit_test(a_bad_filter_is_refused_with_its_reason),
        cmocka_unit_test(json_has_numbers_as_numbers),
        cmocka_unit_test(a_stopped_timer_is_null_in_json),
        cmocka_unit_test(any_string_is_escaped_for_json),
        cmocka_unit_test(a_slow_reader_loses_events_which_are_counted),
        cmocka_unit_test(what_was_lost_is_told_even_when_nothing_more_happens),
        cmocka_unit_test(observers_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, close_filter);
}
