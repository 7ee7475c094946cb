/* The faulty link in virtual time: what comes out, when, in which order, and what the counters say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../stack/checksum.h"
#include "../../stack/ip_wire.h"
#include "../../tun/link.h"
#include "../../tun/quantity.h"

#define MANY 100000

static struct link_way way;

static void begin(const char *text)
{
    struct link_config c;
    char why[160];
    if (!link_parse(&c, text, why, sizeof why))
        fail_msg("%s: %s", text, why);
    assert_int_equal(link_way_init(&way, &c, 0), 0);
}

/* `len` bytes that begin with `number`. */
static void give(usec now, uint32_t number, size_t len)
{
    uint8_t bytes[2048] = {0};
    memcpy(bytes, &number, sizeof number);
    struct iovec part[2] = {{bytes, 10}, {bytes + 10, len - 10}};
    link_give(&way, now, part, 2);
}

/* The number of the next datagram, -1 when none is due. */
static int64_t take(usec now)
{
    uint32_t number;
    struct link_packet *p = link_take(&way, now);
    if (!p)
        return -1;
    memcpy(&number, p->bytes, sizeof number);
    free(p);
    return number;
}

static int end(void **state)
{
    (void)state;
    link_way_free(&way);
    assert_int_equal(way.held, 0);
    return 0;
}

static void a_perfect_link_hands_over_at_once_and_in_order(void **state)
{
    (void)state;
    begin("loss=0%");
    for (uint32_t i = 0; i < 1000; i++)
        give(5, i, 100);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(take(5), i);
    assert_int_equal(take(5), -1);
    assert_int_equal(link_due(&way), NEVER);
    assert_int_equal(way.count[LINK_IN], 1000);
    assert_int_equal(way.count[LINK_OUT], 1000);
}

static void bytes_arrive_as_they_were(void **state)
{
    (void)state;
    char a[] = "abc", b[] = "defgh";
    begin("delay=1ms");
    link_give(&way, 0, (struct iovec[]){{a, 3}, {b, 5}}, 2);
    struct link_packet *p = link_take(&way, MSEC(1));
    assert_non_null(p);
    assert_int_equal(p->len, 8);
    assert_memory_equal(p->bytes, "abcdefgh", 8);
    free(p);
}

static void delay_is_exact(void **state)
{
    (void)state;
    begin("delay=20ms");
    give(MSEC(3), 1, 100);
    assert_int_equal(link_due(&way), MSEC(23));
    assert_int_equal(take(MSEC(23) - 1), -1);
    assert_int_equal(take(MSEC(23)), 1);
}

static void jitter_spreads_and_keeps_the_order(void **state)
{
    (void)state;
    begin("delay=20ms,jitter=5ms");
    usec least = NEVER, most = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        give(MSEC(10) * i, i, 100);
        usec took = link_due(&way) - MSEC(10) * i;
        least = took < least ? took : least;
        most = took > most ? took : most;
        assert_int_equal(take(NEVER), i);
    }
    assert_in_range(least, MSEC(20), MSEC(21));
    assert_in_range(most, MSEC(24), MSEC(25));
    for (uint32_t i = 0; i < 1000; i++)
        give(SEC(100), i, 100); /* all at once */
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(take(NEVER), i);
}

static void losses_are_as_many_as_asked_for(void **state)
{
    (void)state;
    begin("loss=3%");
    for (uint32_t i = 0; i < MANY; i++) {
        give(i, i, 100);
        take(i);
    }
    assert_in_range(way.count[LINK_LOST], MANY * 3 / 100 * 9 / 10, MANY * 3 / 100 * 11 / 10);
    assert_int_equal(way.count[LINK_LOST] + way.count[LINK_OUT], MANY);
}

static void everything_is_lost_at_100_percent(void **state)
{
    (void)state;
    begin("loss=100%");
    for (uint32_t i = 0; i < 1000; i++)
        give(i, i, 100);
    assert_int_equal(way.count[LINK_LOST], 1000);
    assert_int_equal(take(NEVER), -1);
}

