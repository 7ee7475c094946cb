/* Sequence arithmetic around 2^32, RFC 9293 3.4. */
#include "../../stack/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void a_position_survives_the_wire(void **state)
{
    (void)state;
    static const uint32_t isns[] = {0, 1, 100, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    static const int64_t positions[] = {0,          1,           0x7fffffff,  0xfffffffe,
                                        0xffffffff, 0x100000000, 0x100000001, 12345678901234};
    for (size_t i = 0; i < sizeof isns / sizeof *isns; i++)
        for (size_t k = 0; k < sizeof positions / sizeof *positions; k++)
            for (int64_t off = -70000; off <= 70000; off += 35000)
                assert_int_equal(seq_unwrap(seq_wrap(positions[k], isns[i]), isns[i], positions[k] + off),
                                 positions[k]);
}

static void the_nearest_position_is_meant(void **state)
{
    (void)state;
    assert_int_equal(seq_unwrap((struct wireseq){99}, 100, 1), -1); /* an old duplicate, before the ISN */
    assert_int_equal(seq_unwrap((struct wireseq){0}, 0xffffffff, 0), 1);
    assert_int_equal(seq_unwrap((struct wireseq){0xffffffff}, 0, 0x100000000), 0xffffffff);
    assert_int_equal(seq_unwrap((struct wireseq){5}, 0, 0x1fffffff0), 0x200000005);
    assert_int_equal(seq_unwrap((struct wireseq){100u + 0x7fffffffu}, 100, 0), 0x7fffffff);
}

static void distance_is_signed_on_the_circle(void **state)
{
    (void)state;
    assert_int_equal(seq_distance((struct wireseq){2}, (struct wireseq){0xfffffffe}), 4);
    assert_int_equal(seq_distance((struct wireseq){0xfffffffe}, (struct wireseq){2}), -4);
    assert_int_equal(seq_distance((struct wireseq){7}, (struct wireseq){7}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_survives_the_wire),
        cmocka_unit_test(the_nearest_position_is_meant),
        cmocka_unit_test(distance_is_signed_on_the_circle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
