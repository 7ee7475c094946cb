/* The two queues of a listener. */
#include "tcp_listen_queue.h"

static void link_at(struct tcp_conn *c, struct tcp_conn **at)
{
    c->wait_link = at;
    c->wait_next = *at;
    if (*at)
        (*at)->wait_link = &c->wait_next;
    *at = c;
}

void listen_queue_half(struct tcp_listener *l, struct tcp_conn *c)
{
    c->listener = l;
    link_at(c, &l->half_first);
    l->half++;
}

static void unlink_half_or_open(struct tcp_conn *c, bool half)
{
    struct tcp_listener *l = c->listener;
    *c->wait_link = c->wait_next;
    if (c->wait_next)
        c->wait_next->wait_link = c->wait_link;
    else if (!half)
        l->accept_last = c->wait_link;
    c->wait_next = NULL;
    c->wait_link = NULL;
    if (half)
        l->half--;
    else
        l->waiting--;
    c->listener = NULL;
}

void listen_queue_open(struct tcp_conn *c)
{
    struct tcp_listener *l = c->listener;
    unlink_half_or_open(c, true);
    c->listener = l;
    c->open_queue = true;
    link_at(c, l->accept_last);
    l->accept_last = &c->wait_next;
    l->waiting++;
    sock_signal(l->sock);
}

void listen_queue_leave(struct tcp_conn *c)
{
    if (c->listener)
        unlink_half_or_open(c, !c->open_queue);
    c->open_queue = false;
}
