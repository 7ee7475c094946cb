/* UDP: round trips, checksums, lengths, who hears what, and what a refused port becomes. */
#include "host.h"

static struct sent sent;

static int64_t take(struct host *h, struct sock *s, void *bytes, size_t len, struct endpoint *from)
{
    return dgram_take(&h->core, s, bytes, len, false, from);
}

/* A datagram from the peer's port 4000, changed by the caller before it is fed. */
struct datagram {
    struct ip_fields ip;
    uint8_t bytes[200];
    size_t len;
};

static struct datagram datagram_to(uint16_t port, const char *text)
{
    struct datagram d = {.ip = from_peer(IP_UDP)};
    d.len = make_udp(d.bytes, &d.ip, 4000, port, text, strlen(text));
    return d;
}

static void expect(const struct datagram *d, enum drop why, const char *text)
{
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    feed(h, &d->ip, d->bytes, d->len);
    char got[200];
    if (why) {
        assert_dropped_once(h, why);
        assert_int_equal(take(h, s, got, sizeof got, NULL), -EAGAIN);
    } else {
        assert_int_equal(take(h, s, got, sizeof got, NULL), strlen(text));
        assert_memory_equal(got, text, strlen(text));
        assert_int_equal(drops(h), 0);
    }
    host_end(h);
}

static void datagrams_of_every_size_go_there_and_back(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 2, 7, 512, 1472, 1473, 2952, 2953, 9000, 65506, 65507};
    struct host *a = malloc(sizeof *a), *b = host_new();
    host_start(a, PEER, NULL);
    struct sock *client = host_open(a, SOCK_UDP, PEER, 50000), *server = host_open(b, SOCK_UDP, 0, 7);
    uint8_t *got = malloc(65536);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *data = pattern(sizes[i]);
        struct endpoint from;
        assert_int_equal(udp_send(&a->udp, client, client->local, (struct endpoint){US, 7}, data, sizes[i]),
                         sizes[i]);
        carry(a, b);
        assert_int_equal(take(b, server, got, 65536, &from), sizes[i]);
        assert_int_equal(from.addr, PEER);
        assert_int_equal(from.port, 50000);
        assert_int_equal(udp_send(&b->udp, server, (struct endpoint){US, 7}, from, got, sizes[i]), sizes[i]);
        assert_int_equal(carry(b, a), 1 + (sizes[i] + 7) / 1480);
        memset(got, 0, 65536);
        assert_int_equal(take(a, client, got, 65536, &from), sizes[i]);
        assert_memory_equal(got, data, sizes[i]);
        free(data);
    }
    assert_int_equal(drops(a) + drops(b), 0);
    assert_int_equal(client->dgram->unsent, 0);
    assert_int_equal(client->dgram->queued, 0);
    free(got);
    host_end(a);
    host_end(b);
}

static void a_checksum_of_zero_means_none(void **state)
{
    (void)state;
    struct datagram d = datagram_to(9, "hello");
    poke16(d.bytes + 6, 0);
    expect(&d, DROP_NONE, "hello");
    d.bytes[10] ^= 1; /* nobody can notice */
    expect(&d, DROP_NONE, "hemlo");
}

static void a_wrong_checksum_is_noticed(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 13 * 8; bit++) {
        struct datagram d = datagram_to(9, "hello");
        d.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct host *h = host_new();
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        feed(h, &d.ip, d.bytes, d.len);
        bool length = bit / 8 == 4 || bit / 8 == 5;
        assert_int_equal(drops(h), 1);
        assert_int_equal(h->core.dropped[DROP_UDP_CHECKSUM] + h->core.dropped[DROP_UDP_SHORT], 1);
        assert_true(length || h->core.dropped[DROP_UDP_CHECKSUM] == 1);
        assert_int_equal(take(h, s, NULL, 0, NULL), -EAGAIN);
        assert_silent(h); /* it may not even be for that port */
        host_end(h);
    }
}

