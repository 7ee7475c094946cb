/* Reassembly, RFC 791 3.2, RFC 815, RFC 1122 3.3.2; overlaps are refused as RFC 5722 refuses them. ip.c
 * calls.
 *
 * The bytes of a datagram lie at their final place in pages that are allocated when a fragment first touches
 * them, and each page has two bits for every 8 bytes, the unit of the offset field: "held" says that they are
 * here, "starts" that a fragment begins with them. So overlap and duplicate are found without a list to
 * search, whatever the order in which a sender cares to send 8190 fragments of 8 bytes, and a claimed length
 * costs nothing. */
#include "ip_frag.h"

#include <assert.h>

#define PAGE       2048u
#define PAGE_UNITS (PAGE / 8)
#define PAGES      (65536u / PAGE)
#define NO_END     UINT32_MAX

#define ECN_BITS  3u /* of the type of service; RFC 3168 5 */
#define NOT_ECT   0u
#define CE        3u
#define SEEN(ecn) (1u << (ecn))

struct page {
    uint64_t held[PAGE_UNITS / 64], starts[PAGE_UNITS / 64];
    uint8_t bytes[PAGE];
};

struct ip_reassembly {
    struct table_node node;             /* keyed by src, dst, protocol, id */
    struct ip_reassembly *next, **link; /* by age */
    usec due;
    enum drop refused;      /* why nothing more of it is wanted; DROP_NONE: it is being collected */
    struct ip_packet first; /* its fields identify the datagram; header: of the first fragment, once here */
    uint8_t header[IP_HEADER_MAX];
    uint32_t first_len; /* bytes in the first fragment; 0: not here */
    uint32_t end;       /* length of the datagram's body, NO_END until the last fragment came */
    uint32_t highest;   /* the end of the fragment that reaches furthest */
    uint32_t received;  /* bytes held */
    uint8_t ecn;        /* the ECN codepoints seen, a bit for each */
    struct page *page[PAGES];
    uint8_t *whole; /* header and body in one piece, when complete */
    size_t whole_len;
};

void ip_frag_init(struct ip_frag *frag, struct core *core)
{
    *frag = (struct ip_frag){.core = core};
    frag->newest = &frag->oldest;
}

static void free_pages(struct ip_frag *frag, struct ip_reassembly *r)
{
    for (size_t i = 0; i < PAGES; i++) {
        if (!r->page[i])
            continue;
        core_free(frag->core, r->page[i], sizeof(struct page));
        r->page[i] = NULL;
        frag->bytes -= sizeof(struct page);
    }
}

/* Takes r out of the table and the list; its memory stays. */
static void unlink_reassembly(struct ip_frag *frag, struct ip_reassembly *r)
{
    table_remove(&frag->datagrams, &r->node);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    else
        frag->newest = r->link;
    frag->count--;
    frag->bytes -= sizeof *r;
}

static void free_reassembly(struct ip_frag *frag, struct ip_reassembly *r)
{
    free_pages(frag, r);
    unlink_reassembly(frag, r);
    core_free(frag->core, r, sizeof *r);
}

/* What was handed out by the last call. */
static void free_done(struct ip_frag *frag)
{
    if (!frag->done)
        return;
    free_pages(frag, frag->done);
    core_free(frag->core, frag->done->whole, frag->done->whole_len);
    core_free(frag->core, frag->done, sizeof *frag->done);
    frag->done = NULL;
}

void ip_frag_free(struct ip_frag *frag)
{
    free_done(frag);
    while (frag->oldest)
        free_reassembly(frag, frag->oldest);
    table_free(&frag->datagrams, frag->core);
}

static uint32_t hash_of(const struct ip_frag *frag, const struct ip_packet *p)
{
    uint32_t name[3] = {p->src, p->dst, (uint32_t)p->protocol << 16 | p->id};
    return siphash_slot(frag->core->config.key, name, sizeof name);
}

