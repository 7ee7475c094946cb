/* What programs do with their sockets. Each end of a flow has a plan made by setup.c and acts when
 * stack_ready or its own clock says so, as a real program would: a wake-up that the stack forgets leaves it
 * stuck, and found. */
#include "sim.h"

#include <errno.h>

uint8_t app_byte(uint8_t pattern, uint32_t i)
{
    return (uint8_t)(pattern * 29u + i * 7u + i / 251u);
}

static struct end *other(const struct end *e)
{
    return &e->flow->end[e == &e->flow->end[0]];
}

static void wake_at(struct end *e, usec when)
{
    if (when < e->wake)
        e->wake = when;
}

static void finish(struct end *e, void (*let_go)(struct sock *))
{
    struct sock *s = e->s;
    e->s = NULL;
    e->finished = true;
    e->wake = NEVER;
    let_go(s);
}

static const struct core *server_core(const struct flow *f)
{
    return &f->end[1].sim->stack[f->end[1].stack].core;
}

/* What even a gentle flow may meet. Of two who open towards each other the first may come too early. A
 * listener that answered with a cookie knows nothing of the connection: text that overtakes the first ACK
 * meets a RST (RFC 4987 3.6). And an old SYN that came twice may fill a short queue for as long as R2 lasts.
 */
static bool may_fail(const struct flow *f, int error)
{
    const struct core *server = server_core(f);
    if (error == ETIMEDOUT)
        return f->kind == FLOW_NORMAL && !f->accepted && server->dropped[DROP_TCP_BACKLOG] > 0;
    return (error == ECONNREFUSED || error == ECONNRESET) &&
           (f->kind == FLOW_BOTH_OPEN || server->counter[COUNT_TCP_COOKIES_OUT] > 0);
}

/* An error ends the conversation; in a gentle flow there is nothing that could cause another one. */
static void failed(struct end *e, int error)
{
    struct flow *f = e->flow;
    e->error = error;
    if (may_fail(f, error))
        f->gentle = false;
    if (f->gentle)
        fail(e->sim, "flow %d, end %d: errno %d without a reason", (int)(f - e->sim->flow), e == &f->end[1],
             error);
}

static void write_some(struct end *e)
{
    uint8_t block[4096];
    while (e->sent < e->to_send && !e->error && !e->fin_asked) {
        uint32_t n = e->to_send - e->sent < e->write_chunk ? e->to_send - e->sent : e->write_chunk;
        for (uint32_t i = 0; i < n; i++)
            block[i] = app_byte(e->pattern, e->sent + i);
        ssize_t r = sock_send(e->s, block, n, e->urgent && one_in(e->sim, 4) ? SOCK_OOB : 0);
        if (r == -EAGAIN || r == -ENOBUFS)
            return;
        if (r < 0)
            failed(e, (int)-r);
        else
            e->sent += (uint32_t)r;
        if (e->think) {
            wake_at(e, e->sim->now + e->think);
            return;
        }
    }
}

/* The end of the peer's stream: nothing may be missing, nothing added. */
static void end_of_stream(struct end *e)
{
    const struct end *peer = other(e);
    e->eof = true;
    if (!peer->fin_asked)
        fail(e->sim, "an end of file that the peer has not sent");
    else if (e->received != peer->sent)
        fail(e->sim, "end of file after %u bytes of %u", e->received, peer->sent);
}

static void compare(struct end *e, const uint8_t *bytes, uint32_t n)
{
    const struct end *peer = other(e);
    if (e->received + n > peer->sent)
        fail(e->sim, "%u bytes read, only %u were written", e->received + n, peer->sent);
    for (uint32_t i = 0; i < n; i++)
        if (bytes[i] != app_byte(peer->pattern, e->received + i)) {
            fail(e->sim, "byte %u of the stream is wrong", e->received + i);
            return;
        }
}

static bool stalls(struct end *e)
{
    if (e->stall_for && !e->stalled && e->received >= e->stall_at) {
        e->stalled = true;
        e->stall_for += e->sim->now; /* from now on: until when */
    }
    if (!e->stalled || e->sim->now >= e->stall_for)
        return false;
    wake_at(e, e->stall_for);
    return true;
}

static void read_some(struct end *e)
{
    uint8_t block[8192];
    while (!e->eof && !e->error && !e->shut_read && !stalls(e)) {
        ssize_t r = sock_recv(e->s, block, e->read_chunk, 0);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            failed(e, (int)-r);
        } else if (r == 0) {
            end_of_stream(e);
        } else {
            compare(e, block, (uint32_t)r);
            e->received += (uint32_t)r;
        }
    }
}

static enum tcp_state state_of(const struct end *e)
{
    int64_t state = TCP_CLOSED;
    sock_getopt(e->s, SOCK_OPT_STATE, &state);
    return (enum tcp_state)state;
}

static void half_close(struct end *e)
{
    if (e->fin_asked || e->error || e->hold || e->sent < e->to_send || (e->close_last && !e->eof))
        return;
    if (sock_shutdown(e->s, SOCK_SHUT_WRITE) == 0) {
        e->fin_asked = true;
    } else if (state_of(e) == TCP_CLOSED) { /* otherwise it is still opening */
        int64_t error = 0;
        sock_getopt(e->s, SOCK_OPT_ERROR, &error);
        failed(e, error ? (int)error : ENOTCONN);
    }
}

