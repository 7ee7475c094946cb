/* The clock over sources of time that the test moves: what counts, and what a debugger's stops take out of
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tun/clock.h"

static struct {
    usec wall, work;
    bool traced;
    int looks;
} world;

static usec wall(void)
{
    return world.wall;
}

static usec work(void)
{
    return world.work;
}

static bool traced(void)
{
    world.looks++;
    return world.traced;
}

static struct clock begin(enum clock_step step, bool under_debugger)
{
    struct clock c;
    world.wall = SEC(1000);
    world.work = MSEC(3);
    world.traced = under_debugger;
    world.looks = 0;
    clock_init(&c, (struct clock_sources){wall, work, traced}, step);
    return c;
}

static void pass(usec time, usec worked)
{
    world.wall += time;
    world.work += worked;
}

/* What the clock moves on by while `time` passes, of which the program works `worked`. */
static usec counted(struct clock *c, usec time, usec worked)
{
    usec before = clock_read(c);
    pass(time, worked);
    return clock_read(c) - before;
}

/* Begins a sleep that may last `left`: how long it does at most. */
static usec sleep_for(struct clock *c, usec left)
{
    usec before = clock_read(c), now = 0;
    usec slice = clock_sleep_of(c, left == NEVER ? NEVER : before + left, &now);
    assert_int_equal(now, before);
    return slice;
}

/* The same around a sleep that may last `left` and ends after `time`. */
static usec slept(struct clock *c, usec left, usec time)
{
    usec before = clock_read(c);
    sleep_for(c, left);
    pass(time, 5);
    clock_wake_of(c);
    return clock_read(c) - before;
}

static void test_off_counts_everything(void **state)
{
    struct clock c = begin(CLOCK_STEP_OFF, true);
    (void)state;
    assert_int_equal(clock_read(&c), SEC(1000));
    assert_int_equal(counted(&c, SEC(3), 10), SEC(3));
    assert_int_equal(sleep_for(&c, SEC(60)), SEC(60));
    assert_int_equal(slept(&c, MSEC(200), SEC(3)), SEC(3));
    assert_int_equal(world.looks, 0);
}

static void test_without_a_debugger_everything_counts(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    assert_int_equal(counted(&c, SEC(3), 10), SEC(3)); /* a busy machine */
    assert_int_equal(slept(&c, MSEC(200), SEC(3)), SEC(3));
    assert_int_equal(counted(&c, MSEC(99), 10), MSEC(99));
}

static void test_it_seldom_looks_for_a_debugger(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    for (int i = 0; i < 10000; i++)
        counted(&c, CLOCK_STRANGE - 1, 10);
    assert_int_equal(world.looks, 1); /* at its beginning */
}

static void test_under_a_debugger_only_work_counts(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, true);
    (void)state;
    assert_int_equal(counted(&c, SEC(3), 250), 250);
    assert_int_equal(counted(&c, 250, 250), 250);
    assert_int_equal(counted(&c, 250, 260), 250); /* two clocks never agree to the microsecond */
}

static void test_under_a_debugger_a_sleep_counts_what_it_was_to_last(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, true);
    (void)state;
    assert_int_equal(sleep_for(&c, MSEC(4)), MSEC(4));
    clock_wake_of(&c);
    assert_int_equal(sleep_for(&c, SEC(60)), CLOCK_SLICE);
    clock_wake_of(&c);
    assert_int_equal(slept(&c, MSEC(4), MSEC(4)), MSEC(4));
    assert_int_equal(slept(&c, MSEC(4), SEC(3)), MSEC(4));     /* held in the middle of it */
    assert_int_equal(slept(&c, SEC(60), SEC(3)), CLOCK_SLICE); /* and here, a little late */
    assert_int_equal(slept(&c, NEVER, MSEC(7)), MSEC(7));      /* a datagram woke it */
}

/* A deadline comes when the program has slept long enough, however often it was held. */
static void test_a_deadline_waits_for_its_own_time(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, true);
    (void)state;
    usec due = clock_read(&c) + MSEC(200);
    int sleeps = 0;
    for (usec now; (now = clock_read(&c)) < due; sleeps++) {
        usec left = sleep_for(&c, due - now);
        pass(left + SEC(3), 5); /* held for 3 s in each of them */
        clock_wake_of(&c);
    }
    assert_int_equal(sleeps, MSEC(200) / CLOCK_SLICE);
    assert_int_equal(clock_read(&c), due);
}

static void test_a_debugger_that_comes_in_a_sleep_takes_it_out(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    usec before = clock_read(&c);
    assert_int_equal(sleep_for(&c, MSEC(200)), MSEC(200));
    world.traced = true;
    pass(SEC(3), 5);
    clock_wake_of(&c);
    assert_int_equal(clock_read(&c), before);
    assert_int_equal(counted(&c, SEC(3), 40), 40);
    assert_int_equal(slept(&c, NEVER, SEC(3)), CLOCK_SLICE);
}