static void bursts_lose_as_many_but_in_a_row(void **state)
{
    (void)state;
    uint32_t bursts = 0;
    bool before = false;
    begin("loss=3%,burst=5");
    for (uint32_t i = 0; i < MANY; i++) {
        give(i, i, 100);
        bool lost = take(i) < 0;
        bursts += lost && !before;
        before = lost;
    }
    assert_in_range(way.count[LINK_LOST], MANY * 3 / 100 * 8 / 10, MANY * 3 / 100 * 12 / 10);
    assert_in_range(way.count[LINK_LOST] * 10 / bursts, 40, 60); /* five, in tenths */
}

static void the_same_seed_loses_the_same(void **state)
{
    (void)state;
    uint8_t first[1000];
    for (int round = 0; round < 3; round++) {
        int different = 0;
        begin(round < 2 ? "loss=30%,seed=7" : "loss=30%,seed=8");
        for (uint32_t i = 0; i < 1000; i++) {
            give(i, i, 100);
            uint8_t lost = take(i) < 0;
            different += round > 0 && first[i] != lost;
            if (round == 0)
                first[i] = lost;
        }
        assert_true(round == 2 ? different > 100 : different == 0);
        link_way_free(&way);
    }
}

static void the_two_ways_of_a_link_have_different_dice(void **state)
{
    (void)state;
    struct link_config c;
    struct link_way other;
    char why[160];
    int different = 0;
    assert_true(link_parse(&c, "loss=50%", why, sizeof why));
    begin("loss=50%");
    assert_int_equal(link_way_init(&other, &c, 1), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        give(i, i, 100);
        link_give(&other, i, &(struct iovec){&i, sizeof i}, 1);
        struct link_packet *p = link_take(&other, i);
        different += (take(i) < 0) != (p == NULL);
        free(p);
    }
    assert_in_range(different, 400, 600);
    link_way_free(&other);
}

static void reordered_ones_are_overtaken_and_arrive(void **state)
{
    (void)state;
    uint32_t late = 0;
    int64_t highest = -1;
    begin("delay=20ms,reorder=5%");
    for (uint32_t i = 0; i < 1000; i++)
        give(100 * (usec)i, i, 100);
    for (int i = 0; i < 1000; i++) {
        int64_t n = take(NEVER);
        assert_true(n >= 0);
        late += n < highest;
        highest = n > highest ? n : highest;
    }
    assert_int_equal(take(NEVER), -1);
    assert_in_range(way.count[LINK_REORDERED], 30, 70);
    assert_in_range(late, way.count[LINK_REORDERED] / 2, way.count[LINK_REORDERED]);
}

static void duplicates_come_twice(void **state)
{
    (void)state;
    begin("dup=100%,delay=1ms");
    give(0, 7, 100);
    assert_int_equal(take(MSEC(1)), 7);
    assert_int_equal(take(MSEC(1)), 7);
    assert_int_equal(take(NEVER), -1);
    assert_int_equal(way.count[LINK_DUPLICATED], 1);
    assert_int_equal(way.count[LINK_OUT], 2);
}

static void corruption_flips_one_bit(void **state)
{
    (void)state;
    uint8_t zero[64] = {0};
    begin("corrupt=100%");
    for (int i = 0; i < 100; i++) {
        int bits = 0;
        link_give(&way, 0, &(struct iovec){zero, sizeof zero}, 1);
        struct link_packet *p = link_take(&way, 0);
        assert_non_null(p);
        for (size_t b = 0; b < p->len; b++)
            bits += __builtin_popcount(p->bytes[b]);
        assert_int_equal(bits, 1);
        free(p);
    }
    assert_int_equal(way.count[LINK_CORRUPTED], 100);
}

static void the_bottleneck_takes_its_time(void **state)
{
    (void)state;
    begin("rate=10mbit,delay=1ms"); /* 1250 bytes take one millisecond */
    give(0, 0, 1250);
    give(0, 1, 1250);
    give(MSEC(10), 2, 1250);
    assert_int_equal(link_due(&way), MSEC(2));
    assert_int_equal(take(NEVER), 0);
    assert_int_equal(link_due(&way), MSEC(3));
    assert_int_equal(take(NEVER), 1);
    assert_int_equal(link_due(&way), MSEC(12)); /* it was idle in between */
}

