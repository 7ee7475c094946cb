/* What every layer of one stack shares. */
#include "core.h"

#include <assert.h>
#include <string.h>

void core_init(struct core *core, const struct stack_config *config, usec now)
{
    *core = (struct core){.config = *config, .now = now};
    wheel_init(&core->wheel, now);
}

static void *take(struct core *core, size_t size)
{
    const struct stack_memory *m = &core->config.memory;
    if (size > core->config.memory_limit - core->memory_used)
        core_free_spares(core);
    if (size > core->config.memory_limit - core->memory_used)
        return NULL;
    void *at = m->allocate(m->context, size);
    if (at)
        core->memory_used += size;
    return at;
}

void *core_alloc(struct core *core, size_t size)
{
    void *at = take(core, size);
    return at ? memset(at, 0, size) : NULL;
}

void core_free(struct core *core, void *at, size_t size)
{
    if (!at)
        return;
    assert(core->memory_used >= size);
    core->memory_used -= size;
    core->config.memory.release(core->config.memory.context, at, size);
}

/* BLOCK_MIN << order is the smallest size that holds so much. */
static unsigned block_order(uint32_t size)
{
    uint32_t units = (size - 1) / BLOCK_MIN;
    return units ? 32u - (unsigned)__builtin_clz(units) : 0;
}

static uint8_t *take_spare(struct core *core, unsigned order, uint32_t *size)
{
    struct spare_block *b = core->spare[order];
    core->spare_taken = true;
    core->spare[order] = b->next;
    if (!b->next)
        core->spare_orders &= (uint16_t) ~(1u << order);
    core->spare_count[order]--;
    *size = (uint32_t)BLOCK_MIN << order;
    return (uint8_t *)b;
}

/* The largest first: a ring that fills need not grow, and copy what it holds, on its way. */
uint8_t *core_take_block(struct core *core, uint32_t least, uint32_t most, uint32_t *size)
{
    unsigned order = block_order(least), largest = most > least ? block_order(most) : order;
    if (largest > order && (uint32_t)BLOCK_MIN << largest > most)
        largest--;
    uint32_t fitting = (uint32_t)core->spare_orders >> order << order & ((2u << largest) - 1);
    if (fitting)
        return take_spare(core, 31u - (unsigned)__builtin_clz(fitting), size);
    *size = (uint32_t)BLOCK_MIN << order;
    return take(core, *size);
}

void core_give_block(struct core *core, uint8_t *block, uint32_t size)
{
    unsigned order = block ? block_order(size) : BLOCK_SIZES;
    if (order >= BLOCK_SIZES ||
        (core->spare_count[order] > 0 && (core->spare_count[order] + 1u) * size > BLOCK_SPARE)) {
        core_free(core, block, size);
        return;
    }
    struct spare_block *b = (struct spare_block *)block;
    b->next = core->spare[order];
    core->spare[order] = b;
    core->spare_count[order]++;
    core->spare_orders |= (uint16_t)(1u << order);
    if (!timer_running(&core->spare_timer))
        timer_start(&core->wheel, &core->spare_timer, core->now + BLOCK_IDLE);
}

void core_spare_timer(struct core *core)
{
    if (!core->spare_taken)
        core_free_spares(core);
    else
        timer_start(&core->wheel, &core->spare_timer, core->now + BLOCK_IDLE);
    core->spare_taken = false;
}

void core_free_spares(struct core *core)
{
    for (unsigned order = 0; order < BLOCK_SIZES; order++)
        while (core->spare[order]) {
            uint32_t size;
            uint8_t *block = take_spare(core, order, &size);
            core_free(core, block, size);
        }
}

uint64_t core_random(struct core *core)
{
    uint64_t block[2] = {core->random_count++, 0x676c617373726e64};
    return siphash64(core->config.key, block, sizeof block);
}

void core_emit(struct core *core, struct event *event)
{
    if (!core->config.observe)
        return;
    event->time = core->now;
    core->config.observe(core->config.observe_context, event);
}

void core_drop(struct core *core, enum drop why, const uint8_t *packet, size_t len)
{
    struct event e = {0};
    core_drop_event(core, &e, why, packet, len);
}

void core_drop_event(struct core *core, struct event *e, enum drop why, const uint8_t *packet, size_t len)
{
    core->dropped[why]++;
    if (!core_observed(core))
        return;
    e->kind = EVENT_DROP;
    if (e->rule == RULE_NONE)
        e->rule = drop_rule(why);
    e->u.drop.why = why;
    e->u.drop.packet = packet;
    e->u.drop.len = len;
    core_emit(core, e);
}

bool rate_allow(struct rate_limit *limit, usec now, uint32_t per_second, uint32_t burst)
{
    const uint32_t token = 1000, full = burst * token;
    if (!limit->started) {
        limit->started = true;
        limit->tokens = full;
        limit->last = now;
    }
    /* per_second tokens in a second are per_second thousandths in a millisecond. */
    usec passed = (now - limit->last) / 1000;
    usec gained = passed < SEC(1) ? passed * per_second : full;
    limit->last += passed * 1000;
    limit->tokens = gained > full - limit->tokens ? full : limit->tokens + (uint32_t)gained;
    if (limit->tokens < token)
        return false;
    limit->tokens -= token;
    return true;
}
