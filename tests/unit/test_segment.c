/* Cutting and joining in software: the segments are those that the stack would have made by itself, and
 * nothing is joined that does not continue what came before it to the byte. */
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_wire.h"
#include "../../tun/segment.h"
#include "../../tun/soft_offload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define A    IP_ADDR(10, 7, 0, 1)
#define B    IP_ADDR(10, 7, 0, 2)
#define HEAD (IP_HEADER_MIN + 32) /* with timestamps */
#define MSS  1448u
#define TOP  65535u

static uint8_t text[TOP];

/* A whole segment, as the stack writes one: `at` in the text, from sequence number 1000 on. */
static size_t segment(uint8_t *to, size_t at, size_t len, uint8_t flags, uint32_t seq0, bool timestamps)
{
    struct tcp_header h = {.source = 7,
                           .destination = 40000,
                           .seq = {seq0 + (uint32_t)at},
                           .ack = {77},
                           .flags = flags,
                           .window = 500,
                           .options = {.has_timestamps = timestamps, .ts_value = 5, .ts_echo = 6}};
    struct ip_fields ip = {
        .src = A, .dst = B, .protocol = IP_TCP, .ttl = 64, .tos = 0x28, .dont_fragment = true};
    size_t head = tcp_write(&h, to + IP_HEADER_MIN);
    struct span body = {text + at, len};
    tcp_checksum(to + IP_HEADER_MIN, head, &body, 1, A, B);
    ip_fill(to, &ip, head + len);
    memcpy(to + IP_HEADER_MIN + head, text + at, len);
    return IP_HEADER_MIN + head + len;
}

static size_t plain(uint8_t *to, size_t at, size_t len)
{
    return segment(to, at, len, TCP_ACK, 1000, true);
}

static void fill_text(void)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 251);
}

/* Cuts `len` bytes of text, that lie in pieces of `piece`, and compares with what the stack makes alone. */
static void cut_and_compare(size_t len, size_t size, size_t piece, uint8_t flags, uint32_t seq,
                            bool timestamps)
{
    static uint8_t super[2 * TOP], got[TOP], want[TOP];
    size_t whole = segment(super, 0, len, flags, seq, timestamps), head = whole - len, at = 0;
    struct iovec part[1 + 4] = {{super, head}};
    int count = 1;
    for (size_t from = 0; from < len; from += piece) {
        size_t n = count == 4 || len - from < piece ? len - from : piece;
        part[count++] = (struct iovec){text + from, n};
        if (n > piece)
            break;
    }
    struct segment_cut cut;
    segment_cut(&cut, part, count, (uint16_t)size);
    assert_int_equal(segments_left(&cut), (len + size - 1) / size);
    for (size_t n; (n = segment_next(&cut, got)) > 0;) {
        size_t here = len - at < size ? len - at : size;
        uint8_t own = flags & (uint8_t) ~((at ? TCP_CWR : 0) | (at + here < len ? TCP_FIN | TCP_PSH : 0));
        assert_int_equal(n, segment(want, at, here, own, seq, timestamps));
        assert_memory_equal(got, want, n);
        at += here;
    }
    assert_int_equal(at, len);
    assert_int_equal(segments_left(&cut), 0);
}

static void what_is_cut_is_what_the_stack_makes_alone(void **state)
{
    (void)state;
    static const size_t lens[] = {1, 2, 999, 1448, 1449, 2896, 2897, 43440, 65000},
                        sizes[] = {1, 7, 535, 536, 1447, 1448, 8960};
    static const uint8_t flags[] = {TCP_ACK, TCP_ACK | TCP_PSH,
                                    TCP_ACK | TCP_FIN | TCP_PSH | TCP_CWR | TCP_ECE};
    for (size_t l = 0; l < sizeof lens / sizeof *lens; l++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t f = 0; f < sizeof flags; f++) {
                cut_and_compare(lens[l], sizes[s], lens[l], flags[f], 1000, true);
                cut_and_compare(lens[l], sizes[s], 1 + lens[l] / 3, flags[f], 0xffffff00u, false);
                cut_and_compare(lens[l], sizes[s], 701, flags[f], 0x7fffffffu, true);
            }
}