static struct ip_reassembly *find(const struct ip_frag *frag, const struct ip_packet *p)
{
    uint32_t hash = hash_of(frag, p);
    for (struct table_node *n = table_first(&frag->datagrams, hash); n; n = table_next(n, hash)) {
        struct ip_reassembly *r = (struct ip_reassembly *)n; /* its first member */
        if (r->first.src == p->src && r->first.dst == p->dst && r->first.protocol == p->protocol &&
            r->first.id == p->id)
            return r;
    }
    return NULL;
}

/* A datagram that will not become whole; it is shown by its first fragment's header, when that came. */
static void lost(struct ip_frag *frag, const struct ip_reassembly *r, enum drop why)
{
    core_drop(frag->core, why, r->first_len ? r->header : NULL, r->first_len ? r->first.header.len : 0);
}

/* Makes the oldest datagrams, except `keep`, give way until one more of `size` bytes fits the bounds. */
static bool make_room(struct ip_frag *frag, size_t size, uint32_t datagrams, const struct ip_reassembly *keep)
{
    const struct stack_config *config = &frag->core->config;
    while (frag->bytes + size > config->reassembly_size || frag->count + datagrams > config->reassembly_max) {
        struct ip_reassembly *victim = frag->oldest;
        if (victim && victim == keep)
            victim = victim->next;
        if (!victim)
            return false;
        lost(frag, victim, DROP_FRAGMENT_LIMIT);
        free_reassembly(frag, victim);
    }
    return true;
}

static struct ip_reassembly *start(struct ip_frag *frag, const struct ip_packet *p, enum drop *why)
{
    struct ip_reassembly *r = NULL;
    *why = DROP_FRAGMENT_LIMIT;
    if (!make_room(frag, sizeof *r, 1, NULL))
        return NULL;
    *why = DROP_NO_MEMORY;
    r = core_alloc(frag->core, sizeof *r);
    if (!r)
        return NULL;
    if (!table_insert(&frag->datagrams, frag->core, &r->node, hash_of(frag, p))) {
        core_free(frag->core, r, sizeof *r);
        return NULL;
    }
    r->first = (struct ip_packet){.src = p->src, .dst = p->dst, .protocol = p->protocol, .id = p->id};
    r->end = NO_END;
    r->due =
        frag->core->now + frag->core->config.reassembly_time; /* RFC 1122 3.3.2: from the first to arrive */
    r->link = frag->newest;
    *frag->newest = r;
    frag->newest = &r->next;
    frag->count++;
    frag->bytes += sizeof *r;
    *why = DROP_NONE;
    return r;
}

/* The whole datagram goes, and a record stays until its time is over: late fragments must not build another
 * datagram out of what is left (RFC 5722 4). */
static enum drop refuse(struct ip_frag *frag, struct ip_reassembly *r, enum drop why)
{
    free_pages(frag, r);
    r->first_len = 0;
    r->refused = why;
    return why;
}

/* Whether one 8-byte unit of the datagram has its bit in `held` or `starts`. */
static bool held(const struct ip_reassembly *r, uint32_t unit)
{
    const struct page *page = unit < PAGES * PAGE_UNITS ? r->page[unit / PAGE_UNITS] : NULL;
    return page && page->held[unit % PAGE_UNITS / 64] >> unit % 64 & 1;
}

static bool starts(const struct ip_reassembly *r, uint32_t unit)
{
    const struct page *page = unit < PAGES * PAGE_UNITS ? r->page[unit / PAGE_UNITS] : NULL;
    return page && page->starts[unit % PAGE_UNITS / 64] >> unit % 64 & 1;
}

static bool any_held(const struct ip_reassembly *r, uint32_t first, uint32_t last)
{
    for (uint32_t unit = first; unit <= last; unit++) {
        if (held(r, unit))
            return true;
    }
    return false;
}

/* Whether exactly this fragment came before: it starts where one starts, all of it is here, no other starts
 * within, and the next byte is not held or starts another. */
