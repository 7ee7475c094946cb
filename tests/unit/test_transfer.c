/* Two of our stacks move data over a wire that loses, doubles and reorders: every byte arrives, both close.
 */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* One end of a connection: writes `to_send` patterned bytes, checks what it reads, closes after its last. */
struct end {
    struct sock *s;
    size_t to_send, sent, received;
    uint8_t pattern;
    bool shut, eof;
    int error;
};

static uint8_t byte_at(uint8_t pattern, size_t i)
{
    return (uint8_t)(pattern + i * 7 + i / 251);
}

static void end_write(struct end *e)
{
    uint8_t block[3000];
    while (e->sent < e->to_send && !e->error) {
        size_t n = e->to_send - e->sent < sizeof block ? e->to_send - e->sent : sizeof block;
        for (size_t i = 0; i < n; i++)
            block[i] = byte_at(e->pattern, e->sent + i);
        ssize_t r = sock_send(e->s, block, n, 0);
        if (r == -EAGAIN)
            return;
        if (r < 0)
            e->error = (int)-r;
        else
            e->sent += (size_t)r;
    }
    if (e->sent == e->to_send && !e->shut && !e->error && sock_shutdown(e->s, SOCK_SHUT_WRITE) == 0)
        e->shut = true;
}

static void end_read(struct end *e, uint8_t pattern)
{
    uint8_t block[5000];
    while (!e->eof && !e->error) {
        ssize_t r = sock_recv(e->s, block, sizeof block, 0);
        if (r == -EAGAIN)
            return;
        if (r < 0)
            e->error = (int)-r;
        else if (r == 0)
            e->eof = true;
        for (ssize_t i = 0; i < r; i++)
            assert_int_equal(block[i], byte_at(pattern, e->received + (size_t)i));
        e->received += r > 0 ? (size_t)r : 0;
    }
}

static void exchange(struct pair *p, size_t down, size_t up)
{
    struct sock *listener;
    struct end client = {.to_send = up, .pattern = 3}, server = {.to_send = down, .pattern = 99};
    struct endpoint at = {p->stack[1].core.config.addr, 80};
    assert_int_equal(sock_open(&p->stack[1], SOCK_TCP, &listener), 0);
    assert_int_equal(sock_bind(listener, at), 0);
    assert_int_equal(sock_listen(listener, 5), 0);
    assert_int_equal(sock_open(&p->stack[0], SOCK_TCP, &client.s), 0);
    assert_int_equal(sock_connect(client.s, at), -EINPROGRESS);
    while (pair_step(p, SEC(100000))) {
        unsigned events;
        while (stack_ready(&p->stack[0], &events) || stack_ready(&p->stack[1], &events))
            ;
        if (!server.s && sock_accept(listener, &server.s, NULL) == -EAGAIN)
            server.s = NULL;
        int64_t state;
        assert_int_equal(sock_getopt(client.s, SOCK_OPT_STATE, &state), 0);
        if (state > TCP_SYN_SENT) {
            end_write(&client);
            end_read(&client, server.pattern);
        }
        if (server.s) {
            end_write(&server);
            end_read(&server, client.pattern);
        }
    }
    assert_int_equal(client.error, 0);
    assert_int_equal(server.error, 0);
    assert_int_equal(client.received, down);
    assert_int_equal(server.received, up);
    assert_true(client.eof && server.eof);
    sock_close(client.s);
    sock_close(server.s);
    sock_close(listener);
    assert_int_equal(stack_open_connections(&p->stack[0]), 0);
    assert_int_equal(stack_open_connections(&p->stack[1]), 0);
}

static void a_clean_link_needs_no_retransmission(void **state)
{
    (void)state;
    struct pair *p = pair_new(1, NULL);
    exchange(p, 300000, 200000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(p->stack[i].core.counter[COUNT_TCP_RETRANS], 0);
    pair_free(p);
}

static void every_byte_arrives_on_a_bad_link(void **state)
{
    (void)state;
    int seeds = getenv("SEEDS") ? atoi(getenv("SEEDS")) : 200;
    int from = getenv("FROM") ? atoi(getenv("FROM")) : 1;
    for (int seed = from; seed < from + seeds; seed++) {
        struct pair *p = pair_new((uint64_t)seed, NULL);
        p->loss = (unsigned)(pair_random(p) % 150);
        p->duplicate = (unsigned)(pair_random(p) % 50);
        p->reorder = (unsigned)(pair_random(p) % 200);
        if (getenv("FROM"))
            printf("seed %d: loss %u dup %u reorder %u\n", seed, p->loss, p->duplicate, p->reorder);
        exchange(p, pair_random(p) % 60000, pair_random(p) % 60000);
        pair_free(p);
    }
}

static void near_wrap(struct stack_config *c, int which)
{
    c->tcp_isn_is_fixed = true;
    c->tcp_isn_fixed = which ? 0xfffffff0 : 0xffffff00;
}

static void sequence_numbers_wrap_without_harm(void **state)
{
    (void)state;
    struct pair *p = pair_new(7, near_wrap);
    p->loss = 50;
    exchange(p, 100000, 100000);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_link_needs_no_retransmission),
        cmocka_unit_test(every_byte_arrives_on_a_bad_link),
        cmocka_unit_test(sequence_numbers_wrap_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
