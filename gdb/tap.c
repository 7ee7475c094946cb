/* What the gdb extension sees events with: an observer that it puts into a stack, and a ring of the last
 * events.
 *
 * Linked into every program of this tree, where it does nothing and, untouched, takes no memory.
 * glass_gdb/tap.py fills an entry of gdb_taps with the observer that it found, and lets the stack tell
 * gdb_observe instead. Nobody here calls it. */
#include "../apps/record.h"

#define TAPS    16   /* stacks watched at once */
#define HISTORY 4096 /* events kept, of all of them together */

struct gdb_tap {
    const struct core *core; /* NULL: a free entry */
    usec started;            /* times count from here */
    uint64_t first;          /* the number of its first event in the history */
    /* who was there before, or came later; or NULL */
    void (*observe)(void *context, const struct event *event);
    void *context;
};

struct gdb_tap gdb_taps[TAPS];
struct record gdb_history[HISTORY];
uint64_t gdb_history_count; /* since the beginning: the newest lies at (count - 1) mod HISTORY */

/* So that the rules are in the program, whoever else names them. */
const struct rule_info *(*const gdb_rules)(enum rule) = rule_info;

void gdb_observe(void *context, const struct event *event);

void gdb_observe(void *context, const struct event *event)
{
    const struct gdb_tap *tap = context;
    if (event->kind != EVENT_TIMER_SET) /* several a segment; `tcp timers` shows what came of them */
        record_take(&gdb_history[gdb_history_count++ % HISTORY], event, (unsigned)(tap - gdb_taps));
    if (tap->observe)
        tap->observe(tap->context, event);
}
