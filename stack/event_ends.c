/* The two ends of an event. event_text.c shows them; filters and programs that read the trace ask as well. */
#include "event_ends.h"
#include "ip_wire.h"

/* RFC 791 3.1, read leniently: the packet was dropped, perhaps because its header is wrong. */
static struct event_ends ends_of_packet(const uint8_t *packet, size_t len)
{
    struct event_ends ends = {0};
    if (!packet)
        return ends;
    struct reader r = reader_of(packet, len);
    size_t version_ihl = get8(&r), header_len = (version_ihl & 15) * 4;
    get_bytes(&r, 5);
    uint16_t fragment = get16(&r) & 0x1fff;
    get8(&r);
    ends.protocol = get8(&r);
    get16(&r);
    ends.src.addr = get32(&r);
    ends.dst.addr = get32(&r);
    if (r.bad || version_ihl >> 4 != 4)
        return (struct event_ends){0};
    ends.known = true;
    bool has_ports = (ends.protocol == IP_TCP || ends.protocol == IP_UDP) && fragment == 0;
    if (!has_ports || header_len < IP_HEADER_MIN)
        return ends;
    get_bytes(&r, header_len - IP_HEADER_MIN);
    uint16_t source = get16(&r), destination = get16(&r);
    if (!r.bad) {
        ends.src.port = source;
        ends.dst.port = destination;
    }
    return ends;
}

struct event_ends event_ends(const struct event *e)
{
    if (e->kind == EVENT_DROP && e->connection == 0)
        return ends_of_packet(e->u.drop.packet, e->u.drop.len);
    if (event_arrives(e))
        return (struct event_ends){e->protocol, e->remote, e->local, true};
    return (struct event_ends){e->protocol, e->local, e->remote, true};
}
