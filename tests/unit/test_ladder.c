/* The ladder diagram: a made-up connection gives exactly one picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../apps/ladder.h"
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"

#define ROOM 256
#define ISS  5000u
#define IRS  UINT32_C(0xfffffff0) /* the peer's numbers wrap on the way */

static const struct endpoint us = {IP_ADDR(10, 7, 0, 2), 80}, them = {IP_ADDR(10, 7, 0, 1), 40112};

struct fixture {
    struct record_log *log;
    usec now;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->log = calloc(1, record_log_size(ROOM));
    assert_non_null(f->log);
    record_log_init(f->log, ROOM);
    f->now = SEC(7);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->log);
    free(f);
    return 0;
}

static struct event event_of(struct fixture *f, enum event_kind kind)
{
    return (struct event){
        .time = f->now, .kind = kind, .connection = 3, .protocol = IP_TCP, .local = us, .remote = them};
}

static void segment(struct fixture *f, enum event_kind kind, uint8_t flags, int64_t seq, uint32_t len,
                    int64_t ack)
{
    bool in = kind == EVENT_SEGMENT_IN;
    struct tcp_header h = {
        .flags = flags, .seq = seq_wrap(seq, in ? IRS : ISS), .ack = seq_wrap(ack, in ? ISS : IRS)};
    struct event e = event_of(f, kind);
    f->now += 250;
    e.time = f->now;
    e.u.segment.header = &h;
    e.u.segment.seq = seq;
    e.u.segment.ack = ack;
    e.u.segment.len = len;
    e.u.segment.window = 64240;
    record_log_observe(f->log, &e);
}

static void in(struct fixture *f, uint8_t flags, int64_t seq, uint32_t len, int64_t ack)
{
    segment(f, EVENT_SEGMENT_IN, flags, seq, len, ack);
}

static void out(struct fixture *f, uint8_t flags, int64_t seq, uint32_t len, int64_t ack)
{
    segment(f, EVENT_SEGMENT_OUT, flags, seq, len, ack);
}

/* When the connection is already a TIME-WAIT record: only the wire's numbers are known. */
static void without_connection(struct fixture *f, enum event_kind kind, uint8_t flags, int64_t seq,
                               int64_t ack)
{
    bool arrives = kind == EVENT_SEGMENT_IN;
    struct tcp_header h = {
        .flags = flags, .seq = seq_wrap(seq, arrives ? IRS : ISS), .ack = seq_wrap(ack, arrives ? ISS : IRS)};
    struct event e = event_of(f, kind);
    f->now += 250;
    e.time = f->now;
    e.connection = 0;
    e.u.segment.header = &h;
    e.u.segment.seq = h.seq.n;
    e.u.segment.ack = h.ack.n;
    e.u.segment.window = 64240;
    record_log_observe(f->log, &e);
}

static void state_change(struct fixture *f, enum tcp_state from, enum tcp_state to)
{
    struct event e = event_of(f, EVENT_STATE);
    e.u.change.from = from;
    e.u.change.to = to;
    record_log_observe(f->log, &e);
}

static void call(struct fixture *f)
{
    struct event e = event_of(f, EVENT_CALL);
    e.u.call.name = "sock_send";
    e.u.call.result = 100;
    record_log_observe(f->log, &e);
}

static void timer_fired(struct fixture *f, enum tcp_timer which)
{
    struct event e = event_of(f, EVENT_TIMER_FIRED);
    f->now += 200000;
    e.time = f->now;
    e.u.timer.which = which;
    record_log_observe(f->log, &e);
}

static char *picture(const struct fixture *f, struct ladder_style style)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    assert_true(ladder_print(to, f->log, 3, &style));
    fclose(to);
    return text;
}

static void assert_picture(const struct fixture *f, struct ladder_style style, const char *expected)
{
    char *text = picture(f, style);
    assert_string_equal(text, expected);
    free(text);
}

static void handshake(struct fixture *f)
{
    state_change(f, TCP_CLOSED, TCP_LISTEN);
    in(f, TCP_SYN, 0, 0, 0);
    state_change(f, TCP_LISTEN, TCP_SYN_RECEIVED);
    out(f, TCP_SYN | TCP_ACK, 0, 0, 1);
    in(f, TCP_ACK, 1, 0, 1);
    state_change(f, TCP_SYN_RECEIVED, TCP_ESTABLISHED);
}

