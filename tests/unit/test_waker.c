/* The timer that ends a loop's sleep: never late, and left alone while it rings early enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../tun/clock.h"
#include "../../tun/waker.h"

static int setup(void **state)
{
    static struct waker waker;
    *state = &waker;
    return waker_open(&waker);
}

static int teardown(void **state)
{
    waker_close(*state);
    return 0;
}

static bool rings_within(const struct waker *w, int ms)
{
    return poll(&(struct pollfd){.fd = w->fd, .events = POLLIN}, 1, ms) == 1;
}

/* Microseconds until it rings, 0: it is not set. */
static usec left_of(const struct waker *w)
{
    struct itimerspec at;
    assert_int_equal(timerfd_gettime(w->fd, &at), 0);
    return SEC(at.it_value.tv_sec) + at.it_value.tv_nsec / 1000;
}

static void test_rings_when_due_and_not_before(void **state)
{
    struct waker *w = *state;
    usec now = clock_now(), due = now + 2500;
    assert_int_equal(waker_set(w, now, due), 0);
    assert_true(rings_within(w, 60000));
    assert_true(clock_now() >= due);
}

static void test_a_deadline_put_off_costs_nothing(void **state)
{
    struct waker *w = *state;
    usec now = clock_now();
    assert_int_equal(waker_set(w, now, now + SEC(100)), 0);
    assert_int_equal(waker_set(w, now, now + SEC(900)), 0);
    assert_int_equal(waker_set(w, now, NEVER), 0);
    assert_int_equal(w->due, now + SEC(100));
    assert_true(left_of(w) > 0 && left_of(w) <= SEC(100));
}

static void test_an_earlier_deadline_is_heard(void **state)
{
    struct waker *w = *state;
    usec now = clock_now();
    assert_int_equal(waker_set(w, now, now + SEC(900)), 0);
    assert_int_equal(waker_set(w, now, now + MSEC(1)), 0);
    assert_true(rings_within(w, 60000));
}

static void test_after_it_rang_it_is_set_anew(void **state)
{
    struct waker *w = *state;
    usec now = clock_now();
    assert_int_equal(waker_set(w, now, now + 1), 0);
    assert_true(rings_within(w, 60000));
    waker_rang(w);
    assert_int_equal(waker_set(w, now, now + SEC(100)), 0);
    assert_false(rings_within(w, 0));
    assert_true(left_of(w) > SEC(90));
}

static void test_without_a_deadline_it_is_not_set(void **state)
{
    struct waker *w = *state;
    assert_int_equal(waker_set(w, clock_now(), NEVER), 0);
    assert_int_equal(left_of(w), 0);
}

static void test_says_why_it_cannot(void **state)
{
    struct waker *w = *state;
    waker_close(w);
    waker_close(w); /* once more is no harm */
    assert_int_equal(waker_set(w, 0, SEC(1)), -EBADF);
    assert_int_equal(w->due, NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rings_when_due_and_not_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_deadline_put_off_costs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_earlier_deadline_is_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_it_rang_it_is_set_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_deadline_it_is_not_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_says_why_it_cannot, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
