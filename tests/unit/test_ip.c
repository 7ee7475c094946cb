/* IPv4 input: what a datagram must look like, whom it must come from and go to, and who gets it. */
#include "host.h"

/* A good datagram of 8 bytes for UDP port 9, options included; each test spoils one thing. */
struct wire {
    uint8_t at[200];
    size_t len;
};

static void sign(struct wire *w)
{
    poke16(w->at + 10, 0);
    poke16(w->at + 10, checksum_of(w->at, (w->at[0] & 15u) * 4u));
}

static struct wire with_options(const void *options, size_t len)
{
    struct wire w = {.len = IP_HEADER_MIN + len + UDP_HEADER};
    struct ip_fields f = from_peer(IP_UDP);
    ip_fill(w.at, &f, len + UDP_HEADER);
    w.at[0] = (uint8_t)(0x45 + len / 4);
    memcpy(w.at + IP_HEADER_MIN, options, len);
    make_udp(w.at + IP_HEADER_MIN + len, &f, 4000, 9, "", 0);
    sign(&w);
    return w;
}

static struct wire good(void)
{
    return with_options("", 0);
}

static void expect(const struct wire *w, enum drop why)
{
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    feed_raw(h, w->at, w->len);
    assert_int_equal(h->core.counter[COUNT_IP_IN], 1);
    if (why)
        assert_dropped_once(h, why);
    else
        assert_int_equal(drops(h), 0);
    assert_int_equal(host_signalled(s), why == DROP_NONE);
    assert_silent(h);
    host_end(h);
}

static void a_header_survives_the_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[IP_HEADER_MIN + 16] = {0};
    struct ip_fields f = {.src = IP_ADDR(1, 2, 3, 4),
                          .dst = IP_ADDR(250, 251, 252, 253),
                          .id = 0xabcd,
                          .protocol = 200,
                          .ttl = 3,
                          .tos = 0x28,
                          .more_fragments = true,
                          .offset = 65528};
    ip_fill(bytes, &f, 16);
    struct ip_packet p;
    assert_int_equal(ip_parse(bytes, sizeof bytes, &p), DROP_NONE);
    assert_int_equal(p.src, f.src);
    assert_int_equal(p.dst, f.dst);
    assert_int_equal(p.id, f.id);
    assert_int_equal(p.protocol, f.protocol);
    assert_int_equal(p.ttl, f.ttl);
    assert_int_equal(p.tos, f.tos);
    assert_true(p.more_fragments);
    assert_false(p.dont_fragment);
    assert_int_equal(p.offset, f.offset);
    assert_int_equal(p.header.len, 20);
    assert_ptr_equal(p.body.at, bytes + 20);
    assert_int_equal(p.body.len, 16);
    f.dont_fragment = true;
    ip_fill(bytes, &f, 16);
    assert_int_equal(ip_parse(bytes, sizeof bytes, &p), DROP_NONE);
    assert_true(p.dont_fragment);
}

static void a_good_datagram_is_delivered(void **state)
{
    (void)state;
    struct wire w = good();
    expect(&w, DROP_NONE);
}

static void every_truncation_is_short(void **state)
{
    (void)state;
    for (size_t len = 0; len < good().len; len++) {
        struct wire w = good();
        w.len = len;
        expect(&w, DROP_IP_SHORT);
    }
}

static void padding_behind_the_datagram_is_ignored(void **state)
{
    (void)state;
    struct wire w = good();
    memset(w.at + w.len, 0xee, 18);
    w.len += 18;
    expect(&w, DROP_NONE);
}

static void another_version_is_dropped(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        struct wire w = good();
        w.at[0] = (uint8_t)(version << 4 | 5);
        sign(&w);
        expect(&w, version == 4 ? DROP_NONE : DROP_IP_VERSION);
    }
}

static void an_impossible_header_length_is_dropped(void **state)
{
    (void)state;
    for (uint8_t words = 0; words < 5; words++) {
        struct wire w = good();
        w.at[0] = 0x40 | words;
        expect(&w, DROP_IP_HEADER_LENGTH);
    }
    struct wire beyond = good();
    beyond.at[0] = 0x4f; /* 60 bytes of 28 */
    expect(&beyond, DROP_IP_HEADER_LENGTH);

    struct wire total = good();
    poke16(total.at + 2, 19); /* the total length cuts the header off */
    sign(&total);
    expect(&total, DROP_IP_HEADER_LENGTH);
}

static void a_total_length_beyond_what_arrived_is_short(void **state)
{
    (void)state;
    struct wire w = good();
    poke16(w.at + 2, (uint16_t)(w.len + 1));
    sign(&w);
    expect(&w, DROP_IP_SHORT);
}

