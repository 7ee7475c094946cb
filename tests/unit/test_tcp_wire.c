/* The TCP header: round trips, and every way in which it can be wrong. */
#include "../../stack/tcp_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define A IP_ADDR(10, 7, 0, 1)
#define B IP_ADDR(10, 7, 0, 2)

static struct ip_packet packet_of(const uint8_t *bytes, size_t len)
{
    return (struct ip_packet){.src = A, .dst = B, .protocol = IP_TCP, .body = {bytes, len}};
}

static size_t write_segment(const struct tcp_header *h, uint8_t *to, const char *text)
{
    size_t len = tcp_write(h, to), text_len = strlen(text);
    memcpy(to + len, text, text_len);
    tcp_checksum(to, len, &(struct span){(const uint8_t *)text, text_len}, 1, A, B);
    return len + text_len;
}

static const struct tcp_header full = {
    .source = 40000,
    .destination = 80,
    .seq = {0xfffffff0},
    .ack = {0x12345678},
    .flags = TCP_SYN | TCP_ACK | TCP_URG | TCP_ECE,
    .window = 65535,
    .urgent = 7,
    .options = {.mss = 1460,
                .has_window_scale = true,
                .window_scale = 7,
                .sack_permitted = true,
                .has_timestamps = true,
                .ts_value = 0xdeadbeef,
                .ts_echo = 1},
};

static void a_header_survives_the_wire(void **state)
{
    (void)state;
    uint8_t bytes[100];
    size_t len = write_segment(&full, bytes, "hello");
    struct ip_packet p = packet_of(bytes, len);
    struct tcp_header h;
    assert_int_equal(tcp_parse(&p, &h), DROP_NONE);
    assert_int_equal(h.source, 40000);
    assert_int_equal(h.destination, 80);
    assert_int_equal(h.seq.n, 0xfffffff0);
    assert_int_equal(h.ack.n, 0x12345678);
    assert_int_equal(h.flags, full.flags);
    assert_int_equal(h.window, 65535);
    assert_int_equal(h.urgent, 7);
    assert_int_equal(h.options.mss, 1460);
    assert_true(h.options.has_window_scale && h.options.sack_permitted && h.options.has_timestamps);
    assert_int_equal(h.options.window_scale, 7);
    assert_int_equal(h.options.ts_value, 0xdeadbeef);
    assert_int_equal(h.text.len, 5);
    assert_memory_equal(h.text.at, "hello", 5);
    assert_int_equal(tcp_seq_len(&h), 6);
}

static void sack_blocks_survive_the_wire(void **state)
{
    (void)state;
    struct tcp_header h = {.source = 1, .destination = 2, .flags = TCP_ACK};
    h.options.sack_count = 4;
    for (uint32_t i = 0; i < 4; i++)
        h.options.sack[i] = (struct tcp_sack_block){{i * 100}, {i * 100 + 50}};
    uint8_t bytes[100];
    size_t len = write_segment(&h, bytes, "");
    assert_int_equal(len, 56);
    struct ip_packet p = packet_of(bytes, len);
    struct tcp_header back;
    assert_int_equal(tcp_parse(&p, &back), DROP_NONE);
    assert_int_equal(back.options.sack_count, 4);
    assert_int_equal(back.options.sack[3].right.n, 350);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[100];
    size_t len = write_segment(&full, bytes, "hello world");
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct ip_packet p = packet_of(bytes, len);
        struct tcp_header h;
        assert_int_not_equal(tcp_parse(&p, &h), DROP_NONE);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_cut_header_is_dropped_at_every_length(void **state)
{
    (void)state;
    uint8_t bytes[100];
    write_segment(&full, bytes, "");
    for (size_t len = 0; len < 20; len++) {
        struct ip_packet p = packet_of(bytes, len);
        struct tcp_header h;
        assert_int_equal(tcp_parse(&p, &h), DROP_TCP_SHORT);
    }
}

/* A SYN whose options are these bytes, padded with zeros to a multiple of four. */
static enum drop parse_options(const uint8_t *options, size_t n, uint8_t flags, struct tcp_header *h)
{
    static uint8_t bytes[60];
    struct tcp_header plain = {.source = 1, .destination = 2, .flags = flags};
    memset(bytes, 0, sizeof bytes);
    tcp_write(&plain, bytes);
    memcpy(bytes + 20, options, n);
    size_t len = 20 + (n + 3) / 4 * 4;
    bytes[12] = (uint8_t)(len / 4 << 4);
    tcp_checksum(bytes, len, NULL, 0, A, B);
    struct ip_packet p = packet_of(bytes, len);
    return tcp_parse(&p, h);
}

static void an_option_length_that_cannot_be_drops_the_segment(void **state)
{
    (void)state;
    static const uint8_t bad[][8] = {{2, 0, 5, 180}, {2, 1, 5, 180}, {8, 255, 0, 0},
                                     {254, 0},       {1, 1, 1, 2},   {5, 9, 0, 0}};
    struct tcp_header h;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(parse_options(bad[i], 4, TCP_SYN, &h), DROP_TCP_OPTION);
}

static void unknown_options_and_odd_lengths_are_skipped(void **state)
{
    (void)state;
    struct tcp_header h;
    static const uint8_t unknown[] = {253, 6, 1, 2, 3, 4, 1, 1, 2, 4, 5, 180};
    assert_int_equal(parse_options(unknown, sizeof unknown, TCP_SYN, &h), DROP_NONE);
    assert_int_equal(h.options.mss, 1460);
    static const uint8_t odd_mss[] = {2, 3, 5, 1, 3, 3, 9, 0};
    assert_int_equal(parse_options(odd_mss, sizeof odd_mss, TCP_SYN, &h), DROP_NONE);
    assert_int_equal(h.options.mss, 0);
    assert_int_equal(h.options.window_scale, 9);
    static const uint8_t behind_end[] = {0, 2, 4, 5, 180, 0, 0, 0};
    assert_int_equal(parse_options(behind_end, sizeof behind_end, TCP_SYN, &h), DROP_NONE);
    assert_int_equal(h.options.mss, 0);
}

static void only_a_syn_names_mss_scale_and_sack(void **state)
{
    (void)state;
    static const uint8_t all[] = {2, 4, 5, 180, 3, 3, 7, 1, 4, 2, 1, 1};
    struct tcp_header h;
    assert_int_equal(parse_options(all, sizeof all, TCP_ACK, &h), DROP_NONE);
    assert_int_equal(h.options.mss, 0);
    assert_false(h.options.has_window_scale || h.options.sack_permitted);
}

static void port_zero_is_never_used(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct tcp_header h = {.source = 0, .destination = 80, .flags = TCP_SYN}, back;
    struct ip_packet p = packet_of(bytes, write_segment(&h, bytes, ""));
    assert_int_equal(tcp_parse(&p, &back), DROP_PORT_ZERO);
    h.source = 80;
    h.destination = 0;
    p = packet_of(bytes, write_segment(&h, bytes, ""));
    assert_int_equal(tcp_parse(&p, &back), DROP_PORT_ZERO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_survives_the_wire),
        cmocka_unit_test(sack_blocks_survive_the_wire),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(a_cut_header_is_dropped_at_every_length),
        cmocka_unit_test(an_option_length_that_cannot_be_drops_the_segment),
        cmocka_unit_test(unknown_options_and_odd_lengths_are_skipped),
        cmocka_unit_test(only_a_syn_names_mss_scale_and_sack),
        cmocka_unit_test(port_zero_is_never_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
