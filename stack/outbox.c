/* RFC 791 3.2 (fragmentation), RFC 6864 (identification): whole datagrams that wait to leave. icmp.c, udp.c
 * and TCP's replies to strangers post them; stack_output takes the frames. */
#include "outbox.h"
#include "ip_wire.h"

#include <assert.h>

void outbox_init(struct outbox *box, struct core *core)
{
    *box = (struct outbox){.core = core};
    box->last = &box->first;
}

static void entry_free(struct outbox *box, struct outbox_entry *e)
{
    if (e)
        core_free(box->core, e, sizeof *e + e->len);
}

void outbox_free(struct outbox *box)
{
    entry_free(box, box->leaving);
    for (struct outbox_entry *e = box->first, *next; e; e = next) {
        next = e->next;
        entry_free(box, e);
    }
    outbox_init(box, box->core);
}

/* Replies are bounded here: whoever provokes them pays nothing. What a socket sends is bounded by its buffer.
 */
static bool room_for_reply(const struct outbox *box, size_t len)
{
    const struct stack_config *config = &box->core->config;
    return box->replies < config->outbox_max && box->reply_bytes + len <= config->outbox_size;
}

struct outbox_entry *outbox_new(struct outbox *box, size_t len, uint32_t *charge)
{
    assert(len <= IP_MTU_MAX - IP_HEADER_MIN);
    if (!charge && !room_for_reply(box, len)) {
        core_drop(box->core, DROP_OUTBOX_FULL, NULL, 0);
        return NULL;
    }
    struct outbox_entry *e = core_alloc(box->core, sizeof *e + len);
    if (!e) {
        if (!charge)
            core_drop(box->core, DROP_NO_MEMORY, NULL, 0);
        return NULL;
    }
    e->charge = charge;
    e->len = (uint32_t)len;
    if (charge) {
        *charge += e->len;
    } else {
        box->replies++;
        box->reply_bytes += e->len;
    }
    return e;
}

/* RFC 6864 4.3: two datagrams between the same ends must not carry the same identification within a
 * datagram's life if either may be in fragments. A keyed start hides from one destination what others are
 * sent; each hash of (source, destination, protocol) counts on from there. Omitted: holding back the sender
 * of more than 65536 such datagrams in that time; their checksums protect them. */
static uint16_t next_id(struct outbox *box, const struct outbox_entry *e)
{
    uint32_t flow[3] = {e->src, e->dst, e->protocol};
    uint32_t hash = siphash(box->core->config.key, flow, sizeof flow);
    return (uint16_t)((hash >> 16) + box->next_id[hash % OUTBOX_IDS]++);
}

void outbox_post(struct outbox *box, struct outbox_entry *e)
{
    /* What fits our link leaves whole with DF, "atomic" in RFC 6864 4.1: its identification means nothing,
     * and a path that is narrower says so (EMSGSIZE) instead of cutting it. What does not fit must be cut
     * anyway. */
    e->dont_fragment = IP_HEADER_MIN + e->len <= box->core->config.mtu;
    e->id = e->dont_fragment ? 0 : next_id(box, e);
    e->next = NULL;
    *box->last = e;
    box->last = &e->next;
}

void outbox_disown(struct outbox *box, const uint32_t *charge)
{
    if (*charge == 0)
        return;
    for (struct outbox_entry *e = box->first; e; e = e->next) {
        if (e->charge != charge)
            continue;
        /* From now on an entry of its own account: it was within its owner's bound when it was queued. */
        e->charge = NULL;
        e->sock = NULL;
        box->replies++;
        box->reply_bytes += e->len;
    }
}

bool outbox_empty(const struct outbox *box)
{
    return box->first == NULL;
}

static void give_back(struct outbox *box, struct outbox_entry *e)
{
    if (!e->charge) {
        box->replies--;
        box->reply_bytes -= e->len;
        return;
    }
    *e->charge -= e->len;
    if (e->sock && e->sock->send_refused) {
        e->sock->send_refused = false;
        sock_signal(e->sock);
    }
}

/* The first entry left whole: its bytes stay until the next call, for the frame points at them. */
static void leave(struct outbox *box)
{
    struct outbox_entry *e = box->first;
    box->first = e->next;
    if (!box->first)
        box->last = &box->first;
    box->leaving = e;
    give_back(box, e);
    core_count(box->core, COUNT_IP_OUT);
}

/* RFC 791 3.2: all but the last fragment carry a multiple of 8 bytes. */
static uint32_t piece_len(const struct outbox *box, const struct outbox_entry *e)
{
    uint32_t room = box->core->config.mtu - IP_HEADER_MIN, left = e->len - e->sent;
    return left <= room ? left : room & ~7u;
}

static void count_fragment(struct core *core, const struct outbox_entry *e)
{
    if (e->dont_fragment)
        return;
    core_count(core, COUNT_IP_FRAGMENTS_OUT);
    if (e->sent == 0)
        core_count(core, COUNT_IP_FRAGMENTED);
}

bool outbox_next(struct outbox *box, struct frame *frame)
{
    entry_free(box, box->leaving);
    box->leaving = NULL;
    struct outbox_entry *e = box->first;
    if (!e)
        return false;

    uint32_t len = piece_len(box, e);
    const struct ip_fields fields = {
        .src = e->src,
        .dst = e->dst,
        .id = e->id,
        .protocol = e->protocol,
        .ttl = e->ttl,
        .tos = e->tos,
        .dont_fragment = e->dont_fragment,
        .more_fragments = e->sent + len < e->len,
        .offset = e->sent,
    };
    *frame = (struct frame){.head_len = IP_HEADER_MIN, .body = {{e->data + e->sent, len}}};
    ip_fill(frame->head, &fields, len);
    count_fragment(box->core, e);
    e->sent += len;
    if (e->sent == e->len)
        leave(box);
    return true;
}