/* Joins the segments of `len` bytes, each `size`; what comes out is one that the stack could have sent. */
static void what_was_cut_can_be_joined(void **state)
{
    (void)state;
    static uint8_t whole[2 * TOP], next[TOP], want[TOP];
    static const size_t lens[] = {1448, 1449, 2896, 2897, 43440, 65000};
    for (size_t l = 0; l < sizeof lens / sizeof *lens; l++) {
        struct segment_join join;
        struct offload how;
        size_t len = lens[l], first = len < MSS ? len : MSS;
        assert_true(segment_join(&join, whole, plain(whole, 0, first)));
        for (size_t at = first; at < len; at += MSS) {
            size_t here = len - at < MSS ? len - at : MSS;
            uint8_t flags = at + here == len ? TCP_ACK | TCP_PSH : TCP_ACK;
            size_t n = segment(next, at, here, flags, 1000, true);
            memcpy(whole + join.len, next + HEAD, here);
            assert_true(segment_continues(&join, next, n));
        }
        segment_joined(&join, &how);
        assert_int_equal(how.segment_size, len > MSS ? MSS : 0);
        assert_true(how.checksum_good && how.checksum_at == 0);
        size_t n = segment(want, 0, len, len > MSS ? TCP_ACK | TCP_PSH : TCP_ACK, 1000, true);
        assert_int_equal(join.len, n);
        assert_memory_equal(whole + HEAD, text, len);
        poke16(whole + IP_HEADER_MIN + TCP_CHECKSUM_AT, peek16(want + IP_HEADER_MIN + TCP_CHECKSUM_AT));
        assert_memory_equal(whole, want, HEAD);
    }
}

/* --- what is not joined --- */

static void sum_again(uint8_t *ip, size_t len)
{
    size_t head = (ip[0] & 15) * 4u;
    struct reader ends = reader_of(ip + 12, 8);
    uint32_t src = get32(&ends), dst = get32(&ends);
    poke16(ip + 10, 0);
    poke16(ip + 10, checksum_of(ip, head));
    tcp_checksum(ip + head, len - head, NULL, 0, src, dst);
}

static bool joins(uint8_t *next, size_t len)
{
    static uint8_t whole[2 * TOP];
    struct segment_join join;
    assert_true(segment_join(&join, whole, plain(whole, 0, MSS)));
    return segment_continues(&join, next, len);
}

struct change {
    const char *what;
    size_t at;
    uint8_t bits;
};

static void nothing_else_may_differ(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"version", 0, 0x20},
        {"ECN's mark", 1, 3},
        {"another class", 1, 4},
        {"a fragment", 6, 0x20},
        {"a later fragment", 7, 1},
        {"may be fragmented", 6, 0x40},
        {"TTL", 8, 1},
        {"protocol", 9, 1},
        {"source", 15, 1},
        {"destination", 19, 2},
        {"source port", 21, 1},
        {"destination port", 23, 1},
        {"a gap", 26, 1},
        {"one byte late", 27, 1},
        {"another epoch", 24, 128},
        {"ACK", 31, 1},
        {"header length", 32, 0x10},
        {"FIN", 33, TCP_FIN},
        {"SYN", 33, TCP_SYN},
        {"RST", 33, TCP_RST},
        {"no ACK", 33, TCP_ACK},
        {"URG", 33, TCP_URG},
        {"ECE", 33, TCP_ECE},
        {"CWR", 33, TCP_CWR},
        {"reserved bits", 32, 1},
        {"window", 35, 1},
        {"urgent pointer", 39, 1},
        {"kind of an option", 42, 1},
        {"timestamp", 47, 1},
        {"echoed timestamp", 51, 1},
    };
    uint8_t next[2 * MSS];
    size_t len = plain(next, MSS, MSS);
    assert_true(joins(next, len));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        len = plain(next, MSS, MSS);
        next[changes[i].at] ^= changes[i].bits;
        if (changes[i].at) /* or its length is another */
            sum_again(next, len);
        if (joins(next, len))
            fail_msg("%s: joined", changes[i].what);
    }
}

