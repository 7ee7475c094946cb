/* Fragments: reassembly of what arrives in any order, twice, or with malice; and cutting up what leaves. */
#include "host.h"

/* One fragment of an echo request or of anything: `len` bytes of `body` from `offset` on. */
static void piece(struct host *h, uint16_t id, const uint8_t *body, uint32_t offset, size_t len, bool more)
{
    struct ip_fields f = from_peer(IP_UDP);
    f.id = id;
    f.offset = offset;
    f.more_fragments = more;
    feed(h, &f, body + offset, len);
}

/* A UDP datagram for port 9 of `payload` bytes, to be cut by the tests. */
struct whole {
    uint8_t *payload, *bytes;
    size_t len;
};

static struct whole whole_of(size_t payload)
{
    struct whole w = {.payload = pattern(payload), .bytes = malloc(UDP_HEADER + payload)};
    struct ip_fields f = from_peer(IP_UDP);
    w.len = make_udp(w.bytes, &f, 4000, 9, w.payload, payload);
    return w;
}

static void whole_free(struct whole *w)
{
    free(w->payload);
    free(w->bytes);
}

/* The socket holds exactly the payload, once. */
static void expect_payload(struct host *h, struct sock *s, const struct whole *w)
{
    size_t len = w->len - UDP_HEADER;
    uint8_t *got = malloc(65536);
    struct endpoint from;
    assert_int_equal(dgram_take(&h->core, s, got, 65536, false, &from), len);
    assert_memory_equal(got, w->payload, len);
    assert_int_equal(from.addr, PEER);
    assert_int_equal(dgram_take(&h->core, s, got, 65536, false, &from), -EAGAIN);
    assert_int_equal(h->ip.frag.count, 0);
    assert_int_equal(ip_due(&h->ip), NEVER);
    free(got);
}

static void expect_nothing(struct host *h, struct sock *s)
{
    assert_int_equal(dgram_take(&h->core, s, NULL, 0, false, NULL), -EAGAIN);
}

static void fragments_in_every_order_make_the_datagram(void **state)
{
    (void)state;
    struct whole w = whole_of(1000 - UDP_HEADER);
    for (int order = 0; order < 24; order++) { /* every permutation of four */
        int left[4] = {0, 1, 2, 3}, code = order;
        struct host *h = host_new();
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        for (int n = 4; n > 0; n--) {
            int pick = code % n, i = left[pick];
            code /= n;
            memmove(left + pick, left + pick + 1, (size_t)(3 - pick) * sizeof *left);
            if (n > 1)
                expect_nothing(h, s);
            piece(h, 7, w.bytes, (uint32_t)i * 256, i < 3 ? 256 : 1000 - 768, i < 3);
        }
        expect_payload(h, s, &w);
        assert_int_equal(h->core.counter[COUNT_IP_FRAGMENTS_IN], 4);
        assert_int_equal(h->core.counter[COUNT_IP_REASSEMBLED], 1);
        assert_int_equal(drops(h), 0);
        host_end(h);
    }
    whole_free(&w);
}

static void eight_byte_fragments_backwards_make_65507_bytes(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(UDP_PAYLOAD_MAX);
    for (uint32_t offset = 65512;; offset -= 8) {
        size_t len = offset + 8 <= w.len ? 8 : w.len - offset;
        piece(h, 7, w.bytes, offset, len, offset + len < w.len);
        if (offset == 0)
            break;
    }
    expect_payload(h, s, &w);
    whole_free(&w);
    host_end(h);
}

