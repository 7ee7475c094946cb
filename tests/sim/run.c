/* One run: whose turn it is, and what time it is. */
#include "sim.h"

#include <stdlib.h>

static void applications(struct sim *sim)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sock *s;
        unsigned events;
        while (sim->up[i] && (s = stack_ready(&sim->stack[i], &events))) {
            struct end *e = sock_user(s);
            if (e)
                app_run(e);
            else
                app_accept(sim, s);
        }
    }
    for (unsigned i = 0; i < 2 * sim->flows; i++) {
        struct end *e = &sim->flow[i / 2].end[i % 2];
        if (e->client && !e->started && e->start <= sim->now)
            app_start(e);
        else if (e->wake <= sim->now)
            app_run(e);
    }
}

/* All that wants to leave now; a stack that never stops sending is a storm. */
static void transmit(struct sim *sim)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned burst = 0;
        struct frame f;
        if (chance(sim, sim->watched))
            stack_set_device_segments(&sim->stack[i], one_in(sim, 2) ? sim->config[i].device_segments : 0);
        for (; sim->up[i] && stack_output(&sim->stack[i], sim->now, &f); burst++) {
            static uint8_t bytes[65536];
            size_t len = frame_gather(&f, bytes, sizeof bytes);
            offload_cut(sim, i, bytes, len, &f.offload);
            if (burst > 20000) {
                fail(sim, "%c does not stop sending", "AB"[i]);
                return;
            }
        }
    }
}

static uint64_t drops(const struct stack *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < DROP_COUNT; i++)
        sum += s->core.dropped[i];
    return sum;
}

static void receive(struct sim *sim)
{
    struct packet p;
    while (!sim->failure[0] && link_take(sim, &p)) {
        struct stack *s = &sim->stack[p.to];
        uint64_t before = drops(s);
        sim->turn++;
        sim->steps++;
        sim->hearing_damage = p.damaged;
        sim->heard = 0;
        const struct offload how = offload_merge(sim, &p);
        if (sim->up[p.to])
            stack_input_offloaded(s, sim->now, p.bytes, p.len, &how);
        if (p.damaged && sim->up[p.to] && drops(s) == before)
            fail(sim, "a damaged packet was not dropped");
        sim->hearing_damage = false;
        free(p.bytes);
    }
}

static void power(struct sim *sim)
{
    if (sim->deadline == NEVER)
        return; /* all is over */
    if (sim->up[1] && sim->now >= sim->dies) {
        sim->dies = NEVER;
        app_power_off(sim, 1);
        stack_free(&sim->stack[1]);
        sim->up[1] = false;
    }
    if (!sim->up[1] && sim->now >= sim->returns) {
        sim->returns = NEVER;
        if (setup_power_on(sim, 1))
            setup_listeners(sim, 1);
    }
}

static void shrink_path(struct sim *sim)
{
    for (int i = 0; i < 2; i++) {
        sim->link[i].mtu = sim->small_mtu;
        sim->link[i].icmp = sim->small_icmp;
    }
    sim->shrinks = NEVER;
}

static bool all_finished(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->flows; i++) {
        const struct flow *f = &sim->flow[i];
        bool never_accepted = f->kind == FLOW_NORMAL && !f->accepted && f->end[0].finished && !f->gentle;
        if (!f->end[0].finished || (!f->end[1].finished && !never_accepted && f->kind != FLOW_REFUSED))
            return false;
    }
    return true;
}

static void close_listeners(struct sim *sim)
{
    for (int i = 0; i < 4; i++) {
        struct sock **s = &sim->listener[i / 2][i % 2];
        if (*s && sim->up[i / 2])
            sock_close(*s);
        *s = NULL;
    }
}

/* What the calendar says: faults that begin and end, and the end of all patience. */
static void calendar(struct sim *sim)
{
    power(sim);
    if (sim->now >= sim->shrinks)
        shrink_path(sim);
    if (sim->now >= sim->heal) {
        link_heal(sim);
        sim->heal = NEVER;
    }
    if (sim->now >= sim->deadline) {
        app_deadline(sim);
        close_listeners(sim);
        sim->deadline = NEVER;
    } else if (sim->deadline != NEVER && sim->returns == NEVER && all_finished(sim)) {
        close_listeners(sim);
        sim->deadline = NEVER;
    }
}

static void sooner(usec *next, usec when)
{
    if (when < *next)
        *next = when;
}

static usec next_event(const struct sim *sim)
{
    usec next = link_due(sim);
    if (next != NEVER && sim->batch)
        next = (next + sim->batch - 1) / sim->batch * sim->batch;
    for (unsigned i = 0; i < 2; i++)
        if (sim->up[i])
            sooner(&next, stack_due(&sim->stack[i]));
    for (unsigned i = 0; i < 2 * sim->flows; i++) {
        const struct end *e = &sim->flow[i / 2].end[i % 2];
        sooner(&next, e->client && !e->started ? e->start : e->wake);
    }
    if (sim->deadline == NEVER)
        return next;
    sooner(&next, sim->deadline);
    sooner(&next, sim->heal);
    sooner(&next, sim->up[1] ? sim->dies : sim->returns);
    sooner(&next, sim->shrinks);
    return next;
}

static bool step(struct sim *sim)
{
    sim->turn++;
    transmit(sim); /* first: a verb tells the stack what time it is, socket calls do not */
    calendar(sim);
    applications(sim);
    transmit(sim);
    check_step(sim);
    usec next = next_event(sim);
    if (next == NEVER || sim->failure[0])
        return false;
    if (next > sim->now)
        sim->now = next;
    receive(sim);
    if (++sim->steps > SIM_EVENTS)
        fail(sim, "a storm: more than %d steps", SIM_EVENTS);
    if (sim->deadline == NEVER && sim->now > SEC(20000))
        fail(sim, "it does not come to an end");
    return !sim->failure[0];
}

bool run(struct sim *sim, uint64_t seed, bool trace)
{
    sim->trace = trace;
    setup(sim, seed);
    while (step(sim))
        ;
    if (!sim->failure[0])
        check_end(sim);
    for (unsigned i = 0; i < 2 * sim->flows; i++)
        sim->bytes += sim->flow[i / 2].end[i % 2].received;
    for (int i = 0; i < 2; i++)
        if (sim->up[i])
            stack_free(&sim->stack[i]);
    if (sim->live != 0)
        fail(sim, "%ld allocations are left", sim->live);
    link_free(sim);
    return !sim->failure[0];
}
