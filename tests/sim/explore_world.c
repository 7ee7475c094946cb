/* A small world that can be copied and put back. */
#include "explore.h"
#include "../../stack/cc.h"
#include "../../stack/ip_wire.h"
#include "../../stack/tcp_state.h"

#include <assert.h>

/* --- memory: blocks of powers of two in one arena, so that a copy of it is a copy of all --- */

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while ((size_t)32 << class < size)
        class ++;
    assert(class < CLASSES);
    return class;
}

static void *allocate(void *context, size_t size)
{
    struct world *w = context;
    unsigned class = class_of(size);
    size_t block = (size_t)32 << class;
    void *at = w->unused[class];
    if (at) {
        memcpy(&w->unused[class], at, sizeof at);
    } else {
        assert(w->used + block <= ARENA_SIZE);
        at = (uint8_t *)w->arena + w->used;
        w->used += block;
    }
    w->sim.live++;
    return at;
}

static void release(void *context, void *at, size_t size)
{
    struct world *w = context;
    unsigned class = class_of(size);
    memcpy(at, &w->unused[class], sizeof at);
    w->unused[class] = at;
    w->sim.live--;
}

size_t world_size(const struct world *w)
{
    return offsetof(struct world, arena) + w->used;
}

/* --- the beginning --- */

static void settings(struct world *w, unsigned i)
{
    struct stack_config *c = &w->sim.config[i];
    bool modern = w->scenario->modern;
    stack_config_init(c);
    c->addr = IP_ADDR(10, 0, 0, 1 + i);
    c->mtu = PACKET_MAX;
    c->tcp_isn_is_fixed = true; /* the same bytes whatever the time */
    c->tcp_isn_fixed = i ? 0xfffffffe : 0x7ffffffe;
    c->tcp_timestamps = c->tcp_window_scale = c->tcp_ecn = c->tcp_autotune = false;
    c->tcp_sack = c->tcp_dsack = c->tcp_rack = c->tcp_tlp = c->tcp_frto = c->tcp_prr = modern;
    c->tcp_congestion = modern ? &cc_cubic : &cc_reno;
    c->tcp_receive_buffer = c->tcp_send_buffer = 4096;
    c->tcp_nodelay = true;
    c->memory = (struct stack_memory){allocate, release, w};
    c->observe = check_event;
    c->observe_context = &w->sim;
}

static void plan(struct world *w, unsigned i)
{
    struct flow *f = &w->sim.flow[0];
    f->end[i] = (struct end){
        .sim = &w->sim,
        .flow = f,
        .stack = (uint8_t)i,
        .pattern = (uint8_t)(7 + i),
        .client = i == 0 || w->scenario->both_open,
        .start = NEVER,
        .to_send = i ? w->scenario->b_sends : w->scenario->a_sends,
        .write_chunk = 2,
        .read_chunk = 100,
        .abort_at = UINT32_MAX,
        .leave_at = UINT32_MAX,
        .abort_time = NEVER,
        .wake = NEVER,
        .hold = true,
    };
    f->at[i] = (struct endpoint){w->sim.config[i].addr, (uint16_t)(1000 + i)};
}

static void listen_at_b(struct world *w)
{
    struct sock **s = &w->sim.listener[1][0];
    bool ok = sock_open(&w->sim.stack[1], SOCK_TCP, s) == 0 && sock_bind(*s, w->sim.flow[0].at[1]) == 0 &&
              sock_listen(*s, 2) == 0;
    assert(ok);
}

void world_begin(struct world *w, const struct scenario *scenario, bool trace)
{
    memset(w, 0, offsetof(struct world, arena));
    w->scenario = scenario;
    w->left = scenario->budget;
    w->sim.trace = trace;
    w->sim.dies = w->sim.returns = NEVER;
    w->sim.flows = 1;
    for (unsigned i = 0; i < 2; i++) {
        settings(w, i);
        plan(w, i);
        int error = stack_init(&w->sim.stack[i], &w->sim.config[i], 0);
        assert(!error);
        w->sim.up[i] = true;
    }
    w->sim.flow[0].kind = scenario->both_open ? FLOW_BOTH_OPEN : FLOW_NORMAL;
    w->sim.flow[0].gentle = !scenario->aborts && !scenario->both_open;
    if (!scenario->both_open)
        listen_at_b(w);
}

/* --- what may happen --- */

static bool wants_to_send(const struct world *w)
{
    return stack_due(&w->sim.stack[0]) == 0 || stack_due(&w->sim.stack[1]) == 0;
}

static usec next_time(const struct world *w)
{
    usec a = stack_due(&w->sim.stack[0]), b = stack_due(&w->sim.stack[1]);
    return a < b ? a : b;
}

/* Two MSL are long: whatever was on its way is gone by then (RFC 9293 3.4.2). */
static bool time_may_pass(const struct world *w)
{
    usec next = next_time(w);
    if (next == NEVER || wants_to_send(w))
        return false;
    if (w->flying == 0)
        return true;
    return w->left.late > 0 && next - w->sim.now < SEC(10);
}

