/* The ladder of two stacks: each segment is told of twice, and drawn once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include "../../apps/ladder.h"
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"

#define ROOM  256
#define LEFT  0u
#define RIGHT 1u

static const struct endpoint end[2] = {{IP_ADDR(10, 0, 0, 1), 50001}, {IP_ADDR(10, 0, 0, 2), 80}};
static const uint32_t iss[2] = {100, UINT32_C(0xfffffffe)};

struct fixture {
    struct record_log *log;
    usec now;
    uint16_t port; /* of the left end */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->log = calloc(1, record_log_size(ROOM));
    assert_non_null(f->log);
    record_log_init(f->log, ROOM);
    f->now = SEC(3);
    f->port = end[LEFT].port;
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

static struct event event_of(const struct fixture *f, unsigned side, enum event_kind kind)
{
    struct event e = {.time = f->now, .kind = kind, .connection = 1, .protocol = IP_TCP};
    e.local = end[side];
    e.remote = end[!side];
    if (side == LEFT)
        e.local.port = f->port;
    else
        e.remote.port = f->port;
    return e;
}

struct numbers {
    uint8_t flags;
    int64_t seq, ack;
    uint32_t len;
    bool again;
};

static void segment(struct fixture *f, unsigned side, enum event_kind kind, struct numbers n)
{
    unsigned from = kind == EVENT_SEGMENT_OUT ? side : !side;
    struct tcp_header h = {.flags = n.flags,
                           .seq = seq_wrap(n.seq, iss[from]),
                           .ack = {n.flags & TCP_ACK ? seq_wrap(n.ack, iss[!from]).n : 0},
                           .window = 4096};
    struct event e = event_of(f, side, kind);
    e.u.segment.header = &h;
    e.u.segment.seq = n.seq;
    e.u.segment.ack = n.ack;
    e.u.segment.len = n.len;
    e.u.segment.window = 4096;
    e.u.segment.retransmitted = n.again;
    record_log_add(f->log, &e, side);
}

static void sends(struct fixture *f, unsigned side, struct numbers n)
{
    segment(f, side, EVENT_SEGMENT_OUT, n);
}

static void gets(struct fixture *f, unsigned side, struct numbers n)
{
    segment(f, side, EVENT_SEGMENT_IN, n);
}

/* There and at once received, 10 ms later. */
static void passes(struct fixture *f, unsigned from, struct numbers n)
{
    sends(f, from, n);
    f->now += MSEC(10);
    gets(f, !from, n);
}

static void becomes(struct fixture *f, unsigned side, enum tcp_state from, enum tcp_state to, enum rule rule)
{
    struct event e = event_of(f, side, EVENT_STATE);
    e.u.change.from = from;
    e.u.change.to = to;
    e.rule = rule;
    record_log_add(f->log, &e, side);
}

static void timer(struct fixture *f, unsigned side, enum tcp_timer which)
{
    struct event e = event_of(f, side, EVENT_TIMER_FIRED);
    e.u.timer.which = which;
    record_log_add(f->log, &e, side);
}

static void told(struct fixture *f, unsigned side, const char *name, int64_t result)
{
    struct event e = event_of(f, side, EVENT_CALL);
    e.u.call.name = name;
    e.u.call.result = result;
    record_log_add(f->log, &e, side);
}

/* --- pictures --- */

static char *whole(const struct fixture *f, const struct ladder_style *style, uint32_t connection)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    assert_true(ladder_print(to, f->log, connection, style));
    fclose(to);
    return text;
}

static char *picture(const struct fixture *f, struct ladder_style style)
{
    style.width = style.width ? style.width : 80;
    return whole(f, &style, 0);
}

static void assert_picture(const struct fixture *f, struct ladder_style style, const char *expected)
{
    char *text = picture(f, style);
    assert_string_equal(text, expected);
    free(text);
}

static const struct numbers syn = {TCP_SYN, 0, 0, 0, false}, syn_ack = {TCP_SYN | TCP_ACK, 0, 1, 0, false},
                            ack = {TCP_ACK, 1, 1, 0, false}, data = {TCP_PSH | TCP_ACK, 1, 1, 100, false};

