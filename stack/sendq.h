/* The send queue: text that the user gave and the peer has not acknowledged, by stream position.
 *
 * Most of it was copied into a ring. Between such stretches may stand others that the user lent: they stay where they
 * are, cost no memory here, and are given back when the last of their bytes is acknowledged or the connection ends.
 * Called by tcp_snd.c and tcp_output.c. */
#ifndef GLASS_SENDQ_H
#define GLASS_SENDQ_H

#include "frame.h"
#include "ring.h"

#define SENDQ_LOANS 32 /* at once in one connection */

/* The bytes must stay as they are until `release` is called, with `context`; it must not call the stack. */
struct loan {
    const void *bytes;
    size_t len;
    void (*release)(void *context); /* NULL: nobody needs to know */
    void *context;
};

struct lent {
    int64_t left;   /* position of its first byte */
    int64_t before; /* lent bytes before it */
    struct loan loan;
};

struct loans {
    int64_t before; /* lent bytes that were given back: the ring knows nothing of them */
    uint16_t first, count;
    struct lent at[SENDQ_LOANS];
};

struct sendq {
    int64_t head, tail;  /* of all text */
    struct loans *loans; /* NULL: nothing was lent */
    uint8_t *base;       /* the ring of what was copied: ... */
    uint32_t size;       /* ... its storage, and ... */
    uint32_t copied;     /* ... bytes in it */
};

static inline int64_t sendq_len(const struct sendq *s)
{
    return s->tail - s->head;
}

/* Appends copies, in a ring of up to `most` bytes; how many bytes, fewer than `len` (0: none) without memory. */
size_t sendq_write(struct sendq *s, struct core *core, const void *bytes, size_t len, uint32_t most);

/* Appends a loan. 0, -EAGAIN (too many), -ENOBUFS. */
int sendq_lend(struct sendq *s, struct core *core, const struct loan *loan);

/* Where [position, position + len) lies. How much of it, from its beginning, fits FRAME_SPANS pieces. */
size_t sendq_spans(const struct sendq *s, int64_t position, size_t len, struct span out[FRAME_SPANS]);

/* What stands before `position` is not needed any more. */
void sendq_release(struct sendq *s, struct core *core, int64_t position);

void sendq_free(struct sendq *s, struct core *core);

#endif
