/* Whole datagrams that wait to leave: replies without a connection (RST, ICMP) and what UDP and ping sockets
 * send. TCP's own segments are not here; they are made when the device has room.
 *
 * An entry larger than the MTU leaves in fragments (RFC 791 3.2, RFC 1122 3.3.3). */
#ifndef GLASS_OUTBOX_H
#define GLASS_OUTBOX_H

#include "frame.h"
#include "sock.h"

/* Counters of IPv4 identifications, shared by destinations that hash alike (RFC 6864). */
#define OUTBOX_IDS 256

struct outbox_entry {
    struct outbox_entry *next;
    uint32_t *charge;   /* of its socket: given back len bytes when it left; NULL: a reply */
    struct sock *sock;  /* signalled when it left, if send_refused; set by the caller, NULL: nobody */
    uint32_t src, dst;
    uint32_t len;       /* of data: transport header and payload */
    uint32_t sent;      /* of it, in fragments so far */
    uint16_t id;        /* IPv4 identification; outbox_post chooses it */
    uint8_t protocol, ttl, tos;
    bool dont_fragment; /* set by outbox_post: fits the link whole */
    uint8_t data[];
};

struct outbox {
    struct core *core;
    struct outbox_entry *first, **last;
    struct outbox_entry *leaving; /* the one a frame was made of: freed at the next call */
    uint32_t replies, reply_bytes;
    uint16_t next_id[OUTBOX_IDS];
};

void outbox_init(struct outbox *box, struct core *core);
void outbox_free(struct outbox *box);

/* Room for a datagram with `len` bytes behind the IPv4 header; the caller fills data, addresses, protocol, ttl and
 * tos, then posts it. A reply (charge NULL) gets NULL when too many wait (DROP_OUTBOX_FULL is counted) or memory
 * is short (DROP_NO_MEMORY is counted); a socket's datagram only for want of memory, which its caller reports. */
struct outbox_entry *outbox_new(struct outbox *box, size_t len, uint32_t *charge);
void outbox_post(struct outbox *box, struct outbox_entry *e);

/* Forgets what a closing socket still had waiting... its datagrams leave all the same, but charge nobody. */
void outbox_disown(struct outbox *box, const uint32_t *charge);

bool outbox_empty(const struct outbox *box);

/* The next frame, fragment by fragment; false when there is none. */
bool outbox_next(struct outbox *box, struct frame *frame);

#endif
