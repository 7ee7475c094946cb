/* A byte ring addressed by stream position: byte p lies at base[p mod size].
 *
 * It holds [head, tail) and has storage for [head, head + size); a receiver also writes beyond tail, so that
 * out-of-order text lies at its final place from the start. Storage is a power of two, taken on demand and
 * given back when empty. */
#ifndef GLASS_RING_H
#define GLASS_RING_H

#include "core.h"

struct ring {
    uint8_t *base;
    int64_t head, tail;
    uint32_t size;
};

/* Storage for at least [head, head + need); all that was stored stays. A ring that has none may take spare storage of
 * up to `most` bytes. False: no memory, nothing changed. */
bool ring_reserve(struct ring *r, struct core *core, uint32_t need, uint32_t most);
void ring_free(struct ring *r, struct core *core); /* storage only; head and tail stay */

/* Both need head <= position and position + len <= head + size. */
void ring_store(struct ring *r, int64_t position, const void *bytes, size_t len);
void ring_load(const struct ring *r, int64_t position, void *bytes, size_t len);

/* The same bytes in place: one span, or two where the ring wraps. */
void ring_spans(const struct ring *r, int64_t position, size_t len, struct span out[2]);

static inline uint32_t ring_used(const struct ring *r)
{
    return (uint32_t)(r->tail - r->head);
}

#endif
