/* ICMP: what is answered, what is complained about and what must never be, what an error is believed. */
#include "host.h"

static struct sent sent;

/* --- echo --- */

static void feed_icmp(struct host *h, const struct ip_fields *f, uint8_t type, uint8_t code, uint32_t rest,
                      const void *bytes, size_t len)
{
    static uint8_t message[IP_MTU_MAX];
    size_t n = make_icmp(message, type, code, rest, bytes, len);
    feed(h, f, message, n);
}

static void an_echo_request_comes_back_with_its_data(void **state)
{
    (void)state;
    for (size_t len = 0; len < 1473; len += 736) {
        struct host *h = host_new();
        uint8_t *data = pattern(len);
        struct ip_fields f = from_peer(IP_ICMP);
        f.tos = 0xba; /* type of service 0xb8, and ECN bits that belong to this packet alone */
        feed_icmp(h, &f, ICMP_ECHO, 0, 0x12340001, data, len);
        assert_true(next_sent(h, &sent));
        assert_int_equal(sent.p.src, US);
        assert_int_equal(sent.p.dst, PEER);
        assert_int_equal(sent.p.tos, 0xb8);
        assert_int_equal(sent.p.ttl, IP_TTL_DEFAULT);
        assert_int_equal(sent.p.body.at[0], ICMP_ECHO_REPLY);
        assert_int_equal(sent.p.body.len, ICMP_HEADER + len);
        assert_int_equal(checksum_of(sent.p.body.at, sent.p.body.len), 0);
        assert_int_equal(peek16(sent.p.body.at + 4), 0x1234);
        assert_int_equal(peek16(sent.p.body.at + 6), 1);
        assert_memory_equal(sent.p.body.at + 8, data, len);
        assert_silent(h);
        assert_int_equal(h->core.counter[COUNT_ICMP_ECHO_REPLIES], 1);
        free(data);
        host_end(h);
    }
}

static void an_echo_request_to_many_is_ignored(void **state)
{
    (void)state;
    const uint32_t many[] = {IP_BROADCAST, IP_ADDR(10, 7, 0, 255)};
    for (size_t i = 0; i < 2; i++) {
        struct host *h = host_new();
        struct ip_fields f = from_peer(IP_ICMP);
        f.dst = many[i];
        feed_icmp(h, &f, ICMP_ECHO, 0, 1, "", 0);
        assert_dropped_once(h, DROP_ICMP_TYPE);
        assert_silent(h);
        host_end(h);
    }
}

static void echoes_are_shown_as_events(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_ICMP);
    feed_icmp(h, &f, ICMP_ECHO, 0, 0x12340001, "data", 4);
    const struct event *in = &h->last[EVENT_DATAGRAM_IN], *out = &h->last[EVENT_DATAGRAM_OUT];
    assert_int_equal(in->protocol, IP_ICMP);
    assert_int_equal(in->u.datagram.type, ICMP_ECHO);
    assert_int_equal(in->u.datagram.len, 4);
    assert_int_equal(in->remote.addr, PEER);
    assert_int_equal(in->remote.port, 0x1234); /* the identifier belongs to who asks */
    assert_int_equal(in->local.port, 0);
    assert_int_equal(out->u.datagram.type, ICMP_ECHO_REPLY);
    assert_int_equal(out->remote.addr, PEER);
    assert_int_equal(out->remote.port, 0x1234);
    host_end(h);
}

static void short_and_corrupt_messages_are_dropped(void **state)
{
    (void)state;
    struct ip_fields f = from_peer(IP_ICMP);
    uint8_t message[12];
    make_icmp(message, ICMP_ECHO, 0, 1, "data", 4);
    for (size_t len = 0; len < ICMP_HEADER; len++) {
        struct host *h = host_new();
        feed(h, &f, message, len);
        assert_dropped_once(h, DROP_ICMP_SHORT);
        assert_silent(h);
        host_end(h);
    }
    struct host *h = host_new();
    message[11] ^= 0x10;
    feed(h, &f, message, sizeof message);
    assert_dropped_once(h, DROP_ICMP_CHECKSUM);
    assert_silent(h);
    host_end(h);
}

static void what_we_do_not_act_on_is_counted(void **state)
{
    (void)state;
    const uint8_t types[] = {ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_TIMESTAMP, 14, 15, 17, 1, 2, 9, 30, 255};
    for (size_t i = 0; i < sizeof types; i++) {
        struct host *h = host_new();
        struct ip_fields f = from_peer(IP_ICMP);
        feed_icmp(h, &f, types[i], 0, 0, "a datagram of at least twenty-eight", 35);
        assert_dropped_once(h, DROP_ICMP_TYPE);
        assert_silent(h);
        host_end(h);
    }
}