static bool is_duplicate(const struct ip_reassembly *r, uint32_t first, uint32_t last)
{
    if (!starts(r, first))
        return false;
    for (uint32_t unit = first; unit <= last; unit++) {
        if (!held(r, unit) || (unit > first && starts(r, unit)))
            return false;
    }
    return !held(r, last + 1) || starts(r, last + 1);
}

/* RFC 791 3.1: every fragment but the last is a multiple of 8 long; none is empty. */
static bool length_valid(const struct ip_packet *p)
{
    return p->body.len > 0 && (!p->more_fragments || p->body.len % 8 == 0);
}

/* What condemns the datagram: reaching beyond 65535 bytes ("ping of death"), or contradicting the end that
 * another fragment claimed. */
static enum drop contradiction(const struct ip_reassembly *r, const struct ip_packet *p)
{
    uint32_t end = p->offset + (uint32_t)p->body.len;
    if (p->header.len + end > IP_MTU_MAX)
        return DROP_FRAGMENT_LENGTH;
    if (r->end == NO_END) /* all that is here says that more follows */
        return !p->more_fragments && end <= r->highest ? DROP_FRAGMENT_OVERLAP : DROP_NONE;
    if (p->more_fragments ? end >= r->end : end != r->end)
        return DROP_FRAGMENT_OVERLAP;
    return DROP_NONE;
}

/* The page that holds `offset`, made if need be. */
static struct page *page_at(struct ip_frag *frag, struct ip_reassembly *r, uint32_t offset, enum drop *why)
{
    struct page **page = &r->page[offset / PAGE];
    if (*page)
        return *page;
    *why = DROP_FRAGMENT_LIMIT;
    if (!make_room(frag, sizeof **page, 0, r))
        return NULL;
    *why = DROP_NO_MEMORY;
    *page = core_alloc(frag->core, sizeof **page);
    if (*page) {
        frag->bytes += sizeof **page;
        *why = DROP_NONE;
    }
    return *page;
}

static void mark(struct ip_reassembly *r, uint32_t first, uint32_t last)
{
    for (uint32_t unit = first; unit <= last; unit++)
        r->page[unit / PAGE_UNITS]->held[unit % PAGE_UNITS / 64] |= (uint64_t)1 << unit % 64;
    r->page[first / PAGE_UNITS]->starts[first % PAGE_UNITS / 64] |= (uint64_t)1 << first % 64;
}

/* Copies the fragment to its place; its first and last unit are `first` and `last`. */
static enum drop store(struct ip_frag *frag, struct ip_reassembly *r, const struct ip_packet *p,
                       uint32_t first, uint32_t last)
{
    enum drop why = DROP_NONE;
    for (uint32_t page = first / PAGE_UNITS; page <= last / PAGE_UNITS; page++) {
        if (!page_at(frag, r, page * PAGE, &why))
            return why;
    }
    mark(r, first, last);
    for (uint32_t done = 0, n; done < p->body.len; done += n) {
        uint32_t at = p->offset + done, room = PAGE - at % PAGE, left = (uint32_t)p->body.len - done;
        n = left < room ? left : room;
        memcpy(r->page[at / PAGE]->bytes + at % PAGE, p->body.at + done, n);
    }
    return DROP_NONE;
}

/* The header of the first fragment stands for the datagram (RFC 791 3.2), and is what ICMP quotes. */
static void note(struct ip_reassembly *r, const struct ip_packet *p)
{
    uint32_t end = p->offset + (uint32_t)p->body.len;
    r->received += (uint32_t)p->body.len;
    r->ecn |= (uint8_t)SEEN(p->tos & ECN_BITS);
    if (end > r->highest)
        r->highest = end;
    if (!p->more_fragments)
        r->end = end;
    if (p->offset == 0) {
        r->first = *p;
        r->first_len = end;
        memcpy(r->header, p->header.at, p->header.len);
        r->first.header.at = r->header;
        r->first.body = (struct span){NULL, 0};
    }
}

