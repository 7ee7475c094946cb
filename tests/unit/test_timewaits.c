/* The storage of TIME-WAIT records: found by hash, given out by age, small, and gone when the last is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../stack/timewaits.h"
#include "memory.h"

#define MANY 20000

static uint32_t hash_of(uint32_t i)
{
    return i * 2654435761u >> 3 & ~7u; /* some are alike */
}

static struct tcp_timewait *find(const struct timewaits *all, uint32_t id)
{
    for (struct tcp_timewait *tw = NULL; (tw = timewaits_hashed(all, hash_of(id), tw));)
        if (tw->id == id)
            return tw;
    return NULL;
}

static void add(struct timewaits *all, struct core *core, uint32_t id)
{
    struct tcp_timewait *tw = timewaits_add(all, core, hash_of(id));
    assert_non_null(tw);
    tw->id = id;
}

static void each_is_found_and_costs_at_most_64_bytes(void **state)
{
    (void)state;
    struct core core;
    struct timewaits all = {0};
    memory_core(&core);
    for (uint32_t i = 1; i <= MANY; i++) {
        add(&all, &core, i);
        if (i > 1000)
            assert_in_range(core.memory_used / i, 40, 64);
    }
    for (uint32_t i = 1; i <= MANY; i++)
        assert_int_equal(find(&all, i)->id, i);
    assert_null(find(&all, MANY + 1));
    for (uint32_t i = 1; i <= MANY; i++)
        timewaits_remove(&all, &core, find(&all, (uint32_t)((uint64_t)i * 7919 % MANY) + 1));
    assert_int_equal(all.count, 0);
    assert_int_equal(core.memory_used, 0);
}

static void by_age_they_come_in_order_whoever_leaves_or_is_renewed(void **state)
{
    (void)state;
    struct core core;
    struct timewaits all = {0};
    memory_core(&core);
    for (uint32_t i = 1; i <= 9; i++)
        add(&all, &core, i);
    timewaits_remove(&all, &core, find(&all, 1)); /* the oldest, one between, the youngest */
    timewaits_remove(&all, &core, find(&all, 5));
    timewaits_remove(&all, &core, find(&all, 9));
    timewaits_renew(&all, find(&all, 2));
    timewaits_renew(&all, find(&all, 7));
    add(&all, &core, 10); /* takes a number that came back */
    static const uint32_t order[] = {3, 4, 6, 8, 2, 7, 10};
    unsigned n = 0;
    for (struct tcp_timewait *tw = NULL; (tw = timewaits_by_age(&all, tw)); n++)
        assert_int_equal(tw->id, order[n]);
    assert_int_equal(n, sizeof order / sizeof *order);
    while (timewaits_by_age(&all, NULL))
        timewaits_remove(&all, &core, timewaits_by_age(&all, NULL));
    assert_int_equal(core.memory_used, 0);
}

static void without_memory_what_is_there_stays(void **state)
{
    (void)state;
    for (long fail = 1; fail < 40; fail++) {
        struct core core;
        struct timewaits all = {0};
        uint32_t stored = 0;
        memory_core(&core);
        memory_fail_at = fail;
        for (uint32_t i = 1; i <= 1000; i++) {
            struct tcp_timewait *tw = timewaits_add(&all, &core, hash_of(i));
            if (tw)
                tw->id = i, stored++;
        }
        assert_true(stored >= 999); /* wider slots may wait; a block or the first slots cost one record */
        assert_int_equal(all.count, stored);
        unsigned n = 0;
        for (struct tcp_timewait *tw = NULL; (tw = timewaits_by_age(&all, tw)); n++)
            assert_ptr_equal(find(&all, tw->id), tw);
        assert_int_equal(n, stored);
        while (timewaits_by_age(&all, NULL))
            timewaits_remove(&all, &core, timewaits_by_age(&all, NULL));
        assert_int_equal(core.memory_used, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_and_costs_at_most_64_bytes),
        cmocka_unit_test(by_age_they_come_in_order_whoever_leaves_or_is_renewed),
        cmocka_unit_test(without_memory_what_is_there_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
