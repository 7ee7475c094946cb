/* ICMP, RFC 792; RFC 1122 3.2.2; RFC 1812 4.3.2 (how much to quote, how often); RFC 5927 (what to believe).
 * ip.c calls icmp_input and icmp_send_error, socket_data.c icmp_send_echo.
 *
 * Not answered: timestamp, information and address mask requests (RFC 1122 3.2.2.7-9 leave them optional; RFC
 * 6918 retires most). Not obeyed: source quench (RFC 6633) and redirects (one link and no routing table
 * here). */
#include "icmp.h"
#include "checksum.h"

#include <errno.h>

#define ICMP_QUOTE_MAX (576 - IP_HEADER_MIN - ICMP_HEADER) /* RFC 1812 4.3.2.3 */
#define QUOTED_MIN     8                                   /* RFC 792: what an error quotes at least */
#define TOS_ECN        0x03                                /* RFC 3168 5: not part of the type of service */
#define ECHO_FIXED     6                                   /* of an echo, before its sequence number */
#define UNKNOWN        0                                   /* no such code: no errno */

/* Why a message leaves, or what becomes of one that came. */
static enum rule rule_of(enum event_kind kind, uint8_t type, uint8_t code)
{
    bool out = kind == EVENT_DATAGRAM_OUT;
    if (type == ICMP_ECHO || type == ICMP_ECHO_REPLY)
        return (type == ICMP_ECHO_REPLY) == out ? RULE_ICMP_ECHO : RULE_NONE;
    if (!out)
        return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER
                   ? RULE_ICMP_ERROR
                   : RULE_NONE;
    if (type == ICMP_TIME_EXCEEDED)
        return RULE_FRAGMENT_TIMEOUT;
    return code == ICMP_PORT_UNREACHABLE ? RULE_UDP_NO_PORT : RULE_IP_PROTOCOL;
}

/* EVENT_DATAGRAM_IN and _OUT: len counts what follows the 8 bytes of the ICMP header. The identifier of an
 * echo is the port of the side that asks. */
static void emit(struct icmp *icmp, enum event_kind kind, uint32_t local, uint32_t remote,
                 const uint8_t *message, size_t len)
{
    if (!core_observed(icmp->core))
        return;
    struct event e = {.kind = kind, .protocol = IP_ICMP, .local.addr = local, .remote.addr = remote};
    e.rule = rule_of(kind, message[0], message[1]);
    e.u.datagram.len = len - ICMP_HEADER;
    e.u.datagram.type = message[0];
    e.u.datagram.code = message[1];
    if (message[0] == ICMP_ECHO || message[0] == ICMP_ECHO_REPLY) {
        bool we_ask = (message[0] == ICMP_ECHO) == (kind == EVENT_DATAGRAM_OUT);
        (we_ask ? &e.local : &e.remote)->port = peek16(message + 4);
    }
    core_emit(icmp->core, &e);
}

static void post(struct icmp *icmp, struct outbox_entry *e)
{
    e->protocol = IP_ICMP;
    poke16(e->data + 2, 0);
    poke16(e->data + 2, checksum_of(e->data, e->len));
    emit(icmp, EVENT_DATAGRAM_OUT, e->src, e->dst, e->data, e->len);
    outbox_post(icmp->outbox, e);
}

/* RFC 1122 3.2.2.6: answered with all of its data, from the address it was sent to; RFC 1349 5.1: with the
 * same type of service. Without its options: none that we honour has to come back. */
static enum drop answer_echo(struct icmp *icmp, const struct ip_packet *p)
{
    if (p->to_many)
        return DROP_ICMP_TYPE; /* RFC 1122 3.2.2.6 MAY: else one packet makes a whole subnet speak */
    struct outbox_entry *e = outbox_new(icmp->outbox, p->body.len, NULL);
    if (!e)
        return DROP_NONE; /* the outbox has counted why */
    e->src = p->dst;
    e->dst = p->src;
    e->ttl = icmp->core->config.ttl;
    e->tos = p->tos & (uint8_t)~TOS_ECN;
    memcpy(e->data, p->body.at, p->body.len);
    e->data[0] = ICMP_ECHO_REPLY;
    e->data[1] = 0;
    post(icmp, e);
    core_count(icmp->core, COUNT_ICMP_ECHO_REPLIES);
    return DROP_NONE;
}

