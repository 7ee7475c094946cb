/* What the services share: a listening socket with its connections, and a UDP socket that answers.
 *
 * A service is a struct server_program: the size of its connection and what it does at news. It learns of no
 * difference between "data came" and "there is room again": told of anything, it tries all it could do. */
#ifndef GLASS_SERVER_H
#define GLASS_SERVER_H

#include "../tun/loop.h"
#include "services.h"

#define SERVER_SCRATCH 65536 /* bytes: room for any datagram, and for a stretch of a stream */

struct server;

/* One connection; the first member of a service's own. */
struct server_conn {
    struct task task; /* first: what sock_user gives */
    struct server *server;
    struct sock *sock;
    struct server_conn *next, **link;
};

struct server_program {
    size_t size;                          /* of its connection */
    uint32_t limit;                       /* connections at once; one more is reset */
    void (*begin)(struct server_conn *c); /* it is new, all zero but its base; NULL: nothing */
    void (*run)(struct server_conn *c);   /* news; also once after begin */
    void (*end)(struct server_conn *c);   /* gives back what it holds; NULL: nothing */
    int64_t send_buffer;                  /* bytes; 0: the stack's default */
    bool nodelay;
};

struct server {
    struct task task;      /* of the listening socket */
    struct deadline again; /* to accept what could not be accepted */
    const struct server_program *program;
    struct loop *loop;
    struct sock *sock; /* NULL: off */
    struct server_conn *first;
    uint32_t count;
    uint8_t *scratch; /* SERVER_SCRATCH bytes, shared: nothing stays in it between calls */
    void *context;    /* the program's own */
};

/* 0 or a negative errno value, with nothing left open. */
int server_start(struct server *server, struct stack *stack, const struct server_program *program,
                 uint16_t port);
void server_stop(struct server *server); /* one that never started is allowed */

/* Ends a connection and frees it: in order, or with a reset. */
void server_close(struct server_conn *c);
void server_abort(struct server_conn *c);

/* Reads and forgets. How many bytes went; 0: the peer sends no more; -EAGAIN: nothing left for now. */
int64_t server_discard(struct server_conn *c);

/* The same for UDP: `answer` turns the datagram in `bytes` (SERVER_SCRATCH of them) into the reply and
 * returns its length, or NO_ANSWER. */
#define NO_ANSWER (-1)

struct udp_server {
    struct task task;
    struct sock *sock; /* NULL: off */
    const struct service_config *config;
    int64_t (*answer)(uint8_t *bytes, size_t len);
    uint8_t *scratch;
};

int udp_server_start(struct udp_server *server, struct stack *stack, uint16_t port);
void udp_server_stop(struct udp_server *server);

/* Whether a datagram from that port may be answered at all. CERT CA-1996-01: two services that answer each
 * other never stop, so none may speak to a well-known port, nor to one where this stack's services (and
 * probably those of its like) live. */
bool udp_may_answer(const struct service_config *config, uint16_t source_port);

/* The programs, one file each. http is not among them: see httpd.h. */
extern const struct server_program echo_program, discard_program, daytime_program, chargen_program;
int64_t echo_answer(uint8_t *bytes, size_t len);
int64_t daytime_answer(uint8_t *bytes, size_t len);
int64_t chargen_answer(uint8_t *bytes, size_t len);
int64_t discard_answer(uint8_t *bytes, size_t len);

#endif
