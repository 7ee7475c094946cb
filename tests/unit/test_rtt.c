/* RFC 6298: the time-out from samples, and the congestion window's arithmetic (RFC 5681, 6928). */
#include "../../stack/cc.h"
#include "../../stack/rtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct stack_config config;

static int defaults(void **state)
{
    (void)state;
    stack_config_init(&config);
    config.tcp_congestion = &cc_reno;
    return 0;
}

static void the_first_sample_sets_srtt_and_half_of_it(void **state)
{
    (void)state;
    struct rtt r;
    rtt_init(&r, &config);
    assert_int_equal(r.rto, SEC(1));
    rtt_sample(&r, &config, MSEC(400));
    assert_int_equal(r.srtt, MSEC(400));
    assert_int_equal(r.rttvar, MSEC(200));
    assert_int_equal(r.rto, MSEC(1200));
}

static void later_samples_are_smoothed_with_an_eighth_and_a_quarter(void **state)
{
    (void)state;
    struct rtt r;
    rtt_init(&r, &config);
    rtt_sample(&r, &config, MSEC(400));
    rtt_sample(&r, &config, MSEC(800));
    assert_int_equal(r.rttvar, MSEC(250)); /* 3/4 200 + 1/4 |400 - 800| */
    assert_int_equal(r.srtt, MSEC(450));   /* 7/8 400 + 1/8 800 */
    assert_int_equal(r.rto, MSEC(1450));
}

static void the_time_out_keeps_its_bounds(void **state)
{
    (void)state;
    struct rtt r;
    rtt_init(&r, &config);
    for (int i = 0; i < 100; i++)
        rtt_sample(&r, &config, 50);
    assert_int_equal(r.rto, MSEC(200));
    for (int i = 0; i < 40; i++)
        rtt_back_off(&r, &config);
    assert_int_equal(r.rto, SEC(60));
    rtt_sample(&r, &config, SEC(100000)); /* nonsense from afar must not overflow */
    assert_true(r.rto <= SEC(60));
    rtt_sample(&r, &config, 0);
    assert_true(r.srtt > 0);
}

static void a_sample_ends_the_back_off(void **state)
{
    (void)state;
    struct rtt r;
    rtt_init(&r, &config);
    rtt_sample(&r, &config, MSEC(100));
    uint32_t before = r.rto;
    rtt_back_off(&r, &config);
    rtt_back_off(&r, &config);
    assert_int_equal(r.rto, 4 * before);
    rtt_sample(&r, &config, MSEC(100));
    assert_true(r.rto < before + MSEC(1));
}

static void the_initial_window_is_ten_segments(void **state)
{
    (void)state;
    assert_int_equal(cc_initial_window(&config, 1460), 14600);
    assert_int_equal(cc_initial_window(&config, 536), 5360);
    assert_int_equal(cc_initial_window(&config, 8960), 17920); /* two of the large ones */
}

static void slow_start_doubles_and_avoidance_adds_one_segment(void **state)
{
    (void)state;
    struct cc cc;
    cc_init(&cc, &config, 1000);
    cc.cwnd = 10000;
    for (int i = 0; i < 10; i++)
        cc.ops->on_ack(&cc, 1000, MSEC(20), 0);
    assert_int_equal(cc.cwnd, 20000);
    cc.ssthresh = 20000;
    for (int i = 0; i < 20; i++)
        cc.ops->on_ack(&cc, 1000, MSEC(20), 0);
    assert_int_equal(cc.cwnd, 21000);
}

static void dividing_an_ack_gains_nothing(void **state)
{
    (void)state;
    struct cc cc;
    cc_init(&cc, &config, 1000);
    cc.cwnd = 10000;
    for (int i = 0; i < 1000; i++)
        cc.ops->on_ack(&cc, 1, MSEC(20), 0);
    assert_int_equal(cc.cwnd, 11000);
}

static void a_loss_halves_and_a_time_out_starts_again(void **state)
{
    (void)state;
    struct cc cc;
    cc_init(&cc, &config, 1000);
    cc.ops->on_loss(&cc, 40000, 0);
    assert_int_equal(cc.ssthresh, 20000);
    assert_int_equal(cc.cwnd, 20000);
    cc.ops->on_recovered(&cc, 5000, 0);
    assert_int_equal(cc.cwnd, 6000); /* no burst into an empty network */
    cc.ops->on_rto(&cc, 6000, true, 0);
    assert_int_equal(cc.ssthresh, 3000);
    assert_int_equal(cc.cwnd, 1000);
    cc.ops->on_rto(&cc, 1000, false, 0);
    assert_int_equal(cc.ssthresh, 3000);
    cc.ops->on_loss(&cc, 1500, 0);
    assert_int_equal(cc.ssthresh, 2000); /* never below two segments */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_sample_sets_srtt_and_half_of_it),
        cmocka_unit_test(later_samples_are_smoothed_with_an_eighth_and_a_quarter),
        cmocka_unit_test(the_time_out_keeps_its_bounds),
        cmocka_unit_test(a_sample_ends_the_back_off),
        cmocka_unit_test(the_initial_window_is_ten_segments),
        cmocka_unit_test(slow_start_doubles_and_avoidance_adds_one_segment),
        cmocka_unit_test(dividing_an_ack_gains_nothing),
        cmocka_unit_test(a_loss_halves_and_a_time_out_starts_again),
    };
    return cmocka_run_group_tests(tests, defaults, NULL);
}
