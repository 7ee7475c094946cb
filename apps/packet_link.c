/* Takes the header of its link off a captured frame. Called by packet_file.c; pure functions. */
#include "packet_link.h"

#define ETHERTYPE_IPV4      0x0800
#define ETHERTYPE_VLAN      0x8100 /* IEEE 802.1Q */
#define ETHERTYPE_QINQ      0x88a8 /* IEEE 802.1ad */
#define ETHERTYPE_OLD_QINQ  0x9100
#define ETHERNET_ADDRESSES  12
#define VLAN_TAGS           4 /* more than that is no frame of anybody's */
#define FAMILY_INET         2
#define SLL_BEFORE_PROTOCOL 14
#define SLL2_AFTER_PROTOCOL 18
#define IPV4_HEADER         20
#define DLT_RAW_LINUX       12 /* tcpdump.org: DLT_RAW differs from LINKTYPE_RAW, and on OpenBSD again */
#define DLT_RAW_OPENBSD     14

unsigned link_of_dlt(int dlt)
{
    return dlt == DLT_RAW_LINUX || dlt == DLT_RAW_OPENBSD ? LINK_RAW : (unsigned)dlt;
}

bool link_is_known(unsigned link)
{
    switch (link) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_LINUX_SLL:
    case LINK_IPV4:
    case LINK_LINUX_SLL2:
        return true;
    default:
        return false;
    }
}

static bool is_tag(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_OLD_QINQ;
}

/* What follows is an EtherType, and tags before the one that counts. */
static bool ethertype_is_ipv4(struct reader *r)
{
    uint16_t type = get16(r);
    for (int i = 0; i < VLAN_TAGS && is_tag(type); i++) {
        get16(r);
        type = get16(r);
    }
    return type == ETHERTYPE_IPV4;
}

static bool skip_header(unsigned link, struct reader *r)
{
    switch (link) {
    case LINK_RAW:
    case LINK_IPV4:
        return true;
    case LINK_ETHERNET:
        get_bytes(r, ETHERNET_ADDRESSES);
        return ethertype_is_ipv4(r);
    case LINK_LINUX_SLL:
        get_bytes(r, SLL_BEFORE_PROTOCOL);
        return ethertype_is_ipv4(r);
    case LINK_LINUX_SLL2: {
        bool ipv4 = get16(r) == ETHERTYPE_IPV4;
        get_bytes(r, SLL2_AFTER_PROTOCOL);
        return ipv4;
    }
    case LINK_NULL:
    case LINK_LOOP: {
        uint32_t family = get32(r);
        return family == FAMILY_INET || family == (uint32_t)FAMILY_INET << 24;
    }
    default:
        return false;
    }
}

struct span link_datagram(unsigned link, const uint8_t *frame, size_t len)
{
    struct reader r = reader_of(frame, len);
    if (!skip_header(link, &r) || r.bad || reader_left(&r) == 0 || r.at[0] >> 4 != 4)
        return (struct span){NULL, 0};
    struct span datagram = {r.at, reader_left(&r)};
    size_t says = datagram.len >= IPV4_HEADER ? peek16(datagram.at + 2) : 0;
    if (says >= IPV4_HEADER && says < datagram.len)
        datagram.len = says;
    return datagram;
}

size_t link_wire_len(struct span datagram, size_t before, size_t frame_wire_len)
{
    size_t there = frame_wire_len > before ? frame_wire_len - before : 0;
    size_t says = datagram.len >= IPV4_HEADER ? peek16(datagram.at + 2) : 0;
    if (says >= IPV4_HEADER && says < there)
        there = says;
    return there > datagram.len ? there : datagram.len;
}