static void handshake(struct fixture *f)
{
    becomes(f, LEFT, TCP_CLOSED, TCP_SYN_SENT, RULE_OPEN_ACTIVE);
    sends(f, LEFT, syn);
    f->now += MSEC(10);
    becomes(f, RIGHT, TCP_CLOSED, TCP_LISTEN, RULE_OPEN_PASSIVE);
    gets(f, RIGHT, syn);
    becomes(f, RIGHT, TCP_LISTEN, TCP_SYN_RECEIVED, RULE_LISTEN_SYN);
    passes(f, RIGHT, syn_ack);
    becomes(f, LEFT, TCP_SYN_SENT, TCP_ESTABLISHED, RULE_SYN_SENT_SYN_ACK);
    passes(f, LEFT, ack);
    becomes(f, RIGHT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, RULE_SYN_RECEIVED_ACK);
}

static void a_handshake_has_both_clocks_and_both_ends_states(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms client                                                server        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 0               win 4096  |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n";
    struct fixture *f = *state;
    handshake(f);
    assert_picture(f, (struct ladder_style){.name = {"client", "server"}}, expected);
}

/* clang-format off */
static void a_wider_terminal_gives_the_arrows_more_room(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                                       10.0.0.2:80\n"
        "       ms left                                                                       right        ms\n"
        "          CLOSED       |                                                    | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ------------------------------------------->| SYN-RECEIVED    10.000\n"
        "                       |    seq 0                     win 4096              |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK ----------------------------------------|                 10.000\n"
        "                       |    seq 0        ack 1        win 4096              |\n"
        "   20.000              |--- ACK ------------------------------------------->| ESTABLISHED     30.000\n"
        "                       |    seq 1        ack 1        win 4096              |\n";
    struct fixture *f = *state;
    handshake(f);
    assert_picture(f, (struct ladder_style){.width = 100}, expected);
}
/* clang-format on */

static void rules_stand_under_what_they_decided(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 0               win 4096  |\n"
        "          left: RFC 9293 3.10.1: An active OPEN sends a SYN and waits in\n"
        "                SYN-SENT.\n"
        "          right: RFC 9293 3.10.7.2: A SYN to a listener makes a connection in\n"
        "                 SYN-RECEIVED.\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "          left: RFC 9293 3.10.7.3: A SYN that also acknowledges ours opens the\n"
        "                connection.\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "          right: RFC 9293 3.10.7.4 fifth: The ACK of our SYN completes the\n"
        "                 handshake.\n"
        "                       |                sock_accept = 0 |                 30.000\n";
    struct fixture *f = *state;
    handshake(f);
    told(f, RIGHT, "sock_accept", 0);
    assert_picture(f, (struct ladder_style){.explain = true}, expected);
}

static void a_simultaneous_open_crosses(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | CLOSED\n"
        "    0.000 SYN-SENT     |--- SYN ------------------- ... |\n"
        "                       |  seq 0               win 4096  |\n"
        "                       | ... SYN -----------------------| SYN-SENT         1.000\n"
        "                       |  seq 0               win 4096  |\n"
        "                       | ... SYN  seq 0 --------------->| SYN-RECEIVED    10.000\n"
        "                       | ... SYN,ACK -------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   11.000 SYN-RECEIVED |<-- SYN  seq 0 ------------ ... |\n"
        "   11.000              |--- SYN,ACK --------------- ... |\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK  seq 0 -------- ... |\n"
        "                       | ... SYN,ACK  seq 0 ----------->| ESTABLISHED     21.000\n";
    struct fixture *f = *state;
    becomes(f, LEFT, TCP_CLOSED, TCP_SYN_SENT, RULE_OPEN_ACTIVE);
    becomes(f, RIGHT, TCP_CLOSED, TCP_SYN_SENT, RULE_OPEN_ACTIVE);
    sends(f, LEFT, syn);
    f->now += MSEC(1);
    sends(f, RIGHT, syn);
    f->now += MSEC(9);
    gets(f, RIGHT, syn);
    becomes(f, RIGHT, TCP_SYN_SENT, TCP_SYN_RECEIVED, RULE_SYN_SENT_SYN);
    sends(f, RIGHT, syn_ack);
    f->now += MSEC(1);
    gets(f, LEFT, syn);
    becomes(f, LEFT, TCP_SYN_SENT, TCP_SYN_RECEIVED, RULE_SYN_SENT_SYN);
    sends(f, LEFT, syn_ack);
    f->now += MSEC(9);
    gets(f, LEFT, syn_ack);
    becomes(f, LEFT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, RULE_SYN_RECEIVED_ACK);
    f->now += MSEC(1);
    gets(f, RIGHT, syn_ack);
    becomes(f, RIGHT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, RULE_SYN_RECEIVED_ACK);
    assert_picture(f, (struct ladder_style){0}, expected);
}

