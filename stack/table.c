/* Hash tables: SipHash (Aumasson, Bernstein 2012) and chains of the callers' own nodes. */
#include "table.h"
#include "core.h"

#include <assert.h>

#define TABLE_FIRST_SLOTS 16

static inline uint64_t rotate(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static inline uint64_t little64(const uint8_t *at, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t siphash64(const uint8_t key[16], const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t k0 = little64(key, 8), k1 = little64(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    size_t whole = len / 8;
    for (size_t i = 0; i <= whole; i++) {
        uint64_t m = i < whole ? little64(at + 8 * i, 8)
                               : little64(at + 8 * i, len % 8) | (uint64_t)(len & 0xff) << 56;
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t siphash(const uint8_t key[16], const void *bytes, size_t len)
{
    uint64_t h = siphash64(key, bytes, len);
    return (uint32_t)(h ^ h >> 32);
}

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