static void identification_may_differ(void **state)
{
    (void)state;
    uint8_t next[2 * MSS];
    size_t len = plain(next, MSS, MSS);
    poke16(next + 4, 999);
    sum_again(next, len);
    assert_true(joins(next, len));
}

static void wrong_checksum_is_not_hidden(void **state)
{
    (void)state;
    uint8_t next[2 * MSS];
    static const size_t places[] = {4, 10, 36, HEAD, HEAD + 700, HEAD + MSS - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct segment_join join;
        size_t len = plain(next, MSS, MSS);
        next[places[i]] ^= 4;
        assert_false(joins(next, len));
        assert_false(segment_join(&join, next, len));
    }
}

static void lengths_must_agree(void **state)
{
    (void)state;
    static uint8_t whole[2 * TOP], next[TOP];
    struct segment_join join;
    size_t len = plain(next, MSS, MSS);
    next[len] = 0;
    assert_false(joins(next, len + 1)); /* padded */
    assert_false(joins(next, len - 1)); /* cut off */
    assert_false(joins(next, plain(next, MSS, MSS + 1)));
    assert_false(joins(next, plain(next, MSS, 0)));
    assert_true(joins(next, plain(next, MSS, 1)));
    for (size_t n = 0; n < HEAD; n++)
        assert_false(joins(next, n) || segment_join(&join, next, n));
    assert_true(segment_join(&join, whole, plain(whole, 0, 40000)));
    assert_false(segment_continues(&join, next, plain(next, 40000, 25484))); /* one more than IPv4 can say */
    assert_true(segment_continues(&join, next, plain(next, 40000, 25483)));
}

static void a_short_one_and_a_push_are_the_last(void **state)
{
    (void)state;
    static uint8_t whole[2 * TOP], next[TOP];
    struct segment_join join;
    assert_true(segment_join(&join, whole, plain(whole, 0, MSS)));
    assert_true(segment_continues(&join, next, plain(next, MSS, 100)));
    assert_false(segment_continues(&join, next, plain(next, MSS + 100, 100)));
    assert_true(segment_join(&join, whole, segment(whole, 0, MSS, TCP_ACK | TCP_PSH, 1000, true)));
    assert_false(segment_continues(&join, next, plain(next, MSS, MSS)));
}

static void only_plain_text_begins(void **state)
{
    (void)state;
    static const uint8_t flags[] = {0,
                                    TCP_SYN,
                                    TCP_ACK | TCP_SYN,
                                    TCP_ACK | TCP_FIN,
                                    TCP_ACK | TCP_RST,
                                    TCP_ACK | TCP_URG,
                                    TCP_ACK | TCP_ECE,
                                    TCP_ACK | TCP_CWR};
    uint8_t bytes[2 * MSS];
    struct segment_join join;
    for (size_t i = 0; i < sizeof flags; i++)
        assert_false(segment_join(&join, bytes, segment(bytes, 0, MSS, flags[i], 1000, true)));
    assert_false(segment_join(&join, bytes, plain(bytes, 0, 0)));
    size_t len = plain(bytes, 0, MSS);
    memmove(bytes + 24, bytes + 20, len - 20); /* an IPv4 option: four times NOP */
    memset(bytes + 20, 1, 4);
    bytes[0] = 0x46;
    poke16(bytes + 2, (uint16_t)(len + 4));
    sum_again(bytes, len + 4);
    assert_false(segment_join(&join, bytes, len + 4));
}

/* --- before a device --- */

#define FRAMES 100

struct fake {
    struct device device; /* first */
    uint8_t *in[FRAMES];
    size_t in_len[FRAMES], in_count, in_next;
    uint8_t out[TOP + 1];
    size_t out_len, out_count, out_room; /* how many it takes */
};

static ssize_t fake_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    struct fake *f = (struct fake *)device;
    *offload = (struct offload){0};
    if (f->in_next == f->in_count)
        return -EAGAIN;
    size_t len = f->in_len[f->in_next];
    assert_true(room > TOP); /* or it might cut one off */
    memcpy(to, f->in[f->in_next++], len);
    return (ssize_t)len;
}