static void every_flipped_bit_of_the_header_is_noticed(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < IP_HEADER_MIN * 8; bit++) {
        struct wire w = good();
        w.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct host *h = host_new();
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        feed_raw(h, w.at, w.len);
        assert_int_equal(drops(h), 1);
        assert_false(host_signalled(s));
        host_end(h);
    }
    struct wire w = good();
    w.at[11] ^= 1;
    expect(&w, DROP_IP_CHECKSUM);
}

static void ttl_zero_is_accepted_at_its_destination(void **state)
{
    (void)state;
    struct wire w = good();
    w.at[8] = 0;
    sign(&w);
    expect(&w, DROP_NONE);
}

static void options_are_walked_and_skipped(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        size_t len;
        enum drop why;
    } cases[] = {
        {"\1\1\1\0", 4, DROP_NONE},                  /* NOPs and the end */
        {"\0\377\0\0", 4, DROP_NONE},                /* behind the end: anything */
        {"\x94\4\0\0", 4, DROP_NONE},                /* router alert */
        {"\7\7\4\0\0\0\0\0", 8, DROP_NONE},          /* record route */
        {"\x44\10\5\0\0\0\0\0", 8, DROP_NONE},       /* timestamp */
        {"\1\xff\3\xaa", 4, DROP_NONE},              /* unknown */
        {"\7\0\4\0", 4, DROP_IP_OPTIONS},            /* length 0 */
        {"\7\1\4\0", 4, DROP_IP_OPTIONS},            /* length 1 */
        {"\1\1\1\7", 4, DROP_IP_OPTIONS},            /* no length */
        {"\7\5\4\0", 4, DROP_IP_OPTIONS},            /* beyond the header */
        {"\7\377\4\0", 4, DROP_IP_OPTIONS},          /* far beyond */
        {"\x83\7\10\1\2\3\4\0", 8, DROP_IP_OPTIONS}, /* loose source route */
        {"\x89\7\10\1\2\3\4\0", 8, DROP_IP_OPTIONS}, /* strict source route */
        {"\1\x89\7\4\1\2\3\4", 8, DROP_IP_OPTIONS},  /* with hops to go */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire w = with_options(cases[i].bytes, cases[i].len);
        expect(&w, cases[i].why);
    }
    char full[40];
    memset(full, 1, sizeof full);
    struct wire w = with_options(full, sizeof full);
    expect(&w, DROP_NONE);
}