static void a_connection_that_the_peer_closes_first(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    in(f, TCP_PSH | TCP_ACK, 1, 75, 1);
    call(f);
    out(f, TCP_PSH | TCP_ACK, 1, 512, 76);
    in(f, TCP_FIN | TCP_ACK, 76, 0, 513);
    state_change(f, TCP_ESTABLISHED, TCP_CLOSE_WAIT);
    call(f);
    out(f, TCP_FIN | TCP_ACK, 513, 0, 77);
    state_change(f, TCP_CLOSE_WAIT, TCP_LAST_ACK);
    in(f, TCP_ACK, 77, 0, 514);
    state_change(f, TCP_LAST_ACK, TCP_CLOSED);
    static const char expected[] =
        "          10.7.0.1:40112                                             10.7.0.2:80\n"
        "       ms the peer, inferred                                          this stack\n"
        "                         |                                      | LISTEN\n"
        "    0.000 (SYN-SENT)     |--- SYN ----------------------------->| SYN-RECEIVED\n"
        "                         |    seq 0                 win 64240   |\n"
        "    0.250 (ESTABLISHED)  |<-- SYN,ACK --------------------------|\n"
        "                         |    seq 0      ack 1      win 64240   |\n"
        "    0.500                |--- ACK ----------------------------->| ESTABLISHED\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    0.750                |--- PSH,ACK  len 75 ----------------->|\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    1.000                |<-- PSH,ACK  len 512 -----------------|\n"
        "                         |    seq 1      ack 76     win 64240   |\n"
        "    1.250 (FIN-WAIT-1)   |--- FIN,ACK ------------------------->| CLOSE-WAIT\n"
        "                         |    seq 76     ack 513    win 64240   |\n"
        "    1.500 (TIME-WAIT)    |<-- FIN,ACK --------------------------| LAST-ACK\n"
        "                         |    seq 513    ack 77     win 64240   |\n"
        "    1.750                |--- ACK ----------------------------->| CLOSED\n"
        "                         |    seq 77     ack 514    win 64240   |\n";
    assert_picture(f, (struct ladder_style){.width = 80}, expected);
}

static void we_close_first_and_the_last_ack_leaves_without_a_connection(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    call(f);
    state_change(f, TCP_ESTABLISHED, TCP_FIN_WAIT_1);
    out(f, TCP_PSH | TCP_ACK, 1, 512, 1);
    out(f, TCP_FIN | TCP_ACK, 513, 0, 1);
    timer_fired(f, TCP_TIMER_RETRANSMIT);
    in(f, TCP_FIN | TCP_ACK, 1, 0, 514);
    state_change(f, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2);
    state_change(f, TCP_FIN_WAIT_2, TCP_TIME_WAIT);
    without_connection(f, EVENT_SEGMENT_OUT, TCP_ACK, 514, 2);
    without_connection(f, EVENT_SEGMENT_IN, TCP_FIN | TCP_ACK, 1, 514);
    without_connection(f, EVENT_SEGMENT_OUT, TCP_ACK, 514, 2);
    timer_fired(f, TCP_TIMER_TIME_WAIT);
    state_change(f, TCP_TIME_WAIT, TCP_CLOSED);
    static const char expected[] =
        "          10.7.0.1:40112                                             10.7.0.2:80\n"
        "       ms the peer, inferred                                          this stack\n"
        "                         |                                      | LISTEN\n"
        "    0.000 (SYN-SENT)     |--- SYN ----------------------------->| SYN-RECEIVED\n"
        "                         |    seq 0                 win 64240   |\n"
        "    0.250 (ESTABLISHED)  |<-- SYN,ACK --------------------------|\n"
        "                         |    seq 0      ack 1      win 64240   |\n"
        "    0.500                |--- ACK ----------------------------->| ESTABLISHED\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    0.750                |<-- PSH,ACK  len 512 -----------------|\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    1.000 (CLOSE-WAIT)   |<-- FIN,ACK --------------------------| FIN-WAIT-1\n"
        "                         |    seq 513    ack 1      win 64240   |\n"
        "  201.000                |        the retransmit timer went off |\n"
        "  201.250 (LAST-ACK)     |--- FIN,ACK ------------------------->| FIN-WAIT-2\n"
        "                         |    seq 1      ack 514    win 64240   | TIME-WAIT\n"
        "  201.500 (CLOSED)       |<-- ACK ------------------------------|\n"
        "                         |    seq 514    ack 2      win 64240   |\n"
        "  201.750 (LAST-ACK)     |--- FIN,ACK  again ------------------>|\n"
        "                         |    seq 1      ack 514    win 64240   |\n"
        "  202.000 (CLOSED)       |<-- ACK ------------------------------|\n"
        "                         |    seq 514    ack 2      win 64240   |\n"
        "  402.000                |         the time-wait timer went off | CLOSED\n";
    assert_picture(f, (struct ladder_style){.width = 80}, expected);
}

