/* The receive side of a datagram socket, and its account with the outbox. udp.c and icmp.c deliver and send,
 * socket_data.c takes. */
#include "dgram.h"

#include <errno.h>
#include <string.h>

struct dgram *dgram_new(struct core *core)
{
    struct dgram *d = core_alloc(core, sizeof *d);
    if (d)
        d->last = &d->first;
    return d;
}

/* What an entry costs: a flood of empty datagrams must meet the bound too. */
static size_t cost(size_t len)
{
    return sizeof(struct dgram_entry) + len;
}

static void remove_first(struct core *core, struct dgram *d)
{
    struct dgram_entry *e = d->first;
    d->first = e->next;
    if (!d->first)
        d->last = &d->first;
    d->queued -= (uint32_t)cost(e->len);
    core_free(core, e, cost(e->len));
}

void dgram_free(struct core *core, struct dgram *d)
{
    if (!d)
        return;
    while (d->first)
        remove_first(core, d);
    core_free(core, d, sizeof *d);
}

enum drop dgram_deliver(struct core *core, struct sock *s, struct endpoint from, const uint8_t *data,
                        size_t len)
{
    struct dgram *d = s->dgram;
    if (d->read_shut || d->queued + cost(len) > s->receive_buffer)
        return s->type == SOCK_PING ? DROP_ICMP_BUFFER_FULL : DROP_UDP_BUFFER_FULL;
    struct dgram_entry *e = core_alloc(core, cost(len));
    if (!e)
        return DROP_NO_MEMORY;
    e->from = from;
    e->len = (uint32_t)len;
    if (len > 0)
        memcpy(e->data, data, len);
    *d->last = e;
    d->last = &e->next;
    d->queued += (uint32_t)cost(len);
    sock_signal(s);
    return DROP_NONE;
}

bool dgram_may_send(struct sock *s, size_t len)
{
    /* One datagram may always wait, or a buffer smaller than it would refuse it for ever. */
    if (s->dgram->unsent == 0 || s->dgram->unsent + len <= s->send_buffer)
        return true;
    s->send_refused = true;
    return false;
}

int64_t dgram_take(struct core *core, struct sock *s, void *bytes, size_t len, bool peek,
                   struct endpoint *from)
{
    if (s->error) {
        int error = s->error;
        s->error = 0;
        return -error;
    }
    struct dgram_entry *e = s->dgram->first;
    if (!e)
        return s->dgram->read_shut ? 0 : -EAGAIN;
    size_t given = len < e->len ? len : e->len; /* the rest of a longer datagram is lost, as with BSD */
    if (given > 0)
        memcpy(bytes, e->data, given);
    if (from)
        *from = e->from;
    if (!peek)
        remove_first(core, s->dgram);
    return (int64_t)given;
}
