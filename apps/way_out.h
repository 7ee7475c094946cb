/* Whether anything can answer what the stack sends to an address. */
#ifndef GLASS_WAY_OUT_H
#define GLASS_WAY_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The stack's side of the link. */
struct way_out {
    uint32_t addr; /* host byte order */
    uint8_t prefix;
    bool lab; /* in a laboratory of its own, not with --host */
};

/* Asks the kernel of this network namespace, the stack's only neighbour. 0; or -ENETUNREACH and `why`, one line of
 * less than 120 bytes: nothing that is sent there can be answered. An address of the stack's own network is always
 * taken, its own too: a host there that does not answer is what time-outs are for. */
int way_out_check(const struct way_out *stack, uint32_t addr, char *why, size_t room);

#endif