/* The pseudo-header is part of it: a datagram that went astray is not believed. */
static void the_checksum_covers_the_addresses(void **state)
{
    (void)state;
    struct datagram d = datagram_to(9, "hello");
    d.ip.src = IP_ADDR(10, 7, 0, 9);
    expect(&d, DROP_UDP_CHECKSUM, NULL);
}

static void a_computed_zero_is_sent_as_all_ones(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    /* Two bytes of data that make the sum come out as 0xffff. */
    uint8_t zero[2] = {0, 0};
    struct endpoint to = {PEER, 5000}, from = {US, 9};
    assert_int_equal(udp_send(&h->udp, s, from, to, zero, 2), 2);
    assert_true(next_sent(h, &sent));
    uint8_t data[2];
    poke16(data, peek16(sent.p.body.at + 6));
    assert_int_equal(udp_send(&h->udp, s, from, to, data, 2), 2);
    assert_true(next_sent(h, &sent));
    assert_int_equal(peek16(sent.p.body.at + 6), 0xffff);

    struct host *b = malloc(sizeof *b);
    host_start(b, PEER, NULL);
    struct sock *receiver = host_open(b, SOCK_UDP, 0, 5000);
    feed_raw(b, sent.bytes, sent.len);
    assert_int_equal(take(b, receiver, zero, 2, NULL), 2);
    assert_memory_equal(zero, data, 2);
    host_end(b);
    host_end(h);
}

static void bad_lengths_are_dropped(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) { /* the header is cut off */
        struct datagram d = datagram_to(9, "");
        d.len = len;
        expect(&d, DROP_UDP_SHORT, NULL);
    }
    for (uint16_t length = 0; length < 8; length++) {
        struct datagram d = datagram_to(9, "hello");
        poke16(d.bytes + 4, length);
        poke16(d.bytes + 6, 0);
        expect(&d, DROP_UDP_SHORT, NULL);
    }
    struct datagram d = datagram_to(9, "hello");
    poke16(d.bytes + 4, 14); /* one beyond what came */
    poke16(d.bytes + 6, 0);
    expect(&d, DROP_UDP_SHORT, NULL);
}

static void bytes_behind_the_datagram_are_ignored(void **state)
{
    (void)state;
    struct datagram d = datagram_to(9, "hello");
    memcpy(d.bytes + d.len, "and more", 8);
    d.len += 8;
    expect(&d, DROP_NONE, "hello");
}

static void who_wants_no_reply_has_source_port_zero(void **state)
{
    (void)state;
    struct datagram d = datagram_to(9, "hello");
    d.len = make_udp(d.bytes, &d.ip, 0, 9, "hello", 5);
    expect(&d, DROP_NONE, "hello");
}

static void port_zero_is_never_used(void **state)
{
    (void)state;
    struct datagram d = datagram_to(0, "hello");
    expect(&d, DROP_PORT_ZERO, NULL);

    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, (struct endpoint){PEER, 0}, "", 0),
                     -EINVAL);
    assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 0}, (struct endpoint){PEER, 9}, "", 0),
                     -EINVAL);
    assert_silent(h);
    host_end(h);
}

static void a_connected_socket_hears_its_peer_only(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    char got[10];
    struct datagram d = datagram_to(9, "hello"); /* from port 4000 */
    s->remote = (struct endpoint){PEER, 4001};
    feed(h, &d.ip, d.bytes, d.len);
    s->remote = (struct endpoint){IP_ADDR(10, 7, 0, 9), 4000};
    feed(h, &d.ip, d.bytes, d.len);
    assert_int_equal(h->core.dropped[DROP_UDP_NO_PORT], 2);
    assert_int_equal(take(h, s, got, 10, NULL), -EAGAIN);
    assert_true(next_sent(h, &sent)); /* for a stranger that port is closed */
    assert_int_equal(sent.p.body.at[1], ICMP_PORT_UNREACHABLE);
    s->remote = (struct endpoint){PEER, 4000};
    feed(h, &d.ip, d.bytes, d.len);
    assert_int_equal(take(h, s, got, 10, NULL), 5);
    host_end(h);
}