static void a_ping_socket_asks_and_hears_its_answers(void **state)
{
    (void)state;
    struct host *a = malloc(sizeof *a), *b = host_new();
    host_start(a, PEER, NULL);
    struct sock *s = host_open(a, SOCK_PING, 0, 77), *other = host_open(a, SOCK_PING, 0, 78);
    s->ttl = 9;
    assert_int_equal(icmp_send_echo(&a->icmp, s, (struct endpoint){PEER, 77}, US, "\0\5hello", 7), 7);
    assert_int_equal(s->dgram->unsent, 13);
    assert_true(next_sent(a, &sent));
    assert_int_equal(s->dgram->unsent, 0);
    assert_int_equal(sent.p.ttl, 9);
    feed_raw(b, sent.bytes, sent.len);
    assert_int_equal(carry(b, a), 1);
    uint8_t got[100];
    struct endpoint from;
    assert_true(host_signalled(s));
    assert_false(host_signalled(other));
    assert_int_equal(dgram_take(&a->core, s, got, sizeof got, false, &from), 7);
    assert_memory_equal(got, "\0\5hello", 7);
    assert_int_equal(from.addr, US);
    assert_int_equal(from.port, 77);
    host_end(a);
    host_end(b);
}

static void a_reply_nobody_waits_for_is_dropped(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_PING, 0, 77);
    s->remote.addr = IP_ADDR(10, 7, 0, 9); /* connected to another host */
    struct ip_fields f = from_peer(IP_ICMP);
    feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 78 << 16, "", 0);
    feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 0, "", 0);
    feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 77 << 16, "", 0);
    assert_int_equal(h->core.dropped[DROP_ICMP_UNMATCHED], 3);
    s->remote.addr = PEER;
    feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 77 << 16, "", 0);
    assert_int_equal(drops(h), 3);
    s->receive_buffer = 0;
    feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 77 << 16, "", 0);
    assert_int_equal(h->core.dropped[DROP_ICMP_BUFFER_FULL], 1);
    host_end(h);
}

static void an_impossible_echo_is_refused(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_PING, 0, 77);
    uint8_t *data = pattern(65510);
    const struct endpoint from = {US, 77};
    assert_int_equal(icmp_send_echo(&h->icmp, s, (struct endpoint){US, 0}, PEER, data, 10), -EINVAL);
    assert_int_equal(icmp_send_echo(&h->icmp, s, from, PEER, data, 1), -EINVAL);
    assert_int_equal(icmp_send_echo(&h->icmp, s, from, PEER, data, 65510), -EMSGSIZE);
    h->fail_at = h->allocations + 1;
    assert_int_equal(icmp_send_echo(&h->icmp, s, from, PEER, data, 10), -ENOBUFS);
    assert_int_equal(s->dgram->unsent, 0);
    h->fail_at = 0;
    s->send_buffer = 100;
    assert_int_equal(icmp_send_echo(&h->icmp, s, from, PEER, data, 90), 90);
    assert_int_equal(icmp_send_echo(&h->icmp, s, from, PEER, data, 10), -EAGAIN);
    assert_true(next_sent(h, &sent));
    assert_true(host_signalled(s)); /* there is room again */
    assert_silent(h);
    free(data);
    host_end(h);
}

/* --- errors that we send --- */

/* A datagram of `protocol` that nobody here wants. */
static void unwanted(struct host *h, const struct ip_fields *f, size_t len)
{
    uint8_t *bytes = pattern(UDP_HEADER + len);
    if (f->protocol == IP_UDP && len >= UDP_HEADER)
        len = make_udp(bytes, f, 4000, 9, bytes + UDP_HEADER, len - UDP_HEADER);
    feed(h, f, bytes, len);
    free(bytes);
}