static void a_mark_on_a_fragment_is_one_on_the_datagram(void **state)
{
    (void)state;
    enum { NOT_ECT = 0, ECT_1, ECT_0, CE, DROPPED };
    const uint8_t cases[][3] = {
        /* of two fragments, and what the datagram has */
        {ECT_0, ECT_0, ECT_0},     {ECT_0, CE, CE},        {CE, ECT_1, CE},        {CE, CE, CE},
        {NOT_ECT, ECT_0, NOT_ECT}, {NOT_ECT, CE, DROPPED}, {CE, NOT_ECT, DROPPED},
    };
    uint8_t bytes[32] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host *h = host_new();
        struct ip_packet p = {.src = PEER, .dst = US, .protocol = IP_UDP, .id = 7}, whole;
        enum drop why = DROP_NONE;
        p.header = (struct span){bytes, IP_HEADER_MIN};
        p.body = (struct span){bytes, 8};
        p.tos = 0x40 | cases[i][1]; /* the second comes first */
        p.offset = 8;
        assert_false(ip_frag_input(&h->ip.frag, &p, &whole, &why));
        p.tos = 0x40 | cases[i][0];
        p.offset = 0;
        p.more_fragments = true;
        assert_int_equal(ip_frag_input(&h->ip.frag, &p, &whole, &why), cases[i][2] != DROPPED);
        if (cases[i][2] == DROPPED)
            assert_int_equal(why, DROP_FRAGMENT_ECN);
        else
            assert_int_equal(whole.tos, 0x40 | cases[i][2]);
        host_end(h);
    }
}

static void an_exact_duplicate_does_no_harm(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(5000 - UDP_HEADER);
    piece(h, 7, w.bytes, 4096, 904, false);
    piece(h, 7, w.bytes, 4096, 904, false);
    piece(h, 7, w.bytes, 0, 2048, true);
    piece(h, 7, w.bytes, 0, 2048, true);
    piece(h, 7, w.bytes, 4096, 904, false);
    piece(h, 7, w.bytes, 2048, 2048, true);
    expect_payload(h, s, &w);
    assert_int_equal(drops(h), 0);
    whole_free(&w);
    host_end(h);
}

static void an_overlap_takes_the_whole_datagram_with_it(void **state)
{
    (void)state;
    const struct {
        uint32_t offset;
        size_t len;
        bool more;
    } bad[] = {
        {248, 256, true},  /* one unit back */
        {504, 256, true},  /* one unit from behind */
        {264, 8, true},    /* inside */
        {256, 248, true},  /* the same start, shorter */
        {256, 264, true},  /* the same start, longer */
        {264, 248, true},  /* the same end */
        {0, 1024, true},   /* all around */
        {256, 256, false}, /* the same place, another opinion about the end */
        {8, 248, false},   /* ends before what is here */
    };
    struct whole w = whole_of(2000 - UDP_HEADER);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct host *h = host_new();
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        piece(h, 7, w.bytes, 256, 256, true);
        piece(h, 7, w.bytes, bad[i].offset, bad[i].len, bad[i].more);
        assert_dropped_once(h, DROP_FRAGMENT_OVERLAP);
        /* what still comes does not raise it from the dead */
        piece(h, 7, w.bytes, 0, 256, true);
        piece(h, 7, w.bytes, 256, 256, true);
        piece(h, 7, w.bytes, 512, 2000 - 512, false);
        expect_nothing(h, s);
        assert_int_equal(h->core.dropped[DROP_FRAGMENT_OVERLAP], 4);
        /* until its time is over: then the identification may be used again */
        h->core.now += IP_REASSEMBLY_TIME;
        ip_tick(&h->ip, h->core.now);
        assert_silent(h);
        assert_int_equal(h->core.dropped[DROP_FRAGMENT_TIMEOUT], 0);
        piece(h, 7, w.bytes, 0, 256, true);
        piece(h, 7, w.bytes, 256, 2000 - 256, false);
        expect_payload(h, s, &w);
        host_end(h);
    }
    whole_free(&w);
}

static void two_opinions_about_the_end_drop_the_datagram(void **state)
{
    (void)state;
    const struct {
        uint32_t offset;
        size_t len;
        bool more;
    } bad[] = {
        {1008, 8, false}, /* the end is later */
        {496, 8, false},  /* the end is sooner */
        {1000, 8, true},  /* more behind the end */
        {800, 200, true}, /* the last, but more follows */
    };
    struct whole w = whole_of(2000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct host *h = host_new();
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        piece(h, 7, w.bytes, 800, 200, false);
        piece(h, 7, w.bytes, bad[i].offset, bad[i].len, bad[i].more);
        assert_dropped_once(h, DROP_FRAGMENT_OVERLAP);
        piece(h, 7, w.bytes, 0, 800, true);
        expect_nothing(h, s);
        host_end(h);
    }
    whole_free(&w);
}