static ssize_t fake_write(struct device *device, const struct iovec *part, int count,
                          const struct offload *offload)
{
    struct fake *f = (struct fake *)device;
    assert_true(offload->segment_size == 0 && offload->checksum_at == 0);
    if (f->out_count == f->out_room)
        return -EAGAIN;
    f->out_len = 0;
    for (int i = 0; i < count; i++) {
        memcpy(f->out + f->out_len, part[i].iov_base, part[i].iov_len);
        f->out_len += part[i].iov_len;
    }
    f->out_count++;
    return (ssize_t)f->out_len;
}

struct both {
    struct fake fake;
    struct soft_offload soft;
    uint8_t room[2 * (TOP + 1)];
};

static struct both *both_new(void)
{
    struct both *x = calloc(1, sizeof *x);
    assert_non_null(x);
    x->fake.device = (struct device){.fd = -1, .read = fake_read, .write = fake_write};
    x->fake.out_room = FRAMES;
    assert_int_equal(soft_offload_open(&x->soft, &x->fake.device), 0);
    return x;
}

static void both_end(struct both *x)
{
    soft_offload_close(&x->soft);
    for (size_t i = 0; i < x->fake.in_count; i++)
        free(x->fake.in[i]);
    free(x);
}

static void comes(struct both *x, size_t at, size_t len, uint8_t flags)
{
    uint8_t *to = x->fake.in[x->fake.in_count] = malloc(HEAD + len);
    assert_non_null(to);
    x->fake.in_len[x->fake.in_count++] = segment(to, at, len, flags, 1000, true);
}

/* The next that the stack gets has so much text, of that place, in segments of that size. */
static void assert_gets(struct both *x, size_t at, size_t len, size_t size)
{
    struct offload how;
    struct device *device = &x->soft.device;
    ssize_t n = device->read(device, x->room, sizeof x->room, &how);
    assert_int_equal(n, HEAD + len);
    assert_int_equal(how.segment_size, size);
    assert_int_equal(peek16(x->room + 26), 1000 + at); /* the low half of the sequence number */
    assert_memory_equal(x->room + HEAD, text + at, len);
    if (!how.checksum_good) {
        uint8_t want[HEAD];
        memcpy(want, x->room, HEAD);
        sum_again(x->room, (size_t)n);
        assert_memory_equal(x->room, want, HEAD);
    }
}

static void assert_gets_error(struct both *x, int error)
{
    struct offload how;
    assert_int_equal(x->soft.device.read(&x->soft.device, x->room, sizeof x->room, &how), error);
}

static void a_stream_comes_joined_and_the_rest_in_order(void **state)
{
    (void)state;
    struct both *x = both_new();
    for (size_t i = 0; i < 50; i++)
        comes(x, i * MSS % 60000, MSS, TCP_ACK);
    comes(x, 0, 0, TCP_ACK);
    comes(x, 3000, 1000, TCP_ACK);
    comes(x, 4000, 1000, TCP_ACK);
    comes(x, 5000, 10, TCP_ACK);
    comes(x, 5010, 1000, TCP_ACK);
    comes(x, 6010, 1000, TCP_ACK | TCP_FIN);
    assert_gets(x, 0, 42 * MSS, MSS); /* 42 * 1448 is beyond 60000: the sequence starts anew */
    for (size_t i = 42, n; i < 50; i += n) {
        n = 50 - i;
        assert_gets(x, i * MSS % 60000, n * MSS, MSS);
    }
    assert_gets(x, 0, 0, 0);
    assert_gets(x, 3000, 2010, 1000);
    assert_gets(x, 5010, 1000, 0);
    assert_gets(x, 6010, 1000, 0);
    assert_gets_error(x, -EAGAIN);
    comes(x, 0, MSS, TCP_ACK);
    assert_gets(x, 0, MSS, 0);
    assert_gets_error(x, -EAGAIN);
    both_end(x);
}

