/* Peers that mean harm on a connection of their own, and guessers beside one: what they can make us keep, do
 * and send is bounded. RFC 2018, RFC 5681, RFC 5961, RFC 6528, RFC 9293. */
#include "attack.h"

#include "../../stack/tcp_flight.h"

#define BUFFER (4u << 20)

static void wide_open(struct stack_config *c)
{
    c->tcp_initial_window = BUFFER;
}

static void newreno(struct stack_config *c)
{
    c->tcp_sack = c->tcp_rack = c->tcp_tlp = false;
    c->tcp_congestion = &cc_reno;
}

/* A hostile peer to whom all of BUFFER has been sent. */
static struct hostile with_much_in_flight(struct attack *a, uint16_t mss)
{
    struct tcp_options o = {.mss = mss, .has_window_scale = true, .window_scale = 14, .sack_permitted = true};
    struct hostile h = hostile_open(a, PEER, 5000, o);
    static const uint8_t text[BUFFER];
    assert_int_equal(sock_setopt(h.sock, SOCK_OPT_SEND_BUFFER, BUFFER), 0);
    assert_int_equal(sock_send(h.sock, text, BUFFER, 0), BUFFER);
    attack_drain(a);
    return h;
}

static void sack_four(const struct hostile *h, uint32_t at, uint32_t apart)
{
    struct tcp_header header = {
        .source = h->port, .seq = {1}, .ack = {h->iss + 1}, .flags = TCP_ACK, .window = 65535};
    header.options.sack_count = 4;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t left = h->iss + at + i * apart;
        header.options.sack[i] = (struct tcp_sack_block){{left}, {left + 1}};
    }
    attack_segment(h->a, h->addr, header, 0);
}

/* Every hole is a record, and what one ACK costs is a walk over the records: their number is the bound of
 * both. */
static void thousands_of_sack_holes_cost_bounded_memory_and_work(void **state)
{
    (void)state;
    struct attack *a = attack_new(wide_open, 5);
    struct hostile h = with_much_in_flight(a, 1460);
    const struct flight *f = hostile_conn(&h)->snd.flight;
    uint32_t most = 0;
    uint64_t sent = a->bytes;
    for (uint32_t i = 0; i < 5000; i++) {
        sack_four(&h, 3 + i * 8, 2);
        attack_drain(a);
        most = f->count > most ? f->count : most;
        assert_true(f->count <= f->room && f->room <= TCP_FLIGHT_MAX);
    }
    assert_in_range(most, 4000, TCP_FLIGHT_MAX); /* it was an attack */
    assert_true(a->most_memory <= BUFFER + 2 * TCP_FLIGHT_MAX * sizeof(struct sent) + (64u << 10));
    assert_true(a->bytes - sent <= 2 * BUFFER); /* and did not make us a source of traffic */
    for (int i = 0; i < 2; i++) {               /* an honest ACK of all, and of the rest that this lets go */
        hostile_send(&h, TCP_ACK, 1, (uint32_t)hostile_conn(&h)->snd.nxt, 65535, 0);
        attack_drain(a);
    }
    assert_null(hostile_conn(&h)->snd.flight);
    assert_int_equal(sock_send(h.sock, "on it goes", 10, 0), 10);
    assert_int_equal(attack_drain(a), 1);
    attack_end(a);
}

static void a_tiny_mss_makes_no_more_segments_than_there_are_records(void **state)
{
    (void)state;
    struct attack *a = attack_new(wide_open, 5);
    struct hostile h = with_much_in_flight(a, 1);
    const struct tcp_conn *c = hostile_conn(&h);
    assert_int_equal(c->snd.mss, TCP_MSS_MIN);
    assert_int_equal(c->snd.flight->count, TCP_FLIGHT_MAX);
    assert_true(a->most_memory <= BUFFER + 2 * TCP_FLIGHT_MAX * sizeof(struct sent) + (64u << 10));
    uint64_t before = a->frames;
    hostile_send(&h, TCP_ACK, 1, 1 + 64 * 100, 65535, 0); /* room for a hundred more */
    attack_drain(a);
    assert_in_range(a->frames - before, 100, 101);
    attack_end(a);
}