static void a_closed_port_is_answered_with_unreachable(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_UDP);
    f.tos = 0xb8;
    unwanted(h, &f, 100);
    assert_dropped_once(h, DROP_UDP_NO_PORT);
    assert_true(next_sent(h, &sent));
    assert_int_equal(sent.p.src, US);
    assert_int_equal(sent.p.dst, PEER);
    assert_int_equal(sent.p.tos, 0); /* RFC 1122 3.2.2 */
    assert_int_equal(sent.p.body.at[0], ICMP_UNREACHABLE);
    assert_int_equal(sent.p.body.at[1], ICMP_PORT_UNREACHABLE);
    assert_int_equal(peek16(sent.p.body.at + 4), 0);
    assert_int_equal(peek16(sent.p.body.at + 6), 0);
    assert_int_equal(checksum_of(sent.p.body.at, sent.p.body.len), 0);
    assert_int_equal(sent.p.body.len, ICMP_HEADER + 20 + 100); /* all of it fits */
    struct ip_packet quoted;
    assert_int_equal(ip_parse(sent.p.body.at + 8, sent.p.body.len - 8, &quoted), DROP_NONE);
    assert_int_equal(quoted.src, PEER);
    assert_int_equal(quoted.tos, 0xb8);
    assert_int_equal(peek16(quoted.body.at), 4000);
    assert_int_equal(peek16(quoted.body.at + 2), 9);
    assert_silent(h);
    assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_OUT], 1);
    host_end(h);
}

static void a_quote_ends_at_576_bytes(void **state)
{
    (void)state;
    for (size_t len = 527; len < 530; len++) {
        struct host *h = host_new();
        struct ip_fields f = from_peer(IP_UDP);
        unwanted(h, &f, len);
        assert_true(next_sent(h, &sent));
        assert_int_equal(sent.len, len < 528 ? 20 + 8 + 20 + len : 576);
        host_end(h);
    }
}

static void no_error_about(const struct ip_fields *f, size_t len, enum drop why)
{
    struct host *h = host_new();
    unwanted(h, f, len);
    assert_dropped_once(h, why);
    assert_silent(h);
    assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_OUT], 0);
    host_end(h);
}

static void no_error_about_a_broadcast(void **state)
{
    (void)state;
    struct ip_fields f = from_peer(IP_UDP);
    f.dst = IP_BROADCAST;
    no_error_about(&f, 20, DROP_UDP_NO_PORT);
    f.dst = IP_ADDR(10, 7, 0, 255);
    no_error_about(&f, 20, DROP_UDP_NO_PORT);
    f.protocol = 99;
    no_error_about(&f, 20, DROP_IP_PROTOCOL);
}

static void no_error_to_what_is_no_single_host(void **state)
{
    (void)state;
    struct ip_fields f = from_peer(IP_UDP);
    const uint32_t sources[] = {0,
                                IP_BROADCAST,
                                IP_ADDR(10, 7, 0, 255),
                                IP_ADDR(127, 0, 0, 1),
                                IP_ADDR(224, 0, 0, 1),
                                IP_ADDR(250, 0, 0, 1)};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        f.src = sources[i];
        no_error_about(&f, 20, DROP_IP_SOURCE);
    }
}

/* The layer above never lets these through; the function keeps RFC 1122 3.2.2's rules by itself too. */
static void the_sender_of_errors_keeps_every_rule_itself(void **state)
{
    (void)state;
    uint8_t bytes[48] = {0}, echo = ICMP_ECHO, error = ICMP_UNREACHABLE, unknown = 200;
    struct ip_packet fine = {
        .src = PEER, .dst = US, .protocol = IP_UDP, .header = {bytes, 20}, .body = {bytes, 8}};
    const struct {
        const char *rule;
        bool sent;
        uint32_t src, offset;
        bool to_many;
        uint8_t protocol;
        const uint8_t *body;
        size_t len;
    } cases[] = {
        {"a plain datagram", true, PEER, 0, false, IP_UDP, bytes, 8},
        {"an empty datagram", true, PEER, 0, false, 99, bytes, 0},
        {"an ICMP query", true, PEER, 0, false, IP_ICMP, &echo, 1},
        {"an ICMP error", false, PEER, 0, false, IP_ICMP, &error, 1},
        {"an unknown ICMP type", false, PEER, 0, false, IP_ICMP, &unknown, 1},
        {"an ICMP message cut off", false, PEER, 0, false, IP_ICMP, bytes, 0},
        {"a later fragment", false, PEER, 8, false, IP_UDP, bytes, 8},
        {"to many", false, PEER, 0, true, IP_UDP, bytes, 8},
        {"from nobody", false, IP_ANY, 0, false, IP_UDP, bytes, 8},
        {"from loopback", false, IP_ADDR(127, 0, 0, 1), 0, false, IP_UDP, bytes, 8},
        {"from everybody", false, IP_BROADCAST, 0, false, IP_UDP, bytes, 8},
        {"from the subnet", false, IP_ADDR(10, 7, 0, 255), 0, false, IP_UDP, bytes, 8},
        {"from a group", false, IP_ADDR(224, 0, 0, 5), 0, false, IP_UDP, bytes, 8},
        {"from class E", false, IP_ADDR(240, 0, 0, 5), 0, false, IP_UDP, bytes, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host *h = host_new();
        struct ip_packet p = fine;
        p.src = cases[i].src;
        p.offset = cases[i].offset;
        p.to_many = cases[i].to_many;
        p.protocol = cases[i].protocol;
        p.body = (struct span){cases[i].body, cases[i].len};
        icmp_send_error(&h->icmp, US, &p, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE);
        if (next_sent(h, &sent) != cases[i].sent)
            fail_msg("%s", cases[i].rule);
        host_end(h);
    }
}

static void errors_are_limited_in_rate(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_UDP);
    for (int i = 0; i < 50; i++)
        unwanted(h, &f, 20);
    assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_OUT], ICMP_BURST);
    assert_int_equal(h->core.dropped[DROP_RATE_LIMIT], 50 - ICMP_BURST);
    h->core.now += MSEC(50); /* 100 a second: 5 more */
    for (int i = 0; i < 50; i++)
        unwanted(h, &f, 20);
    assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_OUT], ICMP_BURST + 5);
    host_end(h);
}