/* The plan says go: true when the end is gone. */
static bool goes_early(struct end *e)
{
    uint32_t moved = e->sent + e->received;
    if (moved >= e->abort_at || e->sim->now >= e->abort_time) {
        finish(e, sock_abort);
        return true;
    }
    if (moved < e->leave_at)
        return false;
    e->fin_asked = e->fin_asked || !e->linger;
    finish(e, sock_close);
    return true;
}

void app_run(struct end *e)
{
    if (!e->s)
        return;
    e->wake = e->abort_time;
    write_some(e);
    read_some(e);
    if (goes_early(e))
        return;
    half_close(e);
    if (e->error || (e->fin_asked && (e->eof || e->shut_read)))
        finish(e, sock_close);
}

static void options(struct end *e)
{
    if (e->keepalive)
        sock_setopt(e->s, SOCK_OPT_KEEPALIVE, 1);
    if (e->cork)
        sock_setopt(e->s, SOCK_OPT_CORK, 1);
    if (e->linger)
        sock_setopt(e->s, SOCK_OPT_LINGER, 0);
}

static void open_actively(struct end *e)
{
    struct sim *sim = e->sim;
    struct flow *f = e->flow;
    unsigned me = e == &f->end[1];
    if (f->at[me].port && sock_bind(e->s, f->at[me]) != 0)
        fail(sim, "bind failed");
    if (e->listens_first && sock_listen(e->s, 1) != 0)
        fail(sim, "listen failed");
    enum tcp_state before = state_of(e);
    int r = sock_connect(e->s, f->at[1 - me]);
    if (r != -EINPROGRESS) {
        fail(sim, "connect: %d", r);
        return;
    }
    sim->arrows[TCP_LISTEN][TCP_SYN_SENT] += before == TCP_LISTEN && state_of(e) == TCP_SYN_SENT;
    sock_name(e->s, &f->at[me]);
}

void app_start(struct end *e)
{
    e->started = true;
    e->wake = e->abort_time;
    if (!e->sim->up[e->stack]) {
        e->finished = true;
        e->wake = NEVER;
        return;
    }
    if (sock_open(&e->sim->stack[e->stack], SOCK_TCP, &e->s) != 0) {
        fail(e->sim, "no socket");
        return;
    }
    sock_set_user(e->s, e);
    options(e);
    open_actively(e);
    if (e->shut_read)
        sock_shutdown(e->s, SOCK_SHUT_READ);
    app_run(e);
}

static struct flow *flow_of(struct sim *sim, unsigned server, uint16_t port, struct endpoint peer)
{
    for (unsigned i = 0; i < sim->flows; i++) {
        struct flow *f = &sim->flow[i];
        if (f->kind == FLOW_NORMAL && f->end[1].stack == server && !f->accepted && f->end[0].started &&
            f->at[0].port == peer.port && f->at[1].port == port)
            return f;
    }
    return NULL;
}

static void accepted(struct sim *sim, unsigned stack, struct sock *s, struct endpoint peer)
{
    struct endpoint local;
    sock_name(s, &local);
    struct flow *f = flow_of(sim, stack, local.port, peer);
    if (!f) {
        /* With one ISS for all, old duplicates can repeat a handshake: what RFC 9293 3.4.1 warns of. So can a
         * cookie's ACK, RFC 4987 3.6. */
        bool excused =
            sim->config[stack].tcp_isn_is_fixed || sim->stack[stack].core.counter[COUNT_TCP_COOKIES_OUT];
        if (!excused)
            fail(sim, "accepted a connection that nobody opened");
        sock_abort(s);
        return;
    }
    struct end *e = &f->end[1];
    f->accepted = true;
    e->s = s;
    e->started = true;
    sock_set_user(s, e);
    options(e);
    app_run(e);
}

void app_accept(struct sim *sim, struct sock *listener)
{
    unsigned stack = listener == sim->listener[1][0] || listener == sim->listener[1][1];
    struct sock *s;
    struct endpoint peer;
    int r;
    while ((r = sock_accept(listener, &s, &peer)) == 0)
        accepted(sim, stack, s, peer);
    if (r != -EAGAIN)
        fail(sim, "accept: %d", r);
}

static void must_go(struct end *e)
{
    if (!e->s || e->finished)
        return;
    if (e->flow->gentle)
        fail(e->sim, "stuck: flow %d, end %d, %u of %u written, %u read, %s", (int)(e->flow - e->sim->flow),
             e == &e->flow->end[1], e->sent, e->to_send, e->received, tcp_state_name(state_of(e)));
    finish(e, one_in(e->sim, 2) ? sock_abort : sock_close);
}

void app_deadline(struct sim *sim)
{
    for (unsigned i = 0; i < 2 * sim->flows; i++)
        must_go(&sim->flow[i / 2].end[i % 2]);
}

void app_power_off(struct sim *sim, unsigned stack)
{
    for (unsigned i = 0; i < 2 * sim->flows; i++) {
        struct end *e = &sim->flow[i / 2].end[i % 2];
        if (e->stack != stack || !e->started || e->finished)
            continue;
        e->dead = e->finished = true;
        e->s = NULL; /* stack_free lets go of it */
        e->wake = NEVER;
    }
}