static void a_long_run_of_data_is_folded(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    for (int i = 0; i < 30; i++) {
        out(f, TCP_ACK, 1 + i * 1460, 1460, 1);
        if (i % 2)
            in(f, TCP_ACK, 1, 0, 1 + (i + 1) * 1460);
    }
    static const char expected[] =
        "          10.7.0.1:40112                                             10.7.0.2:80\n"
        "       ms the peer, inferred                                          this stack\n"
        "                         |                                      | LISTEN\n"
        "    0.000 (SYN-SENT)     |--- SYN ----------------------------->| SYN-RECEIVED\n"
        "                         |    seq 0                 win 64240   |\n"
        "    0.250 (ESTABLISHED)  |<-- SYN,ACK --------------------------|\n"
        "                         |    seq 0      ack 1      win 64240   |\n"
        "    0.500                |--- ACK ----------------------------->| ESTABLISHED\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    0.750                |<-- ACK  len 1460 --------------------|\n"
        "                         |    seq 1      ack 1      win 64240   |\n"
        "    1.000                |<-- ACK  len 1460 --------------------|\n"
        "                         |    seq 1461   ack 1      win 64240   |\n"
        "    1.250                |--- ACK ----------------------------->|\n"
        "                         |    seq 1      ack 2921   win 64240   |\n"
        "    1.500                |<-- ACK  len 1460 --------------------|\n"
        "                         |    seq 2921   ack 1      win 64240   |\n"
        "                         |<-- ... 26 data segments, 37960 bytes |\n"
        "                         |--> ... 13 ACKs                       |\n"
        "   11.500                |<-- ACK  len 1460 --------------------|\n"
        "                         |    seq 42341  ack 1      win 64240   |\n"
        "   11.750                |--- ACK ----------------------------->|\n"
        "                         |    seq 1      ack 43801  win 64240   |\n";
    assert_picture(f, (struct ladder_style){.width = 80, .fold = LADDER_FOLD}, expected);
}

static void a_refused_open_shows_closed_on_both_sides(void **state)
{
    static const char expected[] =
        "          10.7.0.1:40112                                             10.7.0.2:80\n"
        "       ms the peer, inferred                                          this stack\n"
        "                         |                                      | CLOSED\n"
        "    0.000                |<-- SYN ------------------------------| SYN-SENT\n"
        "                         |    seq 0                 win 64240   |\n"
        "    0.250 (CLOSED)       |--- RST,ACK ------------------------->| CLOSED\n"
        "                         |    seq 0      ack 1      win 64240   |\n";
    struct fixture *f = *state;
    state_change(f, TCP_CLOSED, TCP_SYN_SENT);
    call(f);
    out(f, TCP_SYN, 0, 0, 0);
    in(f, TCP_RST | TCP_ACK, 0, 0, 1);
    state_change(f, TCP_SYN_SENT, TCP_CLOSED);
    assert_picture(f, (struct ladder_style){.width = 80}, expected);
}

/* The picture without what colours it. */
static void strip_escapes(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at == '\033')
            at = strchr(at, 'm');
        else
            *to++ = *at;
    }
    *to = '\0';
}

static void colour_changes_no_character_of_the_text(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    timer_fired(f, TCP_TIMER_PERSIST);
    out(f, TCP_RST, 1, 0, 0);
    char *plain = picture(f, (struct ladder_style){.width = 80});
    char *coloured = picture(f, (struct ladder_style){.width = 80, .colour = true});
    assert_non_null(strstr(coloured, "\033["));
    strip_escapes(coloured);
    assert_string_equal(coloured, plain);
    free(plain);
    free(coloured);
}

static void a_full_log_counts_what_it_lost(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < ROOM + 5; i++)
        out(f, TCP_ACK, 1, 10, 1);
    assert_int_equal(atomic_load(&f->log->count), ROOM);
    assert_int_equal(atomic_load(&f->log->lost), 5);
}

