/* Who owns a port, and which dynamic port is next. */
#include "host.h"

#define REMOTE ((struct endpoint){PEER, 80})

static uint16_t choose(struct host *h, struct endpoint remote)
{
    return port_choose(&h->ports, IP_TCP, US, remote, NULL, NULL);
}

static void ports_have_the_classes_of_the_textbook(void **state)
{
    (void)state;
    assert_int_equal(port_class_of(0), PORT_RESERVED);
    assert_int_equal(port_class_of(1), PORT_WELL_KNOWN);
    assert_int_equal(port_class_of(1023), PORT_WELL_KNOWN);
    assert_int_equal(port_class_of(1024), PORT_REGISTERED);
    assert_int_equal(port_class_of(49151), PORT_REGISTERED);
    assert_int_equal(port_class_of(49152), PORT_DYNAMIC);
    assert_int_equal(port_class_of(65535), PORT_DYNAMIC);
}

static void one_socket_owns_a_port(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock one, two;
    struct port_owner *a, *b;
    assert_int_equal(port_take(&h->ports, IP_UDP, US, 53, &one, &a), 0);
    assert_int_equal(port_take(&h->ports, IP_UDP, US, 53, &two, &b), -EADDRINUSE);
    assert_int_equal(port_take(&h->ports, IP_UDP, 0, 53, &two, &b), -EADDRINUSE);
    assert_int_equal(port_take(&h->ports, IP_TCP, US, 53, &two, &b), 0); /* another protocol, another space */
    port_release(&h->ports, a);
    assert_false(port_in_use(&h->ports, IP_UDP, US, 53));
    assert_int_equal(port_take(&h->ports, IP_UDP, 0, 53, &two, &a), 0);
    assert_int_equal(port_take(&h->ports, IP_UDP, US, 53, &one, &b), -EADDRINUSE);
    host_end(h);
}

static void port_zero_is_nobodys(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock s;
    struct port_owner *o;
    assert_int_equal(port_take(&h->ports, IP_UDP, US, 0, &s, &o), -EINVAL);
    assert_int_equal(port_share(&h->ports, IP_TCP, US, 0, &o), -EINVAL);
    assert_null(port_lookup(&h->ports, IP_UDP, US, 0));
    host_end(h);
}

static void an_exact_address_is_found_before_any(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock exact, any;
    struct port_owner *o;
    assert_int_equal(port_take(&h->ports, IP_UDP, US, 7, &exact, &o), 0);
    assert_int_equal(port_take(&h->ports, IP_UDP, 0, 9, &any, &o), 0);
    assert_ptr_equal(port_lookup(&h->ports, IP_UDP, US, 7), &exact);
    assert_null(port_lookup(&h->ports, IP_UDP, IP_BROADCAST, 7));
    assert_ptr_equal(port_lookup(&h->ports, IP_UDP, US, 9), &any);
    assert_ptr_equal(port_lookup(&h->ports, IP_UDP, IP_BROADCAST, 9), &any);
    assert_null(port_lookup(&h->ports, IP_TCP, US, 7));
    host_end(h);
}

static void connections_share_a_dynamic_port_and_no_socket_takes_it(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock s;
    struct port_owner *a, *b, *c;
    assert_int_equal(port_share(&h->ports, IP_TCP, US, 50000, &a), 0);
    assert_int_equal(port_share(&h->ports, IP_TCP, US, 50000, &b), 0);
    assert_ptr_equal(a, b);
    assert_null(port_lookup(&h->ports, IP_TCP, US, 50000));
    assert_int_equal(port_take(&h->ports, IP_TCP, 0, 50000, &s, &c), -EADDRINUSE);
    port_release(&h->ports, a);
    assert_true(port_in_use(&h->ports, IP_TCP, US, 50000));
    port_release(&h->ports, b);
    assert_false(port_in_use(&h->ports, IP_TCP, US, 50000));

    assert_int_equal(port_take(&h->ports, IP_TCP, 0, 50000, &s, &c), 0);
    assert_int_equal(port_share(&h->ports, IP_TCP, US, 50000, &a), -EADDRINUSE);
    host_end(h);
}

static void dynamic_ports_stay_in_their_range_and_come_back_late(void **state)
{
    (void)state;
    struct host *h = host_new();
    uint8_t *seen = calloc(65536, 1);
    for (int i = 0; i < 16384; i++) {
        uint16_t port = choose(h, REMOTE);
        assert_in_range(port, 49152, 65535);
        assert_false(seen[port]); /* each of them once before one is used again */
        seen[port] = 1;
    }
    free(seen);
    host_end(h);
}

