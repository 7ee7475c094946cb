/* A random world from a seed: settings of both stacks, faults of the wire, what the programs plan. */
#include "sim.h"
#include "../../stack/cc.h"
#include "../../stack/ip_wire.h"

#include <assert.h>
#include <stdlib.h>

/* Each allocation remembers its size: a release with another one is a bug that a counter would only show
 * later. */
static void *allocate(void *context, size_t size)
{
    struct sim *sim = context;
    max_align_t *at = malloc(sizeof *at + size);
    if (!at)
        return NULL;
    memcpy(at, &size, sizeof size);
    sim->live++;
    return at + 1;
}

static void release(void *context, void *at, size_t size)
{
    struct sim *sim = context;
    max_align_t *block = (max_align_t *)at - 1;
    size_t real;
    memcpy(&real, block, sizeof real);
    if (real != size)
        fail(sim, "%zu bytes were allocated and %zu are released", real, size);
    sim->live--;
    free(block);
}

static uint32_t pick(struct sim *sim, const uint32_t *from, uint32_t n)
{
    return from[below(sim, n)];
}

#define PICK(sim, ...)                                                                                       \
    pick(sim, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Everything that a lesson could switch off. */
static void switches(struct sim *sim, struct stack_config *c)
{
    bool *all[] = {&c->tcp_window_scale, &c->tcp_timestamps,
                   &c->tcp_sack,         &c->tcp_dsack,
                   &c->tcp_rack,         &c->tcp_tlp,
                   &c->tcp_frto,         &c->tcp_prr,
                   &c->tcp_ecn,          &c->tcp_limited_transmit,
                   &c->tcp_syn_cookies,  &c->tcp_idle_restart,
                   &c->tcp_autotune,     &c->tcp_path_mtu_probe};
    bool as_shipped = one_in(sim, 4);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!as_shipped)
            *all[i] = !one_in(sim, 3);
    c->tcp_nodelay = one_in(sim, 3);
    c->tcp_congestion = one_in(sim, 2) ? &cc_reno : &cc_cubic;
}

static void sizes(struct sim *sim, struct stack_config *c)
{
    c->mtu = (uint16_t)PICK(sim, 1500, 1500, 1500, 1500, 576, 296, 128, 1280, 4000, 9000);
    c->tcp_receive_buffer = PICK(sim, 65536, 65536, 16384, 4096, 1000, 200000);
    c->tcp_send_buffer = PICK(sim, 262144, 65536, 8192, 3000);
    c->tcp_receive_buffer_max = PICK(sim, 4u << 20, 262144, 65536);
    c->tcp_send_buffer_max = PICK(sim, 4u << 20, 262144, 65536);
    if (c->tcp_receive_buffer_max < c->tcp_receive_buffer)
        c->tcp_receive_buffer_max = c->tcp_receive_buffer;
    c->tcp_initial_window = PICK(sim, 0, 0, 0, 1460, 4380);
    c->device_sums = one_in(sim, 2);
    c->device_segments = c->device_sums && !one_in(sim, 4) ? PICK(sim, 65535, 65535, 20000, 5000) : 0;
}

static void times(struct sim *sim, struct stack_config *c)
{
    c->tcp_delayed_ack = MSEC(PICK(sim, 40, 40, 0, 10, sim->fault_free ? 40 : 200));
    /* RFC 6298 2.4's own minimum where no time-out may be needless: 200 ms and a delayed ACK can be a close
     * race */
    c->tcp_rto_min = MSEC(sim->fault_free ? 1000 : PICK(sim, 200, 200, 1000));
    c->tcp_rto_initial = MSEC(PICK(sim, 1000, 1000, 3000));
    c->tcp_msl = SEC(PICK(sim, 30, 30, 10, 120));
    c->tcp_fin_wait_2 = SEC(PICK(sim, 60, 10));
    c->tcp_keepalive_idle = SEC(PICK(sim, 7200, 5, 30));
    c->tcp_keepalive_interval = SEC(PICK(sim, 75, 10));
    c->tcp_user_timeout = one_in(sim, 20) ? SEC(between(sim, 1, 30)) : 0;
}

static void settings(struct sim *sim, unsigned i)
{
    struct stack_config *c = &sim->config[i];
    stack_config_init(c);
    c->addr = IP_ADDR(10, 0, 0, 1 + i);
    switches(sim, c);
    sizes(sim, c);
    times(sim, c);
    c->tcp_timewait_max = PICK(sim, TCP_TIMEWAIT_MAX, TCP_TIMEWAIT_MAX, 1);
    c->tcp_isn_is_fixed = sim->dies == NEVER && one_in(sim, 3);
    c->tcp_isn_fixed = -between(sim, 0, 100000);
    c->tcp_awake_max = (const uint32_t[]){TCP_AWAKE_MAX, 0, 1}[sim->seed % 3];
    c->memory = (struct stack_memory){allocate, release, sim};
    c->observe = check_event;
    c->observe_context = sim;
}

