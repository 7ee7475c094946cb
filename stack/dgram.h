/* The receive side of a datagram socket (UDP, ping): whole datagrams in order of arrival, bounded in bytes. */
#ifndef GLASS_DGRAM_H
#define GLASS_DGRAM_H

#include "sock.h"

struct dgram_entry {
    struct dgram_entry *next;
    struct endpoint from;
    uint32_t len;
    uint8_t data[];
};

struct dgram {
    struct dgram_entry *first, **last;
    uint32_t queued; /* bytes waiting to be read, headers of the entries included */
    uint32_t unsent; /* bytes in the outbox, charged to this socket */
    bool read_shut, write_shut;
};

struct dgram *dgram_new(struct core *core);
void dgram_free(struct core *core, struct dgram *d);

/* Keeps a copy and signals the socket. DROP_UDP_BUFFER_FULL or DROP_ICMP_BUFFER_FULL, by the socket's type, when
 * its receive buffer is full or nobody will read; DROP_NO_MEMORY. */
enum drop dgram_deliver(struct core *core, struct sock *s, struct endpoint from, const uint8_t *data, size_t len);

/* Whether the socket may queue `len` bytes more to send; if not, it is signalled as soon as some have left. */
bool dgram_may_send(struct sock *s, size_t len);

/* As sock_recvfrom. */
int64_t dgram_take(struct core *core, struct sock *s, void *bytes, size_t len, bool peek, struct endpoint *from);

#endif
