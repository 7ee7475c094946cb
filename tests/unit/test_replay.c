/* The replay engine: what it makes of a capture, of losses and of an application that nobody wrote down; and
 * what it calls the same. Captures are made here, frame by frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../apps/replay.h"
#include "../../tun/capture.h"

#define SERVER     IP_ADDR(10, 9, 0, 2)
#define CLIENT     IP_ADDR(10, 9, 0, 1)
#define SERVER_ISN 5000u
#define CLIENT_ISN 9000u

static struct capture file;
static int memory_fd;
static char path[32], why[REPLAY_WHY];
static struct replay r;
static uint16_t mss; /* that the server's SYN,ACK offers */

static int begin(void **state)
{
    (void)state;
    memory_fd = memfd_create("capture", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_fd);
    mss = 1460;
    return memory_fd < 0 || capture_open(&file, path, 0) < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    capture_close(&file);
    replay_free(&r);
    return close(memory_fd);
}

/* A frame at `ms`, positions relative to each side's initial sequence number. */
static void frame(bool from_server, int ms, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
    uint8_t bytes[2000], *head = bytes + IP_HEADER_MIN;
    size_t len = strlen(text);
    struct tcp_header h = {.source = from_server ? 80 : 40000, .destination = from_server ? 40000 : 80};
    h.flags = flags;
    h.window = flags & TCP_RST ? 0 : 60000;
    h.seq.n = (from_server ? SERVER_ISN : CLIENT_ISN) + seq;
    h.ack.n = flags & TCP_ACK ? (from_server ? CLIENT_ISN : SERVER_ISN) + ack : 0;
    h.options.mss = flags & TCP_SYN ? from_server ? mss : 1460 : 0;
    size_t head_len = tcp_write(&h, head);
    memcpy(head + head_len, text, len);
    struct span spans[2] = {{head + head_len, len}, {NULL, 0}};
    uint32_t src = from_server ? SERVER : CLIENT, dst = from_server ? CLIENT : SERVER;
    tcp_checksum(head, head_len, spans, 2, src, dst);
    struct ip_fields ip = {.src = src, .dst = dst, .protocol = IP_TCP, .ttl = 64};
    ip_fill(bytes, &ip, head_len + len);
    capture_packet(&file, MSEC(ms), &(struct iovec){bytes, IP_HEADER_MIN + head_len + len}, 1);
}

static void server(int ms, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
    frame(true, ms, flags, seq, ack, text);
}

static void client(int ms, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
    frame(false, ms, flags, seq, ack, text);
}

static void handshake(void)
{
    client(0, TCP_SYN, 0, 0, "");
    server(0, TCP_SYN | TCP_ACK, 0, 1, "");
    client(1, TCP_ACK, 1, 1, "");
}

static void (*observe)(void *context, const struct event *event);
static void *observer;

/* The one conversation. */
static struct replay_flow *replayed_as(uint32_t addr)
{
    const struct replay_options options = {.observe = observe, .context = observer};
    assert_int_equal(capture_flush(&file), 0);
    assert_true(replay_load(&r.capture, path, why));
    r.addr = addr;
    assert_true(replay_flows(&r));
    assert_int_equal(r.count, 1);
    struct replay_flow *f = &r.flow[0];
    replay_plan(f);
    if (f->skipped)
        return f;
    assert_true(replay_run(f, addr, &options));
    replay_compare(f);
    return f;
}

static struct replay_flow *replayed(void)
{
    return replayed_as(SERVER);
}

static void judged(const struct replay_flow *f, size_t identical, size_t equivalent, size_t different)
{
    if (f->verdicts[REPLAY_IDENTICAL] != identical || f->verdicts[REPLAY_EQUIVALENT] != equivalent ||
        f->verdicts[REPLAY_DIFFERENT] != different)
        replay_show(stdout, f, 1, true);
    assert_int_equal(f->verdicts[REPLAY_IDENTICAL], identical);
    assert_int_equal(f->verdicts[REPLAY_EQUIVALENT], equivalent);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], different);
}

