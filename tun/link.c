/* The faulty link (tun/link.h). ECN marks: RFC 3168 5; the checksum follows by RFC 1624.
 *
 * Owns every datagram that is on its way. A datagram meets, in this order: the queue of the bottleneck, its
 * rate, loss, bit errors, delay and jitter, reordering, duplication. Time comes from the caller; only the
 * device at the end of the file asks the clock. Called by loop.c through struct device, by apps/up_pieces.c,
 * and by tests/bench. */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/wire.h"

#define MILLION     1000000u
#define BITS        8
#define IP_TOS      1
#define IP_CHECKSUM 10
#define IP_SHORTEST 20
#define ECN_MASK    3u
#define ECN_CE      3u
#define HELD_BACK   MSEC(1) /* at least so long does one stay that is to be overtaken; and half the delay */

const char *link_counter_text(enum link_counter which)
{
#define X(name, text) text,
    static const char *const text[] = {LINK_COUNTERS(X)};
#undef X
    return text[which];
}

void link_config_init(struct link_config *config)
{
    *config = (struct link_config){.queue = LINK_QUEUE_DEFAULT, .seed = 1};
}

/* --- dice --- */

/* SplitMix64: small, and every seed is as good as any other. */
static uint64_t roll(struct link_way *way)
{
    uint64_t z = way->dice += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool chance(struct link_way *way, uint32_t of_a_million)
{
    return of_a_million > 0 && roll(way) % MILLION < of_a_million;
}

static usec up_to(struct link_way *way, usec most)
{
    return most > 0 ? (usec)(roll(way) % ((uint64_t)most + 1)) : 0;
}

/* Gilbert's model: a burst begins so often, and goes on so long, that `loss` is lost all in all. */
static bool is_lost(struct link_way *way)
{
    const struct link_config *c = &way->config;
    if (c->burst <= 1 || c->loss == 0 || c->loss == MILLION)
        return chance(way, c->loss);
    uint64_t begins = (uint64_t)c->loss * MILLION / ((uint64_t)c->burst * (MILLION - c->loss));
    uint64_t ends = MILLION / c->burst;
    uint64_t odds = way->in_burst ? ends : begins;
    if (roll(way) % MILLION < odds)
        way->in_burst = !way->in_burst;
    return way->in_burst;
}

/* --- the bottleneck --- */

static uint32_t queued(struct link_way *way, usec now)
{
    while (way->queue_count > 0 && way->leaves[way->queue_first] <= now) {
        way->queue_first = (way->queue_first + 1) % way->config.queue;
        way->queue_count--;
    }
    return way->queue_count;
}

/* Takes a place in the queue. False: it is full. *leaves is when the last bit has left. */
static bool enqueue(struct link_way *way, usec now, size_t len, usec *leaves, bool *crowded)
{
    const struct link_config *c = &way->config;
    *leaves = now;
    *crowded = false;
    if (c->rate == 0)
        return true;
    uint32_t waiting = queued(way, now);
    if (waiting == c->queue)
        return false;
    if (way->busy < now)
        way->busy = now;
    way->busy += ((usec)len * BITS * SEC(1) + c->rate - 1) / c->rate;
    way->leaves[(way->queue_first + waiting) % c->queue] = way->busy;
    way->queue_count++;
    *leaves = way->busy;
    *crowded = waiting >= c->queue / 2;
    return true;
}

/* RFC 3168 5: only what is ECN-capable is marked. Changing one field changes the header's checksum by as much
 * (RFC 1624). */
static bool mark_congestion(uint8_t *ip, size_t len)
{
    if (len < IP_SHORTEST || ip[0] >> 4 != 4 || (ip[IP_TOS] & ECN_MASK) == 0)
        return false;
    uint32_t before = peek16(ip);
    ip[IP_TOS] |= ECN_CE;
    uint32_t sum = (uint16_t)~peek16(ip + IP_CHECKSUM) + (uint16_t)~before + (uint32_t)peek16(ip);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    struct writer w = writer_of(ip + IP_CHECKSUM, 2);
    put16(&w, (uint16_t)~sum);
    return true;
}

/* --- on the way --- */

static void insert(struct link_way *way, struct link_packet *p)
{
    struct link_packet *before = way->last;
    while (before && before->due > p->due) /* past those that were held back */
        before = before->previous;
    p->previous = before;
    p->next = before ? before->next : way->first;
    if (p->next)
        p->next->previous = p;
    else
        way->last = p;
    if (before)
        before->next = p;
    else
        way->first = p;
    way->held++;
}

static struct link_packet *packet_new(struct link_way *way, size_t len)
{
    struct link_packet *p = way->held < LINK_HELD_MAX ? malloc(sizeof *p + len) : NULL;
    if (p)
        p->len = len;
    else
        way->count[LINK_NO_ROOM]++;
    return p;
}

static struct link_packet *gather(struct link_way *way, const struct iovec *part, int count)
{
    size_t len = 0, at = 0;
    for (int i = 0; i < count; i++)
        len += part[i].iov_len;
    struct link_packet *p = packet_new(way, len);
    for (int i = 0; p && i < count; i++) {
        memcpy(p->bytes + at, part[i].iov_base, part[i].iov_len);
        at += part[i].iov_len;
    }
    return p;
}

static usec arrival(struct link_way *way, usec leaves)
{
    const struct link_config *c = &way->config;
    usec due = leaves + c->delay + up_to(way, c->jitter);
    if (due < way->floor)
        due = way->floor;
    if (chance(way, c->reorder)) {
        way->count[LINK_REORDERED]++;
        return due + HELD_BACK + up_to(way, c->delay / 2); /* those behind it do not wait */
    }
    way->floor = due;
    return due;
}

static void duplicate(struct link_way *way, const struct link_packet *original)
{
    struct link_packet *copy = packet_new(way, original->len);
    if (!copy)
        return;
    memcpy(copy->bytes, original->bytes, original->len);
    copy->due = original->due;
    way->count[LINK_DUPLICATED]++;
    insert(way, copy);
}

static void flip_a_bit(struct link_way *way, struct link_packet *p)
{
    uint64_t bit = roll(way) % (p->len * BITS);
    p->bytes[bit / BITS] ^= (uint8_t)(1u << bit % BITS);
    way->count[LINK_CORRUPTED]++;
}

void link_give(struct link_way *way, usec now, const struct iovec *part, int count)
{
    struct link_packet *p = gather(way, part, count);
    usec leaves;
    bool crowded;
    way->count[LINK_IN]++;
    if (!p)
        return;
    bool taken = enqueue(way, now, p->len, &leaves, &crowded);
    if (!taken || is_lost(way)) {
        way->count[taken ? LINK_LOST : LINK_QUEUE_FULL]++;
        free(p);
        return;
    }
    if (crowded && way->config.ecn && mark_congestion(p->bytes, p->len))
        way->count[LINK_MARKED]++;
    if (p->len > 0 && chance(way, way->config.corrupt))
        flip_a_bit(way, p);
    p->due = arrival(way, leaves);
    insert(way, p);
    if (chance(way, way->config.duplicate))
        duplicate(way, p);
}

struct link_packet *link_take(struct link_way *way, usec now)
{
    struct link_packet *p = way->first;
    if (!p || p->due > now)
        return NULL;
    way->first = p->next;
    if (p->next)
        p->next->previous = NULL;
    else
        way->last = NULL;
    way->held--;
    way->count[LINK_OUT]++;
    return p;
}

usec link_due(const struct link_way *way)
{
    return way->first ? way->first->due : NEVER;
}

int link_way_init(struct link_way *way, const struct link_config *config, unsigned number)
{
    *way = (struct link_way){.config = *config, .dice = config->seed + ((uint64_t)number << 32)};
    roll(way);
    if (config->rate == 0)
        return 0;
    way->leaves = calloc(config->queue, sizeof *way->leaves);
    return way->leaves ? 0 : -ENOMEM;
}

void link_way_free(struct link_way *way)
{
    for (struct link_packet *p; (p = link_take(way, NEVER));)
        free(p);
    free(way->leaves);
    way->leaves = NULL;
}

/* --- as a device --- */

static void arm(struct link *link)
{
    usec a = link_due(&link->way[LINK_TO_STACK]), b = link_due(&link->way[LINK_TO_KERNEL]);
    loop_deadline(link->loop, &link->wake, a < b ? a : b);
}

static void deliver_to_kernel(struct link *link, usec now)
{
    const struct offload none = {0}; /* on a real wire there are only whole datagrams */
    struct link_packet *p;
    while ((p = link_take(&link->way[LINK_TO_KERNEL], now))) {
        struct iovec whole = {p->bytes, p->len};
        ssize_t n;
        do
            n = link->inner->write(link->inner, &whole, 1, &none);
        while (n == -EINTR);
        if (n < 0)
            link->device.dropped++; /* that the device is gone shows when it is read */
        free(p);
    }
}

static void link_wakes(struct deadline *wake)
{
    struct link *link = (struct link *)((char *)wake - offsetof(struct link, wake));
    deliver_to_kernel(link, clock_now());
    link->loop->device_readable = true; /* something may be due in the other direction */
    arm(link);
}

/* Brings in one datagram of the inner device, gives out one that is due. 0: nothing yet, ask again. */
static ssize_t link_device_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    struct link *link = (struct link *)device;
    struct link_way *way = &link->way[LINK_TO_STACK];
    ssize_t n = link->inner->read(link->inner, to, room, offload);
    usec now = clock_now();
    if (n > 0)
        link_give(way, now, &(struct iovec){to, (size_t)n}, 1);
    struct link_packet *p = link_take(way, now);
    if (!p) {
        arm(link);
        return n > 0 ? 0 : n;
    }
    ssize_t len = p->len <= room ? (ssize_t)p->len : 0;
    memcpy(to, p->bytes, (size_t)len);
    free(p);
    return len;
}

