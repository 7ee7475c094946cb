/* Explicit congestion notification, RFC 3168 6.1. */
#include "tcp_ecn.h"

#define ECN_ECT_0 0x02
#define ECN_CE    0x03 /* both bits */

void ecn_received(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!c->ecn_ok)
        return;
    if (seg->flags & TCP_CWR) /* 6.1.3: before the mark of this very packet */
        c->rcv.ce = false;
    if ((seg->packet->tos & ECN_CE) == ECN_CE && seg->text.len > 0) { /* an ACK is never ECN-capable, 6.1.4 */
        c->rcv.ce = true;
        core_count(c->tcp->core, COUNT_TCP_ECN_CE_IN);
    }
}

bool ecn_echoed(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return c->ecn_ok && seg->flags & TCP_ECE && !(seg->header->flags & TCP_SYN);
}

uint8_t ecn_flags(struct tcp_conn *c, bool new_text)
{
    uint8_t flags = c->ecn_ok && c->rcv.ce ? TCP_ECE : 0;
    if (c->snd.cwr_owed && new_text) {
        c->snd.cwr_owed = false;
        flags |= TCP_CWR;
    }
    return flags;
}

uint8_t ecn_codepoint(const struct tcp_conn *c, bool new_text)
{
    bool asked_for_none = !c->passive && c->syn_resent > 0; /* 6.1.1: whatever the answer to the first SYN */
    return c->ecn_ok && new_text && !asked_for_none ? ECN_ECT_0 : 0;
}