/* --- out of order --- */

static void text_out_of_order_is_kept_in_few_pieces(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    struct hostile h = hostile_open(a, PEER, 5000, (struct tcp_options){.sack_permitted = true});
    for (uint32_t at = 3; at < 60000; at += 2) {
        hostile_send(&h, TCP_ACK, at, 1, 65535, 1);
        attack_drain(a);
    }
    const struct tcp_conn *c = hostile_conn(&h);
    assert_int_equal(c->rcv.held.count, TCP_RANGES_MAX);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_OUT_OF_ORDER], TCP_RANGES_MAX);
    assert_true(attack_core(a)->dropped[DROP_TCP_RING_FULL] > 29000);
    assert_true(a->memory <= TCP_RECEIVE_BUFFER + (8u << 10));
    uint8_t text[200];
    for (uint32_t at = 1; at < 400; at += 100) /* an honest repair still works */
        hostile_send(&h, TCP_ACK, at, 1, 65535, 100);
    assert_int_equal(sock_recv(h.sock, text, sizeof text, 0), 200);
    attack_end(a);
}

static void little_memory(struct stack_config *c)
{
    c->memory_limit = 1u << 20;
}

/* One byte at the far end of the window costs a whole buffer: that is the bound of a connection, and the
 * memory limit the bound of all. Who is connected and reads goes on. */
static void slow_senders_of_holes_cannot_take_more_than_the_limit(void **state)
{
    (void)state;
    struct attack *a = attack_new(little_memory, 100);
    struct sock *honest = attack_client(a, PORT), *served;
    attack_drain(a);
    assert_int_equal(sock_accept(a->listener, &served, NULL), 0);
    uint8_t text[1000];
    assert_int_equal(sock_send(honest, "hello", 5, 0), 5);
    attack_drain(a);
    for (uint16_t port = 1; port <= 60; port++) {
        struct hostile h = hostile_open(a, IP_ADDR(10, 0, 0, 66), port, (struct tcp_options){0});
        size_t before = a->memory;
        hostile_send(&h, TCP_ACK, 65000, 1, 65535, 1);
        assert_true(a->memory - before <= TCP_RECEIVE_BUFFER + 1024);
        attack_drain(a);
    }
    assert_true(a->most_memory <= 1u << 20);
    assert_true(attack_core(a)->dropped[DROP_NO_MEMORY] > 20);
    assert_int_equal(sock_send(honest, " world", 6, 0), 6);
    attack_wait(a, SEC(1));
    assert_int_equal(sock_recv(served, text, sizeof text, 0), 11);
    attack_end(a);
}

/* --- storms --- */

static struct tcp_conn *client_conn(const struct attack *a, const struct sock *s)
{
    struct endpoint local;
    assert_int_equal(sock_name(s, &local), 0);
    return tcb_find(&a->client.tcp, local, (struct endpoint){VICTIM, PORT});
}

/* Text that neither end has sent, put in on both sides: each now acknowledges what the other has never sent,
 * and takes what the other says for old. */
static void desynchronize(struct attack *a, const struct tcp_conn *c)
{
    static uint8_t bytes[IP_HEADER_MIN + TCP_HEADER_MAX + 100];
    struct tcp_conn *v = tcb_find(&a->stack.tcp, c->remote, c->local);
    struct tcp_header h = {.source = c->local.port,
                           .seq = seq_wrap(v->rcv.nxt, v->irs),
                           .ack = seq_wrap(v->snd.una, v->iss),
                           .flags = TCP_ACK,
                           .window = 65535};
    h.options.has_timestamps = true;
    h.options.ts_value = v->rcv.ts_recent + 1;
    attack_segment(a, PEER, h, 100);
    h.source = PORT;
    h.destination = c->local.port;
    h.seq = seq_wrap(c->rcv.nxt, c->irs);
    h.ack = seq_wrap(c->snd.una, c->iss);
    h.options.ts_value = c->rcv.ts_recent + 1;
    uint8_t *segment = bytes + IP_HEADER_MIN;
    size_t head = tcp_write(&h, segment);
    memset(segment + head, 'y', 100);
    tcp_checksum(segment, head, &(struct span){segment + head, 100}, 1, VICTIM, PEER);
    ip_fill(bytes, &(struct ip_fields){.src = VICTIM, .dst = PEER, .protocol = IP_TCP, .ttl = 64},
            head + 100);
    stack_input(&a->client, a->now, bytes, IP_HEADER_MIN + head + 100);
}

