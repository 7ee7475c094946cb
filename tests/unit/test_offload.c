/* The device's header, and the checksum that it would have finished. */
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"
#include "../../tun/offload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define A IP_ADDR(10, 7, 0, 1)
#define B IP_ADDR(10, 7, 0, 2)

/* A segment with `len` bytes of text, its checksum left to the device. */
static size_t unfinished(uint8_t *to, size_t len)
{
    struct tcp_header h = {.source = 1, .destination = 2, .flags = TCP_ACK};
    struct ip_fields ip = {.src = A, .dst = B, .protocol = IP_TCP, .ttl = 64, .dont_fragment = true};
    size_t head = tcp_write(&h, to + IP_HEADER_MIN);
    ip_fill(to, &ip, head + len);
    tcp_checksum_begin(to + IP_HEADER_MIN, head + len, A, B);
    for (size_t i = 0; i < len; i++)
        to[IP_HEADER_MIN + head + i] = (uint8_t)(i * 7);
    return IP_HEADER_MIN + head + len;
}

static const struct offload left_to_it = {.checksum_start = 20, .checksum_at = 36};

static void what_is_written_is_what_is_read(void **state)
{
    (void)state;
    uint8_t bytes[3000], header[OFFLOAD_HEADER];
    struct iovec part = {bytes, 40};
    unfinished(bytes, 2000);
    struct offload super = left_to_it, back;
    super.segment_size = 1460;
    offload_write(&super, &part, header);
    offload_read(header, &back);
    assert_int_equal(back.segment_size, 1460);
    assert_int_equal(back.checksum_start, 20);
    assert_int_equal(back.checksum_at, 36);
    assert_true(back.checksum_good);
    offload_write(&(struct offload){0}, &part, header);
    for (int i = 0; i < OFFLOAD_HEADER; i++)
        assert_int_equal(header[i], 0);
}

/* However the datagram lies in parts, what is shown is what a wire would have carried. */
static void a_capture_shows_the_finished_checksum(void **state)
{
    (void)state;
    static uint8_t bytes[65535], whole[65535], front[OFFLOAD_FRONT];
    static const size_t texts[] = {0, 1, 79, 80, 81, 1448, 40001};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t len = unfinished(bytes, texts[t]);
        for (size_t cut = 40; cut <= len; cut += 1 + len / 7) {
            struct iovec part[2] = {{bytes, cut}, {bytes + cut, len - cut}}, out[OFFLOAD_PARTS_MAX];
            int count = offload_finish(&left_to_it, part, 2, front, out);
            size_t at = 0;
            for (int i = 0; i < count; i++) {
                memcpy(whole + at, out[i].iov_base, out[i].iov_len);
                at += out[i].iov_len;
            }
            assert_int_equal(at, len);
            struct ip_packet p;
            struct tcp_header h;
            assert_int_equal(ip_parse(whole, len, &p), DROP_NONE);
            assert_int_equal(tcp_parse(&p, &h), DROP_NONE);
            assert_int_equal(h.text.len, texts[t]);
        }
    }
}

static void nonsense_of_a_device_harms_nobody(void **state)
{
    (void)state;
    uint8_t bytes[60] = {0x45}, front[OFFLOAD_FRONT];
    struct iovec part = {bytes, sizeof bytes}, out[OFFLOAD_PARTS_MAX];
    bytes[9] = IP_UDP;
    for (unsigned at = 0; at < 70000; at += 59) {
        struct offload o = {.checksum_start = (uint16_t)at, .checksum_at = (uint16_t)(at + at % 3 * 6)};
        offload_finish(&o, &part, 1, front, out);
        offload_finish_udp(&o, bytes, sizeof bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(a_capture_shows_the_finished_checksum),
        cmocka_unit_test(nonsense_of_a_device_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
