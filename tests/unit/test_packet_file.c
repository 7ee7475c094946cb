/* Captures as they are read: pcap and pcapng, both byte orders, each link type, and files that are damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../apps/packet_file.h"
#include "../../apps/packet_link.h"
#include "../../stack/wire.h"

static int memory_fd;
static char path[32];
static char why[PACKET_FILE_WHY];

static uint8_t text[4096]; /* of the file that is being made */
static size_t text_len;
static bool little;

static int make_path(void **state)
{
    (void)state;
    memory_fd = memfd_create("capture", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_fd);
    text_len = 0;
    little = false;
    return memory_fd < 0 ? -1 : 0;
}

static int remove_path(void **state)
{
    (void)state;
    return close(memory_fd);
}

static void bytes(const void *from, size_t n)
{
    assert_true(text_len + n <= sizeof text);
    memcpy(text + text_len, from, n);
    text_len += n;
}

static void number(uint64_t v, int size)
{
    for (int i = 0; i < size; i++)
        bytes(&(uint8_t){(uint8_t)(v >> 8 * (little ? i : size - 1 - i))}, 1);
}

static void pad(void)
{
    while (text_len % 4)
        number(0, 1);
}

static struct packet_file *opened(void)
{
    assert_int_equal(pwrite(memory_fd, text, text_len, 0), text_len);
    return packet_file_open(path, why);
}

/* The shortest datagram: no protocol is looked at here. */
static const uint8_t datagram[20] = {0x45, 0, 0, 20, 0, 1, 0, 0, 64, 17, 0, 0, 10, 7, 0, 1, 10, 7, 0, 2};

static void pcap_header(uint32_t magic, uint32_t link)
{
    number(magic, 4);
    number(2, 2);
    number(4, 2);
    number(0, 8);
    number(65535, 4);
    number(link, 4);
}

static void pcap_record(uint32_t seconds, uint32_t fraction, const void *frame, uint32_t len,
                        uint32_t wire_len)
{
    number(seconds, 4);
    number(fraction, 4);
    number(len, 4);
    number(wire_len, 4);
    bytes(frame, len);
}

/* Blocks: the length is put in when they end. */
static size_t block_at;

static void block(uint32_t type)
{
    block_at = text_len;
    number(type, 4);
    number(0, 4);
}

static void block_end(void)
{
    size_t len = text_len - block_at + 4, end = text_len;
    text_len = block_at + 4;
    number(len, 4);
    text_len = end;
    number(len, 4);
}

static void section(void)
{
    block(0x0a0d0d0a);
    number(0x1a2b3c4d, 4);
    number(1, 2);
    number(0, 2);
    number(UINT64_MAX, 8);
    block_end();
}

static void interface(uint16_t link, uint8_t resolution)
{
    block(1);
    number(link, 2);
    number(0, 2);
    number(65535, 4);
    number(9, 2);
    number(1, 2);
    number(resolution, 1);
    pad();
    number(0, 4);
    block_end();
}

static void comment(const char *words)
{
    number(1, 2);
    number(strlen(words), 2);
    bytes(words, strlen(words));
    pad();
}

static void packet(uint32_t which, uint64_t stamp, const void *frame, uint32_t len)
{
    block(6);
    number(which, 4);
    number(stamp >> 32, 4);
    number(stamp & UINT32_MAX, 4);
    number(len, 4);
    number(len, 4);
    bytes(frame, len);
    pad();
}

static void one_of_pcap(uint32_t magic, usec time, unsigned nsec)
{
    struct captured c;
    pcap_header(magic, LINK_RAW);
    pcap_record(1700000000, 123456, datagram, sizeof datagram, sizeof datagram);
    struct packet_file *f = opened();
    assert_non_null(f);
    assert_int_equal(packet_file_next(f, &c, why), 1);
    assert_int_equal(c.number, 1);
    assert_int_equal(c.time, time);
    assert_int_equal(c.nsec, nsec);
    assert_int_equal(c.len, sizeof datagram);
    assert_int_equal(c.wire_len, sizeof datagram);
    assert_memory_equal(c.bytes, datagram, sizeof datagram);
    assert_string_equal(c.comment, "");
    assert_int_equal(c.link, LINK_RAW);
    assert_int_equal(packet_file_next(f, &c, why), 0);
    packet_file_close(f);
}

static void pcap_is_read_in_either_byte_order(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        little = i;
        text_len = 0;
        one_of_pcap(0xa1b2c3d4, SEC(1700000000) + 123456, 0);
    }
}

static void pcap_with_nanoseconds_keeps_them(void **state)
{
    (void)state;
    one_of_pcap(0xa1b23c4d, SEC(1700000000) + 123, 456);
}

