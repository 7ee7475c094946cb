/* Super-segments, outwards and inwards: what is counted in segments all the same, and losses within them. */
#include "attack.h"

#define MSS 1460u
#define TEN (10 * MSS)

static void tune(struct stack_config *c)
{
    c->device_segments = 65535;
    c->tcp_initial_window = TEN;
    c->tcp_delayed_ack = 0;
}

/* The frame that leaves now: its position, its text, the size of its segments. */
struct left {
    uint32_t seq, len, each;
};

static struct left next_frame(struct hostile *h)
{
    static uint8_t bytes[IP_MTU_MAX];
    struct frame f;
    struct ip_packet p;
    struct tcp_header t;
    if (!stack_output(&h->a->stack, h->a->now, &f))
        return (struct left){0};
    assert_int_equal(ip_parse(bytes, frame_gather(&f, bytes, sizeof bytes), &p), DROP_NONE);
    assert_int_equal(tcp_parse(&p, &t), DROP_NONE);
    return (struct left){t.seq.n - h->iss, (uint32_t)t.text.len, f.offload.segment_size};
}

static void assert_next(struct hostile *h, uint32_t seq, uint32_t len, uint32_t each)
{
    struct left l = next_frame(h);
    assert_int_equal(l.seq, seq);
    assert_int_equal(l.len, len);
    assert_int_equal(l.each, each);
}

static struct hostile open_with(struct attack *a, bool sack, bool nodelay)
{
    struct hostile h = hostile_open(a, PEER, 5000, (struct tcp_options){.mss = MSS, .sack_permitted = sack});
    sock_setopt(h.sock, SOCK_OPT_NODELAY, nodelay);
    return h;
}

static void write_bytes(struct hostile *h, size_t len)
{
    static const uint8_t text[65536];
    assert_int_equal(sock_send(h->sock, text, len, 0), len);
}

/* An ACK with one block of what arrived beyond it. */
static void sack(struct hostile *h, uint32_t ack, uint32_t left, uint32_t right)
{
    struct tcp_header t = {
        .source = h->port, .seq = {1}, .ack = {h->iss + ack}, .flags = TCP_ACK, .window = 65535};
    t.options.sack_count = 1;
    t.options.sack[0] = (struct tcp_sack_block){{h->iss + left}, {h->iss + right}};
    attack_segment(h->a, h->addr, t, 0);
}

static void what_the_window_allows_leaves_at_once(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, true, true);
    write_bytes(&h, TEN + 5000);
    assert_next(&h, 1, TEN, MSS);
    assert_next(&h, 0, 0, 0);
    a->now += MSEC(10);
    hostile_send(&h, TCP_ACK, 1, 1 + TEN, 65535, 0);
    assert_next(&h, 1 + TEN, 5000, MSS); /* its short end, too: nobody waits for more */
    attack_end(a);
}

static void the_short_end_waits_as_nagle_says(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, true, false);
    write_bytes(&h, 2 * MSS + 80);
    assert_next(&h, 1, 2 * MSS, MSS);
    assert_next(&h, 0, 0, 0);
    hostile_send(&h, TCP_ACK, 1, 1 + 2 * MSS, 65535, 0);
    assert_next(&h, 1 + 2 * MSS, 80, 0);
    attack_end(a);
}

static void a_hole_in_the_middle_is_filled_and_no_more(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, true, true);
    write_bytes(&h, TEN);
    assert_next(&h, 1, TEN, MSS);
    a->now += MSEC(10);
    sack(&h, 1 + 2 * MSS, 1 + 4 * MSS, 1 + TEN); /* two segments are missing, the third and the fourth */
    attack_wait(a, MSEC(1));
    const struct flight *f = hostile_conn(&h)->snd.flight;
    assert_int_equal(f->lost, 0); /* gone again */
    assert_int_equal(f->sacked, 6 * MSS);
    assert_int_equal(hostile_conn(&h)->snd.resent_total, 1);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_RETRANS], 1);
    assert_int_equal(a->last.seq.n - h.iss, 1 + 2 * MSS);
    hostile_send(&h, TCP_ACK, 1, 1 + TEN, 65535, 0);
    attack_wait(a, SEC(2));
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_RETRANS], 1);
    attack_end(a);
}