/* A ping socket gets the reply from its sequence number on. */
static enum drop take_echo_reply(struct icmp *icmp, const struct ip_packet *p)
{
    uint16_t identifier = peek16(p->body.at + 4);
    struct sock *s = port_lookup(icmp->ports, IP_ICMP, p->dst, identifier);
    if (!s || (s->remote.addr != 0 && s->remote.addr != p->src))
        return DROP_ICMP_UNMATCHED;
    struct endpoint from = {p->src, identifier};
    return dgram_deliver(icmp->core, s, from, p->body.at + ECHO_FIXED, p->body.len - ECHO_FIXED);
}

/* RFC 1122 3.2.2.1, 4.2.3.9: what a code of destination unreachable means to a program. Codes 0, 1, 5 and the
 * others of their kind are hints (soft). */
static int unreachable_error(uint8_t code)
{
    switch (code) {
    case ICMP_NET_UNREACHABLE:
    case 6:  /* network unknown */
    case 9:  /* network prohibited */
    case 11: /* network unreachable for this type of service */
        return ENETUNREACH;
    case ICMP_HOST_UNREACHABLE:
    case 5:  /* source route failed */
    case 7:  /* host unknown */
    case 8:  /* source host isolated */
    case 10: /* host prohibited */
    case 12: /* host unreachable for this type of service */
    case 13: /* communication prohibited, RFC 1812 5.2.7.1, like the two below */
    case 14:
    case 15:
        return EHOSTUNREACH;
    case ICMP_PROTOCOL_UNREACHABLE:
    case ICMP_PORT_UNREACHABLE:
        return ECONNREFUSED;
    case ICMP_FRAGMENTATION_NEEDED:
        return EMSGSIZE;
    default:
        return UNKNOWN;
    }
}

static void interpret(struct icmp_error *e)
{
    switch (e->type) {
    case ICMP_UNREACHABLE:
        e->error = unreachable_error(e->code);
        e->hard = e->error == ECONNREFUSED || e->error == EMSGSIZE; /* RFC 5461 2.1 */
        break;
    case ICMP_TIME_EXCEEDED: /* RFC 1122 3.2.2.4: in transit, or in reassembly */
        e->error = e->code <= ICMP_REASSEMBLY_TIME ? EHOSTUNREACH : UNKNOWN;
        break;
    default: /* RFC 1122 3.2.2.5: some field of ours is not understood */
        e->error = EPROTO;
        break;
    }
}

/* The datagram that an error quotes. Its length and checksum may have been changed on the way, or cut off;
 * what must be there is a first fragment of ours with 8 bytes of its transport header (RFC 792, RFC
 * 5927 4.1). */
static bool parse_quoted(struct icmp *icmp, struct reader r, struct icmp_error *e)
{
    size_t version_ihl = get8(&r), header_len = (version_ihl & 15) * 4;
    get8(&r); /* type of service */
    size_t total = get16(&r);
    get16(&r); /* identification */
    uint16_t offset = get16(&r) & 0x1fff;
    get8(&r); /* time to live */
    e->protocol = get8(&r);
    get16(&r); /* checksum */
    e->src = get32(&r);
    e->dst = get32(&r);
    if (r.bad || version_ihl >> 4 != 4 || header_len < IP_HEADER_MIN || total < header_len + QUOTED_MIN)
        return false;
    get_bytes(&r, header_len - IP_HEADER_MIN); /* options */
    if (r.bad || reader_left(&r) < QUOTED_MIN)
        return false;
    e->quoted = (struct span){r.at, reader_left(&r)};
    return offset == 0 && e->src == icmp->core->config.addr;
}

static enum drop take_error(struct icmp *icmp, const struct ip_packet *p, struct icmp_error *e)
{
    if (p->to_many)
        return DROP_ICMP_UNMATCHED; /* nobody answers one of our datagrams by telling everybody */
    *e = (struct icmp_error){.type = p->body.at[0], .code = p->body.at[1]};
    interpret(e);
    if (e->error == UNKNOWN)
        return DROP_ICMP_TYPE;
    if (e->error == EMSGSIZE)
        e->next_hop_mtu = peek16(p->body.at + 6); /* RFC 1191 4 */
    if (!parse_quoted(icmp, reader_of(p->body.at + ICMP_HEADER, p->body.len - ICMP_HEADER), e))
        return DROP_ICMP_UNMATCHED;
    return DROP_NONE;
}