static ssize_t link_device_write(struct device *device, const struct iovec *part, int count,
                                 const struct offload *offload)
{
    (void)offload; /* none: up_pieces.c opens the device without */
    struct link *link = (struct link *)device;
    ssize_t len = 0;
    usec now = clock_now();
    for (int i = 0; i < count; i++)
        len += (ssize_t)part[i].iov_len;
    link_give(&link->way[LINK_TO_KERNEL], now, part, count);
    deliver_to_kernel(link, now);
    arm(link);
    return len;
}

int link_open(struct link *link, struct device *inner, const struct link_config *config)
{
    *link = (struct link){.device = *inner, .inner = inner, .wake = {.passed = link_wakes}};
    link->device.read = link_device_read;
    link->device.write = link_device_write;
    for (unsigned i = 0; i < LINK_WAYS; i++) {
        int error = link_way_init(&link->way[i], config, i);
        if (error < 0) {
            link_close(link);
            return error;
        }
    }
    return 0;
}

void link_run(struct link *link, struct loop *loop)
{
    link->loop = loop;
}

void link_close(struct link *link)
{
    if (link->inner)
        deliver_to_kernel(link, NEVER);
    for (int i = 0; i < LINK_WAYS; i++)
        link_way_free(&link->way[i]);
    link->inner = NULL;
}
