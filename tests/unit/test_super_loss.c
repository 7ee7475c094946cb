/* Losses among super-segments: what a device cuts is still counted, timed and repaired a segment at a time.
 * Each test plays once with a device that cuts and once with one that does not. */
#include "attack.h"

#define MSS    1460u
#define FLIGHT 20    /* segments */
#define FROM   5000  /* the port of the peer */
#define CUTS   65535 /* bytes of a frame that the device takes */

static uint32_t device_segments, initial_window, awake_max;
static bool tail_probes;

static void tune(struct stack_config *c)
{
    c->device_segments = device_segments;
    c->tcp_initial_window = initial_window;
    c->tcp_awake_max = awake_max;
    c->tcp_delayed_ack = 0;
    c->tcp_tlp = tail_probes;
}

static struct hostile begin(uint32_t device, uint32_t window, bool sack)
{
    device_segments = device;
    initial_window = window;
    return hostile_open(attack_new(tune, 4), PEER, FROM,
                        (struct tcp_options){.mss = MSS, .sack_permitted = sack});
}

/* Takes out all that leaves now: how many bytes of text. */
static size_t sent(struct hostile *h)
{
    static uint8_t bytes[IP_MTU_MAX];
    size_t text = 0;
    struct frame f;
    while (stack_output(&h->a->stack, h->a->now, &f)) {
        struct ip_packet p;
        struct tcp_header t;
        assert_int_equal(ip_parse(bytes, frame_gather(&f, bytes, sizeof bytes), &p), DROP_NONE);
        assert_int_equal(tcp_parse(&p, &t), DROP_NONE);
        text += t.text.len;
    }
    return text;
}

static void give(struct hostile *h, size_t segments)
{
    static const uint8_t text[80 * MSS];
    assert_int_equal(sock_send(h->sock, text, segments * MSS, 0), segments * MSS);
}

/* Time passes until the stack does something by itself. */
static void wait_for_it(struct hostile *h)
{
    struct stack *s = &h->a->stack;
    for (int i = 0; i < 200 && !s->tcp.out_first && stack_due(s) != NEVER; i++) {
        if (stack_due(s) > h->a->now)
            h->a->now = stack_due(s);
        stack_time(s, h->a->now);
    }
}

static void sack(struct hostile *h, uint32_t ack, struct range one, struct range two)
{
    struct tcp_header t = {
        .source = FROM, .seq = {1}, .ack = {h->iss + ack}, .flags = TCP_ACK, .window = 65535};
    t.options.sack_count = two.right ? 2 : 1;
    t.options.sack[0] =
        (struct tcp_sack_block){{h->iss + (uint32_t)one.left}, {h->iss + (uint32_t)one.right}};
    t.options.sack[1] =
        (struct tcp_sack_block){{h->iss + (uint32_t)two.left}, {h->iss + (uint32_t)two.right}};
    attack_segment(h->a, h->addr, t, 0);
}

/* RFC 5682 2.1 (2b): after a time-out the ACK of the first retransmission lets two new segments leave, which
 * ask whether anything was lost at all. */
static void frto(uint32_t device)
{
    struct hostile h = begin(device, FLIGHT * MSS, true);
    give(&h, 80);
    assert_int_equal(sent(&h), FLIGHT * MSS);
    wait_for_it(&h);
    assert_int_equal(sent(&h), MSS);
    h.a->now += MSEC(10);
    hostile_send(&h, TCP_ACK, 1, 1 + MSS, 65535, 0);
    assert_int_equal(sent(&h), 2 * MSS);
    attack_end(h.a);
}

/* RFC 3042 2: each of the first two duplicate ACKs lets a new segment leave. */
static void limited_transmit(uint32_t device)
{
    struct hostile h = begin(device, 10 * MSS, false);
    give(&h, 80);
    assert_int_equal(sent(&h), 10 * MSS);
    h.a->now += MSEC(10);
    for (int i = 0; i < 2; i++) {
        hostile_send(&h, TCP_ACK, 1, 1, 65535, 0);
        assert_int_equal(sent(&h), MSS);
    }
    attack_end(h.a);
}

/* RFC 2883: a recovery is undone when all that it sent again was needless, and one D-SACK tells of one
 * segment. */
static void dsack(uint32_t device)
{
    struct hostile h = begin(device, FLIGHT * MSS, true);
    give(&h, FLIGHT);
    sent(&h);
    h.a->now += MSEC(20);
    sack(&h, 1, (struct range){1 + 5 * MSS, 1 + FLIGHT * MSS, 0}, (struct range){0});
    for (int i = 0; i < 4; i++) {
        sent(&h);
        h.a->now += MSEC(5);
        stack_time(&h.a->stack, h.a->now);
    }
    const struct tcp_conn *c = hostile_conn(&h);
    assert_int_equal(c->snd.recovery, RECOVERY_FAST);
    uint32_t reduced = c->cc.ssthresh;
    sack(&h, 1 + MSS, (struct range){1, 1 + MSS, 0}, (struct range){1 + 5 * MSS, 1 + FLIGHT * MSS, 0});
    assert_int_equal(c->cc.ssthresh, reduced);
    attack_end(h.a);
}

/* RFC 8985 6.2: RACK.end_seq is the end of what was delivered, not of the frame that it left in. Nothing is
 * lost here, an ACK of a part is only followed by a pause. */
