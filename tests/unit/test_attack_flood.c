/* Floods from addresses that do not exist: SYNs, guessed ACKs, RSTs, fragments, connections. What they may
 * cost is bounded, and an honest client is served meanwhile. RFC 4987, RFC 5961 7, RFC 1858. */
#include "attack.h"

#include "../../stack/tcp_timewait.h"

#include <stdio.h>

#define BACKLOG 128

static void plain_tcp(struct stack_config *c)
{
    c->tcp_syn_cookies = false;
    c->tcp_r2_syn = SEC(20);
}

/* One host, outside 10.0.0.0/24, so that nobody answers. */
static uint32_t anybody(struct attack *a)
{
    return IP_ADDR(1, 0, 0, 0) + (uint32_t)(attack_random(a) % (8u << 24));
}

static struct tcp_header any_syn(struct attack *a)
{
    return (struct tcp_header){.source = (uint16_t)(1 + attack_random(a) % 65535),
                               .seq = {(uint32_t)attack_random(a)},
                               .flags = TCP_SYN,
                               .window = 65535,
                               .options.mss = 1460};
}

/* 100,000 SYNs a second. */
static void flood(struct attack *a, unsigned syns)
{
    for (unsigned i = 0; i < syns; i++) {
        attack_segment(a, anybody(a), any_syn(a), 0);
        a->now += 10;
        if (i % 64 == 63)
            attack_drain(a);
    }
    attack_drain(a);
}

static bool is_open(struct sock *s)
{
    int64_t value = TCP_CLOSED;
    return sock_getopt(s, SOCK_OPT_STATE, &value) == 0 && value == TCP_ESTABLISHED;
}

/* The memory that BACKLOG half-open connections may take, with their tables, and the replies that wait. */
#define HALF_OPEN_MEMORY ((size_t)BACKLOG * 2048 + (64u << 10))

static void a_million_spoofed_syns_keep_no_client_out(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, BACKLOG);
    struct sock *before = attack_client(a, PORT), *accepted, *served;
    attack_drain(a);
    assert_true(is_open(before));
    assert_int_equal(sock_accept(a->listener, &accepted, NULL), 0);

    flood(a, 500000);
    struct sock *during = attack_client(a, PORT);
    usec asked = a->now;
    for (unsigned i = 0; i < 1000 && !is_open(during); i++)
        flood(a, 500);
    assert_true(is_open(during));
    assert_true(a->now - asked <= TCP_RTO_INITIAL + MSEC(10));
    struct endpoint peer;
    assert_int_equal(sock_accept(a->listener, &served, &peer), 0);
    assert_int_equal(peer.addr, PEER);
    flood(a, 500000);

    uint8_t text[3] = {0};
    assert_int_equal(sock_send(during, "abc", 3, 0), 3);
    assert_int_equal(sock_send(before, "xyz", 3, 0), 3);
    flood(a, 1000);
    assert_int_equal(sock_recv(served, text, 3, 0), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(sock_recv(accepted, text, 3, 0), 3);
    assert_memory_equal(text, "xyz", 3);

    const struct core *core = attack_core(a);
    assert_true(core->counter[COUNT_TCP_COOKIES_OUT] > 990000);
    assert_true(a->most_memory <= HALF_OPEN_MEMORY);
    assert_in_range(stack_open_connections(&a->stack), 2, BACKLOG + 2);
    assert_true(a->bytes <= 64u * 1010000); /* no amplification: a SYN,ACK of 44 for a SYN of 44,
                                               retransmissions for the backlog alone */
    printf("one million SYNs: at most %zu bytes held\n", a->most_memory);
    attack_end(a);
}

/* Text in a SYN waits for the handshake: a ring each, and the backlog bounds these. */
static void syns_with_text_cost_a_small_ring_each(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, BACKLOG);
    for (unsigned i = 0; i < 20000; i++) {
        attack_segment(a, anybody(a), any_syn(a), 1400);
        if (i % 64 == 63)
            attack_drain(a);
    }
    assert_true(a->most_memory <= HALF_OPEN_MEMORY + BACKLOG * TCP_RING_MIN);
    assert_in_range(stack_open_connections(&a->stack), 1, BACKLOG);
    attack_end(a);
}

