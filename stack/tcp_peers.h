/* How many connections each remote address has: one peer must not take all there are. */
#ifndef GLASS_TCP_PEERS_H
#define GLASS_TCP_PEERS_H

#include "table.h"

struct tcp_peer {
    struct table_node node; /* by address */
    uint32_t addr, count;
};

bool peers_full(const struct table *peers, const struct core *core, uint32_t addr); /* no more from this address */
bool peers_enter(struct table *peers, struct core *core, uint32_t addr);            /* false: no memory */
void peers_leave(struct table *peers, struct core *core, uint32_t addr);

#endif
