/* RFC 8985 7.3: the probe time-out ends in the same turn that reads the SACK of the last segment. */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void small_segments(struct stack_config *c, int which)
{
    (void)which;
    c->mtu = 576;
    c->tcp_timestamps = false;
    c->tcp_nodelay = true;
    c->tcp_delayed_ack = 0;
}

/* Both ends of one open connection; nothing is on its way. */
static void open_pair(struct pair *p, struct sock **client, struct sock **server)
{
    struct sock *listener;
    struct endpoint at = {p->stack[1].core.config.addr, 80};
    assert_int_equal(sock_open(&p->stack[1], SOCK_TCP, &listener), 0);
    assert_int_equal(sock_bind(listener, at), 0);
    assert_int_equal(sock_listen(listener, 5), 0);
    assert_int_equal(sock_open(&p->stack[0], SOCK_TCP, client), 0);
    assert_int_equal(sock_connect(*client, at), -EINPROGRESS);
    while (pair_step(p, p->now + MSEC(100)))
        ;
    assert_int_equal(sock_accept(listener, server, NULL), 0);
}

/* The next frame of a stack, as bytes. */
static size_t next_frame(struct pair *p, int from, uint8_t *bytes, size_t room)
{
    struct frame f;
    assert_true(stack_output(&p->stack[from], p->now, &f));
    return frame_gather(&f, bytes, room);
}

static void a_tail_that_was_sacked_is_not_probed(void **state)
{
    (void)state;
    struct pair *p = pair_new(1, small_segments);
    struct sock *client, *server;
    uint8_t text[1072] = {0}, first[600], last[600], sack[600];
    open_pair(p, &client, &server);
    assert_int_equal(sock_send(client, text, sizeof text, 0), sizeof text);
    assert_true(next_frame(p, 0, first, sizeof first) > 0); /* lost */
    size_t len = next_frame(p, 0, last, sizeof last);
    stack_input(&p->stack[1], p->now, last, len);
    len = next_frame(p, 1, sack, sizeof sack);
    struct frame f;
    assert_false(stack_output(&p->stack[0], p->now, &f)); /* it has nothing more to say until its timer */
    assert_true(stack_due(&p->stack[0]) < p->now + MSEC(150));
    stack_input(&p->stack[0], p->now + MSEC(150), sack,
                len); /* later than the probe time-out, before it was sent */
    p->now += MSEC(150);
    while (pair_step(p, p->now + SEC(2)))
        ;
    assert_int_equal(sock_recv(server, text, sizeof text, 0), sizeof text);
    assert_int_equal(p->stack[0].core.counter[COUNT_TCP_TAIL_PROBES], 0);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_that_was_sacked_is_not_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
