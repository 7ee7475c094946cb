/* Several watchers of one stack: `glass up --trace`, every `glass trace`, a ladder, an annotator of captures.
 *
 * To watch, own a struct observer, set `see` (and `context`), and add it once the stack is there:
 *
 *     static void see(void *context, const struct event *e) { ... }
 *     struct observer mine = {.see = see, .context = me};
 *     observers_add(&up->observers, &mine);           in up_pieces.c, as open_observers does
 *     observers_remove(&up->observers, &mine);        before `mine` goes away; removing twice is harmless
 *
 * `see` is called at the moment of the event, from inside the stack's verbs: it must not call the stack, must not
 * wait, and must not add or remove observers. The event's pointers are valid until it returns (apps/record.h keeps
 * an event for longer). Its time is the loop's (clock_now). Observers are called in the order in which they were
 * added. With none left the stack has no observer at all, and an event costs it one branch. */
#ifndef GLASS_OBSERVERS_H
#define GLASS_OBSERVERS_H

#include "../stack/stack.h"

struct observer {
    void (*see)(void *context, const struct event *event);
    void *context;
    struct observer *next; /* the list's */
};

struct observers {
    struct stack *stack;
    struct observer *first;
};

/* Takes the place of config.observe: that must be NULL. */
void observers_init(struct observers *all, struct stack *stack);

void observers_add(struct observers *all, struct observer *one);
void observers_remove(struct observers *all, struct observer *one);

#endif