static void two_ends_that_disagree_do_not_storm(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    struct sock *client = attack_client(a, PORT), *served;
    attack_drain(a);
    assert_int_equal(sock_accept(a->listener, &served, NULL), 0);
    desynchronize(a, client_conn(a, client));
    uint64_t before = a->frames;
    attack_wait(a, SEC(1));
    assert_in_range(a->frames - before, 2, 25);
    before = a->frames;
    attack_wait(a, SEC(60));
    assert_true(a->frames - before <= 2); /* without text nothing goes on */
    assert_int_equal(sock_send(served, "text", 4, 0), 4);
    assert_int_equal(sock_send(client, "text", 4, 0), 4);
    before = a->frames;
    attack_wait(a, SEC(60));
    assert_in_range(a->frames - before, 5,
                    60 / 5 * 20); /* ten challenges in five seconds, and retransmissions */
    attack_end(a);
}

/* Both windows shut, both ends with text: they probe, each later than before, and answer; nothing more. */
static void two_full_windows_do_not_storm(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    struct sock *client = attack_client(a, PORT), *served;
    static const uint8_t text[1u << 18];
    attack_drain(a);
    assert_int_equal(sock_accept(a->listener, &served, NULL), 0);
    for (int i = 0; i < 20; i++) {
        sock_send(client, text, sizeof text, 0);
        sock_send(served, text, sizeof text, 0);
        attack_wait(a, SEC(1));
    }
    assert_int_equal(
        tcb_find(&a->stack.tcp, client_conn(a, client)->remote, client_conn(a, client)->local)->snd.wnd, 0);
    assert_int_equal(client_conn(a, client)->snd.wnd, 0);
    attack_wait(a, SEC(600)); /* less than a unit of the scaled window may still fill up, byte by byte */
    uint64_t before = a->frames;
    attack_wait(a, SEC(600));
    assert_in_range(a->frames - before, 10, 60);
    attack_end(a);
}

/* RFC 5681 3.2: what duplicate ACKs let through beyond what was in flight when they began is their sender's
 * invention: a hundred thousand of them do not empty the buffer into the network. */
static void invented_duplicate_acks_open_no_window(void **state)
{
    (void)state;
    struct attack *a = attack_new(newreno, 5);
    struct hostile h = hostile_open(
        a, PEER, 5000, (struct tcp_options){.mss = 1000, .has_window_scale = true, .window_scale = 7});
    static const uint8_t text[200000];
    assert_int_equal(sock_send(h.sock, text, sizeof text, 0), sizeof text);
    uint64_t in_flight = attack_drain(a);
    assert_int_equal(in_flight, 10);
    for (int i = 0; i < 100000; i++) {
        hostile_send(&h, TCP_ACK, 1, 1, 65535, 0);
        in_flight += attack_drain(a);
    }
    assert_in_range(in_flight, 11, 2 * 10 + 2);
    attack_end(a);
}

/* --- guessing --- */

static uint32_t iss_for(struct attack *a, uint32_t addr, uint16_t port)
{
    struct tcp_header h = {.source = port, .flags = TCP_SYN, .window = 65535};
    attack_segment(a, addr, h, 0);
    attack_drain(a);
    uint32_t iss = a->last.seq.n;
    h.seq.n = 1;
    h.flags = TCP_RST;
    attack_segment(a, addr, h, 0);
    return iss;
}