static void dynamic_ports_depend_on_remote_and_key(void **state)
{
    (void)state;
    struct host *h = host_new();
    uint16_t first[64];
    unsigned consecutive = 0;
    for (uint32_t i = 0; i < 64; i++)
        first[i] = choose(h, (struct endpoint){PEER + i, 80});
    for (int i = 1; i < 64; i++)
        consecutive += first[i] == first[i - 1] + 1;
    assert_true(consecutive < 4); /* one remote does not learn what another was given */

    struct host *other = host_new();
    other->core.config.key[0] ^= 1;
    assert_int_not_equal(choose(other, (struct endpoint){PEER, 80}), first[0]);
    host_end(other);
    host_end(h);
}

static void without_a_remote_dynamic_ports_are_no_sequence(void **state)
{
    (void)state;
    struct host *h = host_new();
    unsigned consecutive = 0;
    uint16_t last = 0;
    for (int i = 0; i < 100; i++) {
        uint16_t port = choose(h, (struct endpoint){0, 0});
        assert_in_range(port, 49152, 65535);
        consecutive += port == last + 1;
        last = port;
    }
    assert_true(consecutive < 4);
    host_end(h);
}

static bool only_50001(void *context, uint16_t port)
{
    ++*(unsigned *)context;
    return port == 50001;
}

static bool none(void *context, uint16_t port)
{
    (void)context, (void)port;
    return false;
}

static void a_dynamic_port_is_one_that_the_caller_can_use(void **state)
{
    (void)state;
    struct host *h = host_new();
    unsigned asked = 0;
    assert_int_equal(port_choose(&h->ports, IP_TCP, US, REMOTE, only_50001, &asked), 50001);
    assert_in_range(asked, 1, 16384);
    assert_int_equal(port_choose(&h->ports, IP_TCP, US, REMOTE, none, NULL), 0);
    host_end(h);
}

static void ports_that_sockets_own_are_never_chosen(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct sock s;
    struct port_owner *o, *free_one = NULL;
    for (uint32_t port = 49152; port <= 65535; port++) {
        assert_int_equal(port_take(&h->ports, IP_TCP, port % 2 ? US : 0, (uint16_t)port, &s, &o), 0);
        if (port == 60000)
            free_one = o;
    }
    assert_int_equal(choose(h, REMOTE), 0);
    assert_in_range(port_choose(&h->ports, IP_UDP, US, REMOTE, NULL, NULL), 49152, 65535);
    port_release(&h->ports, free_one);
    assert_int_equal(choose(h, REMOTE), 60000);
    assert_ptr_equal(port_lookup(&h->ports, IP_TCP, US, 60001), &s);
    host_end(h);
}

static void a_shared_dynamic_port_may_be_chosen_again(void **state)
{
    (void)state;
    struct host *h = host_new();
    struct port_owner *o;
    unsigned asked = 0;
    assert_int_equal(port_share(&h->ports, IP_TCP, US, 50001, &o), 0);
    assert_int_equal(port_choose(&h->ports, IP_TCP, US, REMOTE, only_50001, &asked), 50001);
    host_end(h);
}

static void want_of_memory_is_an_answer(void **state)
{
    (void)state;
    for (size_t nth = 1; nth <= 2; nth++) {
        struct host *h = host_new();
        struct sock s;
        struct port_owner *o;
        h->fail_at = nth;
        assert_int_equal(port_take(&h->ports, IP_TCP, US, 80, &s, &o), -ENOBUFS);
        assert_int_equal(port_share(&h->ports, IP_TCP, US, 50000, &o), -ENOBUFS);
        assert_false(port_in_use(&h->ports, IP_TCP, US, 80));
        host_end(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_have_the_classes_of_the_textbook),
        cmocka_unit_test(one_socket_owns_a_port),
        cmocka_unit_test(port_zero_is_nobodys),
        cmocka_unit_test(an_exact_address_is_found_before_any),
        cmocka_unit_test(connections_share_a_dynamic_port_and_no_socket_takes_it),
        cmocka_unit_test(dynamic_ports_stay_in_their_range_and_come_back_late),
        cmocka_unit_test(dynamic_ports_depend_on_remote_and_key),
        cmocka_unit_test(without_a_remote_dynamic_ports_are_no_sequence),
        cmocka_unit_test(a_dynamic_port_is_one_that_the_caller_can_use),
        cmocka_unit_test(ports_that_sockets_own_are_never_chosen),
        cmocka_unit_test(a_shared_dynamic_port_may_be_chosen_again),
        cmocka_unit_test(want_of_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
