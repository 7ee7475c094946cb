/* Connections at rest: what an idle one costs, and that nobody can tell it from one that is awake. */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "../../stack/tcp_rest.h"

#define A      0
#define B      1
#define MANY   10000
#define PORT   80
#define BUDGET 480 /* bytes that an idle connection may cost its stack, socket and tables included */

static uint32_t awake_max;

static void tune(struct stack_config *c, int which)
{
    (void)which;
    c->tcp_awake_max = awake_max;
}

struct couple {
    struct pair *p;
    struct sock *listener, *client, *server;
};

static void pass(struct pair *p, usec time)
{
    usec until = p->now + time;
    while (pair_step(p, until))
        ;
    p->now = until;
}

static void settle(struct pair *p)
{
    unsigned events;
    pass(p, SEC(1));
    for (int i = 0; i < 2; i++)
        while (stack_ready(&p->stack[i], &events))
            ;
}

static struct sock *listener_on(struct pair *p)
{
    struct sock *s;
    assert_int_equal(sock_open(&p->stack[B], SOCK_TCP, &s), 0);
    assert_int_equal(sock_bind(s, (struct endpoint){0, PORT}), 0);
    assert_int_equal(sock_listen(s, 4096), 0);
    return s;
}

static struct sock *connect_to(struct pair *p)
{
    struct sock *s;
    assert_int_equal(sock_open(&p->stack[A], SOCK_TCP, &s), 0);
    assert_int_equal(sock_connect(s, (struct endpoint){IP_ADDR(10, 0, 0, 2), PORT}), -EINPROGRESS);
    return s;
}

/* An open connection that has carried three bytes each way; at rest at both ends when `max` is 0. */
static struct couple couple_new(uint32_t max)
{
    char got[4];
    awake_max = max;
    struct couple x = {.p = pair_new(1, tune)};
    x.listener = listener_on(x.p);
    x.client = connect_to(x.p);
    settle(x.p);
    assert_int_equal(sock_accept(x.listener, &x.server, NULL), 0);
    assert_int_equal(sock_send(x.client, "abc", 3, 0), 3);
    settle(x.p);
    assert_int_equal(sock_recv(x.server, got, sizeof got, 0), 3);
    assert_int_equal(sock_send(x.server, "ABC", 3, 0), 3);
    settle(x.p);
    assert_int_equal(sock_recv(x.client, got, sizeof got, 0), 3);
    settle(x.p);
    return x;
}

static void couple_free(struct couple *x)
{
    if (x->client)
        sock_abort(x->client);
    if (x->server)
        sock_abort(x->server);
    sock_close(x->listener);
    pair_free(x->p);
}

static bool rests(const struct sock *s)
{
    return s->resting;
}

static void an_idle_connection_costs_little(void **state)
{
    (void)state;
    awake_max = TCP_AWAKE_MAX;
    struct pair *p = pair_new(1, tune);
    struct sock *listener = listener_on(p), *s;
    static struct sock *client[MANY];
    settle(p);
    size_t before[2] = {p->stack[A].core.memory_used, p->stack[B].core.memory_used};
    for (int i = 0; i < MANY; i++) {
        client[i] = connect_to(p);
        if (i % 1000 == 999) {
            settle(p);
            while (sock_accept(listener, &s, NULL) == 0)
                ;
            settle(p);
        }
    }
    assert_int_equal(stack_open_connections(&p->stack[B]), MANY);
    for (int i = 0; i < 2; i++) {
        size_t each = (p->stack[i].core.memory_used - before[i]) / MANY;
        assert_in_range(each, 1, BUDGET);
    }
    for (int i = 0; i < MANY; i++) {
        sock_close(client[i]);
        if (i % 1000 == 999)
            settle(p);
    }
    stack_abort_connections(&p->stack[B]);
    assert_int_equal(stack_open_connections(&p->stack[B]), 0);
    pair_free(p);
}

static void the_one_quiet_longest_rests_first(void **state)
{
    (void)state;
    awake_max = 2;
    struct pair *p = pair_new(1, tune);
    struct sock *listener = listener_on(p), *client[3], *server;
    for (int i = 0; i < 3; i++) {
        client[i] = connect_to(p);
        settle(p);
    }
    assert_true(rests(client[0]));
    assert_false(rests(client[1]));
    assert_false(rests(client[2]));
    while (sock_accept(listener, &server, NULL) == 0)
        ;
    assert_int_equal(sock_send(client[0], "x", 1, 0), 1);
    settle(p);
    assert_false(rests(client[0]));
    assert_true(rests(client[1]));
    pair_free(p);
}

