/* The laboratory's applications: what programs do with their sockets, as a scenario says, and what they are
 * told.
 *
 * Owns each application's story. stage_engine.c lets them work whenever the stacks have; scenarios call the
 * verbs of stage.h. */
#include "stage_engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void learn(const struct stage *st, struct stage_app *a,
                                                        const char *format, ...)
{
    if (a->facts == STAGE_FACTS)
        return;
    struct stage_fact *f = &a->fact[a->facts++];
    va_list list;
    va_start(list, format);
    vsnprintf(f->what, sizeof f->what, format, list);
    va_end(list);
    f->at = st->now - st->act_start;
}

static const char *error_name(int error)
{
    const char *name = strerrorname_np(error);
    return name ? name : "an unknown error";
}

#define STAGE_WRITE 65536 /* bytes in one call: as much as a buffer takes, not many calls to show */

/* --- one application's turn --- */

static void let_go(struct stage_app *a, void (*how)(struct sock *))
{
    struct sock *s = a->s;
    a->s = NULL;
    how(s);
}

/* A program that gets an error reports it and closes. */
static void told(struct stage *st, struct stage_app *a, int error)
{
    a->error = error;
    a->error_at = st->now;
    learn(st, a, "%s", error_name(error));
    let_go(a, sock_close);
}

static bool has_error(struct stage *st, struct stage_app *a)
{
    int64_t error = 0;
    if (!(sock_events(a->s) & SOCK_ERROR) || sock_getopt(a->s, SOCK_OPT_ERROR, &error) != 0 || error == 0)
        return false;
    told(st, a, (int)error);
    return true;
}

static void notice_connected(struct stage *st, struct stage_app *a)
{
    int64_t state = TCP_CLOSED;
    if (a->connected || sock_getopt(a->s, SOCK_OPT_STATE, &state) != 0 || state < TCP_ESTABLISHED)
        return;
    a->connected = true;
    learn(st, a, "connected");
}

static bool write_some(struct stage *st, struct stage_app *a)
{
    static const char line[] = "The quick brown fox jumps over the lazy dog. 0123456789. ";
    while (a->connected && a->sent < a->to_send && !a->shut_done) {
        char block[STAGE_WRITE];
        uint32_t n = a->to_send - a->sent < sizeof block ? a->to_send - a->sent : sizeof block;
        for (uint32_t i = 0; i < n; i++)
            block[i] = line[(a->sent + i) % (sizeof line - 1)];
        ssize_t r = sock_send(a->s, block, n, a->sent + n < a->to_send ? SOCK_MORE : 0);
        if (r == -EAGAIN || r == -ENOBUFS)
            return true;
        if (r < 0) {
            told(st, a, (int)-r);
            return false;
        }
        a->sent += (uint32_t)r;
    }
    return true;
}

static bool read_some(struct stage *st, struct stage_app *a)
{
    while (a->connected && !a->at_end && (a->reads || a->to_read)) {
        char block[4096];
        size_t n = a->reads || a->to_read > sizeof block ? sizeof block : a->to_read;
        ssize_t r = sock_recv(a->s, block, n, 0);
        if (r == -EAGAIN)
            return true;
        if (r < 0) {
            told(st, a, (int)-r);
            return false;
        }
        a->received += (uint64_t)r;
        a->to_read -= a->to_read < r ? a->to_read : (uint32_t)r;
        a->at_end = r == 0;
        if (a->at_end)
            learn(st, a, "end of stream");
    }
    return true;
}

static void finish(struct stage_app *a)
{
    bool written = a->sent >= a->to_send;
    if (a->shut && written && !a->shut_done)
        a->shut_done = sock_shutdown(a->s, SOCK_SHUT_WRITE) == 0;
    if ((a->closing && written) || (a->at_end && a->close_at_end))
        let_go(a, sock_close);
}

static void serve(struct stage *st, struct stage_app *a)
{
    if (!a->s)
        return;
    notice_connected(st, a);
    if (!has_error(st, a) && write_some(st, a) && read_some(st, a))
        finish(a);
}

static struct stage_app *new_app(struct stage *st, enum stage_side side, struct sock *s)
{
    if (st->apps == STAGE_APPS)
        return NULL;
    struct stage_app *a = &st->app[st->apps++];
    *a = (struct stage_app){.side = side, .s = s, .used = true, .reads = true};
    st->current[side] = a;
    sock_set_user(s, a);
    return a;
}

static void accept_all(struct stage *st, enum stage_side side)
{
    struct sock *s;
    while (sock_accept(st->listener[side], &s, NULL) == 0) {
        struct stage_app *a = new_app(st, side, s);
        if (!a)
            sock_abort(s);
        else
            serve(st, a);
    }
}

void stage_apps_serve(struct stage *st)
{
    for (unsigned side = LEFT; side <= RIGHT; side++) {
        struct sock *s;
        unsigned events;
        while (st->up[side] && (s = stack_ready(&st->stack[side], &events))) {
            if (s == st->listener[side])
                accept_all(st, side);
            else if (sock_user(s))
                serve(st, sock_user(s));
        }
    }
}

void stage_apps_power_off(struct stage *st, enum stage_side side)
{
    for (unsigned i = 0; i < st->apps; i++) {
        struct stage_app *a = &st->app[i];
        if (a->side != side || !a->s)
            continue;
        a->s = NULL; /* stack_free lets go of it */
        learn(st, a, "gone with its host");
    }
}

