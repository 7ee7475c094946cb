/* The timing wheel against a plain list: same timers, same order of due times, nothing early, nothing late.
 */
#include "../../stack/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static uint64_t random_state = 88172645463325252ull;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void a_timer_expires_at_its_time_and_not_before(void **state)
{
    (void)state;
    static const usec delays[] = {0, 1, 63, 64, 65, 4095, 4096, 40000, 200000, SEC(1), SEC(60), SEC(7200)};
    static const usec starts[] = {0, 1, 63, 1000000, 4095, 123456789};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
            struct wheel w;
            struct timer t = {0};
            wheel_init(&w, starts[s]);
            usec due = starts[s] + delays[i];
            timer_start(&w, &t, due);
            if (delays[i] > 0)
                assert_null(wheel_expired(&w, due - 1));
            assert_true(wheel_due(&w) <= due);
            assert_ptr_equal(wheel_expired(&w, due), &t);
            assert_false(timer_running(&t));
            assert_true(wheel_due(&w) == NEVER);
        }
    }
}

static void a_stopped_timer_does_not_expire(void **state)
{
    (void)state;
    struct wheel w;
    struct timer a = {0}, b = {0}, c = {0};
    wheel_init(&w, 5);
    timer_start(&w, &a, 100);
    timer_start(&w, &b, 100);
    timer_start(&w, &c, 100);
    timer_stop(&w, &b);
    timer_stop(&w, &b);
    struct timer *first = wheel_expired(&w, 100), *second = wheel_expired(&w, 100);
    assert_true((first == &a && second == &c) || (first == &c && second == &a));
    assert_null(wheel_expired(&w, SEC(1)));
}

static void sleeping_until_due_reaches_every_timer(void **state)
{
    (void)state;
    struct wheel w;
    struct timer t = {0};
    wheel_init(&w, 12345);
    timer_start(&w, &t, 12345 + SEC(7200));
    int wakes = 0;
    for (usec due; (due = wheel_due(&w)) != NEVER; wakes++) {
        struct timer *e = wheel_expired(&w, due);
        if (e)
            assert_true(due == 12345 + SEC(7200));
    }
    assert_true(wakes <= WHEEL_LEVELS + 1);
}

static void a_timer_beyond_the_wheel_comes_back(void **state)
{
    (void)state;
    struct wheel w;
    struct timer t = {0};
    usec far = (usec)1 << 45;
    wheel_init(&w, 77);
    timer_start(&w, &t, far);
    assert_null(wheel_expired(&w, SEC(3600)));
    struct timer *e = wheel_expired(&w, far);
    assert_ptr_equal(e, &t);
}

static void random_timers_agree_with_a_list(void **state)
{
    (void)state;
    enum { N = 500 };
    static struct timer timers[N];
    struct wheel w;
    usec now = 999;
    wheel_init(&w, now);
    for (int round = 0; round < 20000; round++) {
        struct timer *t = &timers[next_random() % N];
        switch (next_random() % 3) {
        case 0:
            timer_stop(&w, t);
            break;
        case 1:
            timer_start(&w, t, now + (usec)(next_random() % ((uint64_t)1 << (next_random() % 36))));
            break;
        default:
            now += (usec)(next_random() % ((uint64_t)1 << (next_random() % 24)));
            for (struct timer *e; (e = wheel_expired(&w, now));)
                assert_true(e->due <= now);
            for (int i = 0; i < N; i++)
                assert_true(!timer_running(&timers[i]) || timers[i].due > now);
            assert_true(wheel_due(&w) > now);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_expires_at_its_time_and_not_before),
        cmocka_unit_test(a_stopped_timer_does_not_expire),
        cmocka_unit_test(sleeping_until_due_reaches_every_timer),
        cmocka_unit_test(a_timer_beyond_the_wheel_comes_back),
        cmocka_unit_test(random_timers_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
