/* Segments that neither stack made: an attacker's, or what an old network still held. RFC 5961, RFC 7323 5.
 *
 * Owns their making. Scenarios call, through stage.h. */
#include "stage_engine.h"

#include <string.h>

#include "../stack/ip_wire.h"

static void inject(struct stage *st, enum stage_side to, struct endpoint from, struct endpoint at,
                   struct tcp_header *h, uint32_t len)
{
    static const uint8_t text[1460] = "what an attacker, or an old network, brings";
    uint8_t bytes[IP_HEADER_MIN + TCP_HEADER_MAX + sizeof text];
    uint8_t *head = bytes + IP_HEADER_MIN;
    struct ip_fields ip = {
        .src = from.addr, .dst = at.addr, .protocol = IP_TCP, .ttl = IP_TTL_DEFAULT, .dont_fragment = true};
    h->source = from.port;
    h->destination = at.port;
    size_t head_len = tcp_write(h, head);
    struct span spans[2] = {{text, len}, {NULL, 0}};
    tcp_checksum(head, head_len, spans, 2, from.addr, at.addr);
    memcpy(head + head_len, text, len);
    ip_fill(bytes, &ip, head_len + len);
    st->last_id++;
    stage_wire_put(st, STAGE_NOBODY, to, bytes, IP_HEADER_MIN + head_len + len, st->now);
    stage_wire_deliver(st);
}

void stage_forge(struct stage *st, enum stage_side to, uint8_t flags, int64_t seq, int64_t ack, uint32_t len)
{
    struct tcp_header h = {.flags = flags,
                           .seq = seq_wrap(seq, st->isn[1 - to]),
                           .ack = seq_wrap(flags & TCP_ACK ? ack : 0, flags & TCP_ACK ? st->isn[to] : 0),
                           .window = 1000};
    inject(st, to, st->end[1 - to], st->end[to], &h, len);
}

void stage_forge_old(struct stage *st, enum stage_side to, int64_t seq, int64_t ack, uint32_t len,
                     uint32_t age)
{
    struct tcp_header h = {.flags = TCP_ACK,
                           .seq = seq_wrap(seq, st->isn[1 - to]),
                           .ack = seq_wrap(ack, st->isn[to]),
                           .window = 1000};
    if (st->ts[1 - to])
        h.options = (struct tcp_options){
            .has_timestamps = true, .ts_value = st->ts[1 - to] - age, .ts_echo = st->ts[to] - age};
    inject(st, to, st->end[1 - to], st->end[to], &h, len);
}

void stage_forge_syn(struct stage *st, enum stage_side to, struct endpoint from, uint32_t seq)
{
    struct tcp_header h = {.flags = TCP_SYN, .seq = {seq}, .window = 64240, .options = {.mss = 1460}};
    inject(st, to, from, (struct endpoint){st->config[to].addr, STAGE_PORT}, &h, 0);
}

void stage_crowd(struct stage *st, uint32_t first_addr, uint32_t last_addr)
{
    st->crowd_first = first_addr;
    st->crowd_last = last_addr;
}