static void the_queue_drops_what_comes_last(void **state)
{
    (void)state;
    begin("rate=10mbit,queue=3");
    for (uint32_t i = 0; i < 5; i++)
        give(0, i, 1250);
    assert_int_equal(way.count[LINK_QUEUE_FULL], 2);
    give(MSEC(1), 5, 1250); /* the first has left: there is a place again */
    give(MSEC(1), 6, 1250);
    assert_int_equal(way.count[LINK_QUEUE_FULL], 3);
    static const int64_t expected[] = {0, 1, 2, 5, -1};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(take(NEVER), expected[i]);
}

static void a_queue_never_holds_more_than_it_may(void **state)
{
    (void)state;
    begin("rate=1mbit,queue=10");
    for (uint32_t i = 0; i < 1000; i++) {
        give(MSEC(3) * (usec)i, i, 1000); /* 8 ms each: it fills up and stays full */
        while (take(MSEC(3) * (usec)i) >= 0)
            ;
        assert_in_range(way.held, 0, 10);
    }
    assert_in_range(way.count[LINK_OUT], 1000 * 3 / 8 - 10, 1000 * 3 / 8 + 10);
}

static void a_crowded_queue_marks_what_may_be_marked(void **state)
{
    (void)state;
    struct ip_fields ip = {.src = 0x0a070001, .dst = 0x0a070002, .protocol = 6, .ttl = 64};
    uint8_t head[IP_HEADER_MIN];
    uint64_t marked = 0;
    begin("rate=10mbit,queue=4,ecn");
    for (int i = 0; i < 4; i++) {
        ip.tos = i % 2 ? 2 : 0; /* ECT(0), or not ECN-capable */
        ip_fill(head, &ip, 0);
        link_give(&way, 0, &(struct iovec){head, sizeof head}, 1);
    }
    for (int i = 0; i < 4; i++) {
        struct link_packet *p = link_take(&way, NEVER);
        assert_non_null(p);
        struct ip_packet parsed;
        assert_int_equal(ip_parse(p->bytes, p->len, &parsed), DROP_NONE); /* the checksum is right, too */
        marked += (p->bytes[1] & 3) == 3;
        free(p);
    }
    assert_int_equal(marked, 1); /* the fourth: the queue was half full, and it is ECT(0) */
    assert_int_equal(way.count[LINK_MARKED], 1);
}

static void what_is_held_is_bounded(void **state)
{
    (void)state;
    begin("delay=60s");
    for (uint32_t i = 0; i < LINK_HELD_MAX + 10; i++)
        give(0, i, 20);
    assert_int_equal(way.held, LINK_HELD_MAX);
    assert_int_equal(way.count[LINK_NO_ROOM], 10);
}

/* --- the text --- */

static void the_text_sets_each_fault(void **state)
{
    (void)state;
    struct link_config c;
    char why[160];
    assert_true(link_parse(&c,
                           "loss=1%,delay=20ms,jitter=5ms,reorder=0.5%,dup=0.1%,corrupt=0.0001%,rate=10mbit,"
                           "queue=64,seed=18446744073709551615,burst=3,ecn",
                           why, sizeof why) == false); /* 20 digits are too many */
    assert_true(link_parse(&c,
                           "loss=1%,delay=20ms,jitter=5us,reorder=0.5%,dup=0.1%,corrupt=0.0001%,rate=10mbit,"
                           "queue=64,seed=99,burst=3,ecn",
                           why, sizeof why));
    assert_int_equal(c.loss, 10000);
    assert_int_equal(c.delay, MSEC(20));
    assert_int_equal(c.jitter, 5);
    assert_int_equal(c.reorder, 5000);
    assert_int_equal(c.duplicate, 1000);
    assert_int_equal(c.corrupt, 1);
    assert_int_equal(c.rate, 10000000);
    assert_int_equal(c.queue, 64);
    assert_int_equal(c.seed, 99);
    assert_int_equal(c.burst, 3);
    assert_true(c.ecn);
}

static void what_is_not_named_is_perfect(void **state)
{
    (void)state;
    struct link_config c;
    char why[160];
    assert_true(link_parse(&c, "rate=1.5mbit", why, sizeof why));
    assert_int_equal(c.rate, 1500000);
    assert_int_equal(c.queue, LINK_QUEUE_DEFAULT);
    assert_int_equal(c.loss | c.reorder | c.duplicate | c.corrupt | c.burst, 0);
    assert_int_equal(c.delay | c.jitter, 0);
    assert_false(c.ecn);
}