enum drop icmp_input(struct icmp *icmp, const struct ip_packet *p, struct icmp_error *error, bool *is_error)
{
    *is_error = false;
    if (p->body.len < ICMP_HEADER)
        return DROP_ICMP_SHORT;
    if (checksum_of(p->body.at, p->body.len) != 0)
        return DROP_ICMP_CHECKSUM;
    core_count(icmp->core, COUNT_ICMP_IN);
    emit(icmp, EVENT_DATAGRAM_IN, p->dst, p->src, p->body.at, p->body.len);

    enum drop why;
    switch (p->body.at[0]) {
    case ICMP_ECHO:
        return answer_echo(icmp, p);
    case ICMP_ECHO_REPLY:
        return take_echo_reply(icmp, p);
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER:
        why = take_error(icmp, p, error);
        *is_error = why == DROP_NONE;
        return why;
    default:
        return DROP_ICMP_TYPE; /* RFC 1122 3.2.2: unknown types are silently discarded */
    }
}

/* Only a query may be complained about: anything else is an error, or so unknown that it may be one. */
static bool is_icmp_query(const struct ip_packet *p)
{
    if (p->body.len == 0)
        return false;
    switch (p->body.at[0]) {
    case ICMP_ECHO:
    case ICMP_ECHO_REPLY:
    case ICMP_TIMESTAMP:
    case ICMP_TIMESTAMP + 1: /* and their replies: information 15, 16; address mask 17, 18 */
    case 15:
    case 16:
    case 17:
    case 18:
        return true;
    default:
        return false;
    }
}

/* RFC 1122 3.2.2, the list of MUST NOTs. */
static bool may_complain(const struct icmp *icmp, const struct ip_packet *p)
{
    if (p->protocol == IP_ICMP && !is_icmp_query(p))
        return false;
    return !p->to_many && p->offset == 0 && ip_is_single_host(&icmp->core->config, p->src);
}

void icmp_send_error(struct icmp *icmp, uint32_t from, const struct ip_packet *p, uint8_t type, uint8_t code)
{
    if (!may_complain(icmp, p))
        return;
    struct core *core = icmp->core;
    if (!rate_allow(&icmp->errors, core->now, core->config.icmp_rate, ICMP_BURST)) {
        bool whole = p->body.at == p->header.at + p->header.len;
        core_drop(core, DROP_RATE_LIMIT, p->header.at, p->header.len + (whole ? p->body.len : 0));
        return;
    }
    size_t room = ICMP_QUOTE_MAX - p->header.len;
    size_t quoted = p->body.len < room ? p->body.len : room;
    struct outbox_entry *e = outbox_new(icmp->outbox, ICMP_HEADER + p->header.len + quoted, NULL);
    if (!e)
        return;
    e->src = from;
    e->dst = p->src;
    e->ttl = core->config.ttl; /* and a type of service of 0, RFC 1122 3.2.2 */
    struct writer w = writer_of(e->data, e->len);
    put8(&w, type);
    put8(&w, code);
    put16(&w, 0);
    put32(&w, 0);
    put_bytes(&w, p->header.at, p->header.len);
    put_bytes(&w, p->body.at, quoted);
    post(icmp, e);
    core_count(core, COUNT_ICMP_ERRORS_OUT);
}

int64_t icmp_send_echo(struct icmp *icmp, struct sock *s, struct endpoint from, uint32_t to,
                       const void *bytes, size_t len)
{
    if (from.port == 0 || len < 2)
        return -EINVAL;
    if (len > IP_MTU_MAX - IP_HEADER_MIN - ECHO_FIXED)
        return -EMSGSIZE;
    if (!dgram_may_send(s, ECHO_FIXED + len))
        return -EAGAIN;
    struct outbox_entry *e = outbox_new(icmp->outbox, ECHO_FIXED + len, &s->dgram->unsent);
    if (!e)
        return -ENOBUFS;
    e->sock = s;
    e->src = from.addr;
    e->dst = to;
    e->ttl = s->ttl;
    struct writer w = writer_of(e->data, e->len);
    put8(&w, ICMP_ECHO);
    put8(&w, 0);
    put16(&w, 0);
    put16(&w, from.port);
    put_bytes(&w, bytes, len);
    post(icmp, e);
    return (int64_t)len;
}

bool icmp_echo_error(struct icmp *icmp, struct endpoint local, uint32_t remote, int error)
{
    struct sock *s = port_lookup(icmp->ports, IP_ICMP, local.addr, local.port);
    if (!s || s->remote.addr != remote)
        return false;
    s->error = error;
    sock_signal(s);
    return true;
}