static void impossible_lengths_are_dropped(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(1000 - UDP_HEADER);
    piece(h, 7, w.bytes, 0, 0, true);
    piece(h, 7, w.bytes, 8, 0, false);
    piece(h, 7, w.bytes, 0, 7, true);
    piece(h, 7, w.bytes, 0, 257, true);
    assert_int_equal(h->core.dropped[DROP_FRAGMENT_LENGTH], 4);
    assert_int_equal(h->ip.frag.count, 0); /* nothing was kept, nothing is condemned */
    piece(h, 7, w.bytes, 0, 256, true);
    piece(h, 7, w.bytes, 256, 744, false);
    expect_payload(h, s, &w);
    whole_free(&w);
    host_end(h);
}

static void the_ping_of_death_is_dropped_with_its_datagram(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    uint8_t *bytes = pattern(70000);
    piece(h, 7, bytes, 0, 1480, true);
    piece(h, 7, bytes, 65528, 1000, false);
    assert_dropped_once(h, DROP_FRAGMENT_LENGTH);
    piece(h, 7, bytes, 1480, 8, false);
    expect_nothing(h, s);
    assert_int_equal(h->core.dropped[DROP_FRAGMENT_LENGTH], 2);
    piece(h, 8, bytes, 65512, 3, false); /* 20 + 65515 is the most there is */
    assert_int_equal(h->core.dropped[DROP_FRAGMENT_LENGTH], 2);
    piece(h, 9, bytes, 65512, 4, false);
    assert_int_equal(h->core.dropped[DROP_FRAGMENT_LENGTH], 3);
    free(bytes);
    host_end(h);
}

/* The last fragment fits below 65535 with its own header, but not with the longer one of the first. */
static void a_long_first_header_counts_too(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(UDP_PAYLOAD_MAX);
    for (uint32_t offset = 8; offset < w.len; offset += 8000) {
        size_t len = w.len - offset < 8000 ? w.len - offset : 8000;
        piece(h, 7, w.bytes, offset, len, offset + len < w.len);
    }
    uint8_t first[32];
    struct ip_fields f = from_peer(IP_UDP);
    f.more_fragments = true;
    ip_fill(first, &f, 12);
    first[0] = 0x46;
    memset(first + 20, 1, 4);
    memcpy(first + 24, w.bytes, 8);
    poke16(first + 10, 0);
    poke16(first + 10, checksum_of(first, 24));
    feed_raw(h, first, sizeof first);
    assert_dropped_once(h, DROP_FRAGMENT_LENGTH);
    expect_nothing(h, s);
    whole_free(&w);
    host_end(h);
}

static void datagrams_are_told_apart(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(1000 - UDP_HEADER);
    struct ip_fields other = from_peer(IP_UDP);
    other.offset = 256;
    other.src = IP_ADDR(10, 7, 0, 9);
    piece(h, 7, w.bytes, 0, 256, true);
    feed(h, &other, w.bytes + 256, 744); /* another source */
    other = from_peer(IP_TCP);
    other.offset = 256;
    feed(h, &other, w.bytes + 256, 744);   /* another protocol */
    piece(h, 8, w.bytes, 256, 744, false); /* another identification */
    other = from_peer(IP_UDP);
    other.offset = 256;
    other.dst = IP_BROADCAST;
    feed(h, &other, w.bytes + 256, 744); /* another destination */
    expect_nothing(h, s);
    assert_int_equal(h->ip.frag.count, 5);
    piece(h, 7, w.bytes, 256, 744, false);
    uint8_t got[1000];
    assert_int_equal(dgram_take(&h->core, s, got, sizeof got, false, NULL), 992);
    assert_int_equal(h->ip.frag.count, 4);
    whole_free(&w);
    host_end(h);
}

