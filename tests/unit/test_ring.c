/* The byte ring and the set of ranges, against plain arrays. */
#include "memory.h"
#include "../../stack/ranges.h"
#include "../../stack/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static uint8_t byte_at(int64_t position)
{
    return (uint8_t)(position * 31 + position / 256);
}

static void put(struct ring *r, int64_t from, size_t len)
{
    uint8_t block[9000];
    for (size_t i = 0; i < len; i++)
        block[i] = byte_at(from + (int64_t)i);
    ring_store(r, from, block, len);
}

static void check(const struct ring *r, int64_t from, size_t len)
{
    uint8_t block[9000];
    ring_load(r, from, block, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(block[i], byte_at(from + (int64_t)i));
    struct span s[2];
    ring_spans(r, from, len, s);
    assert_int_equal(s[0].len + s[1].len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(i < s[0].len ? s[0].at[i] : s[1].at[i - s[0].len], byte_at(from + (int64_t)i));
}

static void bytes_lie_at_their_position_whatever_the_wrap(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    struct ring r = {.head = 1, .tail = 1};
    assert_true(ring_reserve(&r, &core, 2048, 0));
    for (int64_t at = 1; at < 20000; at += 700) {
        put(&r, at, 2000);
        check(&r, at, 2000);
        r.head = at + 700;
        r.tail = at + 2000;
    }
    ring_free(&r, &core);
    core_free_spares(&core);
    assert_int_equal(core.memory_used, 0);
}

static void growing_keeps_what_lies_beyond_the_tail_too(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    struct ring r = {.head = 2000, .tail = 2000};
    assert_true(ring_reserve(&r, &core, 100, 0));
    put(&r, 2000, 500);
    r.tail = 2500;
    put(&r, 3000, 1000); /* out of order */
    assert_true(ring_reserve(&r, &core, 8000, 0));
    assert_int_equal(r.size, 8192);
    check(&r, 2000, 500);
    check(&r, 3000, 1000);
    ring_free(&r, &core);
    core_free_spares(&core);
    assert_int_equal(core.memory_used, 0);
}

static void a_ring_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    struct ring r = {.head = 1, .tail = 1};
    assert_true(ring_reserve(&r, &core, 2048, 0));
    put(&r, 1, 2048);
    r.tail = 2049;
    memory_fail_at = memory_calls + 1;
    assert_false(ring_reserve(&r, &core, 5000, 0));
    check(&r, 1, 2048);
    ring_free(&r, &core);
    core_free_spares(&core);
    assert_int_equal(core.memory_used, 0);
}

static void ranges_join_and_stay_sorted(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    struct ranges r = {0};
    assert_true(ranges_add(&r, &core, 100, 200, 8));
    assert_true(ranges_add(&r, &core, 300, 400, 8));
    assert_true(ranges_add(&r, &core, 500, 600, 8));
    assert_int_equal(r.count, 3);
    assert_true(ranges_add(&r, &core, 200, 300, 8)); /* touches both neighbours */
    assert_int_equal(r.count, 2);
    assert_int_equal(r.at[0].left, 100);
    assert_int_equal(r.at[0].right, 400);
    assert_int_equal(ranges_absorb(&r, &core, 50), 50);
    assert_int_equal(ranges_absorb(&r, &core, 150), 400);
    assert_int_equal(r.count, 1);
    assert_int_equal(ranges_absorb(&r, &core, 600), 600);
    assert_int_equal(core.memory_used, 0); /* an empty set owns nothing */
}

static void ranges_agree_with_a_bitmap(void **state)
{
    (void)state;
    enum { N = 400, MAX = 12 };
    struct core core;
    memory_core(&core);
    unsigned dice = 12345;
    for (int round = 0; round < 300; round++) {
        bool held[N] = {false};
        struct ranges r = {0};
        for (int i = 0; i < 30; i++) {
            dice = dice * 1103515245 + 12345;
            int left = (int)(dice >> 16) % (N - 1), len = 1 + (int)(dice >> 8) % 40;
            int right = left + len < N ? left + len : N;
            if (!ranges_add(&r, &core, left, right, MAX)) {
                assert_int_equal(r.count, MAX);
                continue;
            }
            memset(held + left, true, (size_t)(right - left));
        }
        for (int p = 0, k = 0; p < N; p++) {
            while (k < r.count && r.at[k].right <= p)
                k++;
            assert_int_equal(held[p], k < r.count && r.at[k].left <= p);
        }
        ranges_free(&r, &core);
        assert_int_equal(core.memory_used, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_lie_at_their_position_whatever_the_wrap),
        cmocka_unit_test(growing_keeps_what_lies_beyond_the_tail_too),
        cmocka_unit_test(a_ring_that_cannot_grow_stays_as_it_was),
        cmocka_unit_test(ranges_join_and_stay_sorted),
        cmocka_unit_test(ranges_agree_with_a_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
