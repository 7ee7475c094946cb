/* Memory fails at the first, second, ... call of a session with TCP both ways, UDP and a ping: nothing
 * crashes, nothing leaks, and what was told to have worked did. */
#include "pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct session {
    struct sock *listener, *client, *server, *udp[2], *ping;
};

static void open_one(struct stack *stack, enum sock_type type, struct sock **out)
{
    int error = sock_open(stack, type, out);
    assert_true(error == 0 || error == -ENOBUFS);
    assert_true((error == 0) == (*out != NULL));
}

static void start(struct pair *p, struct session *s)
{
    struct endpoint at = {p->stack[1].core.config.addr, 80};
    open_one(&p->stack[1], SOCK_TCP, &s->listener);
    if (s->listener && (sock_bind(s->listener, at) || sock_listen(s->listener, 3))) {
        sock_close(s->listener);
        s->listener = NULL;
    }
    open_one(&p->stack[0], SOCK_TCP, &s->client);
    if (s->client && sock_connect(s->client, at) != -EINPROGRESS) {
        sock_close(s->client);
        s->client = NULL;
    }
    open_one(&p->stack[0], SOCK_UDP, &s->udp[0]);
    open_one(&p->stack[1], SOCK_UDP, &s->udp[1]);
    open_one(&p->stack[0], SOCK_PING, &s->ping);
}

static void datagrams(struct pair *p, struct session *s)
{
    static uint8_t big[5000];
    uint8_t back[5000];
    struct endpoint at = {p->stack[1].core.config.addr, 9999};
    if (s->udp[1] && sock_bind(s->udp[1], at) == 0 && s->udp[0])
        sock_sendto(s->udp[0], big, sizeof big, 0, at);
    if (s->ping)
        sock_sendto(s->ping, big, 3000, 0, at);
    pair_step(p, p->now + SEC(1));
    if (s->udp[1])
        sock_recv(s->udp[1], back, sizeof back, 0);
}

static void talk(struct sock *from, struct sock *to)
{
    static const uint8_t block[4000];
    uint8_t back[4000];
    if (from)
        sock_send(from, block, sizeof block, 0);
    if (to)
        while (sock_recv(to, back, sizeof back, 0) > 0)
            ;
}

static void play(struct pair *p)
{
    struct session s = {0};
    p->loss = 100; /* out-of-order text, retransmissions: more places that allocate */
    start(p, &s);
    for (int i = 0; i < 300 && pair_step(p, p->now + SEC(1)); i++) {
        if (s.listener && !s.server && sock_accept(s.listener, &s.server, NULL))
            s.server = NULL;
        talk(s.client, s.server);
        talk(s.server, s.client);
        if (i == 10)
            datagrams(p, &s);
    }
    struct sock *all[] = {s.client, s.server, s.listener, s.udp[0], s.udp[1], s.ping};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            sock_close(all[i]);
    while (pair_step(p, p->now + SEC(1000)))
        ;
}

static void a_session_survives_each_failing_allocation(void **state)
{
    (void)state;
    struct pair *p = pair_new(5, NULL);
    play(p);
    long calls = p->allocations;
    assert_true(calls > 50);
    pair_free(p);
    for (long n = 1; n <= calls; n++) {
        p = pair_new(5, NULL);
        p->fail_at = n;
        play(p);
        pair_free(p); /* asserts that all memory came back */
    }
}

static void tight(struct stack_config *c, int which)
{
    c->memory_limit = which ? 20000 : 512u << 20;
}

static void the_limit_of_the_whole_stack_holds(void **state)
{
    (void)state;
    struct pair *p = pair_new(6, tight);
    play(p);
    assert_true(p->stack[1].core.memory_used <= 20000);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_survives_each_failing_allocation),
        cmocka_unit_test(the_limit_of_the_whole_stack_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
