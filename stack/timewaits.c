/* Blocks of TIME-WAIT records and the table that finds them. Called by tcp_timewait.c. */
#include "timewaits.h"

#include <assert.h>

#define LOAD 2 /* records a slot of the table, at most on average */

static_assert(sizeof(struct tcp_timewait) + LOAD * sizeof(uint32_t) <= 64,
              "a TIME-WAIT record costs at most 64 bytes, its share of the tables included");

static struct tcp_timewait *at(const struct timewaits *all, uint32_t number)
{
    return number ? &all->block[(number - 1) / TIMEWAIT_BLOCK][(number - 1) % TIMEWAIT_BLOCK] : NULL;
}

/* --- numbers --- */

static bool grow_blocks(struct timewaits *all, struct core *core)
{
    uint32_t blocks = all->blocks ? 2 * all->blocks : 4;
    struct tcp_timewait **block = core_alloc(core, blocks * sizeof *block);
    if (!block)
        return false;
    if (all->blocks)
        memcpy(block, all->block, all->blocks * sizeof *block);
    core_free(core, all->block, all->blocks * sizeof *block);
    all->block = block;
    all->blocks = blocks;
    return true;
}

static bool add_block(struct timewaits *all, struct core *core)
{
    uint32_t which = all->used / TIMEWAIT_BLOCK;
    if (which == all->blocks && !grow_blocks(all, core))
        return false;
    all->block[which] = core_alloc(core, TIMEWAIT_BLOCK * sizeof(struct tcp_timewait));
    return all->block[which] != NULL;
}

/* 0 without memory. */
static uint32_t take_number(struct timewaits *all, struct core *core)
{
    uint32_t number = all->spare;
    if (number) {
        all->spare = at(all, number)->next;
        return number;
    }
    if (all->used % TIMEWAIT_BLOCK == 0 && !add_block(all, core))
        return 0;
    return ++all->used;
}

static void free_all(struct timewaits *all, struct core *core)
{
    for (uint32_t i = 0; i < all->used; i += TIMEWAIT_BLOCK)
        core_free(core, all->block[i / TIMEWAIT_BLOCK], TIMEWAIT_BLOCK * sizeof(struct tcp_timewait));
    core_free(core, all->block, all->blocks * sizeof *all->block);
    core_free(core, all->slot, all->slots * sizeof *all->slot);
    *all = (struct timewaits){0};
}

/* --- the table --- */

static uint32_t *slot_of(const struct timewaits *all, uint32_t hash)
{
    return &all->slot[hash & (all->slots - 1)];
}

static void link_slot(struct timewaits *all, uint32_t number)
{
    struct tcp_timewait *tw = at(all, number);
    uint32_t *first = slot_of(all, tw->hash);
    tw->next = *first;
    *first = number;
}

/* Its number, which only its slot knows. */
static uint32_t unlink_slot(struct timewaits *all, const struct tcp_timewait *tw)
{
    uint32_t *link = slot_of(all, tw->hash);
    while (at(all, *link) != tw)
        link = &at(all, *link)->next;
    uint32_t number = *link;
    *link = tw->next;
    return number;
}

/* False without memory for the first slots; later, longer chains cost time and nothing else. */
static bool widen(struct timewaits *all, struct core *core)
{
    uint32_t slots = all->slots ? 2 * all->slots : TIMEWAIT_BLOCK / LOAD;
    uint32_t *slot = core_alloc(core, slots * sizeof *slot);
    if (!slot)
        return all->slots > 0;
    core_free(core, all->slot, all->slots * sizeof *all->slot);
    all->slot = slot;
    all->slots = slots;
    for (uint32_t n = all->oldest; n; n = at(all, n)->newer)
        link_slot(all, n);
    return true;
}

struct tcp_timewait *timewaits_hashed(const struct timewaits *all, uint32_t hash,
                                      const struct tcp_timewait *tw)
{
    if (!tw && !all->slots)
        return NULL;
    struct tcp_timewait *next = at(all, tw ? tw->next : *slot_of(all, hash));
    while (next && next->hash != hash)
        next = at(all, next->next);
    return next;
}

/* --- age --- */

static void link_age(struct timewaits *all, uint32_t number)
{
    struct tcp_timewait *tw = at(all, number), *before = at(all, all->newest);
    tw->older = all->newest;
    tw->newer = 0;
    *(before ? &before->newer : &all->oldest) = number;
    all->newest = number;
}

static void unlink_age(struct timewaits *all, const struct tcp_timewait *tw)
{
    struct tcp_timewait *older = at(all, tw->older), *newer = at(all, tw->newer);
    *(older ? &older->newer : &all->oldest) = tw->newer;
    *(newer ? &newer->older : &all->newest) = tw->older;
}

struct tcp_timewait *timewaits_by_age(const struct timewaits *all, const struct tcp_timewait *tw)
{
    return at(all, tw ? tw->newer : all->oldest);
}

/* --- records --- */

struct tcp_timewait *timewaits_add(struct timewaits *all, struct core *core, uint32_t hash)
{
    bool room = all->count < LOAD * all->slots || widen(all, core);
    uint32_t number = room ? take_number(all, core) : 0;
    if (!number) {
        if (all->count == 0)
            free_all(all, core);
        return NULL;
    }
    struct tcp_timewait *tw = at(all, number);
    *tw = (struct tcp_timewait){.hash = hash};
    link_slot(all, number);
    link_age(all, number);
    all->count++;
    return tw;
}

void timewaits_remove(struct timewaits *all, struct core *core, struct tcp_timewait *tw)
{
    uint32_t number = unlink_slot(all, tw);
    unlink_age(all, tw);
    tw->next = all->spare;
    all->spare = number;
    if (--all->count == 0)
        free_all(all, core);
}

void timewaits_renew(struct timewaits *all, struct tcp_timewait *tw)
{
    uint32_t number = unlink_slot(all, tw);
    unlink_age(all, tw);
    link_slot(all, number);
    link_age(all, number);
}