bool setup_power_on(struct sim *sim, unsigned i)
{
    struct stack_config *c = &sim->config[i];
    for (int k = 0; k < 16; k++)
        c->key[k] = (uint8_t)dice(sim);
    memset(sim->track[i], 0, sizeof sim->track[i]);
    int error = stack_init(&sim->stack[i], c, sim->now);
    sim->up[i] = error == 0;
    if (error)
        fail(sim, "stack_init: %d", error);
    return error == 0;
}

void setup_listeners(struct sim *sim, unsigned i)
{
    for (uint16_t k = 0; k < 2; k++) {
        struct sock **s = &sim->listener[i][k];
        struct endpoint at = {sim->config[i].addr, (uint16_t)(SIM_SERVER + k)};
        if (sock_open(&sim->stack[i], SOCK_TCP, s) != 0 || sock_bind(*s, at) != 0 ||
            sock_listen(*s, (int)PICK(sim, 1, 2, 8)) != 0)
            fail(sim, "no listener");
    }
}

/* --- the wire --- */

static void bursts(struct sim *sim, struct link *l)
{
    l->bad_loss = between(sim, 300000, 1000000);
    l->to_bad = between(sim, 1000, 30000);
    l->to_good = between(sim, 50000, 300000);
}

static void bottleneck(struct sim *sim, struct link *l)
{
    l->rate = PICK(sim, 12500, 125000, 1250000, 12500000);
    l->queue = 9000 + PICK(sim, 3000, 10000, 30000, 100000);
    if (one_in(sim, 2))
        l->mark = l->queue / 3;
}

static void faults(struct sim *sim, struct link *l)
{
    if (one_in(sim, 2))
        l->loss = l->bad_loss = PICK(sim, 1000, 10000, 30000, 100000, 250000);
    if (one_in(sim, 4))
        bursts(sim, l);
    if (one_in(sim, 3))
        l->reorder = PICK(sim, 1000, 20000, 200000);
    l->reorder_by = MSEC(between(sim, 1, 300));
    if (one_in(sim, 3))
        l->jitter = MSEC(PICK(sim, 1, 10, 100));
    if (one_in(sim, 3))
        l->duplicate = PICK(sim, 1000, 20000, 200000);
    if (one_in(sim, 3))
        l->corrupt = PICK(sim, 1000, 20000, 100000);
    if (one_in(sim, 4))
        l->truncate = PICK(sim, 1000, 20000);
    if (one_in(sim, 3))
        bottleneck(sim, l);
}

static void wire(struct sim *sim)
{
    usec delay = PICK(sim, 50, 1000, 10000, 50000, 200000);
    for (int i = 0; i < 2; i++) {
        sim->link[i].delay = one_in(sim, 8) ? (usec)PICK(sim, 0, 1000, 150000) : delay;
        if (!sim->fault_free)
            faults(sim, &sim->link[i]);
        sim->link[i].merge = one_in(sim, 2) ? 0 : PICK(sim, 1000000, 500000, 900000);
        sim->link[i].soft = one_in(sim, 2);
    }
    sim->watched = one_in(sim, 4) ? PICK(sim, 10000, 500000) : 0;
    sim->heal = SEC(between(sim, 2, 40));
    sim->deadline = SEC(1000);
    sim->batch = one_in(sim, 3) ? (usec)PICK(sim, 100, 1000, 8000) : 0;
    sim->shrinks = NEVER;
    if (!sim->fault_free && one_in(sim, 8)) {
        sim->shrinks = MSEC(between(sim, 0, 3000));
        sim->small_mtu = (uint16_t)PICK(sim, 1400, 1006, 576);
        sim->small_icmp = one_in(sim, 2);
    }
}

/* --- the plans --- */

/* About how much a flow may move: a small window over a long path takes its time. */
static uint32_t amount(struct sim *sim, unsigned from)
{
    const struct stack_config *a = &sim->config[from], *b = &sim->config[1 - from];
    uint32_t window = a->tcp_send_buffer < b->tcp_receive_buffer ? a->tcp_send_buffer : b->tcp_receive_buffer;
    uint32_t mtu = a->mtu < b->mtu ? a->mtu : b->mtu, most = PICK(sim, 0, 1, 100, 3000, 3000, 20000, 100000);
    uint32_t bound = 30 * window < 100 * mtu ? 30 * window : 100 * mtu;
    return between(sim, 0, most < bound ? most : bound);
}

static void unfriendly(struct sim *sim, struct end *e)
{
    uint32_t when = between(sim, 0, 2 * e->to_send + 2000);
    switch (below(sim, 5)) {
    case 0:
        e->abort_at = when;
        break;
    case 1:
        e->leave_at = when;
        e->linger = one_in(sim, 4);
        break;
    case 2:
    case 3:
        e->abort_time = e->start + (usec)below(sim, 1u << between(sim, 8, 24));
        break;
    default:
        e->shut_read = true;
        break;
    }
    e->flow->gentle = false;
    sim->plain = false; /* who is gone without a word is asked again */
}