static void a_broadcast_reaches_sockets_bound_to_any_address(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *any = host_open(h, SOCK_UDP, 0, 9), *exact = host_open(h, SOCK_UDP, US, 10);
    char got[10];
    const uint32_t many[] = {IP_BROADCAST, IP_ADDR(10, 7, 0, 255)};
    for (size_t i = 0; i < 2; i++) {
        struct datagram d = datagram_to(9, "");
        d.ip.dst = many[i];
        d.len = make_udp(d.bytes, &d.ip, 4000, 9, "hello", 5);
        feed(h, &d.ip, d.bytes, d.len);
        assert_int_equal(take(h, any, got, 10, NULL), 5);
        d.len = make_udp(d.bytes, &d.ip, 4000, 10, "hello", 5);
        feed(h, &d.ip, d.bytes, d.len);
        assert_int_equal(take(h, exact, got, 10, NULL), -EAGAIN);
    }
    assert_int_equal(h->core.dropped[DROP_UDP_NO_PORT], 2);
    assert_silent(h);
    host_end(h);
}

static void a_refused_port_becomes_an_error_of_the_connected_socket(void **state)
{
    (void)state;
    struct host *a = malloc(sizeof *a), *b = host_new();
    host_start(a, PEER, NULL);
    struct sock *s = host_open(a, SOCK_UDP, 0, 50000), *bystander = host_open(a, SOCK_UDP, 0, 50001);
    struct endpoint local = {PEER, 50000}, remote = {US, 9};
    char got[10];

    assert_int_equal(udp_send(&a->udp, s, local, remote, "anybody?", 8), 8);
    carry(a, b);
    carry(b, a);
    assert_int_equal(s->error, 0); /* not connected: it could not tell which datagram was meant */
    assert_int_equal(a->core.dropped[DROP_ICMP_UNMATCHED], 1);

    s->remote = remote;
    assert_int_equal(udp_send(&a->udp, s, local, remote, "anybody?", 8), 8);
    carry(a, b);
    carry(b, a);
    assert_true(host_signalled(s));
    assert_false(host_signalled(bystander));
    assert_int_equal(a->core.counter[COUNT_ICMP_ERRORS_MATCHED], 1);
    assert_int_equal(take(a, s, got, sizeof got, NULL), -ECONNREFUSED);
    assert_int_equal(take(a, s, got, sizeof got, NULL), -EAGAIN); /* told once */
    host_end(a);
    host_end(b);
}

static void a_soft_error_does_not_hide_a_hard_one(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct endpoint local = {US, 9}, remote = {PEER, 53};
    s->remote = remote;
    assert_true(udp_icmp_error(&h->udp, local, remote, EHOSTUNREACH, false));
    assert_int_equal(s->error, EHOSTUNREACH);
    assert_true(udp_icmp_error(&h->udp, local, remote, ECONNREFUSED, true));
    assert_true(udp_icmp_error(&h->udp, local, remote, ENETUNREACH, false));
    assert_int_equal(s->error, ECONNREFUSED);
    host_end(h);
}

static void a_full_receive_buffer_drops_the_newest(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    s->receive_buffer = 2 * (sizeof(struct dgram_entry) + 5);
    const char *texts[] = {"one..", "two..", "three"};
    for (int i = 0; i < 3; i++) {
        struct datagram d = datagram_to(9, texts[i]);
        feed(h, &d.ip, d.bytes, d.len);
    }
    assert_dropped_once(h, DROP_UDP_BUFFER_FULL);
    char got[10];
    assert_int_equal(take(h, s, got, 10, NULL), 5);
    assert_memory_equal(got, "one..", 5);
    struct datagram d = datagram_to(9, texts[2]);
    feed(h, &d.ip, d.bytes, d.len);
    assert_int_equal(take(h, s, got, 10, NULL), 5);
    assert_memory_equal(got, "two..", 5);
    assert_int_equal(take(h, s, got, 10, NULL), 5);
    assert_memory_equal(got, "three", 5);
    host_end(h);
}

