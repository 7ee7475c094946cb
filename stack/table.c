/* Hash tables: chains of the callers' own nodes. */
#include "table.h"

#include <assert.h>

#define TABLE_FIRST_SLOTS 16

/* Doubles the slots; a failure is no error, the chains only grow longer. */
static void table_grow(struct table *t, struct core *core)
{
    uint32_t count = t->slots_count ? t->slots_count * 2 : TABLE_FIRST_SLOTS;
    struct table_node **slots = core_alloc(core, count * sizeof *slots);
    if (!slots)
        return;
    for (uint32_t i = 0; i < t->slots_count; i++) {
        for (struct table_node *n = t->slots[i], *next; n; n = next) {
            next = n->next;
            n->next = slots[n->hash & (count - 1)];
            slots[n->hash & (count - 1)] = n;
        }
    }
    core_free(core, t->slots, t->slots_count * sizeof *t->slots);
    t->slots = slots;
    t->slots_count = count;
}

bool table_insert(struct table *t, struct core *core, struct table_node *node, uint32_t hash)
{
    if (t->count >= t->slots_count)
        table_grow(t, core);
    if (!t->slots)
        return false;
    struct table_node **slot = &t->slots[hash & (t->slots_count - 1)];
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    t->count++;
    return true;
}

void table_remove(struct table *t, struct table_node *node)
{
    struct table_node **at = &t->slots[node->hash & (t->slots_count - 1)];
    while (*at != node) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    t->count--;
}

void table_free(struct table *t, struct core *core)
{
    assert(t->count == 0);
    core_free(core, t->slots, t->slots_count * sizeof *t->slots);
    *t = (struct table){0};
}

static struct table_node *with_hash(struct table_node *n, uint32_t hash)
{
    while (n && n->hash != hash)
        n = n->next;
    return n;
}

struct table_node *table_first(const struct table *t, uint32_t hash)
{
    return t->slots ? with_hash(t->slots[hash & (t->slots_count - 1)], hash) : NULL;
}

struct table_node *table_next(const struct table_node *node, uint32_t hash)
{
    return with_hash(node->next, hash);
}

struct table_node *table_walk(const struct table *t, const struct table_node *node)
{
    if (node && node->next)
        return node->next;
    uint32_t i = node ? (node->hash & (t->slots_count - 1)) + 1 : 0;
    for (; i < t->slots_count; i++)
        if (t->slots[i])
            return t->slots[i];
    return NULL;
}