static void collect_row(void *context, const struct sock_info *info)
{
    struct sock_info *out = context;
    if (info->state == TCP_ESTABLISHED)
        *out = *info;
}

static void it_looks_as_if_it_were_awake(void **state)
{
    (void)state;
    struct couple x = couple_new(0), y = couple_new(TCP_AWAKE_MAX);
    struct tcp_info info[2];
    struct sock_info row[2];
    struct endpoint peer;
    struct couple *both[2] = {&x, &y};
    assert_true(rests(x.client) && rests(x.server));
    assert_false(rests(y.client) || rests(y.server));
    for (int i = 0; i < 2; i++) {
        struct sock *s = both[i]->server;
        int64_t value;
        memset(&info[i], 0, sizeof info[i]);
        memset(&row[i], 0, sizeof row[i]);
        assert_int_equal(sock_tcp_info(s, &info[i]), 0);
        stack_each_socket(&both[i]->p->stack[B], collect_row, &row[i]);
        assert_int_equal(sock_events(s), SOCK_WRITABLE);
        assert_int_equal(sock_recv(s, &value, sizeof value, 0), -EAGAIN);
        assert_int_equal(sock_recv(s, &value, 0, 0), 0);
        assert_int_equal(sock_peer(s, &peer), 0);
        assert_int_equal(sock_connect(s, peer), -EISCONN);
        assert_int_equal(sock_bind(s, (struct endpoint){0, 99}), -EINVAL);
        assert_int_equal(sock_listen(s, 1), -EISCONN);
        assert_int_equal(sock_getopt(s, SOCK_OPT_STATE, &value), 0);
        assert_int_equal(value, TCP_ESTABLISHED);
        assert_int_equal(rests(s), i == 0); /* nothing of that needs the connection */
        assert_int_equal(sock_getopt(s, SOCK_OPT_MAX_SEGMENT, &value), 0);
        assert_int_equal(value, 1448);
    }
    assert_memory_equal(&info[0], &info[1], sizeof info[0]);
    assert_memory_equal(&row[0], &row[1], sizeof row[0]);
    couple_free(&x);
    couple_free(&y);
}

static void a_segment_wakes_it(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    char got[8];
    assert_int_equal(sock_send(x.client, "hello", 5, 0), 5);
    settle(x.p);
    assert_int_equal(sock_recv(x.server, got, sizeof got, 0), 5);
    assert_memory_equal(got, "hello", 5);
    settle(x.p);
    assert_true(rests(x.server) && rests(x.client));
    assert_int_equal(sock_shutdown(x.client, SOCK_SHUT_WRITE), 0);
    settle(x.p);
    assert_int_equal(sock_recv(x.server, got, sizeof got, 0), 0);
    couple_free(&x);
}

static void closing_one_at_rest_sends_its_fin(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    char got[8];
    sock_close(x.server);
    x.server = NULL;
    settle(x.p);
    assert_int_equal(sock_recv(x.client, got, sizeof got, 0), 0);
    couple_free(&x);
}

static void without_memory_to_wake_it_the_segment_is_lost_and_comes_again(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    char got[8];
    assert_int_equal(sock_send(x.client, "hello", 5, 0), 5);
    struct frame f;
    assert_true(stack_output(&x.p->stack[A], x.p->now, &f));
    pair_send(x.p, A, &f);
    uint64_t drops = x.p->stack[B].core.dropped[DROP_NO_MEMORY];
    x.p->fail_at = x.p->allocations + 1;
    pair_step(x.p, x.p->now + MSEC(50));
    assert_int_equal(x.p->stack[B].core.dropped[DROP_NO_MEMORY], drops + 1);
    assert_true(rests(x.server));
    settle(x.p);
    assert_int_equal(sock_recv(x.server, got, sizeof got, 0), 5);
    couple_free(&x);
}

static void without_memory_a_call_says_so(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    x.p->fail_at = x.p->allocations + 1;
    assert_int_equal(sock_send(x.server, "a", 1, 0), -ENOBUFS);
    x.p->fail_at = x.p->allocations + 1;
    assert_int_equal(sock_shutdown(x.server, SOCK_SHUT_WRITE), -ENOBUFS);
    x.p->fail_at = x.p->allocations + 1;
    assert_int_equal(sock_setopt(x.server, SOCK_OPT_NODELAY, 1), -ENOBUFS);
    assert_true(rests(x.server));
    x.p->fail_at = x.p->allocations + 1;
    sock_close(x.server); /* cannot fail: the peer is told by a RST */
    x.server = NULL;
    assert_int_equal(stack_open_connections(&x.p->stack[B]), 0);
    settle(x.p);
    int64_t error;
    assert_int_equal(sock_getopt(x.client, SOCK_OPT_ERROR, &error), 0);
    assert_int_equal(error, ECONNRESET);
    couple_free(&x);
}

