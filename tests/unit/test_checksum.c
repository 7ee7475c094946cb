/* The Internet checksum against RFC 1071's example, against the plainest reference, and over itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../stack/checksum.h"
#include "../../stack/ip_wire.h"

/* Word by word, as RFC 1071 1 puts it. */
static uint16_t reference(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* xorshift: the same numbers in every run */
static uint32_t random32(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void the_example_of_rfc_1071_section_3(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(checksum_of(bytes, sizeof bytes), (uint16_t)~0xddf2);
}

static void nothing_sums_to_zero(void **state)
{
    (void)state;
    assert_int_equal(checksum_of("", 0), 0xffff);
    const uint8_t zeros[100] = {0};
    assert_int_equal(checksum_of(zeros, sizeof zeros), 0xffff);
}

static void an_odd_byte_is_padded_on_the_right(void **state)
{
    (void)state;
    const uint8_t one[] = {0x12}, two[] = {0x12, 0x00};
    assert_int_equal(checksum_of(one, 1), (uint16_t)~0x1200);
    assert_int_equal(checksum_of(one, 1), checksum_of(two, 2));
}

static void every_length_and_alignment_agrees_with_the_reference(void **state)
{
    (void)state;
    uint8_t bytes[400];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random32();
    for (size_t start = 0; start < 16; start++) {
        for (size_t len = 0; len + start < 300; len++)
            assert_int_equal(checksum_of(bytes + start, len), reference(bytes + start, len));
    }
}

static void carries_of_all_ones_are_not_lost(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(65535);
    memset(bytes, 0xff, 65535);
    for (size_t len = 65500; len <= 65535; len++)
        assert_int_equal(checksum_of(bytes, len), reference(bytes, len));
    free(bytes);
}

static void any_split_into_spans_gives_the_same_sum(void **state)
{
    (void)state;
    uint8_t bytes[2000];
    for (int round = 0; round < 2000; round++) {
        size_t len = random32() % sizeof bytes, at = 0;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)random32();
        struct checksum c = {0};
        while (at < len) {
            size_t n = random32() % 90;
            n = n < len - at ? n : len - at;
            checksum_add(&c, bytes + at, n);
            at += n;
        }
        assert_int_equal(checksum_finish(&c), reference(bytes, len));
    }
}

static void the_pseudo_header_counts_as_its_twelve_bytes(void **state)
{
    (void)state;
    const uint8_t pseudo[] = {192, 168, 255, 254, 10, 7, 0, 2, 0, 17, 0xfe, 0xdc};
    struct checksum c = {0};
    checksum_add_pseudo(&c, IP_ADDR(192, 168, 255, 254), IP_ADDR(10, 7, 0, 2), 17, 0xfedc);
    assert_int_equal(checksum_finish(&c), reference(pseudo, sizeof pseudo));
}

static void the_sum_over_its_own_checksum_is_zero(void **state)
{
    (void)state;
    uint8_t bytes[1501];
    for (int round = 0; round < 500; round++) {
        size_t len = 20 + random32() % (sizeof bytes - 20);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)random32();
        memset(bytes + 10, 0, 2);
        uint16_t sum = checksum_of(bytes, len);
        bytes[10] = (uint8_t)(sum >> 8);
        bytes[11] = (uint8_t)sum;
        assert_int_equal(checksum_of(bytes, len), 0);
        bytes[random32() % len] ^= 1 << random32() % 8;
        assert_int_not_equal(checksum_of(bytes, len), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_1071_section_3),
        cmocka_unit_test(nothing_sums_to_zero),
        cmocka_unit_test(an_odd_byte_is_padded_on_the_right),
        cmocka_unit_test(every_length_and_alignment_agrees_with_the_reference),
        cmocka_unit_test(carries_of_all_ones_are_not_lost),
        cmocka_unit_test(any_split_into_spans_gives_the_same_sum),
        cmocka_unit_test(the_pseudo_header_counts_as_its_twelve_bytes),
        cmocka_unit_test(the_sum_over_its_own_checksum_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
