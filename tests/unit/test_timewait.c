/* TIME-WAIT as others see it: a SYN that opens the connection again is told of once. */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define A      0
#define B      1
#define PORT   80
#define CLIENT 40000

static unsigned syns_heard;

static void count_syns(void *context, const struct event *e)
{
    (void)context;
    if (e->kind == EVENT_SEGMENT_IN && e->u.segment.header->flags == TCP_SYN)
        syns_heard++;
}

static void plain(struct stack_config *c, int which)
{
    c->tcp_ecn = false;
    c->observe = which == B ? count_syns : NULL;
}

static void pass(struct pair *p, usec time)
{
    usec until = p->now + time;
    while (pair_step(p, until))
        ;
    p->now = until;
}

static struct sock *dial(struct pair *p)
{
    struct sock *s;
    assert_int_equal(sock_open(&p->stack[A], SOCK_TCP, &s), 0);
    assert_int_equal(sock_bind(s, (struct endpoint){0, CLIENT}), 0);
    assert_int_equal(sock_connect(s, (struct endpoint){IP_ADDR(10, 0, 0, 2), PORT}), -EINPROGRESS);
    pass(p, MSEC(100));
    return s;
}

static void a_syn_that_reopens_is_told_of_once(void **state)
{
    (void)state;
    struct sock *listener, *server;
    struct pair *p = pair_new(1, plain);
    assert_int_equal(sock_open(&p->stack[B], SOCK_TCP, &listener), 0);
    assert_int_equal(sock_bind(listener, (struct endpoint){0, PORT}), 0);
    assert_int_equal(sock_listen(listener, 4), 0);
    struct sock *client = dial(p);
    assert_int_equal(sock_accept(listener, &server, NULL), 0);
    sock_close(server); /* closes first: TIME-WAIT is its */
    pass(p, MSEC(100));
    sock_close(client);
    pass(p, MSEC(100));
    assert_int_equal(p->stack[B].tcp.timewaits.count, 1);
    syns_heard = 0;
    client = dial(p);
    assert_int_equal(p->stack[B].core.counter[COUNT_TCP_TIME_WAIT_REUSED], 1);
    assert_int_equal(sock_accept(listener, &server, NULL), 0);
    assert_int_equal(syns_heard, 1);
    sock_abort(client);
    sock_abort(server);
    sock_close(listener);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_syn_that_reopens_is_told_of_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
