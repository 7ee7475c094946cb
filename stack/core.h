/* What every layer of one stack shares: its settings, its time, its memory, its counters, its observer.
 * No layer knows another through this. */
#ifndef GLASS_CORE_H
#define GLASS_CORE_H

#include "config.h"
#include "event.h"
#include "siphash.h"
#include "timer.h"

/* Storage of rings that is not in use, by size: the next ring to fill takes it, still warm in the cache. */
#define BLOCK_MIN     TCP_RING_MIN   /* bytes; each size is twice the one before */
#define BLOCK_SIZES   12
#define BLOCK_SPARE   (128u << 10) /* bytes kept of each size; of a larger one, one block */
#define BLOCK_IDLE    SEC(1)       /* after so long without use all are given back */

struct spare_block {
    struct spare_block *next;
};

struct core {
    struct stack_config config;
    usec now; /* the time its caller gave with the verb at work */
    struct wheel wheel;
    uint64_t counter[COUNTER_COUNT];
    uint64_t dropped[DROP_COUNT];
    size_t memory_used; /* bytes, spare ones included */
    struct spare_block *spare[BLOCK_SIZES];
    uint16_t spare_count[BLOCK_SIZES];
    uint16_t spare_orders; /* a bit for each size of which there are any */
    struct timer spare_timer; /* when those that nobody took meanwhile are given back */
    bool spare_taken;
    uint64_t random_count;
};

void core_init(struct core *core, const struct stack_config *config, usec now);

/* Memory from the configured hooks, within config.memory_limit. NULL when there is none; zeroed otherwise. */
void *core_alloc(struct core *core, size_t size);
void core_free(struct core *core, void *at, size_t size); /* NULL is allowed */

/* A block for a ring, its contents undefined: at least `least` bytes, and a spare one of up to `most` if there is one.
 * *size: what it is, a power of two. NULL when there is no memory. */
uint8_t *core_take_block(struct core *core, uint32_t least, uint32_t most, uint32_t *size);
void core_give_block(struct core *core, uint8_t *block, uint32_t size); /* NULL is allowed */
void core_free_spares(struct core *core);
void core_spare_timer(struct core *core); /* it expired */

/* Unpredictable to whoever lacks the key: SipHash of a counter. */
uint64_t core_random(struct core *core);

static inline void core_count(struct core *core, enum counter which)
{
    core->counter[which]++;
}

/* Whether anybody watches: ask before building an event. */
static inline bool core_observed(const struct core *core)
{
    return core->config.observe != NULL;
}

/* Hands an event to the observer, with the time filled in. */
void core_emit(struct core *core, struct event *event);

/* Counts and reports a dropped packet (NULL when it is gone already). One breakpoint here explains why nothing
 * happened. */
void core_drop(struct core *core, enum drop why, const uint8_t *packet, size_t len);

/* The same with what is known besides: `e` comes with whose it was, and perhaps with a more exact rule than the
 * reason's own. */
void core_drop_event(struct core *core, struct event *e, enum drop why, const uint8_t *packet, size_t len);

/* A limit of `per_second` with bursts of up to `burst`: a token bucket (RFC 1812 4.3.2.8, RFC 5961 7). */
struct rate_limit {
    usec last;
    uint32_t tokens; /* in thousandths */
    bool started;
};

bool rate_allow(struct rate_limit *limit, usec now, uint32_t per_second, uint32_t burst);

#endif