static void a_flood_of_empty_datagrams_meets_the_bound(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct datagram d = datagram_to(9, "");
    for (int i = 0; i < 20000; i++)
        feed(h, &d.ip, d.bytes, d.len);
    assert_true(h->core.dropped[DROP_UDP_BUFFER_FULL] > 1000);
    assert_true(s->dgram->queued <= UDP_BUFFER_DEFAULT);
    host_end(h);
}

static void a_datagram_is_cut_to_the_readers_room_and_may_be_peeked(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct datagram d = datagram_to(9, "hello");
    feed(h, &d.ip, d.bytes, d.len);
    char got[10];
    struct endpoint from;
    assert_int_equal(dgram_take(&h->core, s, got, 10, true, &from), 5);
    assert_int_equal(from.port, 4000);
    assert_int_equal(take(h, s, got, 2, NULL), 2);
    assert_int_equal(take(h, s, got, 2, NULL), -EAGAIN); /* the rest is gone */
    host_end(h);
}

static void after_shutdown_nothing_is_kept_and_reading_ends(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct datagram d = datagram_to(9, "hello");
    feed(h, &d.ip, d.bytes, d.len);
    s->dgram->read_shut = true;
    feed(h, &d.ip, d.bytes, d.len);
    assert_dropped_once(h, DROP_UDP_BUFFER_FULL);
    char got[10];
    assert_int_equal(take(h, s, got, 10, NULL), 5);
    assert_int_equal(take(h, s, got, 10, NULL), 0);
    host_end(h);
}

static void a_full_send_buffer_refuses_until_something_left(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct endpoint from = {US, 9}, to = {PEER, 5000};
    uint8_t *data = pattern(65508);
    assert_int_equal(udp_send(&h->udp, s, from, to, data, 65508), -EMSGSIZE);
    s->send_buffer = 10000;
    assert_int_equal(udp_send(&h->udp, s, from, to, data, 20000), 20000); /* one is always taken */
    assert_int_equal(s->dgram->unsent, 20008);
    assert_int_equal(udp_send(&h->udp, s, from, to, data, 1), -EAGAIN);
    assert_false(host_signalled(s));
    while (next_sent(h, &sent) && sent.p.more_fragments)
        assert_false(host_signalled(s));
    assert_int_equal(s->dgram->unsent, 0);
    assert_true(host_signalled(s));
    assert_ptr_equal(sock_next_ready(&h->socks), s);
    for (int i = 0; i < 10; i++)
        assert_int_equal(udp_send(&h->udp, s, from, to, data, 992), 992);
    assert_int_equal(udp_send(&h->udp, s, from, to, data, 0), -EAGAIN);
    assert_true(next_sent(h, &sent));
    assert_true(host_signalled(s));
    sock_next_ready(&h->socks);
    assert_true(next_sent(h, &sent));
    assert_false(host_signalled(s)); /* who was not refused needs no telling */
    free(data);
    host_end(h);
}

static void what_a_closed_socket_sent_still_leaves(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9), *other = host_open(h, SOCK_UDP, 0, 10);
    struct endpoint to = {PEER, 5000};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, to, "last words", 10), 10);
        assert_int_equal(udp_send(&h->udp, other, (struct endpoint){US, 10}, to, "more", 4), 4);
    }
    host_close(h, s);
    for (int i = 0; i < 6; i++)
        assert_true(next_sent(h, &sent));
    assert_int_equal(other->dgram->unsent, 0);
    assert_int_equal(h->outbox.replies, 0);
    assert_int_equal(h->outbox.reply_bytes, 0);
    assert_silent(h);
    host_end(h);
}