static void test_a_debugger_that_comes_at_work_takes_it_out(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    counted(&c, MSEC(50), MSEC(50));
    world.traced = true;
    assert_int_equal(counted(&c, SEC(3), 40), 0);
    assert_int_equal(counted(&c, SEC(3), 40), 40);
}

/* It came, looked and went before the program could see it; gdb's extension has told. */
static void test_a_debugger_that_only_looked(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    usec before = clock_read(&c);
    sleep_for(&c, MSEC(200));
    pass(SEC(3), 5);
    c.told = true;
    clock_wake_of(&c);
    assert_int_equal(clock_read(&c), before);
    assert_int_equal(slept(&c, MSEC(200), SEC(3)), SEC(3)); /* told once, good for once */
    pass(MSEC(50), 40);
    c.told = true;
    assert_int_equal(clock_read(&c), before + SEC(3) + MSEC(50)); /* too short to matter */
    assert_int_equal(counted(&c, SEC(3), 40), SEC(3));
}

/* No sleep is so long that much of it could be taken out needlessly. */
static void test_naps_are_short_enough(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    (void)state;
    assert_int_equal(sleep_for(&c, SEC(7200)), CLOCK_NAP);
    clock_wake_of(&c);
    assert_int_equal(sleep_for(&c, NEVER), CLOCK_NAP);
    clock_wake_of(&c);
}

static void test_a_debugger_that_goes(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, true);
    (void)state;
    usec begun = clock_read(&c);
    counted(&c, SEC(3), 40);
    world.traced = false;
    assert_int_equal(counted(&c, CLOCK_LOOK, 40), 40); /* found out only now */
    assert_int_equal(counted(&c, SEC(3), 40), SEC(3));
    assert_int_equal(clock_read(&c), begun + SEC(3) + 80); /* what was taken out stays out */
}

static void test_on_needs_no_debugger(void **state)
{
    struct clock c = begin(CLOCK_STEP_ON, false);
    (void)state;
    assert_int_equal(counted(&c, SEC(3), 40), 40); /* SIGSTOP, a machine that slept */
    assert_int_equal(slept(&c, SEC(60), SEC(3)), CLOCK_SLICE);
    assert_int_equal(world.looks, 0);
}

static void test_never_backwards(void **state)
{
    struct clock c = begin(CLOCK_STEP_AUTO, false);
    usec last = clock_read(&c);
    (void)state;
    for (unsigned i = 0, r = 1; i < 20000; i++) {
        r = r * 1103515245 + 12345;
        world.traced = r >> 30 & 1;
        usec time = (r >> 8) % MSEC(400), worked = time * ((r >> 4) % 12) / 10;
        if (r >> 29 & 1)
            sleep_for(&c, (r >> 16) % MSEC(300));
        pass(time, worked);
        if (c.asleep)
            clock_wake_of(&c);
        usec now = clock_read(&c);
        assert_true(now >= last);
        assert_true(now <= world.wall);
        last = now;
    }
}

/* The process's own clock, as the loop asks it. */
static void test_the_process_has_one(void **state)
{
    (void)state;
    usec before = clock_now(), now = 0;
    clock_set_step(CLOCK_STEP_ON);
    assert_true(clock_now() >= before);
    assert_int_equal(clock_sleep(before + SEC(5), &now), CLOCK_SLICE);
    assert_true(now >= before);
    assert_true(clock_wake() >= now);
    assert_int_equal(clock_sleep(before, &now), 0); /* long past */
    assert_true(clock_wake() >= now);
    assert_true(clock_now() >= before);
    clock_set_step(CLOCK_STEP_OFF);
    assert_true(clock_now() >= before);
    assert_true(clock_wall_offset() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_counts_everything),
        cmocka_unit_test(test_without_a_debugger_everything_counts),
        cmocka_unit_test(test_it_seldom_looks_for_a_debugger),
        cmocka_unit_test(test_under_a_debugger_only_work_counts),
        cmocka_unit_test(test_under_a_debugger_a_sleep_counts_what_it_was_to_last),
        cmocka_unit_test(test_a_deadline_waits_for_its_own_time),
        cmocka_unit_test(test_a_debugger_that_comes_in_a_sleep_takes_it_out),
        cmocka_unit_test(test_a_debugger_that_comes_at_work_takes_it_out),
        cmocka_unit_test(test_a_debugger_that_only_looked),
        cmocka_unit_test(test_naps_are_short_enough),
        cmocka_unit_test(test_a_debugger_that_goes),
        cmocka_unit_test(test_on_needs_no_debugger),
        cmocka_unit_test(test_never_backwards),
        cmocka_unit_test(test_the_process_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
