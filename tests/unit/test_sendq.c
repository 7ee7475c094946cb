/* The send queue against a plain array: copies and loans in any order, read at any place, given back in
 * order. */
#include "memory.h"
#include "../../stack/sendq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ALL 200000

static uint8_t stream[ALL];
static int given_back[64], given_count;

static void give_back(void *context)
{
    given_back[given_count++] = (int)(size_t)context;
}

static uint32_t dice_state = 1;

static uint32_t dice(uint32_t n)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % n;
}

static void check_at(const struct sendq *q, int64_t from, size_t len)
{
    struct span out[FRAME_SPANS];
    size_t covered = sendq_spans(q, from, len, out), at = 0;
    assert_true(covered <= len && (covered > 0 || len == 0));
    for (int i = 0; i < FRAME_SPANS; i++) {
        assert_memory_equal(out[i].at ? out[i].at : stream, out[i].at ? stream + from + at : stream,
                            out[i].len);
        at += out[i].len;
    }
    assert_int_equal(at, covered);
    if (covered < len) /* only for want of pieces */
        assert_true(out[FRAME_SPANS - 1].len > 0);
}

static void copies_and_loans_keep_their_order(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    for (size_t i = 0; i < ALL; i++)
        stream[i] = (uint8_t)(i * 131 + i / 256);
    for (uint32_t run = 1; run < 200; run++) {
        struct sendq q = {.head = 1, .tail = 1};
        int lent = 0;
        dice_state = run;
        given_count = 0;
        while (q.tail < 60000 && lent < 60) {
            size_t len = 1 + dice(dice(2) ? 3000 : 30);
            const struct loan loan = {stream + q.tail, len, give_back, (void *)(size_t)lent};
            if (dice(3) == 0) {
                int error = sendq_lend(&q, &core, &loan);
                assert_true(error == 0 || q.loans->count == SENDQ_LOANS);
                lent += error == 0;
            } else
                assert_int_equal(sendq_write(&q, &core, stream + q.tail, len, 65536), len);
            int64_t from = q.head + dice((uint32_t)sendq_len(&q));
            check_at(&q, from, dice((uint32_t)(q.tail - from) + 1));
            if (dice(2))
                sendq_release(&q, &core, q.head + dice((uint32_t)sendq_len(&q) + 1));
            assert_true(q.copied <= q.size);
        }
        sendq_release(&q, &core, q.tail);
        assert_int_equal(given_count, lent);
        for (int i = 0; i < lent; i++)
            assert_int_equal(given_back[i], i);
        assert_null(q.loans);
        assert_null(q.base);
    }
    core_free_spares(&core);
    assert_int_equal(core.memory_used, 0);
}

static void what_is_not_delivered_is_given_back_too(void **state)
{
    (void)state;
    struct core core;
    memory_core(&core);
    struct sendq q = {.head = 1, .tail = 1};
    given_count = 0;
    assert_int_equal(sendq_write(&q, &core, stream, 10, 65536), 10);
    assert_int_equal(sendq_lend(&q, &core, &(struct loan){stream, 5000, give_back, NULL}), 0);
    sendq_free(&q, &core);
    core_free_spares(&core);
    assert_int_equal(given_count, 1);
    assert_int_equal(core.memory_used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_loans_keep_their_order),
        cmocka_unit_test(what_is_not_delivered_is_given_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
