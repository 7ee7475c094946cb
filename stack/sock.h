/* The object a user holds, as far as the protocols below need to know it: whom to tell, and what.
 *
 * Input only marks; nothing here calls an application. The marked sockets wait in a list that stack_ready
 * empties: a socket enters it when something becomes new, and is handed out with all that is true by then. */
#ifndef GLASS_SOCK_H
#define GLASS_SOCK_H

#include "core.h"

enum sock_type {
    SOCK_TCP,
    SOCK_UDP,
    SOCK_PING, /* ICMP echo: its port is the identifier, a datagram is the echo's data */
};

/* What a socket has to tell its owner. */
#define SOCK_READABLE   0x01u /* sock_recv gives data, an end of file (0) or an error */
#define SOCK_WRITABLE   0x02u /* sock_send takes something; after sock_connect: it is open */
#define SOCK_ACCEPTABLE 0x04u /* sock_accept gives a connection */
#define SOCK_ERROR      0x08u /* sock_getopt(SOCK_OPT_ERROR) says which */
#define SOCK_HANGUP     0x10u /* the peer sends no more: its FIN came, or the connection is gone */
#define SOCK_URGENT     0x20u /* urgent data is announced and not yet read */

struct sock;

/* All sockets of one stack. */
struct sock_list {
    struct core *core;
    struct sock *first;                       /* every socket, for netstat */
    struct sock *ready_first, **ready_last;   /* those with something to tell */
    uint32_t count;
};

struct tcp_conn;
struct tcp_rest;
struct tcp_listener;
struct dgram;

struct sock {
    struct sock_list *all;
    struct sock *next, **link; /* in all->first */
    struct sock *ready_next, **ready_link;
    void *user;
    union {
        struct tcp_conn *conn;         /* SOCK_TCP, once connecting; then until it is closed */
        struct tcp_rest *rest;         /* the same while `resting` */
        struct tcp_listener *listener; /* SOCK_TCP, listening */
        struct dgram *dgram;           /* SOCK_UDP, SOCK_PING */
    };
    struct endpoint local, remote;
    struct port_owner *port; /* the port it holds, or NULL */
    uint32_t owner;          /* process id, 0: nobody said */
    uint32_t send_buffer, receive_buffer; /* bounds in bytes */
    uint32_t user_timeout;                /* milliseconds; 0: R2 alone */
    int32_t linger;                       /* seconds; negative: off */
    int16_t error;                        /* pending, a positive errno value */
    uint16_t max_segment;                 /* 0: what the path takes */
    uint8_t type;                         /* enum sock_type */
    uint8_t ttl, tos;
    bool resting; /* its connection is folded away, tcp_rest.h */
    bool listening, connecting, nodelay, keepalive, corked, reuse_address;
    bool send_buffer_fixed, receive_buffer_fixed; /* set by the owner: no longer tuned */
    bool more;         /* the last send said that more follows */
    bool urgent;       /* urgent data was announced and not yet reported */
    bool send_refused; /* UDP, ping: a datagram met a full send buffer; the outbox tells when there is room */
};

void sock_list_init(struct sock_list *all, struct core *core);

struct sock *sock_new(struct sock_list *all, enum sock_type type); /* NULL: no memory */
void sock_delete(struct sock *s);

/* Puts s on the ready list; its owner will be told. NULL (nobody owns the connection) is allowed. */
void sock_signal(struct sock *s);

/* Takes the next socket off the ready list, or NULL. */
struct sock *sock_next_ready(struct sock_list *all);

#endif