static void late_fragments_are_given_up_with_time_exceeded(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct whole w = whole_of(1600);
    piece(h, 7, w.bytes, 0, 1480, true);
    usec due = h->core.now + IP_REASSEMBLY_TIME;
    assert_int_equal(ip_due(&h->ip), due);
    h->core.now += SEC(59);
    piece(h, 7, w.bytes, 0, 1480, true); /* a duplicate does not prolong it */
    assert_int_equal(ip_due(&h->ip), due);
    ip_tick(&h->ip, due - 1);
    assert_silent(h);
    h->core.now = due;
    ip_tick(&h->ip, due);
    assert_dropped_once(h, DROP_FRAGMENT_TIMEOUT);
    assert_int_equal(ip_due(&h->ip), NEVER);

    static struct sent s;
    assert_true(next_sent(h, &s));
    assert_int_equal(s.len, 576);
    assert_int_equal(s.p.src, US);
    assert_int_equal(s.p.dst, PEER);
    assert_int_equal(s.p.body.at[0], ICMP_TIME_EXCEEDED);
    assert_int_equal(s.p.body.at[1], ICMP_REASSEMBLY_TIME);
    assert_int_equal(checksum_of(s.p.body.at, s.p.body.len), 0);
    struct ip_packet quoted;
    assert_int_equal(ip_parse(s.p.body.at + 8, 1500, &quoted), DROP_NONE); /* the header as it came */
    assert_int_equal(quoted.id, 7);
    assert_true(quoted.more_fragments);
    assert_memory_equal(s.p.body.at + 28, w.bytes, 576 - 48);
    assert_silent(h);
    whole_free(&w);
    host_end(h);
}

static void without_the_first_fragment_nobody_is_told(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct whole w = whole_of(1600);
    piece(h, 7, w.bytes, 8, 1480, true);
    h->core.now += IP_REASSEMBLY_TIME;
    ip_tick(&h->ip, h->core.now);
    assert_dropped_once(h, DROP_FRAGMENT_TIMEOUT);
    assert_silent(h);
    whole_free(&w);
    host_end(h);
}

static void a_broadcast_in_fragments_is_given_up_in_silence(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_UDP);
    f.dst = IP_BROADCAST;
    f.more_fragments = true;
    feed(h, &f, "eight by", 8);
    h->core.now += IP_REASSEMBLY_TIME;
    ip_tick(&h->ip, h->core.now);
    assert_dropped_once(h, DROP_FRAGMENT_TIMEOUT);
    assert_silent(h);
    host_end(h);
}

static void the_oldest_datagram_makes_room(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct whole w = whole_of(1000 - UDP_HEADER);
    for (uint16_t id = 0; id < IP_REASSEMBLY_MAX; id++)
        piece(h, id, w.bytes, 0, 256, true);
    assert_int_equal(drops(h), 0);
    piece(h, 1000, w.bytes, 0, 256, true);
    assert_dropped_once(h, DROP_FRAGMENT_LIMIT);
    assert_int_equal(h->ip.frag.count, IP_REASSEMBLY_MAX);
    piece(h, 0, w.bytes, 256, 744,
          false); /* was the oldest: its rest finds nothing, and pushes out number 1 */
    expect_nothing(h, s);
    piece(h, 2, w.bytes, 256, 744, false);
    uint8_t got[1000];
    assert_int_equal(dgram_take(&h->core, s, got, sizeof got, false, NULL), 992);
    whole_free(&w);
    host_end(h);
}

static void a_claimed_size_costs_nothing(void **state)
{
    (void)state;
    struct host *h = host_new();
    uint8_t *bytes = pattern(65536);
    piece(h, 7, bytes, 65000, 8, false);
    assert_true(h->core.memory_used < 4096);
    free(bytes);
    host_end(h);
}

