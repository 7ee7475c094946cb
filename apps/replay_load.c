/* A capture in memory: datagrams copied, what the capture cut off filled with zeros, what a network card
 * would have put in (lengths and checksums of offloaded segments) put in. Called by replay.c and
 * annotate.c. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../stack/checksum.h"

#define TCP_SUM   16 /* offsets of the checksums in their headers */
#define UDP_SUM   6
#define ICMP_SUM  2
#define IP_LENGTH 2
#define IP_SUM    10

void *replay_grow(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    size_t more = *room ? 2 * *room : 64;
    void *grown = realloc(at, more * size);
    if (grown)
        *room = more;
    return grown;
}

/* The sum of the pseudo-header alone, not inverted: what a kernel leaves for the card to finish. */
static uint16_t partial_sum(const struct ip_packet *p, size_t len)
{
    struct checksum c = {0};
    checksum_add_pseudo(&c, p->src, p->dst, p->protocol, len);
    return (uint16_t)~checksum_finish(&c);
}

/* ICMP's covers no pseudo-header, and no card fills it in: only what was cut off makes it wrong. */
static void complete_icmp(const struct ip_packet *p, uint8_t *body)
{
    if (p->more_fragments || p->offset || p->body.len < ICMP_SUM + 2)
        return;
    poke16(body + ICMP_SUM, 0);
    poke16(body + ICMP_SUM, checksum_of(body, p->body.len));
}

static void complete_transport(const struct ip_packet *p, uint8_t *body, bool force)
{
    size_t at = p->protocol == IP_TCP ? TCP_SUM : UDP_SUM;
    if (p->protocol == IP_ICMP && force)
        complete_icmp(p, body);
    if ((p->protocol != IP_TCP && p->protocol != IP_UDP) || p->more_fragments || p->offset ||
        p->body.len < at + 2)
        return;
    uint16_t now = peek16(body + at);
    if (!force && now != partial_sum(p, p->body.len))
        return;
    struct checksum c = {0};
    poke16(body + at, 0);
    checksum_add_pseudo(&c, p->src, p->dst, p->protocol, p->body.len);
    checksum_add(&c, body, p->body.len);
    poke16(body + at, checksum_finish(&c));
}

void replay_complete(uint8_t *datagram, size_t len, bool force)
{
    struct ip_packet p;
    size_t head = len > 0 ? (datagram[0] & 15u) * 4u : 0;
    if (len < IP_HEADER_MIN || head < IP_HEADER_MIN || head > len)
        return;
    if (peek16(datagram + IP_LENGTH) == 0 && len <= UINT16_MAX) { /* segmentation offload leaves it open */
        poke16(datagram + IP_LENGTH, (uint16_t)len);
        poke16(datagram + IP_SUM, 0);
    }
    if (peek16(datagram + IP_SUM) == 0)
        poke16(datagram + IP_SUM, checksum_of(datagram, head));
    if (ip_parse(datagram, len, &p) == DROP_NONE)
        complete_transport(&p, datagram + (p.body.at - datagram), force);
}

/* The header of a segment whatever its checksum is: of a frame that left, the card had yet to fill it in. */
static bool parse_tcp(struct replay_frame *f)
{
    uint8_t *copy = malloc(f->len);
    if (!copy)
        return false;
    memcpy(copy, f->bytes, f->len);
    replay_complete(copy, f->len, true);
    struct ip_packet p;
    bool good = ip_parse(copy, f->len, &p) == DROP_NONE && tcp_parse(&p, &f->tcp) == DROP_NONE;
    if (good && f->tcp.text.len)
        f->tcp.text.at = f->bytes + (f->tcp.text.at - copy);
    free(copy);
    return good;
}

static void parse(struct replay_frame *f)
{
    replay_complete(f->bytes, f->len, f->cut);
    f->parsed = ip_parse(f->bytes, f->len, &f->ip) == DROP_NONE;
    bool whole = f->parsed && !f->ip.more_fragments && f->ip.offset == 0;
    f->is_tcp = whole && f->ip.protocol == IP_TCP && parse_tcp(f);
}

/* The datagram with its full length, if its headers are there to say so. */
static size_t full_length(const struct captured *c)
{
    return c->wire_len > c->len && c->wire_len <= UINT16_MAX && c->len >= IP_HEADER_MIN + 8 ? c->wire_len
                                                                                            : c->len;
}

static bool add_frame(struct replay_capture *c, const struct captured *p, char *why)
{
    size_t len = full_length(p);
    if (c->count == REPLAY_FRAMES_MAX || c->bytes + len > REPLAY_BYTES_MAX) {
        snprintf(why, REPLAY_WHY, "it is larger than a replay takes (%u frames, %u MiB)", REPLAY_FRAMES_MAX,
                 REPLAY_BYTES_MAX >> 20);
        return false;
    }
    struct replay_frame *grown = replay_grow(c->frame, c->count, &c->room, sizeof *c->frame);
    if (grown)
        c->frame = grown;
    uint8_t *bytes = grown ? calloc(1, len ? len : 1) : NULL;
    if (!bytes) {
        snprintf(why, REPLAY_WHY, "out of memory");
        return false;
    }
    memcpy(bytes, p->bytes, p->len);
    struct replay_frame *f = &c->frame[c->count++];
    *f = (struct replay_frame){.number = p->number, .bytes = bytes, .len = len, .cut = len > p->len};
    f->time = p->time;
    c->bytes += len;
    parse(f);
    return true;
}

/* Frames may stand in any order: the time of the earliest is 0, and no time is negative. */
static void count_from_the_earliest(struct replay_capture *c)
{
    usec epoch = c->count ? c->frame[0].time : 0;
    for (size_t i = 1; i < c->count; i++)
        epoch = c->frame[i].time < epoch ? c->frame[i].time : epoch;
    for (size_t i = 0; i < c->count; i++)
        c->frame[i].time -= epoch;
}

bool replay_load(struct replay_capture *c, const char *path, char *why)
{
    struct captured p;
    struct packet_file *file = packet_file_open(path, why);
    if (!file)
        return false;
    int got;
    bool good = true;
    while (good && (got = packet_file_next(file, &p, why)) > 0) {
        c->frames++;
        if (p.bytes)
            good = add_frame(c, &p, why);
        else
            c->others++;
    }
    packet_file_close(file);
    count_from_the_earliest(c);
    return good && got == 0;
}

void replay_unload(struct replay_capture *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->frame[i].bytes);
        free(c->frame[i].comment);
    }
    free(c->frame);
    *c = (struct replay_capture){0};
}