static void what_is_watched_comes_as_it_came(void **state)
{
    (void)state;
    struct both *x = both_new();
    for (size_t i = 0; i < 5; i++)
        comes(x, i * MSS, MSS, TCP_ACK);
    comes(x, 9 * MSS, MSS, TCP_ACK);
    comes(x, 10 * MSS, MSS, TCP_ACK);
    assert_gets(x, 0, 5 * MSS, MSS);
    x->soft.device.watched = true;
    assert_gets(x, 9 * MSS, MSS, 0); /* was read already */
    assert_gets(x, 10 * MSS, MSS, 0);
    assert_gets_error(x, -EAGAIN);
    both_end(x);
}

static void small_ones_are_not_waited_for(void **state)
{
    (void)state;
    struct both *x = both_new();
    comes(x, 0, 500, TCP_ACK);
    comes(x, 500, 500, TCP_ACK);
    assert_gets(x, 0, 500, 0);
    assert_int_equal(x->fake.in_next, 1);
    both_end(x);
}

static ssize_t write_super(struct both *x, size_t len)
{
    static uint8_t head[2 * TOP];
    segment(head, 0, len, TCP_ACK | TCP_PSH, 1000, true);
    struct iovec part[2] = {{head, HEAD}, {text, len}};
    struct offload how = {.segment_size = MSS, .checksum_start = 20, .checksum_at = 36};
    return x->soft.device.write(&x->soft.device, part, 2, &how);
}

static void a_super_segment_leaves_in_segments(void **state)
{
    (void)state;
    struct both *x = both_new();
    uint8_t want[2 * MSS];
    assert_true(write_super(x, 10 * MSS + 1) > 0);
    assert_int_equal(x->fake.out_count, 11);
    assert_int_equal(x->fake.out_len, segment(want, 10 * MSS, 1, TCP_ACK | TCP_PSH, 1000, true));
    assert_memory_equal(x->fake.out, want, x->fake.out_len);
    both_end(x);
}

static void what_a_full_device_does_not_take_is_counted(void **state)
{
    (void)state;
    struct both *x = both_new();
    x->fake.out_room = 4;
    assert_int_equal(write_super(x, 10 * MSS), -EAGAIN);
    assert_int_equal(x->fake.out_count, 4);
    assert_int_equal(x->soft.device.dropped, 5); /* and the one that its caller hears of */
    both_end(x);
}

static void a_whole_one_gets_its_checksum(void **state)
{
    (void)state;
    struct both *x = both_new();
    uint8_t bytes[2 * MSS], want[2 * MSS];
    size_t len = plain(want, 0, MSS);
    memcpy(bytes, want, len);
    tcp_checksum_begin(bytes + IP_HEADER_MIN, len - IP_HEADER_MIN, A, B);
    struct iovec part[2] = {{bytes, HEAD}, {bytes + HEAD, MSS}};
    struct offload how = {.checksum_start = 20, .checksum_at = 36};
    assert_int_equal(x->soft.device.write(&x->soft.device, part, 2, &how), len);
    assert_memory_equal(x->fake.out, want, len);
    both_end(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_cut_is_what_the_stack_makes_alone),
        cmocka_unit_test(what_was_cut_can_be_joined),
        cmocka_unit_test(nothing_else_may_differ),
        cmocka_unit_test(identification_may_differ),
        cmocka_unit_test(wrong_checksum_is_not_hidden),
        cmocka_unit_test(lengths_must_agree),
        cmocka_unit_test(a_short_one_and_a_push_are_the_last),
        cmocka_unit_test(only_plain_text_begins),
        cmocka_unit_test(a_stream_comes_joined_and_the_rest_in_order),
        cmocka_unit_test(what_is_watched_comes_as_it_came),
        cmocka_unit_test(small_ones_are_not_waited_for),
        cmocka_unit_test(a_super_segment_leaves_in_segments),
        cmocka_unit_test(what_a_full_device_does_not_take_is_counted),
        cmocka_unit_test(a_whole_one_gets_its_checksum),
    };
    fill_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