static void small_bounds(struct stack_config *config)
{
    config->reassembly_size = 100000;
}

static void bytes_in_reassembly_are_bounded(void **state)
{
    (void)state;
    struct host *h = malloc(sizeof *h);
    host_start(h, US, small_bounds);
    uint8_t *bytes = pattern(65536);
    for (uint16_t id = 0; id < 60; id++) {
        for (uint32_t offset = 0; offset < 32768; offset += 1480) {
            piece(h, id, bytes, offset, 1480, true);
            assert_true(h->ip.frag.bytes <= 100000);
            assert_true(h->core.memory_used <= 101000); /* with the table's slots */
        }
    }
    assert_true(h->core.dropped[DROP_FRAGMENT_LIMIT] > 50);
    free(bytes);
    host_stop(h);
    free(h);
}

static void tiny_bounds(struct stack_config *config)
{
    config->reassembly_size = 10000;
}

static void a_datagram_larger_than_the_bound_is_not_collected(void **state)
{
    (void)state;
    struct host *h = malloc(sizeof *h);
    host_start(h, US, tiny_bounds);
    uint8_t *bytes = pattern(65536);
    for (uint32_t offset = 0; offset < 60000; offset += 1480)
        piece(h, 7, bytes, offset, 1480, true);
    assert_true(h->core.dropped[DROP_FRAGMENT_LIMIT] > 10);
    assert_true(h->ip.frag.bytes <= 10000);
    free(bytes);
    host_stop(h);
    free(h);
}

/* An echo of 65,507 bytes: cut by one host, reassembled, answered, cut again, reassembled by the first. */
static void an_echo_of_65507_bytes_goes_there_and_back(void **state)
{
    (void)state;
    struct host *a = malloc(sizeof *a), *b = host_new();
    host_start(a, PEER, NULL);
    struct sock *s = host_open(a, SOCK_PING, 0, 77);
    uint8_t *data = pattern(2 + 65507), *got = malloc(65536);
    assert_int_equal(icmp_send_echo(&a->icmp, s, (struct endpoint){PEER, 77}, US, data, 65509), 65509);
    assert_int_equal(carry(a, b), 45);
    assert_int_equal(carry(b, a), 45);
    struct endpoint from;
    assert_int_equal(dgram_take(&a->core, s, got, 65536, false, &from), 65509);
    assert_memory_equal(got, data, 65509);
    assert_int_equal(from.addr, US);
    assert_int_equal(a->core.counter[COUNT_IP_FRAGMENTED], 1);
    assert_int_equal(a->core.counter[COUNT_IP_FRAGMENTS_OUT], 45);
    assert_int_equal(a->core.counter[COUNT_IP_OUT], 1);
    free(data);
    free(got);
    host_end(a);
    host_end(b);
}

/* Leaves 55 bytes behind the header: fragments must not use the last 7. */
static void mtu_75(struct stack_config *config)
{
    config->mtu = 75;
}

static void fragments_leave_by_the_rules(void **state)
{
    (void)state;
    struct host *h = malloc(sizeof *h);
    host_start(h, US, mtu_75);
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    uint8_t *data = pattern(500);
    struct endpoint to = {PEER, 5000};
    assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, to, data, 47), 47); /* just fits */
    assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, to, data, 500), 500);
    static struct sent sent;
    assert_true(next_sent(h, &sent));
    assert_int_equal(sent.len, 75);
    assert_true(sent.p.dont_fragment); /* whole: atomic */
    assert_false(sent.p.more_fragments);
    uint32_t offset = 0;
    uint16_t id = 0;
    bool more = true;
    while (more) {
        assert_true(next_sent(h, &sent));
        assert_false(sent.p.dont_fragment);
        assert_int_equal(sent.p.offset, offset);
        more = sent.p.more_fragments;
        assert_int_equal(sent.p.body.len, more ? 48 : 508 - offset);
        id = offset ? id : sent.p.id;
        assert_int_equal(sent.p.id, id);
        offset += (uint32_t)sent.p.body.len;
    }
    assert_int_equal(offset, 508);
    assert_silent(h);
    free(data);
    host_stop(h);
    free(h);
}

