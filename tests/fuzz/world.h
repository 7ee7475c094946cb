/* One stack under test, in virtual time: what it sends is checked and handed on, its memory can fail, and its
 * invariants are checked after every step.
 *
 * The input of a target is a struct reader (wire.h): a program that ends in zeros. With TRACE=1 in the environment
 * all events are printed, as a reproducer needs it. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "../../stack/stack.h"
#include "../script/packet.h"

#define WORLD_US    IP_ADDR(10, 7, 0, 2)
#define WORLD_PEER  IP_ADDR(10, 7, 0, 1)
#define WORLD_QUOTE 8   /* frames remembered, for ICMP errors to quote */
#define QUOTE_MAX   128 /* bytes of each */

struct quote {
    uint8_t bytes[QUOTE_MAX];
    size_t len;
};

struct world {
    struct stack stack;
    usec now;
    unsigned fail_in;   /* so many allocations from now one fails; 0: none */
    unsigned fail_each; /* every so many allocations one fails; 0: none */
    uint64_t allocations;
    long blocks; /* allocated and not given back */
    bool trace;  /* print what happens */
    void (*sent)(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len); /* NULL: nobody */
    void (*told)(struct world *w, struct sock *s, unsigned events); /* NULL: nobody */
    void *context;
    struct quote quote[WORLD_QUOTE];
    unsigned quotes;
};

/* The input that says nothing: all zeros, all defaults. */
struct reader no_input(void);

/* Whatever the input says, `config` works: switches, buffers, MTU and times. */
void world_config(struct stack_config *config, struct reader *in);

void world_start(struct world *w, const struct stack_config *config);

/* One datagram from the wire. */
void world_input(struct world *w, const uint8_t *bytes, size_t len);

/* Takes out all that the stack wants to send and to tell, then checks every invariant. */
void world_settle(struct world *w);

/* Lets time pass; what falls due meanwhile happens at its time. */
void world_wait(struct world *w, usec time);
void world_wait_due(struct world *w); /* until the next thing happens, at most a minute */

/* Aborts every socket, lets an hour pass, and counts what leaked. */
void world_end(struct world *w);

/* The byte that travels with sequence number `seq`, whoever sends it: so that each reader can tell whether it got
 * the right one. */
uint8_t stream_byte(uint32_t seq);

/* What an application may do with a TCP socket, arguments from the input: sends and receives stream bytes. */
void app_send(struct sock *s, struct reader *in);
void app_receive(struct sock *s, struct reader *in);
void app_set_option(struct sock *s, struct reader *in);

#endif
