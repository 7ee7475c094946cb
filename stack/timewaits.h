/* Storage of the TIME-WAIT records, made for having many: blocks of records that name each other by number, and a hash
 * table of numbers. A record and its share of the tables take less than 64 bytes. When the last is gone, so is all memory.
 *
 * What a record means, and who answers for it, is tcp_timewait.c's. */
#ifndef GLASS_TIMEWAITS_H
#define GLASS_TIMEWAITS_H

#include "core.h"
#include "seq.h"

struct tcp_timewait {
    uint32_t hash, next;   /* of the four-tuple; the next number in its slot of the table, 0: none */
    uint32_t older, newer; /* by age; 0: none */
    uint32_t remote_addr;  /* the local one is the stack's */
    uint16_t local_port, remote_port;
    struct wireseq rcv_nxt, snd_nxt;
    uint32_t id;        /* the connection's, in events */
    uint32_t ts_recent; /* RFC 7323 4.3 */
    usec due;
};

struct timewaits {
    struct tcp_timewait **block; /* number n is record (n - 1) mod TIMEWAIT_BLOCK of block (n - 1) / TIMEWAIT_BLOCK */
    uint32_t *slot;              /* the first number with that hash; 0: none */
    uint32_t blocks, slots;      /* how long these two are */
    uint32_t count, used, spare; /* records in use; numbers ever given out; the first of those that came back */
    uint32_t oldest, newest;
};

#define TIMEWAIT_BLOCK 64 /* records */

/* A new record, the youngest, in the table under `hash`; its other fields are the caller's to fill. NULL: no memory. */
struct tcp_timewait *timewaits_add(struct timewaits *all, struct core *core, uint32_t hash);

void timewaits_remove(struct timewaits *all, struct core *core, struct tcp_timewait *tw);

/* Makes it the youngest again. */
void timewaits_renew(struct timewaits *all, struct tcp_timewait *tw);

/* Those with this hash: the first, or the one behind `tw`. NULL: no more. */
struct tcp_timewait *timewaits_hashed(const struct timewaits *all, uint32_t hash, const struct tcp_timewait *tw);

/* By age: the oldest, or the one that came after `tw`. NULL: no more. */
struct tcp_timewait *timewaits_by_age(const struct timewaits *all, const struct tcp_timewait *tw);

#endif