/* RFC 6864 4.3: identifications of one flow do not repeat; RFC 7739 6: nor do they tell of other flows. */
static void identifications_neither_repeat_nor_count_aloud(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    static uint8_t data[1600], seen[65536];
    static struct sent sent;
    uint16_t starts[64];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(
            udp_send(&h->udp, s, (struct endpoint){US, 9}, (struct endpoint){PEER, 1}, data, 1600), 1600);
        assert_true(next_sent(h, &sent));
        assert_false(seen[sent.p.id]);
        seen[sent.p.id] = 1;
        assert_true(next_sent(h, &sent));
    }
    unsigned near = 0;
    for (uint32_t i = 0; i < 64; i++) {
        struct endpoint to = {IP_ADDR(10, 7, 0, 10) + i, 1};
        assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, to, data, 1600), 1600);
        assert_true(next_sent(h, &sent));
        starts[i] = sent.p.id;
        near += i > 0 && (uint16_t)(starts[i] - starts[i - 1]) < 8;
        assert_true(next_sent(h, &sent));
    }
    assert_true(near < 4);
    host_end(h);
}

/* Every allocation fails once, and all after it: reassembly, its answer and its end still leave nothing
 * behind. */
static void want_of_memory_at_any_point_leaks_nothing(void **state)
{
    (void)state;
    struct whole w = whole_of(6000);
    bool complete = false;
    for (size_t nth = 1; !complete; nth++) {
        assert_true(nth < 100);
        struct host *h = host_new();
        h->fail_at = nth;
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        for (uint32_t offset = 0; offset < w.len; offset += 1480) {
            size_t len = w.len - offset < 1480 ? w.len - offset : 1480;
            piece(h, 7, w.bytes, offset, len, offset + len < w.len);
        }
        piece(h, 8, w.bytes, 0, 1480, true);
        h->core.now += IP_REASSEMBLY_TIME;
        ip_tick(&h->ip, h->core.now);
        complete = h->allocations < nth;
        if (!complete && s)
            assert_true(drops(h) > 0); /* something is missing, and it was counted */
        if (complete) {
            assert_int_equal(s->dgram->queued, sizeof(struct dgram_entry) + 6000);
            assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_OUT], 1);
        }
        host_end(h);
    }
    whole_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_in_every_order_make_the_datagram),
        cmocka_unit_test(eight_byte_fragments_backwards_make_65507_bytes),
        cmocka_unit_test(a_mark_on_a_fragment_is_one_on_the_datagram),
        cmocka_unit_test(an_exact_duplicate_does_no_harm),
        cmocka_unit_test(an_overlap_takes_the_whole_datagram_with_it),
        cmocka_unit_test(two_opinions_about_the_end_drop_the_datagram),
        cmocka_unit_test(impossible_lengths_are_dropped),
        cmocka_unit_test(the_ping_of_death_is_dropped_with_its_datagram),
        cmocka_unit_test(a_long_first_header_counts_too),
        cmocka_unit_test(datagrams_are_told_apart),
        cmocka_unit_test(late_fragments_are_given_up_with_time_exceeded),
        cmocka_unit_test(without_the_first_fragment_nobody_is_told),
        cmocka_unit_test(a_broadcast_in_fragments_is_given_up_in_silence),
        cmocka_unit_test(the_oldest_datagram_makes_room),
        cmocka_unit_test(a_claimed_size_costs_nothing),
        cmocka_unit_test(bytes_in_reassembly_are_bounded),
        cmocka_unit_test(a_datagram_larger_than_the_bound_is_not_collected),
        cmocka_unit_test(an_echo_of_65507_bytes_goes_there_and_back),
        cmocka_unit_test(fragments_leave_by_the_rules),
        cmocka_unit_test(identifications_neither_repeat_nor_count_aloud),
        cmocka_unit_test(want_of_memory_at_any_point_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