/* What is left without cookies: memory stays bounded, who is connected stays so, new ones come in when the
 * half-open connections have been given up. */
static void without_cookies_a_syn_flood_costs_new_clients_only_while_it_lasts(void **state)
{
    (void)state;
    struct attack *a = attack_new(plain_tcp, BACKLOG);
    struct sock *before = attack_client(a, PORT), *accepted;
    attack_drain(a);
    assert_int_equal(sock_accept(a->listener, &accepted, NULL), 0);
    flood(a, 200000);
    assert_int_equal(stack_open_connections(&a->stack), BACKLOG + 1);
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_BACKLOG], 200000 - BACKLOG);

    struct sock *during = attack_client(a, PORT);
    flood(a, 1000);
    assert_false(is_open(during));
    uint8_t text[3];
    assert_int_equal(sock_send(before, "xyz", 3, 0), 3);
    flood(a, 1000);
    assert_int_equal(sock_recv(accepted, text, 3, 0), 3);

    assert_true(a->most_memory <= HALF_OPEN_MEMORY);
    attack_wait(a, SEC(60));
    assert_true(is_open(during));
    attack_end(a);
}

/* 24 bits of SipHash, for each MSS index: two hundred thousand guesses against one million and more. */
static void guessed_cookies_open_nothing(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 1);
    flood(a, 10); /* cookies are out */
    uint64_t before = a->frames;
    for (unsigned i = 0; i < 200000; i++) {
        struct tcp_header h = any_syn(a);
        h.flags = TCP_ACK;
        h.ack.n = (uint32_t)attack_random(a);
        h.options = (struct tcp_options){0};
        attack_segment(a, anybody(a), h, 0);
        if (i % 64 == 63)
            attack_drain(a);
    }
    attack_drain(a);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_COOKIES_GOOD], 0);
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_LISTEN_ACK], 200000);
    assert_true(a->frames - before <= 200000); /* a RST each, no more */
    attack_end(a);
}

/* Cookies differ when anything of the segment does, and from one stack's key to the other's. */
static uint32_t cookie_for(struct attack *a, uint32_t addr, uint16_t port, uint32_t seq)
{
    struct tcp_header syn = {
        .source = port, .seq = {seq}, .flags = TCP_SYN, .window = 65535, .options.mss = 1460};
    attack_segment(a, addr, syn, 0);
    attack_drain(a);
    assert_int_equal(a->last.ack.n, seq + 1);
    return a->last.seq.n;
}

static void one_cookie_tells_nothing_of_another(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 1);
    flood(a, 10);
    uint32_t base = cookie_for(a, anybody(a), 1000, 77), addr = anybody(a), ones = 0;
    for (uint16_t port = 1; port <= 1000; port++) {
        uint32_t next = cookie_for(a, addr, port, 77);
        assert_int_not_equal(next, base);
        ones += (uint32_t)__builtin_popcount((next ^ base) & 0xffffff);
        base = next;
    }
    assert_in_range(ones, 11500, 12500); /* of 24,000 bits half change */
    assert_int_equal(cookie_for(a, addr, 1000, 77), base);
    assert_int_not_equal(cookie_for(a, addr, 1000, 78), base);
    attack_end(a);
}

/* RFC 5961 7: RSTs in the window of a thousand connections: the answers are limited for each and for all. */
static void a_flood_of_inexact_rsts_draws_few_challenge_acks(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 4096);
    static struct hostile h[400];
    for (uint16_t i = 0; i < 400; i++)
        h[i] = hostile_open(a, PEER, (uint16_t)(1000 + i), (struct tcp_options){0});
    attack_wait(a, SEC(2));
    uint64_t before = a->frames;
    for (unsigned i = 0; i < 100000; i++) {
        hostile_send(&h[i % 400], TCP_RST, 5000, 0, 0, 0);
        if (i % 100 == 99)
            attack_drain(a);
    }
    uint64_t answers = a->frames - before;
    assert_in_range(answers, 1, TCP_CHALLENGE_RATE + TCP_CHALLENGE_RATE / 2 + 1);
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_RST_INEXACT], 100000);
    assert_int_equal(stack_open_connections(&a->stack), 400);
    attack_end(a);
}