static void replies_that_wait_are_bounded(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct ip_fields f = from_peer(IP_ICMP);
    for (int i = 0; i < OUTBOX_MAX_DEFAULT + 10; i++)
        feed_icmp(h, &f, ICMP_ECHO, 0, 1, "", 0);
    assert_int_equal(h->core.dropped[DROP_OUTBOX_FULL], 10);
    assert_int_equal(carry(h, h), OUTBOX_MAX_DEFAULT);
    feed_icmp(h, &f, ICMP_ECHO, 0, 1, "", 0);
    assert_int_equal(h->core.dropped[DROP_OUTBOX_FULL], 10);
    static uint8_t large[1400];
    for (int i = 0; i < 1000; i++)
        feed_icmp(h, &f, ICMP_ECHO, 0, 1, large, sizeof large);
    assert_true(h->core.dropped[DROP_OUTBOX_FULL] > 10);
    assert_true(h->outbox.reply_bytes <= OUTBOX_SIZE_DEFAULT);
    host_end(h);
}

/* --- errors that we receive --- */

/* What the tests spoil one by one: the error, and the datagram that it quotes. */
struct quote {
    uint8_t type, code, protocol, version_ihl;
    uint16_t mtu, total, local_port, remote_port, offset;
    uint32_t src, dst;
    size_t cut; /* bytes missing from the end */
};

static struct quote quote_of(uint8_t type, uint8_t code, uint8_t protocol)
{
    return (struct quote){type, code, protocol, 0x45, 0, 100, 5000, 53, 0, US, PEER, 0};
}

static void feed_quote(struct host *h, const struct quote *q)
{
    uint8_t quoted[28];
    struct ip_fields f = {.src = q->src, .dst = q->dst, .protocol = q->protocol, .offset = q->offset};
    ip_fill(quoted, &f, q->total - 20u);
    quoted[0] = q->version_ihl;
    struct writer w = writer_of(quoted + 20, 8);
    if (q->protocol == IP_ICMP) {
        put32(&w, ICMP_ECHO << 24);
        put16(&w, q->local_port);
    } else {
        put16(&w, q->local_port);
        put16(&w, q->remote_port);
        put32(&w, 0xdeadbeef);
    }
    struct ip_fields outer = from_peer(IP_ICMP);
    outer.src = IP_ADDR(10, 7, 0, 254); /* a router says so */
    feed_icmp(h, &outer, q->type, q->code, q->mtu, quoted, sizeof quoted - q->cut);
}

static struct sock *connected(struct host *h, enum sock_type type)
{
    struct sock *s = host_open(h, type, US, 5000);
    s->remote = (struct endpoint){PEER, type == SOCK_UDP ? 53 : 0};
    return s;
}