static void partial_ack(uint32_t device)
{
    tail_probes = true;
    device_segments = device;
    initial_window = FLIGHT * MSS;
    struct hostile h = {.a = attack_new(tune, 4),
                        .addr = PEER,
                        .port = FROM,
                        .options = {.mss = MSS, .sack_permitted = true}};
    struct tcp_header syn = {.source = FROM, .flags = TCP_SYN, .window = 65535, .options = h.options};
    attack_segment(h.a, PEER, syn, 0);
    attack_drain(h.a);
    h.iss = h.a->last.seq.n;
    h.a->now += MSEC(20); /* the round trip */
    hostile_send(&h, TCP_ACK, 1, 1, 65535, 0);
    attack_drain(h.a);
    assert_int_equal(sock_accept(h.a->listener, &h.sock, NULL), 0);
    give(&h, FLIGHT);
    sent(&h);
    h.a->now += MSEC(20);
    hostile_send(&h, TCP_ACK, 1, 1 + 2 * MSS, 65535, 0);
    sent(&h);
    wait_for_it(&h); /* the tail's probe */
    assert_int_equal(sent(&h), MSS);
    h.a->now += MSEC(5);
    hostile_send(&h, TCP_ACK, 1, 1 + 4 * MSS, 65535, 0);
    assert_int_equal(hostile_conn(&h)->snd.recovery, RECOVERY_NONE);
    assert_int_equal(sent(&h), 0);
    attack_end(h.a);
    tail_probes = false;
}

/* RFC 9293 3.8.1: what is lost is sent again, also when there is no memory to note that only a part of it
 * left. */
static void no_memory(uint32_t device)
{
    struct hostile h = begin(device, FLIGHT * MSS, true);
    sock_setopt(h.sock, SOCK_OPT_NODELAY, 1);
    for (int i = 0; i < 8; i++) {
        give(&h, 2);
        assert_int_equal(sent(&h), 2 * MSS);
    }
    struct core *core = &h.a->stack.core;
    size_t limit = core->config.memory_limit;
    core->config.memory_limit = core->memory_used;
    for (uint32_t i = 0; i < 4; i++) {
        wait_for_it(&h);
        assert_in_range(sent(&h), MSS / 8,
                        2 * MSS); /* one segment each, smaller when the path is suspected */
    }
    core->config.memory_limit = limit;
    attack_end(h.a);
}

#define BOTH(what)                                                                                           \
    static void what##_when_the_device_cuts(void **state)                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        what(CUTS);                                                                                          \
    }                                                                                                        \
    static void what##_when_it_does_not(void **state)                                                        \
    {                                                                                                        \
        (void)state;                                                                                         \
        what(0);                                                                                             \
    }
BOTH(frto)
BOTH(limited_transmit)
BOTH(dsack)
BOTH(partial_ack)
BOTH(no_memory)

/* More loans than go into one frame: what does go leaves at once, and waits for no timer. */
static void many_small_loans_leave_at_once(void **state)
{
    static uint8_t text[64];
    (void)state;
    struct hostile h = begin(CUTS, FLIGHT * MSS, true);
    sock_setopt(h.sock, SOCK_OPT_NODELAY, 1);
    for (int i = 0; i < 24; i++)
        assert_int_equal(sock_lend(h.sock, &(struct loan){text, sizeof text, NULL, NULL}), 0);
    assert_int_equal(sent(&h), 24 * sizeof text);
    attack_end(h.a);
}

/* The owner has read up to the urgent mark: that is something to remember, so the connection does not rest.
 */
static void a_mark_keeps_a_connection_awake(void **state)
{
    (void)state;
    awake_max = 0;
    struct hostile h = begin(0, FLIGHT * MSS, false);
    struct tcp_header t = {.source = FROM,
                           .seq = {1},
                           .ack = {h.iss + 1},
                           .flags = TCP_ACK | TCP_URG,
                           .window = 65535,
                           .urgent = 3};
    char got[8];
    int64_t at_mark = 0;
    attack_segment(h.a, PEER, t, 3);
    attack_drain(h.a);
    assert_int_equal(sock_recv(h.sock, got, sizeof got, 0), 3);
    attack_wait(h.a, SEC(1));
    sock_getopt(h.sock, SOCK_OPT_AT_MARK, &at_mark);
    assert_int_equal(at_mark, 1);
    attack_end(h.a);
    awake_max = TCP_AWAKE_MAX;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frto_when_the_device_cuts),
        cmocka_unit_test(frto_when_it_does_not),
        cmocka_unit_test(limited_transmit_when_the_device_cuts),
        cmocka_unit_test(limited_transmit_when_it_does_not),
        cmocka_unit_test(dsack_when_the_device_cuts),
        cmocka_unit_test(dsack_when_it_does_not),
        cmocka_unit_test(partial_ack_when_the_device_cuts),
        cmocka_unit_test(partial_ack_when_it_does_not),
        cmocka_unit_test(no_memory_when_the_device_cuts),
        cmocka_unit_test(no_memory_when_it_does_not),
        cmocka_unit_test(many_small_loans_leave_at_once),
        cmocka_unit_test(a_mark_keeps_a_connection_awake),
    };
    awake_max = TCP_AWAKE_MAX;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
