/* pcap filters on events. No RFC of its own: pcap-filter(7) is the language and libpcap compiles it. trace.c
 * asks. */
#include "trace_filter.h"

#include <stdio.h>
#include <string.h>
#include "../stack/event_ends.h"
#include "../stack/icmp.h"
#include "../stack/ip_wire.h"
#include "../stack/tcp_wire.h"
#include "../stack/udp.h"
#include "../stack/wire.h"

#define SNAPLEN 65535
#define TTL     64 /* as we send; of others it is not known */

bool trace_filter_open(struct trace_filter *f, const char *expression, char *why)
{
    memset(f, 0, sizeof *f);
    if (!expression || !*expression)
        return true;
    pcap_t *dead = pcap_open_dead(DLT_RAW, SNAPLEN);
    if (!dead) {
        snprintf(why, TRACE_FILTER_WHY, "out of memory");
        return false;
    }
    f->set = pcap_compile(dead, &f->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!f->set)
        snprintf(why, TRACE_FILTER_WHY, "%s", pcap_geterr(dead));
    why[f->set ? 0 : strcspn(why, "\n")] = '\0';
    pcap_close(dead);
    return f->set;
}

void trace_filter_close(struct trace_filter *f)
{
    if (f->set)
        pcap_freecode(&f->program);
    f->set = false;
}

/* A peer may pack its options closer than we write them: SACK blocks that would not fit are left out. */
static size_t tcp_head(struct tcp_header h, uint8_t *to)
{
    const struct tcp_options *o = &h.options;
    size_t others =
        4u * (o->mss != 0) + 4u * o->sack_permitted + 12u * o->has_timestamps + 4u * o->has_window_scale;
    size_t room = TCP_HEADER_MAX - TCP_HEADER_MIN - others, blocks = room < 4 ? 0 : (room - 4) / 8;
    if (h.options.sack_count > blocks)
        h.options.sack_count = (uint8_t)blocks;
    return tcp_write(&h, to);
}

/* The transport header of an event; a bare one when all that is known is between whom. */
static size_t transport(const struct event *e, const struct event_ends *ends, uint8_t *to, size_t *text)
{
    bool segment = e->kind == EVENT_SEGMENT_IN || e->kind == EVENT_SEGMENT_OUT;
    bool datagram = e->kind == EVENT_DATAGRAM_IN || e->kind == EVENT_DATAGRAM_OUT;
    struct tcp_header bare = {.source = ends->src.port, .destination = ends->dst.port};
    struct writer w = writer_of(to, TCP_HEADER_MAX);
    *text = segment ? e->u.segment.len : datagram ? e->u.datagram.len : 0;
    switch (ends->protocol) {
    case IP_TCP:
        return tcp_head(segment ? *e->u.segment.header : bare, to);
    case IP_UDP:
        put16(&w, ends->src.port);
        put16(&w, ends->dst.port);
        put16(&w, (uint16_t)(UDP_HEADER + *text));
        put16(&w, 0);
        return UDP_HEADER;
    case IP_ICMP:
        put8(&w, datagram ? e->u.datagram.type : 0);
        put8(&w, datagram ? e->u.datagram.code : 0);
        put16(&w, 0);
        put16(&w, ends->src.port ? ends->src.port : ends->dst.port); /* the identifier of an echo */
        put16(&w, 0);
        return ICMP_HEADER;
    default:
        return 0;
    }
}

size_t trace_filter_packet(const struct event *e, uint8_t to[TRACE_FILTER_PACKET], size_t *wire_len)
{
    if (e->kind == EVENT_DROP && e->u.drop.packet) {
        size_t kept = e->u.drop.len < TRACE_FILTER_PACKET ? e->u.drop.len : TRACE_FILTER_PACKET;
        memcpy(to, e->u.drop.packet, kept);
        *wire_len = e->u.drop.len;
        return kept;
    }
    struct event_ends ends = event_ends(e);
    size_t text = 0, head = transport(e, &ends, to + IP_HEADER_MIN, &text);
    struct ip_fields ip = {.src = ends.src.addr,
                           .dst = ends.dst.addr,
                           .protocol = ends.protocol,
                           .ttl = TTL,
                           .dont_fragment = ends.protocol == IP_TCP};
    ip_fill(to, &ip, head + text);
    *wire_len = IP_HEADER_MIN + head + text;
    return IP_HEADER_MIN + head;
}

static bool matches(const struct trace_filter *f, const struct event *e)
{
    uint8_t packet[TRACE_FILTER_PACKET];
    size_t wire_len, kept = trace_filter_packet(e, packet, &wire_len);
    struct pcap_pkthdr header = {.caplen = (uint32_t)kept, .len = (uint32_t)wire_len};
    return pcap_offline_filter(&f->program, &header, packet) != 0;
}

static bool is_packet(const struct event *e)
{
    return event_arrives(e) || e->kind == EVENT_SEGMENT_OUT || e->kind == EVENT_DATAGRAM_OUT;
}

bool trace_filter_wants(struct trace_filter *f, const struct event *e)
{
    if (!f->set)
        return true;
    uint32_t slot = e->connection % TRACE_FILTER_KNOWN;
    bool known = e->connection && f->latest[slot].connection == e->connection;
    if (!is_packet(e) && known)
        return f->latest[slot].wanted;
    bool wanted = matches(f, e);
    if (is_packet(e) && e->connection) {
        f->latest[slot].connection = e->connection;
        f->latest[slot].wanted = wanted;
    }
    return wanted;
}