static void an_error_becomes_the_errno_that_rfc_1122_means(void **state)
{
    (void)state;
    const struct {
        uint8_t type, code;
        int error;
        bool hard;
    } cases[] = {
        {ICMP_UNREACHABLE, 0, ENETUNREACH, false},    {ICMP_UNREACHABLE, 1, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 2, ECONNREFUSED, true},    {ICMP_UNREACHABLE, 3, ECONNREFUSED, true},
        {ICMP_UNREACHABLE, 4, EMSGSIZE, true},        {ICMP_UNREACHABLE, 5, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 6, ENETUNREACH, false},    {ICMP_UNREACHABLE, 7, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 8, EHOSTUNREACH, false},   {ICMP_UNREACHABLE, 9, ENETUNREACH, false},
        {ICMP_UNREACHABLE, 10, EHOSTUNREACH, false},  {ICMP_UNREACHABLE, 11, ENETUNREACH, false},
        {ICMP_UNREACHABLE, 12, EHOSTUNREACH, false},  {ICMP_UNREACHABLE, 13, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 14, EHOSTUNREACH, false},  {ICMP_UNREACHABLE, 15, EHOSTUNREACH, false},
        {ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH, false}, {ICMP_TIME_EXCEEDED, 1, EHOSTUNREACH, false},
        {ICMP_PARAMETER, 0, EPROTO, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t protocols[] = {IP_UDP, IP_ICMP, IP_TCP};
        for (size_t k = 0; k < sizeof protocols; k++) {
            struct host *h = host_new();
            struct sock *udp = connected(h, SOCK_UDP), *ping = connected(h, SOCK_PING);
            struct quote q = quote_of(cases[i].type, cases[i].code, protocols[k]);
            q.mtu = 1280;
            h->tcp.match = true;
            feed_quote(h, &q);
            assert_int_equal(udp->error, protocols[k] == IP_UDP ? cases[i].error : 0);
            assert_int_equal(host_signalled(udp), protocols[k] == IP_UDP);
            assert_int_equal(ping->error, protocols[k] == IP_ICMP ? cases[i].error : 0);
            assert_int_equal(h->tcp.errors, protocols[k] == IP_TCP);
            if (protocols[k] == IP_TCP) {
                assert_int_equal(h->tcp.last_error.error, cases[i].error);
                assert_int_equal(h->tcp.last_error.hard, cases[i].hard);
                assert_int_equal(h->tcp.last_error.next_hop_mtu, cases[i].error == EMSGSIZE ? 1280 : 0);
                assert_int_equal(h->tcp.last_error.src, US);
                assert_int_equal(h->tcp.last_error.dst, PEER);
                assert_int_equal(h->tcp.last_error.quoted.len, 8);
            }
            assert_int_equal(h->core.counter[COUNT_ICMP_ERRORS_MATCHED], 1);
            assert_int_equal(drops(h), 0);
            assert_silent(h); /* never an error about an error */
            host_end(h);
        }
    }
}

static void unbelieved(struct quote q, enum drop why)
{
    struct host *h = host_new();
    struct sock *s = connected(h, SOCK_UDP);
    feed_quote(h, &q);
    assert_dropped_once(h, why);
    assert_int_equal(s->error, 0);
    assert_int_equal(h->tcp.errors, 0);
    assert_silent(h);
    host_end(h);
}

static void errors_that_quote_nothing_of_ours_are_not_believed(void **state)
{
    (void)state;
    const struct quote good = quote_of(ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, IP_UDP);
    struct quote q = good;
    q.src = IP_ADDR(10, 7, 0, 3); /* not ours */
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.dst = IP_ADDR(10, 7, 0, 9); /* not the peer */
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.remote_port = 54;
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.local_port = 5001;
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.version_ihl = 0x65;
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.version_ihl = 0x44;
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.version_ihl = 0x4f; /* its options would reach beyond the message */
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.total = 27; /* had no 8 bytes to quote */
    unbelieved(q, DROP_ICMP_UNMATCHED);
    q = good;
    q.offset = 8; /* a later fragment: these are not ports */
    unbelieved(q, DROP_ICMP_UNMATCHED);
    for (size_t cut = 1; cut <= 28; cut++) {
        q = good;
        q.cut = cut;
        unbelieved(q, DROP_ICMP_UNMATCHED);
    }
    q = good;
    q.code = 16;
    unbelieved(q, DROP_ICMP_TYPE);
    q = quote_of(ICMP_TIME_EXCEEDED, 2, IP_UDP);
    unbelieved(q, DROP_ICMP_TYPE);
    q = quote_of(ICMP_UNREACHABLE, 3, 99); /* a protocol that we do not speak */
    unbelieved(q, DROP_ICMP_UNMATCHED);
}

static void an_error_tcp_does_not_recognize_is_unmatched(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct quote q = quote_of(ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, IP_TCP);
    feed_quote(h, &q);
    assert_int_equal(h->tcp.errors, 1);
    assert_dropped_once(h, DROP_ICMP_UNMATCHED);
    host_end(h);
}

static void an_error_sent_to_everybody_is_not_believed(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = connected(h, SOCK_UDP);
    uint8_t quoted[28] = {0};
    struct ip_fields inner = {.src = US, .dst = PEER, .protocol = IP_UDP}, outer = from_peer(IP_ICMP);
    ip_fill(quoted, &inner, 8);
    poke16(quoted + 20, 5000);
    poke16(quoted + 22, 53);
    outer.dst = IP_BROADCAST;
    feed_icmp(h, &outer, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, quoted, sizeof quoted);
    assert_dropped_once(h, DROP_ICMP_UNMATCHED);
    assert_int_equal(s->error, 0);
    outer.dst = US;
    feed_icmp(h, &outer, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, quoted, sizeof quoted);
    assert_int_equal(s->error, ECONNREFUSED);
    host_end(h);
}

static void a_quoted_reply_of_ours_concerns_no_ping_socket(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = connected(h, SOCK_PING);
    uint8_t quoted[28] = {0};
    struct ip_fields inner = {.src = US, .dst = PEER, .protocol = IP_ICMP}, outer = from_peer(IP_ICMP);
    ip_fill(quoted, &inner, 8);
    poke16(quoted + 24, 5000); /* type 0: we answered, and that did not arrive */
    feed_icmp(h, &outer, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, quoted, sizeof quoted);
    assert_dropped_once(h, DROP_ICMP_UNMATCHED);
    assert_int_equal(s->error, 0);
    host_end(h);
}

static void want_of_memory_at_any_point_leaks_nothing(void **state)
{
    (void)state;
    for (size_t nth = 1, done = 0; !done; nth++) {
        assert_true(nth < 100);
        struct host *h = host_new();
        h->fail_at = nth;
        struct sock *s = host_open(h, SOCK_PING, 0, 77);
        struct ip_fields f = from_peer(IP_ICMP), u = from_peer(IP_UDP);
        feed_icmp(h, &f, ICMP_ECHO, 0, 1, "data", 4);
        feed_icmp(h, &f, ICMP_ECHO_REPLY, 0, 77 << 16, "data", 4);
        unwanted(h, &u, 40);
        if (s)
            icmp_send_echo(&h->icmp, s, (struct endpoint){US, 77}, PEER, "\0\1", 2);
        done = h->allocations < nth;
        if (done)
            assert_int_equal(carry(h, h), 3);
        else if (!s)
            assert_int_equal(h->core.dropped[DROP_NO_MEMORY], 2); /* both replies */
        host_end(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_request_comes_back_with_its_data),
        cmocka_unit_test(an_echo_request_to_many_is_ignored),
        cmocka_unit_test(echoes_are_shown_as_events),
        cmocka_unit_test(short_and_corrupt_messages_are_dropped),
        cmocka_unit_test(what_we_do_not_act_on_is_counted),
        cmocka_unit_test(a_ping_socket_asks_and_hears_its_answers),
        cmocka_unit_test(a_reply_nobody_waits_for_is_dropped),
        cmocka_unit_test(an_impossible_echo_is_refused),
        cmocka_unit_test(a_closed_port_is_answered_with_unreachable),
        cmocka_unit_test(a_quote_ends_at_576_bytes),
        cmocka_unit_test(no_error_about_a_broadcast),
        cmocka_unit_test(no_error_to_what_is_no_single_host),
        cmocka_unit_test(the_sender_of_errors_keeps_every_rule_itself),
        cmocka_unit_test(errors_are_limited_in_rate),
        cmocka_unit_test(replies_that_wait_are_bounded),
        cmocka_unit_test(an_error_becomes_the_errno_that_rfc_1122_means),
        cmocka_unit_test(errors_that_quote_nothing_of_ours_are_not_believed),
        cmocka_unit_test(an_error_tcp_does_not_recognize_is_unmatched),
        cmocka_unit_test(an_error_sent_to_everybody_is_not_believed),
        cmocka_unit_test(a_quoted_reply_of_ours_concerns_no_ping_socket),
        cmocka_unit_test(want_of_memory_at_any_point_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