static void plan(struct sim *sim, struct end *e, unsigned stack, usec start)
{
    e->sim = sim;
    e->stack = (uint8_t)stack;
    e->pattern = (uint8_t)dice(sim);
    e->start = start;
    e->wake = e->abort_time = NEVER;
    e->to_send = amount(sim, stack);
    e->write_chunk = PICK(sim, 1, 100, 1000, 4096, 4096);
    if (e->to_send > 2000 && e->write_chunk < 100)
        e->write_chunk = 100;
    e->read_chunk = PICK(sim, 100, 1000, 8192, 8192);
    e->abort_at = e->leave_at = UINT32_MAX;
    if (one_in(sim, 5) && e->to_send / e->write_chunk < 100)
        e->think = MSEC(between(sim, 1, 300));
    if (one_in(sim, 5)) {
        e->stall_at = below(sim, 3000);
        e->stall_for = MSEC(between(sim, 10, 20000));
        sim->plain = false; /* a closed window makes probes */
    }
    e->urgent = one_in(sim, 6);
    e->keepalive = one_in(sim, 4);
    e->cork = one_in(sim, 8);
    if (one_in(sim, 6))
        unfriendly(sim, e);
}

static bool loses(const struct link *l)
{
    return l->loss || l->bad_loss || l->corrupt || l->truncate;
}

/* A path that swallows large segments is found out by time-outs alone: too slowly if others have gone before.
 */
static bool black_hole_wins(const struct sim *sim)
{
    bool black_hole = sim->shrinks != NEVER && !sim->small_icmp;
    bool probes = sim->config[0].tcp_path_mtu_probe && sim->config[1].tcp_path_mtu_probe;
    return black_hole && (!probes || loses(&sim->link[0]) || loses(&sim->link[1]));
}

/* Whether something in this world could excuse that a conversation fails. */
static bool excuses(const struct sim *sim)
{
    return sim->config[0].tcp_user_timeout || sim->config[1].tcp_user_timeout || sim->dies != NEVER ||
           black_hole_wins(sim);
}

static void conversation(struct sim *sim, struct flow *f, uint16_t i)
{
    unsigned client = below(sim, 2);
    usec start = MSEC(one_in(sim, 2) ? 0 : below(sim, 5000)), apart = 0;
    f->kind = one_in(sim, 5) ? FLOW_BOTH_OPEN : one_in(sim, 16) ? FLOW_REFUSED : FLOW_NORMAL;
    f->gentle = !excuses(sim) && f->kind != FLOW_REFUSED;
    if (f->kind == FLOW_BOTH_OPEN)
        apart = (usec)below(sim, (uint32_t)sim->link[0].delay + 1);
    for (unsigned k = 0; k < 2; k++) {
        struct end *e = &f->end[k];
        e->flow = f;
        plan(sim, e, k ? 1 - client : client, start + (k ? apart : 0));
        e->client = k == 0 || f->kind == FLOW_BOTH_OPEN;
        f->at[k].addr = sim->config[e->stack].addr;
    }
    f->end[between(sim, 0, 1)].close_last = one_in(sim, 3);
    if (f->end[0].close_last && f->end[0].to_send == 0)
        f->end[0].to_send = 1; /* who says nothing cannot tell a lost SYN cookie's ACK, RFC 4987 3.6 */
    if (f->kind != FLOW_NORMAL)
        sim->plain = false;
    if (f->kind == FLOW_BOTH_OPEN) {
        f->at[0].port = (uint16_t)(1000 + i);
        f->at[1].port = (uint16_t)(2000 + i);
        f->end[0].listens_first = one_in(sim, 4);
        return;
    }
    f->at[1].port = (uint16_t)(f->kind == FLOW_REFUSED ? 7 : SIM_SERVER + below(sim, 2));
}

void setup(struct sim *sim, uint64_t seed)
{
    sim->seed = seed;
    sim->dice = (seed + 1) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 8; i++)
        dice(sim);
    sim->fault_free = one_in(sim, 10);
    sim->plain = true;
    sim->dies = sim->returns = NEVER;
    if (!sim->fault_free && one_in(sim, 10)) {
        sim->dies = MSEC(between(sim, 0, 4000));
        sim->returns = one_in(sim, 4) ? NEVER : sim->dies + SEC(between(sim, 1, 20));
    }
    wire(sim);
    for (unsigned i = 0; i < 2; i++)
        settings(sim, i);
    sim->flows = one_in(sim, 2) ? 1 : between(sim, 1, SIM_FLOWS);
    for (unsigned i = 0; i < sim->flows; i++)
        conversation(sim, &sim->flow[i], (uint16_t)i);
    for (unsigned i = 0; i < 2; i++)
        if (setup_power_on(sim, i))
            setup_listeners(sim, i);
}