static void datagrams_are_shown_as_events(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock *s = host_open(h, SOCK_UDP, 0, 9);
    struct datagram d = datagram_to(9, "hello");
    feed(h, &d.ip, d.bytes, d.len);
    const struct event *in = &h->last[EVENT_DATAGRAM_IN], *out = &h->last[EVENT_DATAGRAM_OUT];
    assert_int_equal(in->protocol, IP_UDP);
    assert_int_equal(in->local.addr, US);
    assert_int_equal(in->local.port, 9);
    assert_int_equal(in->remote.addr, PEER);
    assert_int_equal(in->remote.port, 4000);
    assert_int_equal(in->u.datagram.len, 5);
    assert_int_equal(udp_send(&h->udp, s, (struct endpoint){US, 9}, (struct endpoint){PEER, 1}, "abc", 3), 3);
    assert_int_equal(out->local.port, 9);
    assert_int_equal(out->remote.port, 1);
    assert_int_equal(out->u.datagram.len, 3);
    assert_int_equal(h->events[EVENT_DATAGRAM_IN], 1);
    assert_int_equal(h->events[EVENT_DATAGRAM_OUT], 1);
    host_end(h);
}

static void want_of_memory_at_any_point_leaks_nothing(void **state)
{
    (void)state;
    for (size_t nth = 1, done = 0; !done; nth++) {
        assert_true(nth < 100);
        struct host *h = host_new();
        h->fail_at = nth;
        struct sock *s = host_open(h, SOCK_UDP, 0, 9);
        struct datagram d = datagram_to(9, "hello");
        feed(h, &d.ip, d.bytes, d.len);
        int64_t n =
            s ? udp_send(&h->udp, s, (struct endpoint){US, 9}, (struct endpoint){PEER, 1}, "abc", 3) : 0;
        done = h->allocations < nth;
        if (done)
            assert_int_equal(n, 3);
        else if (s)
            assert_int_equal(n, -ENOBUFS);
        if (s && !done) /* either the datagram was kept, or its loss was counted */
            assert_int_equal(h->core.dropped[DROP_NO_MEMORY] + (s->dgram->first != NULL), 1);
        host_end(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_of_every_size_go_there_and_back),
        cmocka_unit_test(a_checksum_of_zero_means_none),
        cmocka_unit_test(a_wrong_checksum_is_noticed),
        cmocka_unit_test(the_checksum_covers_the_addresses),
        cmocka_unit_test(a_computed_zero_is_sent_as_all_ones),
        cmocka_unit_test(bad_lengths_are_dropped),
        cmocka_unit_test(bytes_behind_the_datagram_are_ignored),
        cmocka_unit_test(who_wants_no_reply_has_source_port_zero),
        cmocka_unit_test(port_zero_is_never_used),
        cmocka_unit_test(a_connected_socket_hears_its_peer_only),
        cmocka_unit_test(a_broadcast_reaches_sockets_bound_to_any_address),
        cmocka_unit_test(a_refused_port_becomes_an_error_of_the_connected_socket),
        cmocka_unit_test(a_soft_error_does_not_hide_a_hard_one),
        cmocka_unit_test(a_full_receive_buffer_drops_the_newest),
        cmocka_unit_test(a_flood_of_empty_datagrams_meets_the_bound),
        cmocka_unit_test(a_datagram_is_cut_to_the_readers_room_and_may_be_peeked),
        cmocka_unit_test(after_shutdown_nothing_is_kept_and_reading_ends),
        cmocka_unit_test(a_full_send_buffer_refuses_until_something_left),
        cmocka_unit_test(what_a_closed_socket_sent_still_leaves),
        cmocka_unit_test(datagrams_are_shown_as_events),
        cmocka_unit_test(want_of_memory_at_any_point_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
