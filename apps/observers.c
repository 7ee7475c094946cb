/* The fan-out of observers.h. No RFC. Owned by struct up; whoever shows events registers here. */
#include "observers.h"

static void see_all(void *context, const struct event *event)
{
    const struct observers *all = context;
    for (const struct observer *o = all->first; o; o = o->next)
        o->see(o->context, event);
}

void observers_init(struct observers *all, struct stack *stack)
{
    *all = (struct observers){.stack = stack};
    stack_observe(stack, NULL, NULL);
}

void observers_add(struct observers *all, struct observer *one)
{
    struct observer **end = &all->first;
    while (*end)
        end = &(*end)->next;
    one->next = NULL;
    *end = one;
    stack_observe(all->stack, see_all, all);
}

void observers_remove(struct observers *all, struct observer *one)
{
    struct observer **link = &all->first;
    while (*link && *link != one)
        link = &(*link)->next;
    if (*link)
        *link = one->next;
    if (!all->first && all->stack)
        stack_observe(all->stack, NULL, NULL);
}
