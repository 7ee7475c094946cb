/* What every layer of one stack shares. */
#include "core.h"

#include <assert.h>
#include <string.h>

void core_init(struct core *core, const struct stack_config *config, usec now)
{
    *core = (struct core){.config = *config, .now = now};
    wheel_init(&core->wheel, now);
}

void *core_alloc(struct core *core, size_t size)
{
    const struct stack_memory *m = &core->config.memory;
    if (size > core->config.memory_limit - core->memory_used)
        return NULL;
    void *at = m->allocate(m->context, size);
    if (!at)
        return NULL;
    core->memory_used += size;
    return memset(at, 0, size);
}

void core_free(struct core *core, void *at, size_t size)
{
    if (!at)
        return;
    assert(core->memory_used >= size);
    core->memory_used -= size;
    core->config.memory.release(core->config.memory.context, at, size);
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
