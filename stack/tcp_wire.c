/* The TCP header and its options on the wire. */
#include "tcp_wire.h"

#include <assert.h>

/* Option kinds, RFC 9293 3.1, RFC 7323, RFC 2018. */
enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WINDOW_SCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMPS = 8,
};

static void read_sack(struct reader *r, struct tcp_options *o)
{
    o->sack_count = 0;
    while (reader_left(r) >= 8 && o->sack_count < TCP_SACK_BLOCKS) {
        struct tcp_sack_block *b = &o->sack[o->sack_count++];
        b->left.n = get32(r);
        b->right.n = get32(r);
    }
}

/* One option whose length fits. A kind we know with a length it cannot have is skipped like one we do not
 * know (RFC 9293 3.2 MUST-6). */
static void read_option(uint8_t kind, const uint8_t *body, size_t len, bool syn, struct tcp_options *o)
{
    struct reader r = reader_of(body, len);
    switch (kind) {
    case OPTION_MSS: /* only a SYN may carry it, RFC 9293 3.7.1 MUST-65 */
        if (len == 2 && syn)
            o->mss = get16(&r);
        break;
    case OPTION_WINDOW_SCALE:
        if (len == 1 && syn) {
            o->has_window_scale = true;
            o->window_scale = get8(&r);
        }
        break;
    case OPTION_SACK_PERMITTED:
        if (len == 0 && syn)
            o->sack_permitted = true;
        break;
    case OPTION_SACK:
        if (len >= 8 && len % 8 == 0)
            read_sack(&r, o);
        break;
    case OPTION_TIMESTAMPS:
        if (len == 8) {
            o->has_timestamps = true;
            o->ts_value = get32(&r);
            o->ts_echo = get32(&r);
        }
        break;
    default:
        break;
    }
}

/* RFC 9293 3.2 MUST-7: no length may hang or crash us; 0, 1 and one beyond the header drop the segment. */
static bool read_options(struct reader *r, bool syn, struct tcp_options *o)
{
    while (reader_left(r) > 0) {
        uint8_t kind = get8(r);
        if (kind == OPTION_END)
            return true;
        if (kind == OPTION_NOP)
            continue;
        uint8_t len = get8(r);
        if (r->bad || len < 2)
            return false;
        const uint8_t *body = get_bytes(r, len - 2u);
        if (!body)
            return false;
        read_option(kind, body, len - 2u, syn, o);
    }
    return true;
}

static uint16_t received_checksum(const struct ip_packet *p)
{
    struct checksum c = {0};
    checksum_add_pseudo(&c, p->src, p->dst, IP_TCP, p->body.len);
    checksum_add(&c, p->body.at, p->body.len);
    return checksum_finish(&c);
}

enum drop tcp_parse(const struct ip_packet *p, struct tcp_header *h)
{
    *h = (struct tcp_header){0};
    struct reader r = reader_of(p->body.at, p->body.len);
    h->source = get16(&r);
    h->destination = get16(&r);
    h->seq.n = get32(&r);
    h->ack.n = get32(&r);
    size_t header_len = (size_t)(get8(&r) >> 4) * 4;
    h->flags = get8(&r);
    h->window = get16(&r);
    get16(&r); /* checksum */
    h->urgent = get16(&r);
    if (r.bad || header_len < TCP_HEADER_MIN || header_len > p->body.len)
        return DROP_TCP_SHORT;
    if (!p->checksum_good && received_checksum(p) != 0) /* RFC 9293 3.1 MUST-3 */
        return DROP_TCP_CHECKSUM;
    if (h->source == 0 || h->destination == 0)
        return DROP_PORT_ZERO;
    struct reader options = reader_of(r.at, header_len - TCP_HEADER_MIN);
    if (!read_options(&options, h->flags & TCP_SYN, &h->options))
        return DROP_TCP_OPTION;
    h->text = (struct span){p->body.at + header_len, p->body.len - header_len};
    return DROP_NONE;
}

static void write_timestamps(struct writer *w, const struct tcp_options *o)
{
    put8(w, OPTION_NOP); /* RFC 7323 appendix A: the values on a 4-byte boundary */
    put8(w, OPTION_NOP);
    put8(w, OPTION_TIMESTAMPS);
    put8(w, 10);
    put32(w, o->ts_value);
    put32(w, o->ts_echo);
}

static void write_sack(struct writer *w, const struct tcp_options *o)
{
    put8(w, OPTION_NOP);
    put8(w, OPTION_NOP);
    put8(w, OPTION_SACK);
    put8(w, (uint8_t)(2 + 8 * o->sack_count));
    for (unsigned i = 0; i < o->sack_count; i++) {
        put32(w, o->sack[i].left.n);
        put32(w, o->sack[i].right.n);
    }
}

static void write_options(struct writer *w, const struct tcp_options *o)
{
    if (o->mss) {
        put8(w, OPTION_MSS);
        put8(w, 4);
        put16(w, o->mss);
    }
    if (o->sack_permitted) {
        put8(w, OPTION_NOP);
        put8(w, OPTION_NOP);
        put8(w, OPTION_SACK_PERMITTED);
        put8(w, 2);
    }
    if (o->has_timestamps)
        write_timestamps(w, o);
    if (o->has_window_scale) {
        put8(w, OPTION_NOP);
        put8(w, OPTION_WINDOW_SCALE);
        put8(w, 3);
        put8(w, o->window_scale);
    }
    if (o->sack_count)
        write_sack(w, o);
}

size_t tcp_write(const struct tcp_header *h, uint8_t to[TCP_HEADER_MAX])
{
    struct writer w = writer_of(to, TCP_HEADER_MAX);
    put16(&w, h->source);
    put16(&w, h->destination);
    put32(&w, h->seq.n);
    put32(&w, h->ack.n);
    uint8_t *offset = w.at;
    put8(&w, 0);
    put8(&w, h->flags);
    put16(&w, h->window);
    put16(&w, 0); /* checksum */
    put16(&w, h->urgent);
    write_options(&w, &h->options);
    size_t len = (size_t)(w.at - to);
    assert(!w.bad && len % 4 == 0);
    *offset = (uint8_t)(len / 4 << 4);
    return len;
}

void tcp_checksum(uint8_t *head, size_t head_len, const struct span *text, int spans, uint32_t src,
                  uint32_t dst)
{
    struct checksum c = {0};
    size_t len = head_len;
    poke16(head + TCP_CHECKSUM_AT, 0);
    checksum_add(&c, head, head_len);
    for (int i = 0; i < spans; i++) {
        checksum_add(&c, text[i].at, text[i].len);
        len += text[i].len;
    }
    checksum_add_pseudo(&c, src, dst, IP_TCP, len);
    poke16(head + TCP_CHECKSUM_AT, checksum_finish(&c));
}

void tcp_checksum_begin(uint8_t *head, size_t len, uint32_t src, uint32_t dst)
{
    struct checksum c = {0};
    checksum_add_pseudo(&c, src, dst, IP_TCP, len);
    poke16(head + TCP_CHECKSUM_AT, (uint16_t)~checksum_finish(&c));
}