static void a_wrong_text_is_refused_and_the_part_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "''"},
        {"loss", "loss"},
        {"loss=", "loss"},
        {"loss=1", "'1'"},
        {"loss=-1%", "'-1%'"},
        {"loss=101%", "'101%'"},
        {"loss=1%%", "'1%%'"},
        {"loss=0.0000001%", "loss"},
        {"loss=1%,", "''"},
        {"loss=1%,,delay=1ms", "''"},
        {"delay=20", "delay"},
        {"delay=61s", "delay"},
        {"delay=20 ms", "'20 ms'"},
        {"jitter=.5ms", "jitter"},
        {"jitter=5.ms", "jitter"},
        {"reorder=x", "reorder"},
        {"dup=1", "dup"},
        {"corrupt=%", "corrupt"},
        {"rate=0", "rate"},
        {"rate=10", "rate"},
        {"rate=999gbit", "rate"},
        {"rate=99999999999999999999gbit", "rate"},
        {"queue=64", "queue: only"},
        {"rate=1mbit,queue=0", "queue"},
        {"rate=1mbit,queue=100001", "queue"},
        {"burst=3", "burst"},
        {"loss=1%,burst=0", "burst"},
        {"ecn", "ecn: only"},
        {"rate=1mbit,ecn=yes", "ecn"},
        {"seed=x", "seed"},
        {"speed=1", "'speed'"},
        {"LOSS=1%", "'LOSS'"},
        {"loss=0000000000000000000000000000000000000000000000000000000000000001%", "too long"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct link_config c = {.loss = 77};
        char why[160] = "";
        if (link_parse(&c, bad[i][0], why, sizeof why))
            fail_msg("taken: %s", bad[i][0]);
        if (!strstr(why, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], why);
        assert_int_equal(c.loss, 77); /* untouched */
    }
}

static void quantities_have_units(void **state)
{
    (void)state;
    usec t = -1;
    int64_t n = -1;
    assert_true(quantity_time("1.5s", &t));
    assert_int_equal(t, 1500000);
    assert_true(quantity_time("2min", &t));
    assert_int_equal(t, SEC(120));
    assert_true(quantity_time("0", &t));
    assert_int_equal(t, 0);
    assert_true(quantity_size("4m", &n));
    assert_int_equal(n, 4 << 20);
    assert_true(quantity_size("14600", &n));
    assert_int_equal(n, 14600);
    static const char *const bad[] = {"", "ms", "1", "-1s", "1e3s", "1s ", "9223372036854775807s", "0x1s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(quantity_time(bad[i], &t));
    assert_false(quantity_size("9223372036854775807g", &n));
    assert_false(quantity_size("4q", &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_perfect_link_hands_over_at_once_and_in_order, end),
        cmocka_unit_test_teardown(bytes_arrive_as_they_were, end),
        cmocka_unit_test_teardown(delay_is_exact, end),
        cmocka_unit_test_teardown(jitter_spreads_and_keeps_the_order, end),
        cmocka_unit_test_teardown(losses_are_as_many_as_asked_for, end),
        cmocka_unit_test_teardown(everything_is_lost_at_100_percent, end),
        cmocka_unit_test_teardown(bursts_lose_as_many_but_in_a_row, end),
        cmocka_unit_test_teardown(the_same_seed_loses_the_same, end),
        cmocka_unit_test_teardown(the_two_ways_of_a_link_have_different_dice, end),
        cmocka_unit_test_teardown(reordered_ones_are_overtaken_and_arrive, end),
        cmocka_unit_test_teardown(duplicates_come_twice, end),
        cmocka_unit_test_teardown(corruption_flips_one_bit, end),
        cmocka_unit_test_teardown(the_bottleneck_takes_its_time, end),
        cmocka_unit_test_teardown(the_queue_drops_what_comes_last, end),
        cmocka_unit_test_teardown(a_queue_never_holds_more_than_it_may, end),
        cmocka_unit_test_teardown(a_crowded_queue_marks_what_may_be_marked, end),
        cmocka_unit_test_teardown(what_is_held_is_bounded, end),
        cmocka_unit_test(the_text_sets_each_fault),
        cmocka_unit_test(what_is_not_named_is_perfect),
        cmocka_unit_test(a_wrong_text_is_refused_and_the_part_named),
        cmocka_unit_test(quantities_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
