/* Memory fails at the first, second, ... call of a session with TCP both ways, UDP and a ping, and of one
 * with several connections that use all that a modern TCP has: nothing crashes, nothing leaks, and what was
 * told to have worked did. */
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

/* --- several connections: SYN cookies, SACK with many holes, ECN, timestamps --- */

#define LINES      6
#define LINE_BYTES 30000

/* One client and how far it got; what it sends, the server reads, and the other way round. */
struct line {
    struct sock *sock;
    int64_t sent, received;
};

struct crowd {
    struct sock *listener;
    struct line client[LINES], server[LINES];
};

static uint8_t stream_byte(int64_t k)
{
    return (uint8_t)(k * 7 + (k >> 8));
}

static void crowd_write(struct line *l)
{
    uint8_t block[3000];
    size_t len = sizeof block;
    if (LINE_BYTES - l->sent < (int64_t)len)
        len = (size_t)(LINE_BYTES - l->sent);
    for (size_t i = 0; i < len; i++)
        block[i] = stream_byte(l->sent + (int64_t)i);
    ssize_t n = sock_send(l->sock, block, len, 0);
    l->sent += n > 0 ? n : 0;
}

static void crowd_read(struct line *l)
{
    uint8_t block[3000];
    for (ssize_t n; (n = sock_recv(l->sock, block, sizeof block, 0)) > 0;) {
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(block[i], stream_byte(l->received + i));
        l->received += n;
    }
}

static void crowd_start(struct pair *p, struct crowd *g)
{
    struct endpoint at = {p->stack[1].core.config.addr, 80};
    open_one(&p->stack[1], SOCK_TCP, &g->listener);
    if (g->listener && (sock_bind(g->listener, at) || sock_listen(g->listener, 4))) {
        sock_close(g->listener);
        g->listener = NULL;
    }
    for (int i = 0; i < LINES; i++) {
        open_one(&p->stack[0], SOCK_TCP, &g->client[i].sock);
        if (g->client[i].sock)
            sock_connect(g->client[i].sock, at);
    }
}

static void crowd_accept(struct crowd *g)
{
    for (int i = 0; i < LINES && g->listener; i++)
        if (!g->server[i].sock && sock_accept(g->listener, &g->server[i].sock, NULL))
            return;
}

static void crowd_talk(struct crowd *g)
{
    for (int i = 0; i < 2 * LINES; i++) {
        struct line *l = i < LINES ? &g->client[i] : &g->server[i - LINES];
        if (!l->sock)
            continue;
        crowd_write(l);
        crowd_read(l);
    }
}

static void crowd_end(struct pair *p, struct crowd *g)
{
    for (int i = 0; i < 2 * LINES; i++) {
        struct line *l = i < LINES ? &g->client[i] : &g->server[i - LINES];
        if (l->sock)
            sock_close(l->sock);
    }
    if (g->listener)
        sock_close(g->listener);
    while (pair_step(p, p->now + SEC(1000)))
        ;
}

/* Returns how many bytes were received on both sides, -1 when there was not even a listener. */
static int64_t crowd_play(struct pair *p)
{
    struct crowd g = {0};
    int64_t received = 0;
    p->loss = 60;
    p->duplicate = 30;
    p->reorder = 200;
    crowd_start(p, &g);
    for (int i = 0; i < 2500 && pair_step(p, p->now + SEC(1)); i++) {
        if (i > 20) /* late, so that the queue is full and cookies are sent */
            crowd_accept(&g);
        crowd_talk(&g);
    }
    for (int i = 0; i < LINES; i++)
        received += g.client[i].received + g.server[i].received;
    bool listened = g.listener != NULL;
    crowd_end(p, &g);
    return listened ? received : -1;
}

static void crowded(struct stack_config *c, int which)
{
    (void)which;
    c->mtu = 576; /* many segments for few bytes */
    c->tcp_delayed_ack = MSEC(5);
}

static uint64_t counted(const struct pair *p, enum counter which)
{
    return p->stack[0].core.counter[which] + p->stack[1].core.counter[which];
}

/* The session is worth failing in: it has used what it is meant to use. */
static void assert_all_was_used(const struct pair *p)
{
    assert_true(counted(p, COUNT_TCP_COOKIES_GOOD) > 0);
    assert_true(counted(p, COUNT_TCP_OUT_OF_ORDER) > 20);
    assert_true(counted(p, COUNT_TCP_DSACK_IN) > 0);
    assert_true(counted(p, COUNT_TCP_FAST_RETRANS) > 0);
    assert_true(counted(p, COUNT_TCP_TIMEOUTS) > 0);
}

static void several_modern_connections_survive_each_failing_allocation(void **state)
{
    (void)state;
    struct pair *p = pair_new(7, crowded);
    assert_int_equal(crowd_play(p), 2 * LINES * LINE_BYTES); /* with memory, all arrives */
    assert_all_was_used(p);
    long calls = p->allocations;
    assert_true(calls > 200);
    pair_free(p);
    for (long n = 1; n <= calls; n++) {
        p = pair_new(7, crowded);
        p->fail_at = n;
        int64_t received = crowd_play(p); /* one failure stops at most one connection */
        assert_true(received == -1 || received >= 2 * (LINES - 1) * LINE_BYTES);
        pair_free(p);
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
        cmocka_unit_test(several_modern_connections_survive_each_failing_allocation),
        cmocka_unit_test(the_limit_of_the_whole_stack_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
