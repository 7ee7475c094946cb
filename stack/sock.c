/* The list of sockets and the list of those with something to tell. */
#include "sock.h"

struct sock *sock_new(struct sock_list *all, enum sock_type type)
{
    struct sock *s = core_alloc(all->core, sizeof *s);
    if (!s)
        return NULL;
    s->all = all;
    s->type = (uint8_t)type;
    s->ttl = all->core->config.ttl;
    s->next = all->first;
    s->link = &all->first;
    if (s->next)
        s->next->link = &s->next;
    all->first = s;
    all->count++;
    return s;
}

void sock_list_init(struct sock_list *all, struct core *core)
{
    *all = (struct sock_list){.core = core};
    all->ready_last = &all->ready_first;
}

static void unready(struct sock *s)
{
    if (!s->ready_link)
        return;
    *s->ready_link = s->ready_next;
    if (s->ready_next)
        s->ready_next->ready_link = s->ready_link;
    else
        s->all->ready_last = s->ready_link;
    s->ready_link = NULL;
    s->ready_next = NULL;
}

void sock_delete(struct sock *s)
{
    unready(s);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    s->all->count--;
    core_free(s->all->core, s, sizeof *s);
}

void sock_signal(struct sock *s)
{
    if (!s || s->ready_link)
        return;
    s->ready_link = s->all->ready_last;
    s->ready_next = NULL;
    *s->all->ready_last = s;
    s->all->ready_last = &s->ready_next;
}

struct sock *sock_next_ready(struct sock_list *all)
{
    struct sock *s = all->ready_first;
    if (s)
        unready(s);
    return s;
}
