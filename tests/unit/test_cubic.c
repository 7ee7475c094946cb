/* CUBIC, RFC 9438 4: the curve between two losses, in virtual time. Works on one struct cc, no connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../stack/cc.h"

#define MSS 1000
#define RTT MSEC(100)

/* A window of `segments`, just reduced by a loss at `now`. */
static struct cc after_a_loss(uint32_t segments, usec now)
{
    struct stack_config config;
    struct cc cc;
    stack_config_init(&config);
    config.tcp_congestion = &cc_cubic;
    cc_init(&cc, &config, MSS);
    cc.cwnd = segments * MSS;
    cc.ops->on_loss(&cc, cc.cwnd, now);
    cc.ops->on_recovered(&cc, cc.cwnd, now);
    return cc;
}

/* Every segment of the window acknowledged, a window a round trip, until `to`. */
static void pass(struct cc *cc, usec from, usec to)
{
    for (usec now = from; now < to; now += RTT) {
        for (uint32_t window = cc->cwnd, acked = 0; acked < window; acked += MSS)
            cc->ops->on_ack(cc, MSS, RTT, now);
    }
}

static void a_loss_leaves_seven_tenths(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(100, SEC(1));
    assert_int_equal(cc.ssthresh, 70 * MSS);
    assert_int_equal(cc.cwnd, 70 * MSS);
}

/* 4.2: K is the cube root of (100 - 70) / 0.4, 4.217 s. */
static void the_window_returns_to_its_maximum_after_k_seconds(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(100, SEC(1));
    pass(&cc, SEC(1), SEC(1) + MSEC(4200));
    assert_in_range(cc.cwnd, 98 * MSS, 102 * MSS);
}

/* 4.4, 4.5: concave up to the maximum, convex beyond it. W(t) = 0.4 (t - 4.217)^3 + 100. */
static void it_is_flat_around_the_maximum_and_steep_beyond(void **state)
{
    (void)state;
    /* Large enough that Reno would be slower: 1000 segments, K 9.086 s. */
    struct cc cc = after_a_loss(1000, SEC(1));
    uint32_t at[6];
    for (int i = 0; i < 6; i++) {
        at[i] = cc.cwnd;
        pass(&cc, SEC(1) + i * SEC(3), SEC(1) + (i + 1) * SEC(3));
    }
    uint32_t begin = at[1] - at[0], middle = at[3] - at[2], end = at[5] - at[4];
    assert_true(begin > 3 * middle);
    assert_true(end > 3 * middle);
    assert_in_range(at[3], 990 * MSS, 1005 * MSS); /* after 9 s */
}

/* 4.3: with a small window and a short round trip CUBIC is never slower than Reno would be. */
static void a_small_window_grows_as_reno_does(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(10, SEC(1));
    /* 7 segments; 6 round trips of 9/17 of a segment up to the former 10, then 14 of a whole one. */
    pass(&cc, SEC(1), SEC(3));
    assert_in_range(cc.cwnd, 22 * MSS, 25 * MSS);
}

/* 4.7: a loss below the former maximum: another flow wants its share. */
static void a_maximum_that_shrinks_is_given_up_faster(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(1000, SEC(1));
    cc.cwnd = 800 * MSS;
    cc.ops->on_loss(&cc, cc.cwnd, SEC(2));
    assert_int_equal(cc.cwnd, 560 * MSS);
    pass(&cc, SEC(2), SEC(2) + MSEC(6600)); /* K for a maximum of 680: cube root of 120 / 0.4, 6.7 s */
    assert_in_range(cc.cwnd, 670 * MSS, 690 * MSS);
}

static void a_time_out_leaves_one_segment(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(100, SEC(1));
    cc.ops->on_rto(&cc, cc.cwnd, true, SEC(2));
    assert_int_equal(cc.cwnd, MSS);
    assert_int_equal(cc.ssthresh, 49 * MSS);
    cc.ops->on_rto(&cc, MSS, false, SEC(3)); /* RFC 5681 3.1: the same segment again */
    assert_int_equal(cc.ssthresh, 49 * MSS);
}

static void slow_start_ends_at_the_threshold(void **state)
{
    (void)state;
    struct cc cc = after_a_loss(100, SEC(1));
    cc.cwnd = 60 * MSS;
    for (int i = 0; i < 10; i++)
        cc.ops->on_ack(&cc, MSS, RTT, SEC(1));
    assert_int_equal(cc.cwnd, 70 * MSS);
    cc.ops->on_ack(&cc, MSS, RTT, SEC(1));
    assert_true(cc.cwnd < 71 * MSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_leaves_seven_tenths),
        cmocka_unit_test(the_window_returns_to_its_maximum_after_k_seconds),
        cmocka_unit_test(it_is_flat_around_the_maximum_and_steep_beyond),
        cmocka_unit_test(a_small_window_grows_as_reno_does),
        cmocka_unit_test(a_maximum_that_shrinks_is_given_up_faster),
        cmocka_unit_test(a_time_out_leaves_one_segment),
        cmocka_unit_test(slow_start_ends_at_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