/* Old duplicates at a TIME-WAIT record are answered within the same limit: two ends there must not talk for
 * ever. */
static void a_flood_of_old_duplicates_in_time_wait_draws_few_acks(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, BACKLOG);
    struct hostile h = hostile_open(a, PEER, 5000, (struct tcp_options){0});
    sock_close(h.sock);
    attack_drain(a);
    hostile_send(&h, TCP_FIN | TCP_ACK, 1, 2, 65535, 0);
    attack_wait(a, SEC(2));
    assert_int_equal(a->stack.tcp.timewaits.count, 1);
    uint64_t before = a->frames;
    for (unsigned i = 0; i < 100000; i++) {
        hostile_send(&h, TCP_ACK, 1, 2, 65535, 1);
        if (i % 64 == 63)
            attack_drain(a);
    }
    attack_drain(a);
    assert_in_range(a->frames - before, 1, TCP_CHALLENGE_RATE + TCP_CHALLENGE_RATE / 2 + 1);
    attack_end(a);
}

/* --- connections --- */

static void few_connections(struct stack_config *c)
{
    c->tcp_connections_max = 1000;
    c->tcp_connections_per_peer_max = 100;
}

static void ask_for_connection(struct attack *a, uint32_t addr, uint16_t port)
{
    struct tcp_header h = {.source = port, .flags = TCP_SYN, .window = 65535};
    struct sock *s;
    attack_segment(a, addr, h, 0);
    if (attack_drain(a) == 0)
        return;
    h.seq.n = 1;
    h.ack = (struct wireseq){a->last.seq.n + 1};
    h.flags = TCP_ACK;
    attack_segment(a, addr, h, 0);
    while (sock_accept(a->listener, &s, NULL) == 0)
        ;
    attack_drain(a);
}

static void connections_are_bounded_for_each_peer_and_for_all(void **state)
{
    (void)state;
    struct attack *a = attack_new(few_connections, BACKLOG);
    for (uint16_t port = 1; port <= 500; port++)
        ask_for_connection(a, IP_ADDR(10, 0, 0, 66), port);
    assert_int_equal(stack_open_connections(&a->stack), 100);
    for (uint32_t host = 0; host < 100; host++)
        for (uint16_t port = 1; port <= 50; port++)
            ask_for_connection(a, IP_ADDR(10, 0, 0, 100) + host, port);
    assert_int_equal(stack_open_connections(&a->stack), 1000);
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_PEER_LIMIT], 400 + 5000 - 900);
    assert_true(a->most_memory <= 1000 * 1400); /* what an idle connection costs, with socket and tables */
    printf("an idle connection with its socket: %zu bytes\n", a->most_memory / 1000);
    attack_end(a);
}

static void short_time_wait(struct stack_config *c)
{
    c->tcp_timewait_max = 500;
}

static void time_wait_records_are_small_and_few(void **state)
{
    (void)state;
    struct attack *a = attack_new(short_time_wait, BACKLOG);
    for (uint16_t port = 1; port <= 3000; port++) {
        struct hostile h = hostile_open(a, PEER, port, (struct tcp_options){0});
        sock_close(h.sock);
        attack_drain(a);
        hostile_send(&h, TCP_FIN | TCP_ACK, 1, 2, 65535, 0);
        attack_drain(a);
        assert_in_range(a->stack.tcp.timewaits.count, 1, 500);
    }
    assert_int_equal(a->stack.tcp.timewaits.count, 500);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_TIME_WAIT_OVERFLOW], 2500);
    assert_true(sizeof(struct tcp_timewait) <= 48);
    assert_true(a->memory <= 500 * 64 + (32u << 10));
    attack_end(a);
}

/* Tuples that share a slot of the table under one key are scattered under another: who lacks the key cannot
 * aim. */
