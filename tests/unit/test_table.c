/* Hash tables and the hash behind them. */
#include "memory.h"
#include "../../stack/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The first vectors of the SipHash paper's appendix: key 00..0f, input 00, 00 01, ... */
static void siphash_gives_the_papers_vectors(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                        0x85676696d7fb7e2d};
    uint8_t key[16], input[16];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = input[i] = i;
    for (size_t len = 0; len < 4; len++)
        assert_true(siphash64(key, input, len) == expected[len]);
    assert_true(siphash64(key, input, 15) == 0xa129ca6149be45e5);
}

/* What Python's hash(), which is SipHash-1-3, says of 00, 00 01 02, ... with the key of PYTHONHASHSEED=0. */
static void shorter_siphash_gives_pythons_values(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } expected[] = {{1, 0x68a914128e01e473},  {3, 0x4d4c9a4a8ef6e0ad}, {7, 0x2f098ab0c751325a},
                    {8, 0xead411e67ebe2eea},  {9, 0x75927f9d95124362}, {12, 0xa6baf4fb0f9fe1c2},
                    {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7}};
    static const uint8_t key[16];
    uint8_t input[16];
    for (uint8_t i = 0; i < 16; i++)
        input[i] = i;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(siphash13(key, input, expected[i].len) == expected[i].hash);
}

struct thing {
    struct table_node node;
    uint32_t number;
};

static uint32_t hash_of(uint32_t number)
{
    static const uint8_t key[16];
    return number % 7 == 0 ? 42 : siphash(key, &number, sizeof number); /* some collide on purpose */
}

static struct thing *find(const struct table *t, uint32_t number)
{
    for (struct table_node *n = table_first(t, hash_of(number)); n; n = table_next(n, hash_of(number)))
        if (((struct thing *)n)->number == number)
            return (struct thing *)n;
    return NULL;
}

static void what_is_inserted_is_found_until_removed(void **state)
{
    (void)state;
    enum { N = 3000 };
    static struct thing things[N];
    struct core core;
    struct table t = {0};
    memory_core(&core);
    for (uint32_t i = 0; i < N; i++) {
        things[i].number = i;
        assert_true(table_insert(&t, &core, &things[i].node, hash_of(i)));
    }
    for (uint32_t i = 0; i < N; i += 2)
        table_remove(&t, &things[i].node);
    for (uint32_t i = 0; i < N; i++)
        assert_ptr_equal(find(&t, i), i % 2 ? &things[i] : NULL);
    unsigned seen = 0;
    for (struct table_node *n = table_walk(&t, NULL), *next; n; n = next, seen++) {
        next = table_walk(&t, n);
        table_remove(&t, n);
    }
    assert_int_equal(seen, N / 2);
    table_free(&t, &core);
    assert_int_equal(core.memory_used, 0);
}

static void a_table_that_cannot_grow_keeps_working(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct thing things[N];
    struct core core;
    struct table t = {0};
    memory_core(&core);
    memory_fail_at = 1;
    assert_false(table_insert(&t, &core, &things[0].node, hash_of(0)));
    for (uint32_t i = 0; i < N; i++) {
        things[i].number = i;
        memory_fail_at = i > 0 ? memory_calls + 1 : 0;
        assert_true(table_insert(&t, &core, &things[i].node, hash_of(i)));
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_ptr_equal(find(&t, i), &things[i]);
        table_remove(&t, &things[i].node);
    }
    table_free(&t, &core);
    assert_int_equal(core.memory_used, 0);
}

static void a_rate_limit_lets_a_burst_through_and_then_its_rate(void **state)
{
    (void)state;
    struct rate_limit limit = {0};
    unsigned allowed = 0;
    for (int i = 0; i < 100; i++)
        allowed += rate_allow(&limit, SEC(5), 10, 20);
    assert_int_equal(allowed, 20);
    for (usec now = SEC(5); now < SEC(15); now += MSEC(7))
        allowed += rate_allow(&limit, now, 10, 20);
    assert_in_range(allowed, 20 + 98, 20 + 101);
    allowed = 0;
    for (int i = 0; i < 100; i++)
        allowed += rate_allow(&limit, SEC(100000), 10, 20);
    assert_int_equal(allowed, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_papers_vectors),
        cmocka_unit_test(shorter_siphash_gives_pythons_values),
        cmocka_unit_test(what_is_inserted_is_found_until_removed),
        cmocka_unit_test(a_table_that_cannot_grow_keeps_working),
        cmocka_unit_test(a_rate_limit_lets_a_burst_through_and_then_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
