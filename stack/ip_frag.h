/* Reassembly, RFC 791 3.2, RFC 815, RFC 1122 3.3.2, RFC 5722's answer to overlaps.
 *
 * A datagram in reassembly is found by (source, destination, protocol, identification). Fragments may come in
 * any order and twice; one that overlaps another, or reaches beyond 65535 bytes, or disagrees about the end,
 * takes the whole datagram with it, and what still comes of it. A mark of congestion on one is one on the whole
 * (RFC 3168 5.3). Bounded in datagrams, bytes and time. */
#ifndef GLASS_IP_FRAG_H
#define GLASS_IP_FRAG_H

#include "core.h"
#include "table.h"
#include "ip_wire.h"

struct ip_reassembly;

struct ip_frag {
    struct core *core;
    struct table datagrams;
    struct ip_reassembly *oldest, **newest; /* all wait equally long, so age is order of expiry */
    uint32_t count, bytes;
    struct ip_reassembly *done; /* handed out by ip_frag_input; freed at the next call */
};

void ip_frag_init(struct ip_frag *frag, struct core *core);
void ip_frag_free(struct ip_frag *frag);

/* Takes a fragment. True: the datagram is complete, `whole` describes it (valid until the next call). False: it is
 * not; *why says whether the fragment was dropped (else DROP_NONE). */
bool ip_frag_input(struct ip_frag *frag, const struct ip_packet *p, struct ip_packet *whole, enum drop *why);

/* Gives up on the oldest datagram if it waited too long. True when it did; `first` then describes its first
 * fragment if that had come (valid until the next call), else first->body.len is 0. */
bool ip_frag_expired(struct ip_frag *frag, usec now, struct ip_packet *first);

/* Nothing waits and nothing is to be freed: ip_frag_expired has nothing to do. */
static inline bool ip_frag_idle(const struct ip_frag *frag)
{
    return !frag->oldest && !frag->done;
}

usec ip_frag_due(const struct ip_frag *frag);

#endif
