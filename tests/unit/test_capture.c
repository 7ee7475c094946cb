/* Capture files: the libpcap format byte by byte, and failures that are reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../stack/wire.h"
#include "../../tun/capture.h"
#include "contents.h"

/* A file in memory, opened by its name in /proc: nothing to clean up. */
static int memory_fd;
static char path[32];

static int make_path(void **state)
{
    (void)state;
    memory_fd = memfd_create("capture", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_fd);
    return memory_fd < 0 ? -1 : 0;
}

static int remove_path(void **state)
{
    (void)state;
    return close(memory_fd);
}

static void header_names_raw_ip_and_microseconds(void **state)
{
    (void)state;
    static const uint8_t expected[24] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0,    4,    0, 0, 0, 0,
                                         0,    0,    0,    0,    0, 0, 0xff, 0xff, 0, 0, 0, 101};
    uint8_t got[64];
    struct capture c;
    assert_int_equal(capture_open(&c, path, 0), 0);
    assert_int_equal(contents(path, got, sizeof got), 24); /* before any packet: a reader may start at once */
    assert_memory_equal(got, expected, 24);
    assert_int_equal(capture_close(&c), 0);
}

static void packet_has_wall_time_and_its_parts_in_a_row(void **state)
{
    (void)state;
    uint8_t got[128];
    struct capture c;
    struct iovec part[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
    assert_int_equal(capture_open(&c, path, SEC(1700000000)), 0);
    capture_packet(&c, SEC(5) + 123456, part, 3);
    assert_int_equal(capture_flush(&c), 0);
    assert_int_equal(contents(path, got, sizeof got), 24 + 16 + 7);

    struct reader r = reader_of(got + 24, 16 + 7);
    assert_int_equal(get32(&r), 1700000005);
    assert_int_equal(get32(&r), 123456);
    assert_int_equal(get32(&r), 7);
    assert_int_equal(get32(&r), 7);
    assert_memory_equal(r.at, "abcdefg", 7);
    assert_int_equal(capture_close(&c), 0);
}

static void reader_can_follow_after_each_flush(void **state)
{
    (void)state;
    uint8_t got[256];
    struct capture c;
    struct iovec part = {"x", 1};
    assert_int_equal(capture_open(&c, path, 0), 0);
    for (size_t i = 1; i <= 3; i++) {
        capture_packet(&c, 0, &part, 1);
        assert_int_equal(capture_flush(&c), 0);
        assert_int_equal(contents(path, got, sizeof got), 24 + i * 17);
    }
    assert_int_equal(capture_close(&c), 0);
}

static void oversize_packet_is_cut_and_says_so(void **state)
{
    (void)state;
    static uint8_t big[CAPTURE_SNAP + 10], got[CAPTURE_SNAP + 100];
    struct capture c;
    struct iovec part = {big, sizeof big};
    assert_int_equal(capture_open(&c, path, 0), 0);
    capture_packet(&c, 0, &part, 1);
    assert_int_equal(capture_close(&c), 0);
    assert_int_equal(contents(path, got, sizeof got), 24 + 16 + CAPTURE_SNAP);
    struct reader r = reader_of(got + 24 + 8, 8);
    assert_int_equal(get32(&r), CAPTURE_SNAP);
    assert_int_equal(get32(&r), CAPTURE_SNAP + 10);
}

static void old_contents_are_replaced(void **state)
{
    (void)state;
    uint8_t got[128];
    struct capture c;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 100; i++)
        fputc('x', f);
    fclose(f);
    assert_int_equal(capture_open(&c, path, 0), 0);
    assert_int_equal(capture_close(&c), 0);
    assert_int_equal(contents(path, got, sizeof got), 24);
}

static void missing_directory_is_reported_at_open(void **state)
{
    (void)state;
    struct capture c;
    assert_int_equal(capture_open(&c, "/nonexistent/file.pcap", 0), -ENOENT);
    assert_null(c.file);
    capture_close(&c); /* harmless */
}

static void full_disk_is_reported_at_open(void **state)
{
    (void)state;
    struct capture c;
    assert_int_equal(capture_open(&c, "/dev/full", 0), -ENOSPC);
    assert_null(c.file);
}

/* The disk fills up later: the file is exchanged for one that takes nothing. */
/* Two pages, of which the file has lost the second. */
static uint8_t *torn_at;

static void mend(int signal_number)
{
    (void)signal_number;
    mmap(torn_at + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void text_that_its_file_lost_does_not_end_the_capture(void **state)
{
    (void)state;
    struct capture c;
    int fd = memfd_create("lent", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 8192), 0);
    torn_at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(torn_at, MAP_FAILED);
    assert_int_equal(ftruncate(fd, 4096), 0);
    void (*before)(int) = signal(SIGBUS, mend);
    assert_int_equal(capture_open(&c, path, 0), 0);
    capture_packet(&c, 0, &(struct iovec){torn_at, 8192}, 1);
    assert_int_equal(capture_flush(&c), 0);
    assert_int_equal(capture_close(&c), 0);
    signal(SIGBUS, before);
    munmap(torn_at, 8192);
    close(fd);
}

static void full_disk_is_reported_once_it_is_full_and_remembered(void **state)
{
    (void)state;
    struct capture c;
    struct iovec part = {"x", 1};
    assert_int_equal(capture_open(&c, path, 0), 0);
    assert_non_null(freopen("/dev/full", "wb", c.file));
    capture_packet(&c, 0, &part, 1);
    assert_int_equal(capture_flush(&c), -ENOSPC);
    capture_packet(&c, 0, &part, 1);
    assert_int_equal(capture_flush(&c), -ENOSPC);
    assert_int_equal(capture_close(&c), -ENOSPC);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(header_names_raw_ip_and_microseconds),
        WITH_FILE(packet_has_wall_time_and_its_parts_in_a_row),
        WITH_FILE(reader_can_follow_after_each_flush),
        WITH_FILE(oversize_packet_is_cut_and_says_so),
        WITH_FILE(old_contents_are_replaced),
        cmocka_unit_test(missing_directory_is_reported_at_open),
        cmocka_unit_test(full_disk_is_reported_at_open),
        WITH_FILE(text_that_its_file_lost_does_not_end_the_capture),
        WITH_FILE(full_disk_is_reported_once_it_is_full_and_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