static void aborting_all_tells_each_owner_and_each_peer(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    int64_t error;
    stack_abort_connections(&x.p->stack[B]);
    assert_int_equal(stack_open_connections(&x.p->stack[B]), 0);
    assert_int_equal(sock_getopt(x.server, SOCK_OPT_ERROR, &error), 0);
    assert_int_equal(error, ECONNABORTED);
    assert_int_equal(sock_send(x.server, "a", 1, 0), -ENOTCONN);
    settle(x.p);
    assert_int_equal(sock_getopt(x.client, SOCK_OPT_ERROR, &error), 0);
    assert_int_equal(error, ECONNRESET);
    couple_free(&x);
}

static void its_four_tuple_is_taken(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    struct sock *s;
    assert_true(rests(x.client));
    assert_int_equal(sock_open(&x.p->stack[A], SOCK_TCP, &s), 0);
    s->local = (struct endpoint){IP_ADDR(10, 0, 0, 1), x.client->local.port};
    s->port = x.client->port; /* as if it were shared by the dynamic ports' algorithm */
    assert_int_equal(sock_connect(s, (struct endpoint){IP_ADDR(10, 0, 0, 2), PORT}), -EADDRINUSE);
    s->port = NULL;
    sock_close(s);
    couple_free(&x);
}

static void keepalive_goes_on_at_rest(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    struct sock_info row = {0};
    assert_int_equal(sock_setopt(x.client, SOCK_OPT_KEEPALIVE, 1), 0);
    settle(x.p);
    assert_true(rests(x.client));
    stack_each_socket(&x.p->stack[A], collect_row, &row);
    assert_true(row.timer_running && row.timer == TCP_TIMER_KEEPALIVE);
    assert_in_range(row.timer_left, SEC(7190), SEC(7200));
    pass(x.p, SEC(7300));
    assert_int_equal(x.p->stack[A].core.counter[COUNT_TCP_KEEPALIVES], 1);
    assert_true(rests(x.client));
    stack_free(&x.p->stack[B]); /* the peer's host is gone */
    struct stack_config config = x.p->stack[B].core.config;
    config.addr = IP_ADDR(10, 0, 0, 9); /* and does not even send a RST */
    assert_int_equal(stack_init(&x.p->stack[B], &config, x.p->now), 0);
    pass(x.p, SEC(20000));
    int64_t error;
    assert_int_equal(sock_getopt(x.client, SOCK_OPT_ERROR, &error), 0);
    assert_int_equal(error, ETIMEDOUT);
    x.server = NULL;
    sock_abort(x.client);
    pair_free(x.p);
}

static void without_memory_to_wake_it_keepalive_tries_again(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    assert_int_equal(sock_setopt(x.client, SOCK_OPT_KEEPALIVE, 1), 0);
    settle(x.p);
    pass(x.p, SEC(7100));
    x.p->fail_at = x.p->allocations + 1;
    pass(x.p, SEC(200));
    assert_true(x.p->allocations > x.p->fail_at);
    assert_int_equal(x.p->stack[A].core.counter[COUNT_TCP_KEEPALIVES], 1);
    couple_free(&x);
}

static void unread_data_keeps_it_awake(void **state)
{
    (void)state;
    struct couple x = couple_new(0);
    assert_int_equal(sock_send(x.client, "a", 1, 0), 1);
    settle(x.p);
    assert_false(rests(x.server));
    couple_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_costs_little),
        cmocka_unit_test(the_one_quiet_longest_rests_first),
        cmocka_unit_test(it_looks_as_if_it_were_awake),
        cmocka_unit_test(a_segment_wakes_it),
        cmocka_unit_test(closing_one_at_rest_sends_its_fin),
        cmocka_unit_test(without_memory_to_wake_it_the_segment_is_lost_and_comes_again),
        cmocka_unit_test(without_memory_a_call_says_so),
        cmocka_unit_test(aborting_all_tells_each_owner_and_each_peer),
        cmocka_unit_test(its_four_tuple_is_taken),
        cmocka_unit_test(keepalive_goes_on_at_rest),
        cmocka_unit_test(without_memory_to_wake_it_keepalive_tries_again),
        cmocka_unit_test(unread_data_keeps_it_awake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
