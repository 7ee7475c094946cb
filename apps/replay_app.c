/* Socket calls in place of an application that is known only by what a capture shows of it. Called by
 * replay_run.c. */
#include "replay_app.h"

#include <errno.h>

#include "../stack/icmp.h"

#define BACKLOG 4096
#define BUFFER  65536

static void no_nagle(struct sock *s, const struct replay_plan *p)
{
    if (p->nodelay)
        sock_setopt(s, SOCK_OPT_NODELAY, 1);
    if (p->keepalive_idle)
        sock_setopt(s, SOCK_OPT_KEEPALIVE, 1);
    if (p->bound)
        sock_setopt(s, SOCK_OPT_RECEIVE_BUFFER, p->bound + p->margin + (1u << p->offered) - 1);
}

void replay_app_init(struct replay_app *a, struct stack *stack, const struct replay_flow *flow)
{
    *a = (struct replay_app){.stack = stack, .flow = flow, .life = -1, .wrote = 1, .have_read = 1};
    a->margin = flow->plan.margin;
    a->buffer = flow->plan.bound + (1u << flow->plan.offered) - 1;
    if (!flow->plan.listens || sock_open(stack, SOCK_TCP, &a->listener) < 0)
        return;
    no_nagle(a->listener, &flow->plan);
    sock_bind(a->listener, flow->local);
    sock_listen(a->listener, BACKLOG);
}

/* A new connection: what the one before still has to do is done. */
static void begin(struct replay_app *a, int life, struct sock *s)
{
    if (a->s)
        sock_close(a->s);
    a->s = s;
    a->life = life;
    a->wrote = a->have_read = 1;
    a->closed = false;
}

static void connect_now(struct replay_app *a, int life)
{
    struct sock *s;
    if (a->s)
        sock_close(a->s);
    if (a->listener)
        sock_close(a->listener); /* the port is wanted for another purpose now */
    a->s = a->listener = NULL;
    if (sock_open(a->stack, SOCK_TCP, &s) < 0)
        return;
    no_nagle(s, &a->flow->plan);
    sock_bind(s, a->flow->local);
    begin(a, life, s);
    sock_connect(s, a->flow->remote);
}

void replay_app_told(struct replay_app *a, const struct replay_step *s)
{
    if (s->connects) {
        a->write_to = a->read_to = 1;
        a->close = false;
        connect_now(a, s->life);
    }
    if (s->written)
        a->write_to = s->written;
    if (s->read)
        a->read_to = s->read;
    if (s->bound)
        a->bound = s->bound;
    if (s->closes)
        a->close = true;
}

void replay_app_expecting(struct replay_app *a, const struct replay_step *s)
{
    if (!s->waiting)
        return;
    a->write_to = s->waiting;
    replay_app_work(a);
}

static void accept_new(struct replay_app *a)
{
    struct sock *s;
    struct endpoint peer;
    while (a->listener && sock_events(a->listener) & SOCK_ACCEPTABLE &&
           sock_accept(a->listener, &s, &peer) == 0) {
        int life = a->life + 1;
        begin(a, life < (int)a->flow->lives ? life : a->life, s);
        if (life > 0) {
            a->write_to = a->read_to = 1;
            a->close = false;
        }
    }
}

static void read_due(struct replay_app *a)
{
    static uint8_t bytes[BUFFER];
    while (a->have_read < a->read_to) {
        int64_t want = a->read_to - a->have_read;
        ssize_t n = sock_recv(a->s, bytes, want < BUFFER ? (size_t)want : BUFFER, 0);
        if (n <= 0)
            return;
        a->have_read += n;
    }
}

static void write_due(struct replay_app *a)
{
    const struct replay_life *l = a->life >= 0 ? &a->flow->life[a->life] : NULL;
    int64_t end = l && a->write_to - 1 > l->length ? l->length + 1 : a->write_to;
    while (l && a->wrote < end) {
        ssize_t n = sock_send(a->s, l->stream + a->wrote - 1, (size_t)(end - a->wrote), 0);
        if (n <= 0)
            return;
        a->wrote += n;
    }
    if (a->close && !a->closed && a->wrote >= end)
        a->closed = sock_shutdown(a->s, SOCK_SHUT_WRITE) == 0;
}

void replay_app_widen(struct replay_app *a)
{
    a->margin += 2u * (a->flow->plan.mtu - IP_HEADER_MIN - TCP_HEADER_MIN);
    sock_setopt(a->s, SOCK_OPT_RECEIVE_BUFFER, a->buffer + a->margin);
}

void replay_app_work(struct replay_app *a)
{
    unsigned events;
    while (stack_ready(a->stack, &events))
        ; /* what is new shows when it is tried */
    accept_new(a);
    if (!a->s)
        return;
    if (a->bound) {
        sock_setopt(a->s, SOCK_OPT_RECEIVE_BUFFER, a->bound + a->margin);
        a->buffer = a->bound;
    }
    a->bound = 0;
    read_due(a);
    write_due(a);
}

/* --- UDP and echo --- */

static struct sock *find(const struct replay_app *a, uint8_t protocol, uint16_t port)
{
    enum sock_type type = protocol == IP_UDP ? SOCK_UDP : SOCK_PING;
    for (unsigned i = 0; i < a->datagrams; i++)
        if (a->datagram[i]->type == type && a->datagram[i]->local.port == port)
            return a->datagram[i];
    return NULL;
}

void replay_app_expect(struct replay_app *a, uint8_t protocol, struct endpoint local)
{
    struct sock *s;
    if (a->datagrams == REPLAY_SOCKETS || local.port == 0 || find(a, protocol, local.port) ||
        sock_open(a->stack, protocol == IP_UDP ? SOCK_UDP : SOCK_PING, &s) < 0)
        return;
    if (sock_bind(s, local) < 0)
        sock_close(s);
    else
        a->datagram[a->datagrams++] = s;
}

void replay_app_datagram(struct replay_app *a, uint8_t protocol, struct endpoint from, struct endpoint to,
                         struct span text)
{
    static uint8_t bytes[BUFFER];
    replay_app_expect(a, protocol, from);
    struct sock *s = find(a, protocol, from.port);
    if (!s)
        return;
    while (sock_recv(s, bytes, sizeof bytes, 0) > 0)
        ; /* nobody needs what came */
    sock_sendto(s, text.at, text.len, 0, to);
}