static void what_never_arrives_is_lost_and_then_sent_again(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 0               win 4096  |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "   30.000              |--- PSH,ACK  len 100 --X        |\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "  230.000              |  the retransmit timer went off |\n"
        "  230.000              |--- PSH,ACK  len 100  again --->|                240.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "                       |        X-- ACK ----------------|                240.000\n"
        "                       |  seq 1     ack 101   win 4096  |\n";
    struct fixture *f = *state;
    handshake(f);
    sends(f, LEFT, data);
    f->now += MSEC(200);
    timer(f, LEFT, TCP_TIMER_RETRANSMIT);
    passes(f, LEFT, (struct numbers){TCP_PSH | TCP_ACK, 1, 1, 100, true});
    sends(f, RIGHT, (struct numbers){TCP_ACK, 1, 101, 0, false});
    assert_picture(f, (struct ladder_style){0}, expected);
}

static void a_wire_that_says_so_loses_the_first_of_two_that_are_alike(void **state)
{
    struct fixture *f = *state;
    sends(f, RIGHT, ack);
    struct event lost = ladder_lost(f->now, NULL, 0);
    record_log_add(f->log, &lost, RIGHT);
    f->now += MSEC(1);
    passes(f, RIGHT, ack);
    char *text = picture(f, (struct ladder_style){0});
    char *first = strchr(strchr(text, '\n') + 1, '\n');
    assert_non_null(strstr(first, "X-- ACK"));
    assert_true(strstr(first, "X-- ACK") < strstr(first, "<-- ACK"));
    free(text);
}

static void a_reset_that_nobody_sent_has_no_beginning(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 0               win 4096  |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "                       | ??? RST ---------------------->| CLOSED          30.000\n"
        "                       |  seq 1               win 4096  |\n"
        "                       |          sock_recv: ECONNRESET |                 30.000\n";
    struct fixture *f = *state;
    handshake(f);
    gets(f, RIGHT, (struct numbers){TCP_RST, 1, 0, 0, false});
    becomes(f, RIGHT, TCP_ESTABLISHED, TCP_CLOSED, RULE_RST_EXACT);
    told(f, RIGHT, "sock_recv", -ECONNRESET);
    assert_picture(f, (struct ladder_style){0}, expected);
}

static void what_the_wire_doubles_arrives_twice(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    passes(f, LEFT, data);
    f->now += MSEC(1);
    gets(f, RIGHT, data);
    char *text = picture(f, (struct ladder_style){0});
    assert_non_null(strstr(text, "| ... PSH,ACK  seq 1  a copy --->|"));
    free(text);
}

static void a_drop_is_told_under_its_segment(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 0               win 4096  |\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 0     ack 1     win 4096  |\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 1     ack 1     win 4096  |\n"
        "   30.000              |--- RST ----------------------->|                 40.000\n"
        "                       |  seq 50              win 4096  |\n"
        "                       | dropped: RST in the window but |\n"
        "                       |                 not at RCV.NXT |\n";
    struct fixture *f = *state;
    uint8_t packet[IP_HEADER_MIN + TCP_HEADER_MAX] = {0x45, 0, 0,  40, 0, 0, 0,  0, 64, IP_TCP,
                                                      0,    0, 10, 0,  0, 1, 10, 0, 0,  2};
    struct tcp_header h = {
        .source = 50001, .destination = 80, .seq = {150}, .flags = TCP_RST, .window = 4096};
    handshake(f);
    passes(f, LEFT, (struct numbers){TCP_RST, 50, 0, 0, false});
    tcp_write(&h, packet + IP_HEADER_MIN);
    struct event e = {.time = f->now, .kind = EVENT_DROP, .rule = RULE_RST_INEXACT};
    e.u.drop.why = DROP_TCP_RST_INEXACT;
    e.u.drop.packet = packet;
    e.u.drop.len = IP_HEADER_MIN + TCP_HEADER_MIN;
    record_log_add(f->log, &e, RIGHT);
    assert_picture(f, (struct ladder_style){0}, expected);
}

