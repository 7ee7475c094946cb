/* A hash table of objects that carry their own node: O(1), grows by doubling, allocates only its slots.
 *
 * The caller hashes (SipHash with the stack's key, so that nobody can aim for one slot) and compares. */
#ifndef GLASS_TABLE_H
#define GLASS_TABLE_H

#include "core.h"

struct table_node {
    struct table_node *next;
    uint32_t hash;
};

struct table {
    struct table_node **slots;
    uint32_t slots_count; /* a power of two, or 0 before the first insert */
    uint32_t count;
};

/* False when memory for the first slots is missing; a table that cannot grow keeps working, only slower. */
bool table_insert(struct table *t, struct core *core, struct table_node *node, uint32_t hash);
void table_remove(struct table *t, struct table_node *node);
void table_free(struct table *t, struct core *core);

/* The first node whose hash this may be; table_next goes on from it. NULL at the end. */
struct table_node *table_first(const struct table *t, uint32_t hash);
struct table_node *table_next(const struct table_node *node, uint32_t hash);

/* Walks over all nodes: start with NULL. Do not insert while walking; the node given out may be removed once
 * the next was asked for. */
struct table_node *table_walk(const struct table *t, const struct table_node *node);

#endif