/* RFC 6528 3: M + F(tuple, secret): of other tuples nothing can be told from one's own. */
static void initial_sequence_numbers_of_other_tuples_cannot_be_told(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    uint32_t last = iss_for(a, PEER, 1), step = 0, ones = 0, repeated = 0;
    for (uint16_t port = 2; port <= 2001; port++) {
        uint32_t iss = iss_for(a, PEER, port);
        repeated += iss - last == step;
        step = iss - last;
        ones += (uint32_t)__builtin_popcount(iss ^ last);
        last = iss;
    }
    assert_int_equal(repeated, 0);
    assert_in_range(ones, 31000, 33000); /* of 64,000 bits half change */
    attack_end(a);
}

static void initial_sequence_numbers_of_one_tuple_go_with_the_clock(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    uint32_t first = iss_for(a, PEER, 1000), last = first;
    for (uint32_t second = 1; second <= 100; second++) {
        a->now += SEC(1);
        uint32_t iss = iss_for(a, PEER, 1000);
        assert_int_equal(iss - last, 250000); /* a tick every four microseconds, RFC 9293 3.4.1 */
        last = iss;
    }
    attack_end(a);
}

/* A guesser of ports and numbers who sweeps a connection's windows with text that the ACK field betrays. */
static void a_sweep_of_forged_text_gets_nothing_in(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    struct hostile h = hostile_open(a, PEER, 5000, (struct tcp_options){0});
    uint8_t text[100];
    uint64_t before = a->frames;
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t ack = (uint32_t)attack_random(a);
        int32_t from_una = (int32_t)(ack - 1);
        if (from_una <= 0 && from_una >= -65535)
            continue; /* RFC 5961 5.2: these 65536 of 2^32 would be believed */
        hostile_send(&h, TCP_ACK, 1 + i % 65535, ack, 65535, 1);
        a->now += 10;
        attack_drain(a);
    }
    assert_int_equal(sock_recv(h.sock, text, sizeof text, 0), -EAGAIN);
    assert_int_equal(attack_core(a)->counter[COUNT_TCP_OUT_OF_ORDER], 0);
    assert_true(a->frames - before <= 10);
    attack_end(a);
}

/* Time comes from the caller; one whose clock steps back for an hour must not set off, or lose, what is due.
 */
static void a_clock_that_steps_back_spoils_no_measure(void **state)
{
    (void)state;
    struct attack *a = attack_new(NULL, 5);
    struct hostile h = hostile_open(a, PEER, 5000, (struct tcp_options){0});
    assert_int_equal(sock_send(h.sock, "text", 4, 0), 4);
    assert_int_equal(attack_drain(a), 1);
    a->now -= SEC(3600);
    hostile_send(&h, TCP_ACK, 1, 5, 65535, 0);
    assert_int_equal(sock_send(h.sock, "more", 4, 0), 4);
    assert_int_equal(attack_drain(a), 1);
    a->now += SEC(3600) + MSEC(100);
    hostile_send(&h, TCP_ACK, 1, 9, 65535, 0); /* a round trip of 100 ms, not of an hour */
    assert_int_equal(attack_drain(a), 0);
    struct tcp_info info;
    assert_int_equal(sock_tcp_info(h.sock, &info), 0);
    assert_in_range(info.rto, TCP_RTO_MIN, SEC(1));
    attack_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_sack_holes_cost_bounded_memory_and_work),
        cmocka_unit_test(a_tiny_mss_makes_no_more_segments_than_there_are_records),
        cmocka_unit_test(text_out_of_order_is_kept_in_few_pieces),
        cmocka_unit_test(slow_senders_of_holes_cannot_take_more_than_the_limit),
        cmocka_unit_test(two_ends_that_disagree_do_not_storm),
        cmocka_unit_test(two_full_windows_do_not_storm),
        cmocka_unit_test(invented_duplicate_acks_open_no_window),
        cmocka_unit_test(initial_sequence_numbers_of_other_tuples_cannot_be_told),
        cmocka_unit_test(initial_sequence_numbers_of_one_tuple_go_with_the_clock),
        cmocka_unit_test(a_sweep_of_forged_text_gets_nothing_in),
        cmocka_unit_test(a_clock_that_steps_back_spoils_no_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