static void connections_cannot_be_aimed_at_one_slot(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 1);
    struct core known = *attack_core(a), secret = known;
    secret.config.key[0] ^= 1;
    struct endpoint local = {VICTIM, PORT}, aimed[1000];
    unsigned count = 0, slot[1024] = {0}, longest = 0;
    for (uint32_t addr = IP_ADDR(11, 0, 0, 0); count < 1000; addr++) {
        struct endpoint remote = {addr, 1000};
        if ((tcb_hash(&known, local, remote) & 1023) == 0)
            aimed[count++] = remote;
    }
    for (unsigned i = 0; i < 1000; i++) {
        unsigned n = ++slot[tcb_hash(&secret, local, aimed[i]) & 1023];
        longest = n > longest ? n : longest;
    }
    assert_in_range(longest, 2, 10);
    attack_end(a);
}

/* --- fragments --- */

/* RFC 791: `more` fragments of a datagram that never comes whole. */
static void send_fragment(struct attack *a, uint32_t src, uint16_t id, uint32_t offset, size_t len, bool more)
{
    static const uint8_t body[1480];
    struct ip_fields f = {.src = src,
                          .dst = VICTIM,
                          .id = id,
                          .protocol = IP_TCP,
                          .ttl = 64,
                          .more_fragments = more,
                          .offset = offset};
    attack_raw(a, f, body, len);
}

static void a_fragment_flood_holds_bounded_memory_and_no_client_out(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, BACKLOG);
    for (unsigned i = 0; i < 200000; i++) {
        send_fragment(a, anybody(a), (uint16_t)i, attack_random(a) % 40 * 1480, 1480, true);
        a->now += 10;
    }
    assert_true(a->most_memory <= IP_REASSEMBLY_SIZE + (256u << 10));
    struct sock *client = attack_client(a, PORT);
    attack_drain(a);
    assert_true(is_open(client));
    attack_wait(a, 2 * IP_REASSEMBLY_TIME);
    assert_true(a->memory < 8192); /* the listener, the connection */
    attack_end(a);
}

/* Fragments that overlap (teardrop), lie inside one another, or hide a TCP header behind a tiny first one
 * (RFC 1858, RFC 5722): the datagram is gone, nothing of it reaches TCP. */
static void overlapping_and_tiny_fragments_reach_nobody(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, BACKLOG);
    static const uint32_t second[][2] = {{24, 8}, {8, 24}, {0, 48}, {32, 16}, {8, 8}};
    for (uint16_t i = 0; i < 5; i++) {
        send_fragment(a, PEER, i, 0, 40, true);
        send_fragment(a, PEER, i, second[i][0], second[i][1], i % 2 == 0);
        send_fragment(a, PEER, i, 40, 8, false);
    }
    assert_true(attack_core(a)->dropped[DROP_FRAGMENT_OVERLAP] >= 5);
    send_fragment(a, PEER, 100, 0, 8, true); /* ports alone */
    send_fragment(a, PEER, 100, 8, 8, false);
    assert_int_equal(attack_core(a)->dropped[DROP_TCP_SHORT], 1);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_IN], 1);
    assert_int_equal(attack_drain(a), 0);
    attack_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_spoofed_syns_keep_no_client_out),
        cmocka_unit_test(syns_with_text_cost_a_small_ring_each),
        cmocka_unit_test(without_cookies_a_syn_flood_costs_new_clients_only_while_it_lasts),
        cmocka_unit_test(guessed_cookies_open_nothing),
        cmocka_unit_test(one_cookie_tells_nothing_of_another),
        cmocka_unit_test(a_flood_of_inexact_rsts_draws_few_challenge_acks),
        cmocka_unit_test(a_flood_of_old_duplicates_in_time_wait_draws_few_acks),
        cmocka_unit_test(connections_are_bounded_for_each_peer_and_for_all),
        cmocka_unit_test(time_wait_records_are_small_and_few),
        cmocka_unit_test(connections_cannot_be_aimed_at_one_slot),
        cmocka_unit_test(a_fragment_flood_holds_bounded_memory_and_no_client_out),
        cmocka_unit_test(overlapping_and_tiny_fragments_reach_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
