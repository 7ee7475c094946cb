/* struct stack: the layers, each a value. */
#ifndef GLASS_STACK_PARTS_H
#define GLASS_STACK_PARTS_H

#include "ip.h"
#include "tcp.h"

struct stack {
    struct core core;
    struct sock_list socks;
    struct ports ports;
    struct outbox outbox;
    struct tcp tcp;
    struct udp udp;
    struct icmp icmp;
    struct ip ip;
    bool outbox_turn; /* whose turn it is in stack_output */
};

static inline struct stack *stack_of(const struct sock *s)
{
    return (struct stack *)((char *)s->all - offsetof(struct stack, socks));
}

#endif
