/* The send queue.
 *
 * Copied text lies in the ring as if nothing had been lent: at its stream position, less the lent bytes
 * before it. */
#include "sendq.h"

#include <assert.h>
#include <errno.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct lent *lent_at(struct loans *l, unsigned i)
{
    return &l->at[(l->first + i) % SENDQ_LOANS];
}

/* How many loans begin before `position`; there are some. */
static unsigned loans_before(const struct sendq *s, int64_t position)
{
    unsigned low = 0, high = s->loans->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (lent_at(s->loans, middle)->left < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Lent bytes between the beginning of the stream and `position`; there are loans. */
static int64_t sum_before(const struct sendq *s, int64_t position)
{
    unsigned n = loans_before(s, position);
    if (n == 0)
        return s->loans->before;
    const struct lent *l = lent_at(s->loans, n - 1);
    return l->before + smaller(position - l->left, (int64_t)l->loan.len);
}

/* The same, where there may be none. */
static inline int64_t lent_before(const struct sendq *s, int64_t position)
{
    return s->loans ? sum_before(s, position) : 0;
}

/* The ring, with the positions that its storage goes by. */
static struct ring copies_of(const struct sendq *s)
{
    return (struct ring){.base = s->base,
                         .size = s->size,
                         .head = s->head - lent_before(s, s->head),
                         .tail = s->tail - lent_before(s, s->tail)};
}

size_t sendq_write(struct sendq *s, struct core *core, const void *bytes, size_t len, uint32_t most)
{
    struct ring r = copies_of(s);
    if (!ring_reserve(&r, core, ring_used(&r) + (uint32_t)len, most))
        len = r.size - ring_used(&r); /* what there is room for without more memory */
    ring_store(&r, r.tail, bytes, len);
    s->base = r.base;
    s->size = r.size;
    s->tail += (int64_t)len;
    s->copied += (uint32_t)len;
    return len;
}

int sendq_lend(struct sendq *s, struct core *core, const struct loan *loan)
{
    assert(loan->len > 0);
    if (!s->loans && !(s->loans = core_alloc(core, sizeof *s->loans)))
        return -ENOBUFS;
    struct loans *l = s->loans;
    if (l->count == SENDQ_LOANS)
        return -EAGAIN;
    /* Copies made before the first loan lie at their own positions: nothing was lent before them. */
    *lent_at(l, l->count) = (struct lent){s->tail, lent_before(s, s->tail), *loan};
    l->count++;
    s->tail += (int64_t)loan->len;
    return 0;
}

/* The loan that covers `position`, or the first behind it, or NULL. */
static const struct lent *loan_from(const struct sendq *s, int64_t position)
{
    if (!s->loans)
        return NULL;
    unsigned n = loans_before(s, position + 1);
    if (n > 0) {
        const struct lent *l = lent_at(s->loans, n - 1);
        if (position < l->left + (int64_t)l->loan.len)
            return l;
    }
    return n < s->loans->count ? lent_at(s->loans, n) : NULL;
}

size_t sendq_spans(const struct sendq *s, int64_t position, size_t len, struct span out[FRAME_SPANS])
{
    int64_t end = position + (int64_t)len, from = position;
    if (!s->loans) { /* a ring like any other */
        struct ring copies = copies_of(s);
        ring_spans(&copies, position, len, out);
        for (int n = 2; n < FRAME_SPANS; n++)
            out[n] = (struct span){0};
        return len;
    }
    for (int n = 0; n < FRAME_SPANS; n++) {
        out[n] = (struct span){0};
        if (position == end)
            continue;
        const struct lent *l = loan_from(s, position);
        if (l && l->left <= position) {
            size_t at = (size_t)(position - l->left),
                   left = (size_t)smaller(end - position, (int64_t)(l->loan.len - at));
            out[n] = (struct span){(const uint8_t *)l->loan.bytes + at, left};
        } else {
            struct span pieces[2];
            struct ring copies = copies_of(s);
            int64_t until = l ? smaller(end, l->left) : end;
            ring_spans(&copies, position - lent_before(s, position), (size_t)(until - position), pieces);
            out[n] = pieces[0]; /* the second, where the ring wraps, is the next turn's first */
        }
        position += (int64_t)out[n].len;
    }
    return (size_t)(position - from);
}

static void give_back(const struct loan *loan)
{
    if (loan->release)
        loan->release(loan->context);
}

/* The loans that end at or before `position`. */
static void release_loans(struct sendq *s, int64_t position)
{
    struct loans *l = s->loans;
    while (l && l->count) {
        const struct lent *first = lent_at(l, 0);
        if (first->left + (int64_t)first->loan.len > position)
            return;
        l->before += (int64_t)first->loan.len;
        l->first = (uint16_t)((l->first + 1) % SENDQ_LOANS);
        l->count--;
        give_back(&first->loan);
    }
}

static void free_copies(struct sendq *s, struct core *core)
{
    core_give_block(core, s->base, s->size);
    s->base = NULL;
    s->size = s->copied = 0;
}

void sendq_release(struct sendq *s, struct core *core, int64_t position)
{
    assert(s->head <= position && position <= s->tail);
    int64_t lent = lent_before(s, position) - lent_before(s, s->head);
    s->copied -= (uint32_t)(position - s->head - lent);
    s->head = position;
    release_loans(s, position);
    if (s->copied == 0)
        free_copies(s, core);
    if (s->loans && s->loans->count == 0 && !s->base) { /* positions and storage agree again */
        core_free(core, s->loans, sizeof *s->loans);
        s->loans = NULL;
    }
}

void sendq_free(struct sendq *s, struct core *core)
{
    release_loans(s, s->tail);
    free_copies(s, core);
    core_free(core, s->loans, sizeof *s->loans);
    s->loans = NULL;
}
