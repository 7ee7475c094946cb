/* UDP, RFC 768; RFC 1122 4.1. ip.c calls udp_input and udp_icmp_error, socket_data.c udp_send. */
#include "udp.h"
#include "checksum.h"

#include <errno.h>

/* EVENT_DATAGRAM_IN and _OUT. */
static void emit(struct udp *udp, enum event_kind kind, struct endpoint local, struct endpoint remote,
                 size_t len)
{
    if (!core_observed(udp->core))
        return;
    struct event e = {
        .kind = kind, .protocol = IP_UDP, .local = local, .remote = remote, .u.datagram.len = len};
    core_emit(udp->core, &e);
}

struct udp_datagram {
    struct endpoint src, dst;
    const uint8_t *data;
    size_t len;
};

/* RFC 1122 4.1.3.4: zero in the checksum field means that the sender made none. */
static bool checksum_good(const struct ip_packet *p, size_t length)
{
    if (peek16(p->body.at + 6) == 0)
        return true;
    struct checksum c = {0};
    checksum_add_pseudo(&c, p->src, p->dst, IP_UDP, length);
    checksum_add(&c, p->body.at, length);
    return checksum_finish(&c) == 0;
}

static enum drop parse(const struct ip_packet *p, struct udp_datagram *d)
{
    struct reader r = reader_of(p->body.at, p->body.len);
    d->src = (struct endpoint){p->src, get16(&r)};
    d->dst = (struct endpoint){p->dst, get16(&r)};
    size_t length = get16(&r);
    get16(&r); /* the checksum */
    if (r.bad || length < UDP_HEADER || length > p->body.len)
        return DROP_UDP_SHORT;
    if (!p->checksum_good && !checksum_good(p, length))
        return DROP_UDP_CHECKSUM;
    d->data = r.at;
    d->len = length - UDP_HEADER; /* bytes behind it, if IPv4 carried any, are nobody's */
    return DROP_NONE;
}

/* The socket that a datagram reaches: a connected one hears its peer only. */
static struct sock *receiver(const struct udp *udp, const struct udp_datagram *d)
{
    struct sock *s = port_lookup(udp->ports, IP_UDP, d->dst.addr, d->dst.port);
    if (!s || s->remote.addr == 0)
        return s;
    return s->remote.addr == d->src.addr && s->remote.port == d->src.port ? s : NULL;
}

/* Each datagram to itself: the device may have left several of one sender in one piece. */
static enum drop deliver(struct udp *udp, struct sock *s, const struct udp_datagram *d, size_t each)
{
    enum drop why = DROP_NONE;
    size_t at = 0;
    do {
        size_t left = d->len - at, len = each && left > each ? each : left;
        enum drop refused = dgram_deliver(udp->core, s, d->src, d->data + at, len);
        if (refused)
            why = refused;
        else
            core_count(udp->core, COUNT_UDP_IN);
        at += len;
    } while (at < d->len);
    return why;
}

enum drop udp_input(struct udp *udp, const struct ip_packet *p)
{
    struct udp_datagram d;
    enum drop why = parse(p, &d);
    if (why)
        return why;
    emit(udp, EVENT_DATAGRAM_IN, d.dst, d.src, d.len);
    /* A source port of 0 is legal: "if not used, a value of zero is inserted" (RFC 768). But nobody has port
     * 0 (RFC 6335 6). */
    if (d.dst.port == 0)
        return DROP_PORT_ZERO;
    struct sock *s = receiver(udp, &d);
    if (!s)
        return DROP_UDP_NO_PORT;
    return deliver(udp, s, &d, p->segment_size);
}

static void fill(struct outbox_entry *e, uint16_t from, uint16_t to, const void *bytes, size_t len)
{
    struct writer w = writer_of(e->data, e->len);
    put16(&w, from);
    put16(&w, to);
    put16(&w, (uint16_t)e->len);
    put16(&w, 0);
    put_bytes(&w, bytes, len);

    struct checksum c = {0};
    checksum_add_pseudo(&c, e->src, e->dst, IP_UDP, e->len);
    checksum_add(&c, e->data, e->len);
    uint16_t sum = checksum_finish(&c);
    poke16(e->data + 6, sum ? sum : 0xffff); /* RFC 768: zero is kept for "none" */
}

int64_t udp_send(struct udp *udp, struct sock *s, struct endpoint from, struct endpoint to, const void *bytes,
                 size_t len)
{
    if (from.port == 0 || to.port == 0)
        return -EINVAL;
    if (len > UDP_PAYLOAD_MAX)
        return -EMSGSIZE;
    if (!dgram_may_send(s, UDP_HEADER + len))
        return -EAGAIN;
    struct outbox_entry *e = outbox_new(udp->outbox, UDP_HEADER + len, &s->dgram->unsent);
    if (!e)
        return -ENOBUFS;
    e->sock = s;
    e->src = from.addr;
    e->dst = to.addr;
    e->protocol = IP_UDP;
    e->ttl = s->ttl;
    fill(e, from.port, to.port, bytes, len);
    outbox_post(udp->outbox, e);
    core_count(udp->core, COUNT_UDP_OUT);
    emit(udp, EVENT_DATAGRAM_OUT, from, to, len);
    return (int64_t)len;
}

bool udp_icmp_error(struct udp *udp, struct endpoint local, struct endpoint remote, int error, bool hard)
{
    struct sock *s = port_lookup(udp->ports, IP_UDP, local.addr, local.port);
    if (!s || s->remote.addr != remote.addr || s->remote.port != remote.port)
        return false;
    /* RFC 1122 3.2.2.1: a soft error is a hint; it does not take the place of what is known. */
    if (hard || !s->error)
        s->error = error;
    sock_signal(s);
    return true;
}