static void pcapng_is_read_in_either_byte_order_with_comments(void **state)
{
    (void)state;
    struct captured c;
    for (int i = 0; i < 2; i++) {
        little = i;
        text_len = 0;
        section();
        interface(LINK_RAW, 6);
        packet(0, SEC(1700000000) + 7, datagram, sizeof datagram);
        comment("state: LISTEN -> SYN-RECEIVED");
        comment("second");
        number(0, 4);
        block_end();
        packet(0, SEC(1700000001), datagram, sizeof datagram);
        block_end();
        struct packet_file *f = opened();
        assert_non_null(f);
        assert_int_equal(packet_file_next(f, &c, why), 1);
        assert_int_equal(c.time, SEC(1700000000) + 7);
        assert_string_equal(c.comment, "state: LISTEN -> SYN-RECEIVED\nsecond");
        assert_memory_equal(c.bytes, datagram, sizeof datagram);
        assert_int_equal(packet_file_next(f, &c, why), 1);
        assert_int_equal(c.number, 2);
        assert_string_equal(c.comment, "");
        assert_int_equal(packet_file_next(f, &c, why), 0);
        packet_file_close(f);
    }
}

static void resolution_of_each_interface_counts(void **state)
{
    (void)state;
    static const struct {
        uint8_t resolution;
        uint64_t stamp;
        usec time;
        unsigned nsec;
    } cases[] = {
        {9, 1700000000123456789u, SEC(1700000000) + 123456, 789},
        {3, 1700000000123u, SEC(1700000000) + 123000, 0},
        {0, 1700000000u, SEC(1700000000), 0},
        {0x80 | 10, (uint64_t)1700000000 * 1024 + 512, SEC(1700000000) + 500000, 0},
        {12, 1700000000123456u, SEC(1700), 123}, /* picoseconds */
    };
    struct captured c;
    section();
    for (size_t i = 0; i < 5; i++)
        interface(LINK_RAW, cases[i].resolution);
    for (size_t i = 0; i < 5; i++) {
        packet((uint32_t)i, cases[i].stamp, datagram, sizeof datagram);
        block_end();
    }
    struct packet_file *f = opened();
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(packet_file_next(f, &c, why), 1);
        assert_int_equal(c.time, cases[i].time);
        assert_int_equal(c.nsec, cases[i].nsec);
    }
    packet_file_close(f);
}