static void a_conversation_is_done_again(void **state)
{
    (void)state;
    handshake();
    client(2, TCP_ACK | TCP_PSH, 1, 1, "question");
    server(3, TCP_ACK | TCP_PSH, 1, 9, "answer");
    client(4, TCP_ACK | TCP_FIN, 9, 7, "");
    server(5, TCP_ACK | TCP_FIN, 7, 10, "");
    client(6, TCP_ACK, 10, 8, "");
    const struct replay_flow *f = replayed();
    judged(f, 1, 2, 0); /* ours moves its window in larger steps */
    assert_int_equal(f->life[0].iss, SERVER_ISN);
    assert_int_equal(f->life[0].irs, CLIENT_ISN);
    assert_int_equal(f->life[0].length, 6);
    assert_memory_equal(f->life[0].stream, "answer", 6);
    assert_int_equal(f->life[0].fin, 7);
    assert_true(f->plan.listens);
    assert_int_equal(f->plan.mtu, 1500);
}

static void options_come_from_the_capture(void **state)
{
    (void)state;
    mss = 700;
    handshake();
    const struct replay_flow *f = replayed();
    judged(f, 1, 0, 0);
    assert_int_equal(f->plan.mtu, 740);
    assert_false(f->plan.sack || f->plan.timestamps || f->plan.scale || f->plan.ecn);
}

static void other_packetization_is_equivalent(void **state)
{
    (void)state;
    handshake();
    server(3, TCP_ACK, 1, 1, "one ");
    server(3, TCP_ACK | TCP_PSH, 5, 1, "answer");
    client(4, TCP_ACK, 1, 11, "");
    const struct replay_flow *f = replayed();
    judged(f, 1, 2, 0);
    assert_int_equal(f->sent[1].tcp.text.len, 10); /* ours puts it in one segment */
}

static void an_ack_that_waited_is_equivalent(void **state)
{
    (void)state;
    handshake();
    client(10, TCP_ACK | TCP_PSH, 1, 1, "a");
    server(10, TCP_ACK, 1, 2, ""); /* at once; ours delays it */
    client(20, TCP_ACK | TCP_PSH, 2, 1, "b");
    server(400, TCP_ACK, 1, 3, "");
    judged(replayed(), 1, 2, 0);
}

static void what_ours_would_not_send_is_different(void **state)
{
    (void)state;
    handshake();
    client(10, TCP_ACK | TCP_PSH, 1, 1, "a");
    server(11, TCP_ACK, 1, 500, ""); /* never came */
    const struct replay_flow *f = replayed();
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 1);
    assert_string_equal(f->step[4].reason, "ours did not acknowledge this");
}