static void a_connection_is_found_by_its_port(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ladder_find(f->log, 80), 0);
    handshake(f);
    assert_int_equal(ladder_find(f->log, 80), 3);
    assert_int_equal(ladder_find(f->log, 81), 0);
}

static void an_unknown_connection_has_no_picture(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    assert_false(ladder_print(stdout, f->log, 4, &(struct ladder_style){.width = 80}));
}

/* --- the peer's state --- */

static void both_sides_close_at_once(void **state)
{
    (void)state;
    struct ladder_peer p;
    ladder_peer_init(&p);
    ladder_peer_sent(&p, TCP_SYN, 0, 0, 0);
    ladder_peer_got(&p, TCP_SYN | TCP_ACK, 0, 0, 1);
    ladder_peer_sent(&p, TCP_ACK, 1, 0, 1);
    assert_int_equal(p.state, TCP_ESTABLISHED);
    ladder_peer_got(&p, TCP_FIN | TCP_ACK, 1, 0, 1);
    ladder_peer_sent(&p, TCP_FIN | TCP_ACK, 1, 0, 1); /* has not seen ours */
    assert_int_equal(p.state, TCP_FIN_WAIT_1);
    ladder_peer_sent(&p, TCP_ACK, 2, 0, 2);
    assert_int_equal(p.state, TCP_CLOSING);
    ladder_peer_got(&p, TCP_ACK, 2, 0, 2);
    assert_int_equal(p.state, TCP_TIME_WAIT);
}

static void both_sides_open_at_once(void **state)
{
    (void)state;
    struct ladder_peer p;
    ladder_peer_init(&p);
    ladder_peer_got(&p, TCP_SYN, 0, 0, 0);
    assert_false(p.known);
    ladder_peer_sent(&p, TCP_SYN, 0, 0, 0);
    assert_int_equal(p.state, TCP_SYN_SENT);
    ladder_peer_sent(&p, TCP_SYN | TCP_ACK, 0, 0, 1);
    assert_int_equal(p.state, TCP_SYN_RECEIVED);
    ladder_peer_got(&p, TCP_SYN | TCP_ACK, 0, 0, 1);
    assert_int_equal(p.state, TCP_ESTABLISHED);
}

static void the_peer_half_closes_and_waits_for_us(void **state)
{
    (void)state;
    struct ladder_peer p;
    ladder_peer_init(&p);
    ladder_peer_sent(&p, TCP_SYN | TCP_ACK, 0, 0, 1);
    ladder_peer_got(&p, TCP_ACK, 1, 0, 1);
    ladder_peer_sent(&p, TCP_FIN | TCP_ACK, 1, 20, 1);
    assert_int_equal(p.state, TCP_FIN_WAIT_1);
    ladder_peer_got(&p, TCP_ACK, 1, 100, 22);
    assert_int_equal(p.state, TCP_FIN_WAIT_2);
    ladder_peer_got(&p, TCP_FIN | TCP_ACK, 101, 0, 22);
    assert_int_equal(p.state, TCP_TIME_WAIT);
    ladder_peer_got(&p, TCP_FIN | TCP_ACK, 101, 0, 22); /* sent again: nothing happens twice */
    assert_int_equal(p.state, TCP_TIME_WAIT);
}

static void a_reset_from_either_side_closes(void **state)
{
    (void)state;
    struct ladder_peer p;
    ladder_peer_init(&p);
    ladder_peer_sent(&p, TCP_SYN, 0, 0, 0);
    ladder_peer_got(&p, TCP_RST | TCP_ACK, 0, 0, 1);
    assert_int_equal(p.state, TCP_CLOSED);
    ladder_peer_init(&p);
    ladder_peer_got(&p, TCP_SYN, 0, 0, 0);
    ladder_peer_sent(&p, TCP_RST | TCP_ACK, 0, 0, 1);
    assert_true(p.known);
    assert_int_equal(p.state, TCP_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_that_the_peer_closes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(we_close_first_and_the_last_ack_leaves_without_a_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_long_run_of_data_is_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_open_shows_closed_on_both_sides, setup, teardown),
        cmocka_unit_test_setup_teardown(colour_changes_no_character_of_the_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_log_counts_what_it_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_is_found_by_its_port, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_connection_has_no_picture, setup, teardown),
        cmocka_unit_test(both_sides_close_at_once),
        cmocka_unit_test(both_sides_open_at_once),
        cmocka_unit_test(the_peer_half_closes_and_waits_for_us),
        cmocka_unit_test(a_reset_from_either_side_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
