/* The timing wheel (Varghese and Lauck 1987, scheme 7). */
#include "timer.h"

#include <assert.h>

#define LEVEL_BITS 6
/* How far the wheel looks ahead: all slots of the top level but the one it stands in. */
#define WHEEL_SPAN ((usec)(WHEEL_SLOTS - 1) << (LEVEL_BITS * (WHEEL_LEVELS - 1)))

static inline unsigned digit(usec t, unsigned level)
{
    return (unsigned)(t >> (LEVEL_BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_init(struct wheel *w, usec now)
{
    *w = (struct wheel){.now = now, .next = NEVER};
}

/* The level of the highest digit in which `due` differs from now: there its slot is still ahead. */
static unsigned level_of(const struct wheel *w, usec due)
{
    uint64_t differ = (uint64_t)(due ^ w->now);
    unsigned level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / LEVEL_BITS : 0;
    return level < WHEEL_LEVELS ? level : WHEEL_LEVELS - 1;
}

static void insert(struct wheel *w, struct timer *t)
{
    usec due = t->due < w->now ? w->now : t->due;
    unsigned level = level_of(w, due), slot = digit(due, level);
    usec begins = due >> (LEVEL_BITS * level) << (LEVEL_BITS * level); /* its slot */
    if (due - w->now >= WHEEL_SPAN) { /* too far: wait in the slot just behind now, the last to come round */
        slot = (digit(w->now, level) + WHEEL_SLOTS - 1) % WHEEL_SLOTS;
        begins = w->now;
    }
    if (begins < w->next)
        w->next = begins;
    struct timer **head = &w->slot[level][slot];
    t->next = *head;
    t->link = head;
    if (*head)
        (*head)->link = &t->next;
    *head = t;
    w->busy[level] |= 1ull << slot;
}

void timer_stop(struct wheel *w, struct timer *t)
{
    if (!t->link)
        return;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    struct timer **first = &w->slot[0][0], **end = first + WHEEL_LEVELS * WHEEL_SLOTS;
    if (!*t->link && t->link >= first && t->link < end) { /* it was the only one of its slot */
        size_t i = (size_t)(t->link - first);
        w->busy[i / WHEEL_SLOTS] &= ~(1ull << (i % WHEEL_SLOTS));
    }
    t->next = NULL;
    t->link = NULL;
    if (--w->count == 0)
        w->next = NEVER;
}

void timer_start(struct wheel *w, struct timer *t, usec due)
{
    timer_stop(w, t);
    t->due = due;
    w->count++;
    insert(w, t);
}

/* Moves all of one slot down: the wheel has reached its beginning. */
static void cascade(struct wheel *w, unsigned level, unsigned slot)
{
    struct timer *t = w->slot[level][slot];
    w->slot[level][slot] = NULL;
    w->busy[level] &= ~(1ull << slot);
    while (t) {
        struct timer *next = t->next;
        insert(w, t);
        t = next;
    }
}

/* When the next busy slot of a level begins, seen from now; NEVER if the level is empty. A slot behind now's
 * digit belongs to the next turn of that level. */
static usec slot_time(const struct wheel *w, unsigned level, unsigned *slot)
{
    if (!w->busy[level])
        return NEVER;
    unsigned here = digit(w->now, level);
    uint64_t ahead = w->busy[level] >> here << here; /* `here` itself holds what is due now, on level 0 */
    usec width = (usec)1 << (LEVEL_BITS * level);
    usec turn = w->now & ~(width * WHEEL_SLOTS - 1);
    if (!ahead) {
        ahead = w->busy[level];
        turn += width * WHEEL_SLOTS;
    }
    *slot = (unsigned)__builtin_ctzll(ahead);
    return turn + width * *slot;
}

/* The earliest slot of the whole wheel. Of equal beginnings the higher level goes first, so that it cascades.
 */
static usec next_slot(const struct wheel *w, unsigned *level, unsigned *slot)
{
    usec earliest = NEVER;
    for (unsigned l = WHEEL_LEVELS; l-- > 0;) {
        unsigned s = 0;
        usec t = slot_time(w, l, &s);
        if (t < earliest) {
            earliest = t;
            *level = l;
            *slot = s;
        }
    }
    return earliest;
}

struct timer *wheel_turn(struct wheel *w, usec now)
{
    for (;;) {
        unsigned level = 0, slot = 0;
        usec t = next_slot(w, &level, &slot);
        w->next = t;
        if (t > now)
            break;
        if (t > w->now)
            w->now = t;
        if (level > 0) {
            cascade(w, level, slot);
            continue;
        }
        struct timer *expired = w->slot[0][slot];
        assert(expired);
        timer_stop(w, expired);
        return expired;
    }
    if (now > w->now)
        w->now = now;
    return NULL;
}

usec wheel_due(const struct wheel *w)
{
    unsigned level, slot;
    return next_slot(w, &level, &slot);
}