static void a_rst_without_reason_is_an_abort(void **state)
{
    (void)state;
    handshake();
    server(50, TCP_RST | TCP_ACK, 1, 1, "");
    const struct replay_flow *f = replayed();
    assert_true(f->step[3].resets);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

static void a_refused_port_is_refused_again(void **state)
{
    (void)state;
    client(0, TCP_SYN, 0, 0, "");
    frame(true, 0, TCP_RST | TCP_ACK, (uint32_t)-SERVER_ISN, 1, "");
    const struct replay_flow *f = replayed();
    judged(f, 1, 0, 0);
    assert_int_equal(f->lives, 0);
}

static void text_that_came_again_unacknowledged_was_lost(void **state)
{
    (void)state;
    handshake();
    client(10, TCP_ACK | TCP_PSH, 1, 1, "question");
    client(210, TCP_ACK | TCP_PSH, 1, 1, "question");
    server(211, TCP_ACK | TCP_PSH, 1, 9, "answer");
    client(212, TCP_ACK, 9, 7, "");
    const struct replay_flow *f = replayed();
    assert_true(f->step[3].lost);
    assert_false(f->step[4].lost);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

static void text_that_came_again_acknowledged_was_not_lost(void **state)
{
    (void)state;
    handshake();
    client(10, TCP_ACK | TCP_PSH, 1, 1, "question");
    server(50, TCP_ACK, 1, 9, "");
    client(210, TCP_ACK | TCP_PSH, 1, 1, "question"); /* that ACK was lost */
    server(210, TCP_ACK, 1, 9, "");
    const struct replay_flow *f = replayed();
    assert_false(f->step[3].lost);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

static void an_ack_that_was_lost_is_not_fed(void **state)
{
    (void)state;
    handshake();
    server(10, TCP_ACK | TCP_PSH, 1, 1, "answer");
    client(11, TCP_ACK, 1, 7, "");
    server(210, TCP_ACK | TCP_PSH, 1, 1, "answer");
    client(211, TCP_ACK, 1, 7, "");
    const struct replay_flow *f = replayed();
    assert_true(f->step[4].lost);
    assert_false(f->step[6].lost);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

/* Seen where the server is: the link lost its SYN,ACK afterwards. */
static void a_syn_ack_before_another_syn_was_lost(void **state)
{
    (void)state;
    client(0, TCP_SYN, 0, 0, "");
    server(0, TCP_SYN | TCP_ACK, 0, 1, "");
    server(1000, TCP_SYN | TCP_ACK, 0, 1, "");
    client(1010, TCP_SYN, 0, 0, "");
    server(1010, TCP_SYN | TCP_ACK, 0, 1, "");
    client(1012, TCP_ACK, 1, 1, "");
    const struct replay_flow *f = replayed_as(CLIENT);
    assert_true(f->step[1].lost);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

/* Ours tells of a window that moved a little only later; what arrives before that is taken all the same. */
static void room_that_the_capture_had_is_made(void **state)
{
    char text[1461];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    handshake();
    for (int i = 0; i < 41; i++)
        client(10, TCP_ACK, 1 + (uint32_t)i * 1460, 1, text); /* 59860 of 60000 */
    server(11, TCP_ACK, 1, 1 + 59860, "");
    server(12, TCP_ACK, 1, 1 + 59860, "");
    for (int i = 41; i < 82; i++)
        client(20, TCP_ACK, 1 + (uint32_t)i * 1460, 1, text);
    server(21, TCP_ACK, 1, 1 + 82 * 1460, "");
    assert_int_equal(replayed()->verdicts[REPLAY_DIFFERENT], 0);
}

/* Nobody is told of the stack that is cleared away afterwards. */
static void see(void *context, const struct event *e)
{
    unsigned *resets = context;
    *resets += e->kind == EVENT_SEGMENT_OUT && e->u.segment.header->flags & TCP_RST;
}

static void an_open_connection_is_not_seen_to_end(void **state)
{
    unsigned resets = 0;
    (void)state;
    handshake();
    observe = see;
    observer = &resets;
    replayed();
    observe = NULL;
    assert_int_equal(resets, 0);
}

/* Captured on the client: the server's host hears everything later, and speaks earlier, than the capture
 * says. */
static void a_capture_from_afar_is_put_in_order(void **state)
{
    (void)state;
    client(0, TCP_SYN, 0, 0, "");
    server(40, TCP_SYN | TCP_ACK, 0, 1, "");
    client(40, TCP_ACK, 1, 1, "");
    client(41, TCP_ACK | TCP_PSH, 1, 1, "question");
    server(81, TCP_ACK | TCP_PSH, 1, 9, "answer");
    client(81, TCP_ACK, 9, 7, "");
    const struct replay_flow *f = replayed();
    assert_int_equal(f->distance, MSEC(20));
    assert_true(f->far);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

/* Files that were merged, or written by several threads, hold frames in any order: each has its own time. */
static void frames_count_from_the_earliest(void **state)
{
    (void)state;
    client(60000, TCP_ACK | TCP_PSH, 1, 1, "question");
    handshake();
    server(60001, TCP_ACK | TCP_PSH, 1, 9, "answer");
    client(60002, TCP_ACK, 9, 7, "");
    const struct replay_flow *f = replayed();
    assert_int_equal(f->step[0].time, 0);
    assert_int_equal(f->step[0].frame->number, 2);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

static void an_unanswered_syn_is_left_out(void **state)
{
    (void)state;
    client(0, TCP_SYN, 0, 0, "");
    const struct replay_flow *f = replayed();
    assert_true(f->step[0].ignored);
    assert_int_equal(f->sent_count, 0);
}

static void the_middle_of_a_connection_is_not_replayed(void **state)
{
    (void)state;
    client(2, TCP_ACK | TCP_PSH, 1, 1, "question");
    server(3, TCP_ACK | TCP_PSH, 1, 9, "answer");
    assert_string_equal(replayed()->skipped, "the capture does not hold its beginning");
}

static void missing_bytes_are_zeros(void **state)
{
    (void)state;
    handshake();
    server(3, TCP_ACK, 1, 1, "one");
    server(4, TCP_ACK | TCP_PSH, 104, 1, "two");
    client(5, TCP_ACK, 1, 107, "");
    const struct replay_flow *f = replayed();
    assert_int_equal(f->life[0].missing, 100);
    assert_int_equal(f->life[0].length, 106);
    assert_int_equal(f->life[0].stream[50], 0);
    assert_int_equal(f->verdicts[REPLAY_DIFFERENT], 0);
}

static void a_hole_as_large_as_the_sequence_space_is_refused(void **state)
{
    (void)state;
    handshake();
    server(4, TCP_ACK, 0x70000000, 1, "two");
    assert_string_equal(replayed()->skipped, "the capture misses too much of what that side sent");
}

/* A kernel leaves the checksum to the card: the pseudo-header's sum stands in its place. */
static void offloaded_checksums_are_put_in(void **state)
{
    (void)state;
    uint8_t bytes[IP_HEADER_MIN + TCP_HEADER_MAX];
    size_t len = IP_HEADER_MIN + TCP_HEADER_MIN;
    struct tcp_header h = {.source = 1, .destination = 2, .flags = TCP_ACK};
    struct ip_packet p;
    struct checksum c = {0};
    struct ip_fields ip = {.src = CLIENT, .dst = SERVER, .protocol = IP_TCP, .ttl = 64};
    tcp_write(&h, bytes + IP_HEADER_MIN);
    ip_fill(bytes, &ip, TCP_HEADER_MIN);
    checksum_add_pseudo(&c, CLIENT, SERVER, IP_TCP, TCP_HEADER_MIN);
    poke16(bytes + IP_HEADER_MIN + 16, (uint16_t)~checksum_finish(&c));
    assert_int_equal(ip_parse(bytes, len, &p), DROP_NONE);
    assert_int_equal(tcp_parse(&p, &h), DROP_TCP_CHECKSUM);
    replay_complete(bytes, len, false);
    assert_int_equal(tcp_parse(&p, &h), DROP_NONE);
    bytes[IP_HEADER_MIN + 16] ^= 1; /* really wrong: left so */
    replay_complete(bytes, len, false);
    assert_int_equal(tcp_parse(&p, &h), DROP_TCP_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_conversation_is_done_again, begin, end),
        cmocka_unit_test_setup_teardown(options_come_from_the_capture, begin, end),
        cmocka_unit_test_setup_teardown(other_packetization_is_equivalent, begin, end),
        cmocka_unit_test_setup_teardown(an_ack_that_waited_is_equivalent, begin, end),
        cmocka_unit_test_setup_teardown(what_ours_would_not_send_is_different, begin, end),
        cmocka_unit_test_setup_teardown(a_rst_without_reason_is_an_abort, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_port_is_refused_again, begin, end),
        cmocka_unit_test_setup_teardown(text_that_came_again_unacknowledged_was_lost, begin, end),
        cmocka_unit_test_setup_teardown(text_that_came_again_acknowledged_was_not_lost, begin, end),
        cmocka_unit_test_setup_teardown(an_ack_that_was_lost_is_not_fed, begin, end),
        cmocka_unit_test_setup_teardown(a_syn_ack_before_another_syn_was_lost, begin, end),
        cmocka_unit_test_setup_teardown(room_that_the_capture_had_is_made, begin, end),
        cmocka_unit_test_setup_teardown(an_open_connection_is_not_seen_to_end, begin, end),
        cmocka_unit_test_setup_teardown(a_capture_from_afar_is_put_in_order, begin, end),
        cmocka_unit_test_setup_teardown(frames_count_from_the_earliest, begin, end),
        cmocka_unit_test_setup_teardown(an_unanswered_syn_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(the_middle_of_a_connection_is_not_replayed, begin, end),
        cmocka_unit_test_setup_teardown(missing_bytes_are_zeros, begin, end),
        cmocka_unit_test_setup_teardown(a_hole_as_large_as_the_sequence_space_is_refused, begin, end),
        cmocka_unit_test(offloaded_checksums_are_put_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