static void several_connections_are_tagged_in_one_ladder(void **state)
{
    static const char expected[] =
        "          10.0.0.1                                            10.0.0.2\n"
        "       ms left                                                   right        ms\n"
        "          #1: 10.0.0.1:50001 with 10.0.0.2:80\n"
        "          #2: 10.0.0.1:50002 with 10.0.0.2:80\n"
        "    0.000                  |--- #1 SYN ------------>| #1 SYN-RECEIVED     10.000\n"
        "                           |  seq 0 win 4096        |\n"
        "   10.000                  |--- #2 SYN ------------>| #2 SYN-RECEIVED     20.000\n"
        "                           |  seq 0 win 4096        |\n";
    struct fixture *f = *state;
    passes(f, LEFT, syn);
    becomes(f, RIGHT, TCP_LISTEN, TCP_SYN_RECEIVED, RULE_LISTEN_SYN);
    f->port = 50002;
    passes(f, LEFT, syn);
    becomes(f, RIGHT, TCP_LISTEN, TCP_SYN_RECEIVED, RULE_LISTEN_SYN);
    assert_picture(f, (struct ladder_style){0}, expected);
}

static void one_of_several_is_drawn_alone(void **state)
{
    struct fixture *f = *state;
    passes(f, LEFT, syn);
    f->port = 50002;
    passes(f, LEFT, data);
    struct ladder_style style = {.width = 80};
    char *text = whole(f, &style, 2);
    assert_non_null(strstr(text, "10.0.0.1:50002"));
    assert_non_null(strstr(text, "--- PSH,ACK  len 100 --"));
    assert_null(strstr(text, "SYN"));
    assert_null(strstr(text, "#2"));
    free(text);
    assert_false(ladder_print(stdout, f->log, 3, &style));
}

static void remarks_and_numbers_as_on_the_wire(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "          CLOSED       |                                | LISTEN\n"
        "          * The numbers are those of the textbook, and this sentence is longer\n"
        "            than one line has room for.\n"
        "    0.000 SYN-SENT     |--- SYN ----------------------->| SYN-RECEIVED    10.000\n"
        "                       |  seq 100             win 4096  |\n"
        "          * Half of it is done.\n"
        "   20.000 ESTABLISHED  |<-- SYN,ACK --------------------|                 10.000\n"
        "                       |  seq 4294967294 ack 101        |\n"
        "                       |  win 4096                      |\n"
        "   20.000              |--- ACK ----------------------->| ESTABLISHED     30.000\n"
        "                       |  seq 101 ack 4294967295        |\n"
        "                       |  win 4096                      |\n";
    static const struct ladder_remark remark[] = {
        {0, 0,
         "The numbers are those of the textbook, and this sentence is longer than one line has room for."},
        {5, 0, "Half of it is done."},
    };
    struct fixture *f = *state;
    handshake(f);
    assert_picture(f, (struct ladder_style){.absolute = true, .remark = remark, .remarks = 2}, expected);
}

static void with_unicode(void **state)
{
    static const char expected[] =
        "          10.0.0.1:50001                                   10.0.0.2:80\n"
        "       ms left                                                   right        ms\n"
        "    0.000              │─── SYN ───────────────────────►│                 10.000\n"
        "                       │  seq 0               win 4096  │\n"
        "   20.000              │◄── SYN,ACK ────────────────────│                 10.000\n"
        "                       │  seq 0     ack 1     win 4096  │\n"
        "   20.000              │─── ACK ───────────────X        │\n"
        "                       │  seq 1     ack 1     win 4096  │\n";
    struct fixture *f = *state;
    passes(f, LEFT, syn);
    passes(f, RIGHT, syn_ack);
    sends(f, LEFT, ack);
    assert_picture(f, (struct ladder_style){.unicode = true}, expected);
}

