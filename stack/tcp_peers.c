/* How many connections each remote address has. */
#include "tcp_peers.h"

#include <assert.h>

#define PEER_OF_NODE(n) ((struct tcp_peer *)((char *)(n)-offsetof(struct tcp_peer, node)))

static uint32_t hash_of(const struct core *core, uint32_t addr)
{
    return siphash_slot(core->config.key, &addr, sizeof addr);
}

static struct tcp_peer *find(const struct table *peers, const struct core *core, uint32_t addr)
{
    uint32_t hash = hash_of(core, addr);
    for (struct table_node *n = table_first(peers, hash); n; n = table_next(n, hash))
        if (PEER_OF_NODE(n)->addr == addr)
            return PEER_OF_NODE(n);
    return NULL;
}

bool peers_full(const struct table *peers, const struct core *core, uint32_t addr)
{
    const struct tcp_peer *peer = find(peers, core, addr);
    return peer && peer->count >= core->config.tcp_connections_per_peer_max;
}

bool peers_enter(struct table *peers, struct core *core, uint32_t addr)
{
    struct tcp_peer *peer = find(peers, core, addr);
    if (!peer) {
        peer = core_alloc(core, sizeof *peer);
        if (!peer || !table_insert(peers, core, &peer->node, hash_of(core, addr))) {
            core_free(core, peer, sizeof *peer);
            return false;
        }
        peer->addr = addr;
    }
    peer->count++;
    return true;
}

void peers_leave(struct table *peers, struct core *core, uint32_t addr)
{
    struct tcp_peer *peer = find(peers, core, addr);
    assert(peer && peer->count > 0);
    if (--peer->count > 0)
        return;
    table_remove(peers, &peer->node);
    core_free(core, peer, sizeof *peer);
}