static void each_link_gives_the_datagram(void **state)
{
    (void)state;
    static const struct {
        unsigned link;
        size_t len;
        uint8_t head[24];
    } cases[] = {
        {LINK_RAW, 0, {0}},
        {LINK_IPV4, 0, {0}},
        {LINK_ETHERNET, 14, {[12] = 8, 0}},
        {LINK_ETHERNET, 18, {[12] = 0x81, 0, 0, 5, 8, 0}},
        {LINK_ETHERNET, 22, {[12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 5, 8, 0}},
        {LINK_LINUX_SLL, 16, {[14] = 8, 0}},
        {LINK_LINUX_SLL2, 20, {8, 0}},
        {LINK_NULL, 4, {2, 0, 0, 0}},
        {LINK_NULL, 4, {0, 0, 0, 2}},
        {LINK_LOOP, 4, {0, 0, 0, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t frame[64] = {0};
        memcpy(frame, cases[i].head, cases[i].len);
        memcpy(frame + cases[i].len, datagram, sizeof datagram);
        size_t len = cases[i].len + sizeof datagram + 18; /* padded, as Ethernet pads */
        struct span got = link_datagram(cases[i].link, frame, len);
        assert_ptr_equal(got.at, frame + cases[i].len);
        assert_int_equal(got.len, sizeof datagram);
        assert_int_equal(link_wire_len(got, cases[i].len, len), sizeof datagram);
        for (size_t cut = 0; cut <= cases[i].len; cut++)
            assert_null(link_datagram(cases[i].link, frame, cut).at);
    }
}

static void frames_of_other_protocols_hold_none(void **state)
{
    (void)state;
    static const uint8_t arp[42] = {[12] = 8, 6}, ipv6[40] = {0x60};
    assert_null(link_datagram(LINK_ETHERNET, arp, sizeof arp).at);
    assert_null(link_datagram(LINK_RAW, ipv6, sizeof ipv6).at);
    assert_null(link_datagram(127, datagram, sizeof datagram).at);
}

static void cut_packets_say_what_they_were(void **state)
{
    (void)state;
    struct captured c;
    uint8_t big[40] = {0x45, 0, 0x05, 0xdc};
    pcap_header(0xa1b2c3d4, LINK_RAW);
    pcap_record(1, 0, big, sizeof big, 1500);
    struct packet_file *f = opened();
    assert_int_equal(packet_file_next(f, &c, why), 1);
    assert_int_equal(c.len, 40);
    assert_int_equal(c.wire_len, 1500);
    packet_file_close(f);
}

/* --- damage --- */

static void refused(const char *words)
{
    struct packet_file *f = opened();
    assert_null(f);
    assert_non_null(strstr(why, words));
}

static void what_is_no_capture_is_refused_in_words(void **state)
{
    (void)state;
    refused("it is empty");
    bytes("GET / HTTP/1.1\r\nHost: here\r\n\r\n", 30);
    refused("not a capture");
    text_len = 0;
    pcap_header(0xa1b2c3d4, 127);
    refused("link type is 127");
    snprintf(path, sizeof path, "/proc/self");
    refused("Is a directory");
    snprintf(path, sizeof path, "/nowhere");
    refused("No such file");
}

/* Every length a file may be cut to: frames that are whole are given, then comes the end or a line. */
static void cut_anywhere(size_t whole, size_t first_frame)
{
    for (size_t n = 1; n < whole; n++) {
        assert_int_equal(ftruncate(memory_fd, 0), 0);
        assert_int_equal(pwrite(memory_fd, text, n, 0), n);
        struct packet_file *f = packet_file_open(path, why);
        if (!f) {
            assert_true(n < first_frame && why[0]);
            continue;
        }
        struct captured c;
        int got, frames = 0;
        while ((got = packet_file_next(f, &c, why)) == 1)
            frames++;
        assert_true(frames <= 1 && (frames == 0 || n >= first_frame));
        assert_true(got == 0 || strstr(why, "damaged after frame"));
        packet_file_close(f);
    }
}

static void files_cut_anywhere_are_read_up_to_there(void **state)
{
    (void)state;
    pcap_header(0xa1b2c3d4, LINK_RAW);
    pcap_record(1, 0, datagram, sizeof datagram, sizeof datagram);
    size_t first = text_len;
    pcap_record(1, 0, datagram, sizeof datagram, sizeof datagram);
    cut_anywhere(text_len, first);
    text_len = 0;
    section();
    interface(LINK_RAW, 6);
    packet(0, 0, datagram, sizeof datagram);
    block_end();
    first = text_len;
    packet(0, 0, datagram, sizeof datagram);
    block_end();
    cut_anywhere(text_len, first);
}

static void blocks_that_lie_end_the_file(void **state)
{
    (void)state;
    struct captured c;
    section();
    packet(0, 0, datagram, sizeof datagram);
    block_end();
    struct packet_file *f = opened();
    assert_int_equal(packet_file_next(f, &c, why), -1);
    assert_string_equal(why, "damaged after frame 0: it is of interface 0, which the file does not describe");
    packet_file_close(f);

    text_len = 0;
    section();
    interface(LINK_RAW, 6);
    packet(0, 0, datagram, sizeof datagram);
    text[block_at + 8 + 12 + 3] = 200; /* more bytes than the block has */
    block_end();
    f = opened();
    assert_int_equal(packet_file_next(f, &c, why), -1);
    assert_string_equal(why, "damaged after frame 0: it claims 200 bytes that its block does not hold");
    packet_file_close(f);

    text_len = 0;
    section();
    interface(LINK_RAW, 0x7f);
    f = opened();
    assert_int_equal(packet_file_next(f, &c, why), -1);
    assert_non_null(strstr(why, "impossible time resolution"));
    packet_file_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pcap_is_read_in_either_byte_order, make_path, remove_path),
        cmocka_unit_test_setup_teardown(pcap_with_nanoseconds_keeps_them, make_path, remove_path),
        cmocka_unit_test_setup_teardown(pcapng_is_read_in_either_byte_order_with_comments, make_path,
                                        remove_path),
        cmocka_unit_test_setup_teardown(resolution_of_each_interface_counts, make_path, remove_path),
        cmocka_unit_test(each_link_gives_the_datagram),
        cmocka_unit_test(frames_of_other_protocols_hold_none),
        cmocka_unit_test_setup_teardown(cut_packets_say_what_they_were, make_path, remove_path),
        cmocka_unit_test_setup_teardown(what_is_no_capture_is_refused_in_words, make_path, remove_path),
        cmocka_unit_test_setup_teardown(files_cut_anywhere_are_read_up_to_there, make_path, remove_path),
        cmocka_unit_test_setup_teardown(blocks_that_lie_end_the_file, make_path, remove_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