static void only_our_addresses_are_ours(void **state)
{
    (void)state;
    const struct {
        uint32_t dst;
        enum drop why;
    } cases[] = {
        {US, DROP_NONE},
        {IP_BROADCAST, DROP_NONE},
        {IP_ADDR(10, 7, 0, 255), DROP_NONE},
        {IP_ADDR(10, 7, 0, 3), DROP_IP_DESTINATION},
        {IP_ADDR(10, 7, 0, 0), DROP_IP_DESTINATION},
        {IP_ADDR(10, 7, 1, 255), DROP_IP_DESTINATION},
        {IP_ADDR(127, 0, 0, 1), DROP_IP_DESTINATION},
        {IP_ADDR(224, 0, 0, 1), DROP_IP_DESTINATION},
        {IP_ADDR(239, 1, 2, 3), DROP_IP_DESTINATION},
        {IP_ADDR(240, 0, 0, 1), DROP_IP_DESTINATION},
        {IP_ANY, DROP_IP_DESTINATION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire w = {.len = 28};
        struct ip_fields f = from_peer(IP_UDP);
        f.dst = cases[i].dst;
        ip_fill(w.at, &f, 8);
        make_udp(w.at + 20, &f, 4000, 9, "", 0);
        expect(&w, cases[i].why);
    }
}

static void a_source_is_one_host(void **state)
{
    (void)state;
    const struct {
        uint32_t src;
        enum drop why;
    } cases[] = {
        {PEER, DROP_NONE},
        {US, DROP_NONE}, /* what we sent to ourselves */
        {IP_ADDR(8, 8, 8, 8), DROP_NONE},
        {IP_ADDR(10, 7, 1, 255),
         DROP_NONE}, /* a broadcast of somebody else's subnet, perhaps: who can tell */
        {IP_ANY, DROP_IP_SOURCE},
        {IP_ADDR(0, 0, 0, 7), DROP_IP_SOURCE},
        {IP_BROADCAST, DROP_IP_SOURCE},
        {IP_ADDR(10, 7, 0, 255), DROP_IP_SOURCE},
        {IP_ADDR(10, 7, 0, 0), DROP_IP_SOURCE},
        {IP_ADDR(127, 0, 0, 1), DROP_IP_SOURCE},
        {IP_ADDR(224, 0, 0, 1), DROP_IP_SOURCE},
        {IP_ADDR(240, 0, 0, 1), DROP_IP_SOURCE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire w = {.len = 28};
        struct ip_fields f = from_peer(IP_UDP);
        f.src = cases[i].src;
        ip_fill(w.at, &f, 8);
        make_udp(w.at + 20, &f, 4000, 9, "", 0);
        expect(&w, cases[i].why);
    }
}

static void prefix_31(struct stack_config *config)
{
    config->prefix = 31;
}

static void prefix_0(struct stack_config *config)
{
    config->prefix = 0;
}

static void odd_prefixes_have_the_broadcasts_they_should(void **state)
{
    (void)state;
    struct host *h = malloc(sizeof *h);
    host_start(h, IP_ADDR(10, 0, 0, 1), prefix_31);
    assert_false(ip_is_broadcast(&h->core.config, IP_ADDR(10, 0, 0, 1)));
    assert_true(ip_is_single_host(&h->core.config, IP_ADDR(10, 0, 0, 0)));
    host_stop(h);
    host_start(h, IP_ADDR(10, 0, 0, 1), prefix_0);
    assert_true(ip_is_broadcast(&h->core.config, IP_BROADCAST));
    assert_false(ip_is_broadcast(&h->core.config, IP_ADDR(10, 255, 255, 255)));
    assert_true(ip_is_single_host(&h->core.config, IP_ADDR(9, 9, 9, 9)));
    host_stop(h);
    free(h);
}

static void tcp_gets_its_segments(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_TCP);
    feed(h, &f, "twenty bytes of text", 20);
    assert_int_equal(h->tcp.segments, 1);
    assert_int_equal(h->tcp.last_len, 20);
    assert_int_equal(h->core.counter[COUNT_IP_DELIVERED], 1);
    assert_int_equal(drops(h), 0);
    host_end(h);
}

static void an_unknown_protocol_is_answered_with_unreachable(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(132);
    feed(h, &f, "whatever", 8);
    assert_dropped_once(h, DROP_IP_PROTOCOL);
    static struct sent s;
    assert_true(next_sent(h, &s));
    assert_int_equal(s.p.dst, PEER);
    assert_int_equal(s.p.body.at[0], ICMP_UNREACHABLE);
    assert_int_equal(s.p.body.at[1], ICMP_PROTOCOL_UNREACHABLE);
    assert_silent(h);
    host_end(h);
}

static void random_bytes_only_cause_named_drops(void **state)
{
    (void)state;
    struct host *h = host_new();
    host_open(h, SOCK_UDP, 0, 9);
    uint32_t seed = 12345;
    const uint8_t protocols[] = {IP_UDP, IP_ICMP, 99};
    for (int round = 0; round < 50000; round++) {
        struct wire w = good();
        w.len = 20 + round % 100;
        for (size_t i = 0; i < w.len; i++) {
            seed = seed * 1664525 + 1013904223;
            if (i >= 20 || seed >> 28 == 0)
                w.at[i] = (uint8_t)(seed >> 20);
        }
        w.at[9] = protocols[round % 3];
        if (round % 2) {
            poke16(w.at + 2, (uint16_t)w.len);
            w.at[0] = 0x45;
            sign(&w);
        }
        feed_raw(h, w.at, w.len);
        if (round % 64 == 0)
            while (outbox_next(&h->outbox, &(struct frame){0}))
                ;
    }
    assert_int_equal(h->core.counter[COUNT_IP_IN], 50000);
    assert_true(drops(h) > 20000);
    host_end(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_survives_the_round_trip),
        cmocka_unit_test(a_good_datagram_is_delivered),
        cmocka_unit_test(every_truncation_is_short),
        cmocka_unit_test(padding_behind_the_datagram_is_ignored),
        cmocka_unit_test(another_version_is_dropped),
        cmocka_unit_test(an_impossible_header_length_is_dropped),
        cmocka_unit_test(a_total_length_beyond_what_arrived_is_short),
        cmocka_unit_test(every_flipped_bit_of_the_header_is_noticed),
        cmocka_unit_test(ttl_zero_is_accepted_at_its_destination),
        cmocka_unit_test(options_are_walked_and_skipped),
        cmocka_unit_test(only_our_addresses_are_ours),
        cmocka_unit_test(a_source_is_one_host),
        cmocka_unit_test(odd_prefixes_have_the_broadcasts_they_should),
        cmocka_unit_test(tcp_gets_its_segments),
        cmocka_unit_test(an_unknown_protocol_is_answered_with_unreachable),
        cmocka_unit_test(random_bytes_only_cause_named_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
