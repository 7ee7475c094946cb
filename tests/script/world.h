/* The world of one script: a stack, virtual time, the peer's conversations, and the log of all that happened.
 *
 * Input and calls of one moment are one batch: what the stack then sends is taken when time moves on or a `>`
 * asks for it, as in the event loop. Called by calls.c, packets.c, settings.c and main.c. */
#ifndef SCRIPT_WORLD_H
#define SCRIPT_WORLD_H

#include <stdio.h>
#include "../../stack/stack.h"
#include "notation.h"

#define FLOWS_MAX   16
#define SOCKETS_MAX 32
#define SENT_MAX    4096

struct outgoing {
    usec when;
    size_t len;
    uint8_t *bytes;
};

struct named_socket {
    char name[16];
    struct sock *sock; /* NULL: closed */
    unsigned told;     /* events that stack_ready gave and no `!` line has looked at */
    int64_t written, read;
};

struct world {
    struct stack stack;
    struct stack_config config;
    bool started, failed;
    usec now;
    int64_t held; /* bytes that the stack has from the memory hooks */
    struct flow flow[FLOWS_MAX];
    int flows, current;
    struct named_socket socket[SOCKETS_MAX];
    int sockets;
    struct outgoing sent[SENT_MAX]; /* not yet expected by a `>` */
    int sent_first, sent_end;
    const char *file;
    int line;
    FILE *log;
    char *log_text;
    size_t log_len;
};

void world_open(struct world *w, const char *file);
void world_close(struct world *w); /* without judging anything */

/* Starts the stack, once; later calls do nothing. */
bool world_start(struct world *w);

/* Says what went wrong, once; always false. */
bool world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

void world_input(struct world *w, const uint8_t *bytes, size_t len);

/* Empties the list of sockets with news, as an event loop would. */
void world_hear(struct world *w);

/* Takes all that the stack has to send now. */
bool world_drain(struct world *w);

/* Lets time pass until `to`, firing what is due on the way. With `stop_at_sent`, until something was sent. */
bool world_advance(struct world *w, usec to, bool stop_at_sent);

/* The oldest segment that no line has expected yet; NULL: none. */
struct outgoing *world_next_sent(struct world *w);

struct flow *world_flow(struct world *w);
struct named_socket *world_socket(struct world *w, const char *name);

/* The state of the current flow's connection, or of whatever listens at its port; CLOSED when there is neither. */
enum tcp_state world_state(const struct world *w, const struct flow *f);

void world_log_packet(struct world *w, usec when, char direction, const struct packet *p);

/* Aborts what is open, lets an hour pass, frees the stack; then nothing may be left. */
bool world_end(struct world *w);

#endif