/* At the end of an act: whoever still holds a socket has been told nothing more. */
void stage_apps_end(struct stage *st)
{
    for (unsigned i = 0; i < st->apps; i++) {
        struct stage_app *a = &st->app[i];
        int64_t state = TCP_CLOSED;
        if (!a->s)
            continue;
        sock_getopt(a->s, SOCK_OPT_STATE, &state);
        learn(st, a, "(%s)", tcp_state_name((enum tcp_state)state));
        a->waits = true;
    }
}

const char *stage_listener_text(const struct stage *st, enum stage_side side)
{
    for (unsigned i = 0; i < st->apps; i++)
        if (st->app[i].side == side)
            return NULL;
    return st->listener_told[side] ? st->listener_told[side] : "nobody is there";
}

size_t stage_fact_text(const struct stage_app *a, unsigned k, char *to, size_t room)
{
    double at = k < a->facts ? (double)a->fact[k].at / 1e6 : 0;
    int n;
    if (k >= a->facts)
        n = snprintf(to, room, "nothing");
    else if (a->waits && k == a->facts - 1)
        n = snprintf(to, room, "nothing%s until %.3f s %s", k ? " more" : "", at, a->fact[k].what);
    else
        n = snprintf(to, room, "%s after %.3f s", a->fact[k].what, at);
    return (size_t)n < room ? (size_t)n : room - 1;
}

/* --- verbs --- */

/* The side's application; without one that still holds its socket the scenario is wrong. */
static struct stage_app *app_of(struct stage *st, enum stage_side side)
{
    struct stage_app *a = st->current[side];
    if (a && a->s)
        return a;
    stage_fail(st, "the %s application has no socket any more", stage_side_name(side));
    return NULL;
}

static void now(struct stage *st, enum stage_side side)
{
    stage_start(st);
    if (st->up[side])
        stack_time(&st->stack[side], st->now);
}

void stage_listen(struct stage *st, enum stage_side side)
{
    struct sock *s;
    now(st, side);
    if (sock_open(&st->stack[side], SOCK_TCP, &s) != 0)
        return;
    if (sock_bind(s, (struct endpoint){IP_ANY, STAGE_PORT}) != 0 || sock_listen(s, 8) != 0)
        stage_fail(st, "the %s application cannot listen", stage_side_name(side));
    st->listener[side] = s;
    st->listener_told[side] = "nothing: it waits in accept()";
}

void stage_connect_from(struct stage *st, enum stage_side side, uint16_t from, uint16_t to)
{
    struct sock *s;
    now(st, side);
    if (sock_open(&st->stack[side], SOCK_TCP, &s) != 0)
        return;
    struct stage_app *a = new_app(st, side, s);
    if (!a || sock_bind(s, (struct endpoint){IP_ANY, from}) != 0)
        stage_fail(st, "the %s application cannot use port %u", stage_side_name(side), from);
    if (a)
        a->client = true;
    int error = sock_connect(s, (struct endpoint){st->config[1 - side].addr, to});
    if (a && error != -EINPROGRESS)
        told(st, a, -error);
    stage_transmit(st);
}

void stage_connect(struct stage *st, enum stage_side side)
{
    stage_connect_from(st, side, (uint16_t)(STAGE_CLIENT + st->connections++), STAGE_PORT);
}

void stage_open(struct stage *st)
{
    now(st, RIGHT);
    if (!st->listener[RIGHT])
        stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
}

void stage_send(struct stage *st, enum stage_side side, uint32_t len)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    a->to_send += len;
    serve(st, a);
    stage_transmit(st);
}

void stage_reading(struct stage *st, enum stage_side side, bool on)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    a->reads = on;
    serve(st, a);
    stage_transmit(st);
}

void stage_read(struct stage *st, enum stage_side side, uint32_t len)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    a->to_read = len;
    serve(st, a);
    a->to_read = 0;
    stage_transmit(st);
}

void stage_shutdown(struct stage *st, enum stage_side side)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    a->shut = true;
    serve(st, a);
    stage_transmit(st);
}

void stage_close(struct stage *st, enum stage_side side)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    a->closing = true;
    serve(st, a);
    stage_transmit(st);
}

void stage_close_at_end(struct stage *st, enum stage_side side)
{
    struct stage_app *a = app_of(st, side);
    if (a)
        a->close_at_end = true;
}

void stage_abort(struct stage *st, enum stage_side side)
{
    struct stage_app *a = app_of(st, side);
    if (!a)
        return;
    now(st, side);
    let_go(a, sock_abort);
    stage_transmit(st);
}

void stage_die(struct stage *st, enum stage_side side)
{
    struct stage_app *a = st->current[side];
    now(st, side);
    stage_note(st, "the %s application dies; its system closes what it held", stage_side_name(side));
    if (st->listener[side]) {
        sock_close(st->listener[side]);
        st->listener_told[side] = "nothing: it died in accept()";
    }
    st->listener[side] = NULL;
    if (a && a->s) {
        let_go(a, sock_close);
        learn(st, a, "died");
    }
    stage_transmit(st);
}

void stage_option(struct stage *st, enum stage_side side, enum sock_option option, int64_t value)
{
    struct stage_app *a = app_of(st, side);
    if (a && sock_setopt(a->s, option, value) != 0)
        stage_fail(st, "the %s application cannot set option %d", stage_side_name(side), (int)option);
}