static void add(struct act acts[ACTS_MAX], unsigned *n, enum act_kind kind, unsigned which)
{
    assert(*n < ACTS_MAX);
    acts[(*n)++] = (struct act){(uint8_t)kind, (uint8_t)which};
}

static void programs(const struct world *w, struct act acts[ACTS_MAX], unsigned *n)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct end *e = &w->sim.flow[0].end[i];
        if (e->client && !e->started)
            add(acts, n, ACT_OPEN, i);
        else if (e->s && e->hold)
            add(acts, n, ACT_CLOSE, i);
    }
    if (w->scenario->aborts && !w->aborted && w->sim.flow[0].end[0].s)
        add(acts, n, ACT_ABORT, 0);
}

unsigned world_acts(const struct world *w, struct act acts[ACTS_MAX])
{
    unsigned n = 0, reach = w->flying < w->scenario->reach ? w->flying : w->scenario->reach;
    for (unsigned i = 0; i < 2; i++)
        if (w->scenario->lazy && stack_due(&w->sim.stack[i]) == 0)
            add(acts, &n, ACT_OUTPUT, i);
    for (unsigned i = 0; i < reach; i++) {
        add(acts, &n, ACT_DELIVER, i);
        if (w->left.losses)
            add(acts, &n, ACT_LOSE, i);
        if (w->left.doubles)
            add(acts, &n, ACT_DOUBLE, i);
    }
    programs(w, acts, &n);
    if (time_may_pass(w))
        add(acts, &n, ACT_TIME, 0);
    return n;
}

/* --- and what follows from it --- */

static void fly(struct world *w, unsigned from, const struct frame *f)
{
    if (w->flying == WIRE_MAX) {
        fail(&w->sim, "a storm: more than %d packets are on their way", WIRE_MAX);
        return;
    }
    struct flying *p = &w->wire[w->flying++];
    memset(p, 0, sizeof *p);
    p->to = (uint8_t)(1 - from);
    p->len = (uint8_t)frame_gather(f, p->bytes, sizeof p->bytes);
    assert(p->len);
}

static void output(struct world *w, unsigned i)
{
    struct frame f;
    while (!w->sim.failure[0] && stack_output(&w->sim.stack[i], w->sim.now, &f))
        fly(w, i, &f);
}

static void serve(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sock *s;
        unsigned events;
        while ((s = stack_ready(&w->sim.stack[i], &events))) {
            struct end *e = sock_user(s);
            if (e)
                app_run(e);
            else
                app_accept(&w->sim, s);
        }
    }
}

static void take(struct world *w, unsigned i)
{
    w->flying--;
    memmove(&w->wire[i], &w->wire[i + 1], (w->flying - i) * sizeof *w->wire);
}

static void deliver(struct world *w, unsigned i, bool again)
{
    struct flying p = w->wire[i];
    if (!again)
        take(w, i);
    w->sim.heard = 0;
    stack_input(&w->sim.stack[p.to], w->sim.now, p.bytes, p.len);
}

static void close_or_abort(struct world *w, struct end *e, bool abort)
{
    e->hold = false;
    if (abort) {
        w->aborted = true;
        e->abort_time = w->sim.now;
    }
    app_run(e);
}

static void pass_time(struct world *w)
{
    w->left.late -= w->flying > 0;
    usec next = next_time(w);
    if (next > w->sim.now)
        w->sim.now = next;
    output(w, 0);
    output(w, 1);
}

void world_do(struct world *w, struct act a)
{
    w->sim.turn++;
    switch (a.kind) {
    case ACT_DELIVER:
    case ACT_DOUBLE:
        w->left.doubles -= a.kind == ACT_DOUBLE;
        deliver(w, a.which, a.kind == ACT_DOUBLE);
        break;
    case ACT_LOSE:
        w->left.losses--;
        take(w, a.which);
        break;
    case ACT_OUTPUT:
        output(w, a.which);
        break;
    case ACT_TIME:
        pass_time(w);
        break;
    case ACT_OPEN:
        app_start(&w->sim.flow[0].end[a.which]);
        break;
    default:
        close_or_abort(w, &w->sim.flow[0].end[a.which], a.kind == ACT_ABORT);
        break;
    }
    serve(w);
    for (unsigned i = 0; i < 2 && !w->scenario->lazy; i++)
        output(w, i);
    serve(w);
    check_step(&w->sim);
}

/* Nothing more can happen: both programs must have come to their end, and nothing may be left. */
void world_finish(struct world *w)
{
    struct sim *sim = &w->sim;
    for (unsigned i = 0; i < 2; i++) {
        const struct end *e = &sim->flow[0].end[i];
        bool never_came = i == 1 && !w->scenario->both_open && !e->started;
        if (!e->finished && !never_came)
            fail(sim, "deadlock: end %u waits for ever, %u written, %u read", i, e->sent, e->received);
    }
    if (sim->failure[0])
        return;
    if (sim->listener[1][0])
        sock_close(sim->listener[1][0]);
    check_end(sim);
    for (int i = 0; i < 2; i++)
        stack_free(&sim->stack[i]);
    if (sim->live)
        fail(sim, "%ld allocations are left", sim->live);
}
