/* How a glass command talks to a running stack: framed messages over a Unix socket, mode 0600.
 *
 * Each message is a header {type, length} and `length` bytes. Both ends are the same program on one machine,
 * so fields are in host order; every length and type is checked all the same. One connection serves one
 * request; CONTROL_OPEN turns it into a relay of one stack socket, framed, so that half-close, datagram
 * boundaries and errors travel too. Back-pressure is the Unix socket's own: a side that cannot pass a message
 * on reads no more. A client that goes away without CONTROL_EOF has its TCP connection reset. */
#ifndef GLASS_CONTROL_H
#define GLASS_CONTROL_H

#include <stdint.h>
#include "../stack/stack.h"
#include "../tun/link.h"
#include "record.h"

#define CONTROL_VERSION  3
#define CONTROL_BODY_MAX 65536 /* bytes of one message */

enum control_type {
    CONTROL_HELLO = 1, /* -> struct control_hello; the server answers with its own */
    CONTROL_NETSTAT,   /* ->, then a CONTROL_ROW each, then CONTROL_END */
    CONTROL_ROW,       /* <- struct sock_info */
    CONTROL_NAMESPACE, /* ->, then <- CONTROL_END with the user (if any) and network namespace as descriptors
                        */
    CONTROL_DOWN,      /* ->, the server closes in order and answers CONTROL_END */
    CONTROL_OPEN,      /* -> struct control_open: a socket on the stack, owned by the client's process */
    CONTROL_OPENED,    /* <- struct control_opened: connected (TCP) or bound (UDP, ping) */
    CONTROL_DATA,      /* <-> bytes of the stream, or one datagram */
    CONTROL_EOF,       /* <-> no more from this side (half-close) */
    CONTROL_ERROR,     /* <- struct control_error: then the connection ends; UDP and ping sockets live on */
    CONTROL_END,       /* <- done; of a relay: both sides said CONTROL_EOF and the stack took every byte */
    CONTROL_COUNTERS,  /* ->, then CONTROL_STATS and CONTROL_END */
    CONTROL_STATS,     /* <- struct control_stats */
    CONTROL_TRACE,     /* ->, then CONTROL_TRACING, events as they happen, and CONTROL_END when the stack closes */
    CONTROL_TRACING,   /* <- struct control_tracing: every event from now on */
    CONTROL_EVENT,     /* <- struct record */
    CONTROL_LOST,      /* <- uint64_t: so many events, here, found no room; their reader is too slow */
    CONTROL_TYPES
};

struct control_header {
    uint32_t type, length;
};

struct control_hello {
    uint32_t version;
    int32_t pid;
    struct endpoint addr; /* of the stack */
};

struct control_open {
    uint8_t type; /* enum sock_type */
    struct endpoint remote;
};

struct control_opened {
    struct endpoint local, remote;
};

/* Every counter of the stack and of what is below it. */
struct control_stats {
    uint64_t counter[COUNTER_COUNT];
    uint64_t dropped[DROP_COUNT];
    uint64_t link[LINK_WAYS][LINK_COUNTER_COUNT];
    uint64_t memory_used, memory_limit; /* bytes */
    uint64_t device_dropped;            /* datagrams that the device did not take */
    uint32_t established;               /* connections in ESTABLISHED or CLOSE-WAIT (RFC 4022 tcpCurrEstab) */
    uint32_t has_link;
};

struct control_tracing {
    usec started;     /* of the stack, on the clock of its events */
    usec wall_offset; /* to be added to that clock for the time of day since 1970 */
};

struct control_error {
    int32_t error; /* positive errno value */
    char text[120];
};

#endif