static void without_sack_the_first_segment_goes_again_alone(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, false, true);
    write_bytes(&h, TEN);
    assert_next(&h, 1, TEN, MSS);
    a->now += MSEC(10);
    for (int i = 0; i < 3; i++)
        hostile_send(&h, TCP_ACK, 1, 1, 65535, 0);
    assert_next(&h, 1, MSS, 0);
    attack_end(a);
}

static void a_smaller_mss_cuts_the_old_text_anew(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, true, true);
    write_bytes(&h, TEN);
    assert_next(&h, 1, TEN, MSS);
    assert_int_equal(sock_setopt(h.sock, SOCK_OPT_MAX_SEGMENT, 500), 0);
    a->now += MSEC(10);
    sack(&h, 1, 1 + 2 * MSS, 1 + TEN);
    uint32_t at = 1;
    for (struct left l; (l = next_frame(&h)).len > 0; at += l.len) {
        assert_int_equal(l.seq, at);
        assert_true(l.len <= 500 || l.each == 500);
    }
    assert_int_equal(at, 1 + 2 * MSS);
    attack_end(a);
}

/* `count` segments of `each` bytes in one piece, as a device brings them. */
static void bring(struct hostile *h, uint32_t seq, size_t each, size_t count)
{
    static uint8_t datagram[65535];
    struct tcp_header t = {.source = h->port,
                           .destination = PORT,
                           .seq = {seq},
                           .ack = {h->iss + 1},
                           .flags = TCP_ACK,
                           .window = 65535};
    struct ip_fields ip = {.src = h->addr, .dst = VICTIM, .protocol = IP_TCP, .ttl = 64};
    size_t head = tcp_write(&t, datagram + IP_HEADER_MIN);
    ip_fill(datagram, &ip, head + each * count);
    const struct offload how = {.segment_size = (uint16_t)each, .checksum_good = true};
    stack_input_offloaded(&h->a->stack, h->a->now, datagram, IP_HEADER_MIN + head + each * count, &how);
}

static void duplicates_are_counted_by_segment(void **state)
{
    (void)state;
    for (int with_sack = 0; with_sack < 2; with_sack++) {
        struct attack *a = attack_new(tune, 4);
        struct hostile h = open_with(a, with_sack, true);
        bring(&h, 1 + MSS, MSS, 5); /* the first is missing */
        assert_int_equal(attack_drain(a), with_sack ? 1 : 5);
        bring(&h, 1, MSS, 1);
        assert_int_equal(attack_drain(a), 1);
        assert_int_equal(a->last.ack.n, 1 + 6 * MSS);
        assert_int_equal(hostile_conn(&h)->rcv.full, MSS);
        attack_end(a);
    }
}

static void a_checksum_is_looked_at_unless_the_device_did(void **state)
{
    (void)state;
    struct attack *a = attack_new(tune, 4);
    struct hostile h = open_with(a, true, true);
    bring(&h, 1, 100, 1); /* its checksum is 0 */
    assert_int_equal(hostile_conn(&h)->rcv.nxt, 101);
    uint8_t datagram[IP_HEADER_MIN + TCP_HEADER_MAX] = {0};
    struct tcp_header t = {.source = h.port, .destination = PORT, .seq = {101}, .flags = TCP_ACK};
    struct ip_fields ip = {.src = h.addr, .dst = VICTIM, .protocol = IP_TCP, .ttl = 64};
    ip_fill(datagram, &ip, tcp_write(&t, datagram + IP_HEADER_MIN));
    stack_input_offloaded(&a->stack, a->now, datagram, IP_HEADER_MIN + TCP_HEADER_MIN,
                          &(struct offload){.segment_size = 9});
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_CHECKSUM], 1);
    attack_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_window_allows_leaves_at_once),
        cmocka_unit_test(the_short_end_waits_as_nagle_says),
        cmocka_unit_test(a_hole_in_the_middle_is_filled_and_no_more),
        cmocka_unit_test(without_sack_the_first_segment_goes_again_alone),
        cmocka_unit_test(a_smaller_mss_cuts_the_old_text_anew),
        cmocka_unit_test(duplicates_are_counted_by_segment),
        cmocka_unit_test(a_checksum_is_looked_at_unless_the_device_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
