/* IPv4 input, RFC 791, RFC 1122 3.2.1, 3.3.2: stack_input calls ip_input, which calls the transports.
 *
 * A host and no router: what is not ours is dropped, never forwarded (RFC 1122 3.3.1). */
#include "ip.h"
#include "tcp_input.h"

void ip_init(struct ip *ip, struct core *core, struct icmp *icmp, struct udp *udp, struct tcp *tcp)
{
    *ip = (struct ip){.core = core, .icmp = icmp, .udp = udp, .tcp = tcp};
    ip_frag_init(&ip->frag, core);
}

void ip_free(struct ip *ip)
{
    ip_frag_free(&ip->frag);
}

/* RFC 1122 3.2.1.3: our address or a broadcast; no multicast group is joined (level 0 of RFC 1112 2), and
 * 127/8 must not come from outside. A source must be one host. It may be our own: what we send to ourselves
 * comes this way. */
static enum drop check_addresses(const struct stack_config *config, struct ip_packet *p)
{
    p->to_many = ip_is_broadcast(config, p->dst);
    if (p->dst != config->addr && !p->to_many)
        return DROP_IP_DESTINATION;
    return ip_is_single_host(config, p->src) ? DROP_NONE : DROP_IP_SOURCE;
}

/* RFC 1122 3.2.2: the protocol number in the quoted header selects who hears of an error; the first 8 bytes
 * that it sent, with the ports, select the socket. */
static bool deliver_error(struct ip *ip, const struct icmp_error *e)
{
    struct endpoint local = {e->src, peek16(e->quoted.at)}, remote = {e->dst, peek16(e->quoted.at + 2)};
    switch (e->protocol) {
    case IP_TCP:
        return tcp_icmp_error(ip->tcp, e);
    case IP_UDP:
        return udp_icmp_error(ip->udp, local, remote, e->error, e->hard);
    case IP_ICMP:
        local.port = peek16(e->quoted.at + 4); /* the identifier */
        return e->quoted.at[0] == ICMP_ECHO && icmp_echo_error(ip->icmp, local, e->dst, e->error);
    default:
        return false;
    }
}

static enum drop deliver_icmp(struct ip *ip, const struct ip_packet *p)
{
    struct icmp_error error;
    bool is_error;
    enum drop why = icmp_input(ip->icmp, p, &error, &is_error);
    if (!is_error)
        return why;
    if (!deliver_error(ip, &error))
        return DROP_ICMP_UNMATCHED;
    core_count(ip->core, COUNT_ICMP_ERRORS_MATCHED);
    return DROP_NONE;
}

/* RFC 1122 3.2.2.1, 4.1.3.1: who sent to a port or protocol that nobody here has is told so. TCP answers by
 * itself, with a RST, and counts its own drops. */
static enum drop deliver(struct ip *ip, const struct ip_packet *p)
{
    enum drop why;
    switch (p->protocol) {
    case IP_TCP:
        core_count(ip->core, COUNT_IP_DELIVERED);
        tcp_input(ip->tcp, p);
        return DROP_NONE;
    case IP_UDP:
        core_count(ip->core, COUNT_IP_DELIVERED);
        why = udp_input(ip->udp, p);
        if (why == DROP_UDP_NO_PORT)
            icmp_send_error(ip->icmp, p->dst, p, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE);
        return why;
    case IP_ICMP:
        core_count(ip->core, COUNT_IP_DELIVERED);
        return deliver_icmp(ip, p);
    default:
        icmp_send_error(ip->icmp, p->dst, p, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE);
        return DROP_IP_PROTOCOL;
    }
}

static bool is_fragment(const struct ip_packet *p)
{
    return p->more_fragments || p->offset > 0;
}

void ip_input(struct ip *ip, const uint8_t *datagram, size_t len, const struct offload *offload)
{
    struct ip_packet p, whole;
    core_count(ip->core, COUNT_IP_IN);
    enum drop why = ip_parse(datagram, len, &p);
    if (!why)
        why = check_addresses(&ip->core->config, &p);
    if (!why && !is_fragment(&p)) {
        p.segment_size = offload->segment_size;
        p.checksum_good = offload->checksum_good;
        why = deliver(ip, &p);
    } else if (!why && ip_frag_input(&ip->frag, &p, &whole, &why))
        why = deliver(ip, &whole);
    if (why)
        core_drop(ip->core, why, datagram, len);
}

void ip_give_up(struct ip *ip, usec now)
{
    struct ip_packet first;
    while (ip_frag_expired(&ip->frag, now, &first)) {
        if (first.body.len > 0) /* RFC 1122 3.3.2: only then does the error say whose datagram it was */
            icmp_send_error(ip->icmp, first.dst, &first, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIME);
    }
}

usec ip_due(const struct ip *ip)
{
    return ip_frag_due(&ip->frag);
}