/* Adds a fragment to its datagram; DROP_NONE also for one that was here already. */
static enum drop add(struct ip_frag *frag, struct ip_reassembly *r, const struct ip_packet *p)
{
    if (r->refused)
        return r->refused;
    enum drop why = contradiction(r, p);
    if (why)
        return refuse(frag, r, why);
    uint32_t first = p->offset / 8, last = (p->offset + (uint32_t)p->body.len - 1) / 8;
    if (any_held(r, first, last))
        return is_duplicate(r, first, last) ? DROP_NONE : refuse(frag, r, DROP_FRAGMENT_OVERLAP);
    why = store(frag, r, p, first, last);
    if (!why)
        note(r, p);
    return why;
}

/* RFC 3168 5.3: a mark on any fragment is one on the datagram; beside one that is Not-ECT it cannot stand,
 * and the datagram goes, as it would have where ECN is not spoken. */
static bool mark_is_senseless(const struct ip_reassembly *r)
{
    return r->ecn & SEEN(CE) && r->ecn & SEEN(NOT_ECT);
}

/* Takes r, its bytes in one piece, out of reassembly. */
static enum drop finish(struct ip_frag *frag, struct ip_reassembly *r, struct ip_packet *whole)
{
    size_t header_len = r->first.header.len;
    if (header_len + r->end > IP_MTU_MAX)
        return refuse(frag, r, DROP_FRAGMENT_LENGTH); /* the first header may be longer than the last's */
    if (mark_is_senseless(r))
        return refuse(frag, r, DROP_FRAGMENT_ECN);
    r->whole_len = header_len + r->end;
    r->whole = core_alloc(frag->core, r->whole_len);
    if (!r->whole) {
        free_reassembly(frag, r);
        return DROP_NO_MEMORY;
    }
    struct writer w = writer_of(r->whole, r->whole_len);
    put_bytes(&w, r->header, header_len);
    for (uint32_t at = 0; at < r->end; at += PAGE)
        put_bytes(&w, r->page[at / PAGE]->bytes, r->end - at < PAGE ? r->end - at : PAGE);
    assert(!w.bad && w.at == w.end);

    *whole = r->first;
    whole->more_fragments = false;
    if (r->ecn & SEEN(CE))
        whole->tos |= CE;
    whole->header = (struct span){r->whole, header_len};
    whole->body = (struct span){r->whole + header_len, r->end};
    unlink_reassembly(frag, r);
    frag->done = r;
    core_count(frag->core, COUNT_IP_REASSEMBLED);
    return DROP_NONE;
}

bool ip_frag_input(struct ip_frag *frag, const struct ip_packet *p, struct ip_packet *whole, enum drop *why)
{
    free_done(frag);
    core_count(frag->core, COUNT_IP_FRAGMENTS_IN);
    *why = DROP_FRAGMENT_LENGTH;
    if (!length_valid(p))
        return false;
    struct ip_reassembly *r = find(frag, p);
    if (!r)
        r = start(frag, p, why);
    if (!r)
        return false;
    *why = add(frag, r, p);
    if (*why || r->received != r->end)
        return false;
    *why = finish(frag, r, whole);
    return *why == DROP_NONE;
}

bool ip_frag_expired(struct ip_frag *frag, usec now, struct ip_packet *first)
{
    free_done(frag);
    struct ip_reassembly *r = frag->oldest;
    if (!r || r->due > now)
        return false;
    if (!r->refused) /* that was reported when it happened */
        lost(frag, r, DROP_FRAGMENT_TIMEOUT);
    *first = r->first;
    if (r->first_len > 0) /* at least what lies in the first page: more than an ICMP error can quote */
        first->body = (struct span){r->page[0]->bytes, r->first_len < PAGE ? r->first_len : PAGE};
    unlink_reassembly(frag, r);
    frag->done = r;
    return true;
}

usec ip_frag_due(const struct ip_frag *frag)
{
    return frag->oldest ? frag->oldest->due : NEVER;
}