/* --- as it happens --- */

static char *streamed(const struct fixture *f, struct ladder_style style)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct ladder_stream *s = ladder_stream_open(to, true, &style);
    assert_non_null(s);
    for (unsigned i = 0; i < f->log->count; i++)
        ladder_stream_add(s, &f->log->record[i]);
    ladder_stream_close(s);
    fclose(to);
    return text;
}

static void a_stream_draws_the_same_when_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    handshake(f);
    passes(f, LEFT, data);
    for (unsigned i = 0; i < 40; i++)
        passes(f, i % 2, (struct numbers){TCP_ACK, 101 + 10 * i, 1, 10, false});
    struct ladder_style style = {.width = 90, .fold = LADDER_FOLD};
    char *text = whole(f, &style, 0), *grown = streamed(f, style);
    /* The stream cannot know the states that its first lines begin with. */
    const char *rest = strstr(text, "SYN-SENT"), *grown_rest = strstr(grown, "SYN-SENT");
    assert_non_null(strstr(grown, "LISTEN"));
    assert_string_equal(strstr(rest, "SYN,ACK"), strstr(grown_rest, "SYN,ACK"));
    free(text);
    free(grown);
}

static void a_stream_shows_a_departure_when_something_else_comes_first(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct ladder_stream *s = ladder_stream_open(to, true, &(struct ladder_style){.width = 80});
    sends(f, LEFT, data);
    ladder_stream_add(s, &f->log->record[0]);
    fflush(to);
    assert_null(strstr(text, "PSH"));
    ladder_stream_flush(s);
    assert_non_null(strstr(text, "|--- PSH,ACK  len 100 ------ ... |"));
    gets(f, RIGHT, data);
    ladder_stream_add(s, &f->log->record[1]);
    ladder_stream_close(s);
    fflush(to);
    assert_non_null(strstr(text, "| ... PSH,ACK  seq 1  len 100 -->|"));
    fclose(to);
    free(text);
}

static void a_stream_that_is_told_of_a_loss_crosses_it_out(void **state)
{
    struct fixture *f = *state;
    sends(f, LEFT, data);
    struct event lost = ladder_lost(f->now, NULL, 0);
    record_log_add(f->log, &lost, LEFT);
    char *text = streamed(f, (struct ladder_style){.width = 80});
    assert_non_null(strstr(text, "|--- PSH,ACK  len 100 --X        |"));
    free(text);
}

static void a_stream_forgets_old_connections_and_goes_on(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct ladder_stream *s = ladder_stream_open(to, true, &(struct ladder_style){.width = 80});
    for (f->port = 1; f->port <= 3000; f->port++) {
        atomic_store(&f->log->count, 0);
        passes(f, LEFT, syn);
        ladder_stream_add(s, &f->log->record[0]);
        ladder_stream_add(s, &f->log->record[1]);
    }
    ladder_stream_close(s);
    fclose(to);
    assert_non_null(strstr(text, "#3000: 10.0.0.1:3000 with 10.0.0.2:80\n"));
    assert_non_null(strstr(text, "|--- #3000 SYN ---"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handshake_has_both_clocks_and_both_ends_states, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wider_terminal_gives_the_arrows_more_room, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_stand_under_what_they_decided, setup, teardown),
        cmocka_unit_test_setup_teardown(a_simultaneous_open_crosses, setup, teardown),
        cmocka_unit_test_setup_teardown(what_never_arrives_is_lost_and_then_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wire_that_says_so_loses_the_first_of_two_that_are_alike, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reset_that_nobody_sent_has_no_beginning, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_wire_doubles_arrives_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(a_drop_is_told_under_its_segment, setup, teardown),
        cmocka_unit_test_setup_teardown(several_connections_are_tagged_in_one_ladder, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_several_is_drawn_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(remarks_and_numbers_as_on_the_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(with_unicode, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_draws_the_same_when_nothing_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_shows_a_departure_when_something_else_comes_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stream_that_is_told_of_a_loss_crosses_it_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_forgets_old_connections_and_goes_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
