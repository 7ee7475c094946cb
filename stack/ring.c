/* A byte ring addressed by stream position. */
#include "ring.h"

#include <assert.h>
#include <string.h>

/* How many bytes from position to the end of the storage. */
static size_t before_wrap(const struct ring *r, int64_t position, size_t len)
{
    size_t left = r->size - (size_t)(position & (r->size - 1));
    return len < left ? len : left;
}

static uint8_t *at(const struct ring *r, int64_t position)
{
    return r->base + (position & (r->size - 1));
}

static void check(const struct ring *r, int64_t position, size_t len)
{
    assert(r->head <= position && position + (int64_t)len <= r->head + r->size);
}

/* Also what was stored ahead of the tail. */
static void move(const struct ring *from, struct core *core, struct ring *to)
{
    struct span old[2];
    ring_spans(from, from->head, from->size, old);
    ring_store(to, from->head, old[0].at, old[0].len);
    ring_store(to, from->head + (int64_t)old[0].len, old[1].at, old[1].len);
    core_free(core, from->base, from->size);
}

bool ring_reserve(struct ring *r, struct core *core, uint32_t need, uint32_t most)
{
    if (need <= r->size)
        return true;
    struct ring bigger = {.head = r->head, .tail = r->tail};
    bigger.base = core_take_block(core, need, most, &bigger.size);
    if (!bigger.base)
        return false;
    if (r->size > 0)
        move(r, core, &bigger);
    *r = bigger;
    return true;
}

void ring_free(struct ring *r, struct core *core)
{
    core_give_block(core, r->base, r->size);
    r->base = NULL;
    r->size = 0;
}

void ring_store(struct ring *r, int64_t position, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    check(r, position, len);
    size_t first = before_wrap(r, position, len);
    memcpy(at(r, position), bytes, first);
    if (first < len)
        memcpy(r->base, (const uint8_t *)bytes + first, len - first);
}

void ring_load(const struct ring *r, int64_t position, void *bytes, size_t len)
{
    if (len == 0)
        return;
    check(r, position, len);
    size_t first = before_wrap(r, position, len);
    memcpy(bytes, at(r, position), first);
    if (first < len)
        memcpy((uint8_t *)bytes + first, r->base, len - first);
}

void ring_spans(const struct ring *r, int64_t position, size_t len, struct span out[2])
{
    out[0] = out[1] = (struct span){0};
    if (len == 0)
        return;
    check(r, position, len);
    size_t first = before_wrap(r, position, len);
    out[0] = (struct span){at(r, position), first};
    if (len > first)
        out[1] = (struct span){r->base, len - first};
}
