/* pcapng as it is written: bytes that are always the same, and what the reader makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../apps/packet_file.h"
#include "../../stack/wire.h"
#include "../../tun/capture.h"
#include "../../tun/pcapng.h"
#include "contents.h"

static const uint8_t datagram[20] = {0x45, 0, 0, 20, 0, 1, 0, 0, 64, 17, 0, 0, 10, 7, 0, 1, 10, 7, 0, 2};

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, P_tmpdir "/glass-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/x.pcapng", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_three(const char *comment)
{
    struct capture c;
    struct iovec part[2] = {{(void *)datagram, 8}, {(void *)(datagram + 8), 12}};
    assert_int_equal(capture_open(&c, path, SEC(1700000000)), 0);
    assert_true(c.ng);
    capture_packet(&c, 1, part, 2);
    capture_comment(&c, comment);
    capture_packet(&c, 2, part, 2);
    capture_packet(&c, 3, part, 2); /* a comment is for one packet */
    assert_int_equal(capture_close(&c), 0);
}

static void name_decides_the_format(void **state)
{
    (void)state;
    assert_true(capture_is_ng("a/b.pcapng"));
    assert_false(capture_is_ng("b.pcap"));
    assert_false(capture_is_ng(".pcapng"));
    assert_false(capture_is_ng("b.pcapng.pcap"));
    assert_false(capture_is_ng("-"));
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    char why[PACKET_FILE_WHY];
    struct captured p;
    write_three("state: ESTABLISHED\nrule: RFC 9293");
    struct packet_file *f = packet_file_open(path, why);
    assert_non_null(f);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(packet_file_next(f, &p, why), 1);
        assert_int_equal(p.time, SEC(1700000000) + i);
        assert_int_equal(p.len, sizeof datagram);
        assert_memory_equal(p.bytes, datagram, sizeof datagram);
        assert_string_equal(p.comment, i == 2 ? "state: ESTABLISHED\nrule: RFC 9293" : "");
    }
    assert_int_equal(packet_file_next(f, &p, why), 0);
    packet_file_close(f);
}

static void comments_of_any_length_are_padded(void **state)
{
    (void)state;
    char why[PACKET_FILE_WHY], comment[16] = "";
    struct captured p;
    for (int i = 0; i < 10; i++) {
        write_three(comment);
        struct packet_file *f = packet_file_open(path, why);
        for (int k = 0; k < 3; k++)
            assert_int_equal(packet_file_next(f, &p, why), 1);
        assert_int_equal(packet_file_next(f, &p, why), 0);
        packet_file_close(f);
        strcat(comment, "x");
    }
}

static void long_comments_are_cut(void **state)
{
    (void)state;
    char why[PACKET_FILE_WHY], *comment = malloc(100001);
    struct captured p;
    memset(comment, 'c', 100000);
    comment[100000] = '\0';
    write_three(comment);
    struct packet_file *f = packet_file_open(path, why);
    assert_int_equal(packet_file_next(f, &p, why), 1);
    assert_int_equal(packet_file_next(f, &p, why), 1);
    assert_int_equal(strlen(p.comment), PCAPNG_COMMENT);
    packet_file_close(f);
    free(comment);
}

/* Nothing of the machine or the moment: the section, one interface, one packet, byte by byte. */
static void bytes_are_always_the_same(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0,    0x30, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1,   0,
        0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    4,    0,    9, 'g', 'l',
        'a',  's',  's',  't',  'a',  'c',  'k',  0,    0,    0,    0,    0,    0, 0,
    };
    uint8_t got[1024], again[1024];
    write_three("c");
    size_t n = contents(path, got, sizeof got);
    assert_true(n > sizeof expected);
    assert_memory_equal(got, expected, sizeof expected);
    write_three("c");
    assert_int_equal(contents(path, again, sizeof again), n);
    assert_memory_equal(got, again, n);
    struct reader r = reader_of(got + 48, 8); /* the interface */
    assert_int_equal(get32(&r), 1);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct iovec part = {(void *)datagram, sizeof datagram};
    struct capture c;
    assert_int_equal(capture_open(&c, path, 0), 0);
    fclose(c.file);
    c.file = fopen("/dev/full", "wb");
    assert_non_null(c.file);
    capture_packet(&c, 0, &part, 1);
    assert_int_equal(capture_flush(&c), -ENOSPC);
    assert_int_equal(capture_close(&c), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_decides_the_format),
        cmocka_unit_test_setup_teardown(what_was_written_is_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(comments_of_any_length_are_padded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(long_comments_are_cut, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bytes_are_always_the_same, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
