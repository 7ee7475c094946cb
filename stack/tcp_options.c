/* What the two ends offer each other, and what each segment carries because of it. */
#include "tcp_options.h"
#include "tcp_timestamps.h"

#define SACK_LEN 4u /* and 8 for each block */

static const struct stack_config *config_of(const struct tcp_conn *c)
{
    return &c->tcp->core->config;
}

uint16_t options_mss_offer(const struct stack_config *config)
{
    return (uint16_t)(config->mtu - IP_HEADER_MIN - TCP_HEADER_MIN);
}

uint16_t options_send_mss(const struct stack_config *config, uint16_t mtu, uint16_t offered, bool ts)
{
    uint16_t path = (uint16_t)((mtu < config->mtu ? mtu : config->mtu) - IP_HEADER_MIN - TCP_HEADER_MIN);
    uint16_t mss = offered ? offered : TCP_MSS_DEFAULT; /* MUST-15 */
    if (mss < TCP_MSS_MIN)
        mss = TCP_MSS_MIN;
    if (mss > path)
        mss = path;
    return ts && mss > 2 * TIMESTAMPS_LEN ? (uint16_t)(mss - TIMESTAMPS_LEN) : mss; /* RFC 6691 2 */
}

uint8_t options_window_shift(const struct stack_config *config)
{
    uint8_t shift = 0;
    while (shift < TCP_WINDOW_SCALE_MAX && config->tcp_receive_buffer_max >> shift > TCP_WINDOW_MAX)
        shift++;
    return shift;
}

void options_begin(struct tcp_conn *c)
{
    const struct stack_config *config = config_of(c);
    c->ts_offset = ts_offset_of(c->tcp->core, c->local, c->remote);
    c->rcv.shift = config->tcp_window_scale ? options_window_shift(config) : 0;
}

/* A buffer smaller than the window field's unit could not be announced. */
static uint32_t least_receive_bound(const struct tcp_conn *c, uint32_t bytes)
{
    uint32_t least = 2u << c->rcv.shift;
    return bytes > least ? bytes : least;
}

void options_of_owner(struct tcp_conn *c)
{
    const struct sock *s = tcb_owner(c);
    if (s->send_buffer_fixed)
        c->snd.bound = s->send_buffer;
    if (s->receive_buffer_fixed)
        c->rcv.bound = least_receive_bound(c, s->receive_buffer);
    if (s->max_segment && s->max_segment < c->snd.mss && s->max_segment >= TCP_MSS_MIN)
        c->snd.mss = c->cc.mss = s->max_segment;
}

void options_of_syn(const struct tcp_conn *c, struct tcp_options *o)
{
    const struct stack_config *config = config_of(c);
    bool answer = c->state != TCP_SYN_SENT;
    const struct sock *owner = tcb_owner(c);
    o->mss = options_mss_offer(config);
    if (owner && owner->max_segment && owner->max_segment < o->mss) /* TCP_MAXSEG is both ways */
        o->mss = owner->max_segment;
    o->sack_permitted = answer ? c->sack_ok : config->tcp_sack;
    o->has_window_scale = answer ? c->scale_ok : config->tcp_window_scale;
    o->window_scale = c->rcv.shift;
    o->has_timestamps = answer ? c->ts_ok : config->tcp_timestamps;
    if (o->has_timestamps) {
        o->ts_value = ts_clock(c);
        o->ts_echo = answer ? c->rcv.ts_recent : 0;
    }
}

uint8_t options_ecn_flags(const struct tcp_conn *c)
{
    if (c->state == TCP_SYN_SENT) /* a lost SYN may have been the fault of its ECN bits: RFC 3168 6.1.1.1 */
        return config_of(c)->tcp_ecn && c->syn_resent == 0 ? TCP_ECE | TCP_CWR : 0;
    return c->ecn_ok ? TCP_ECE : 0;
}

/* RFC 3168 6.1.1: a SYN with ECE and CWR asks, a SYN,ACK with ECE alone agrees. */
static bool peer_offers_ecn(const struct tcp_header *syn)
{
    uint8_t bits = syn->flags & (TCP_ECE | TCP_CWR);
    return syn->flags & TCP_ACK ? bits == TCP_ECE : bits == (TCP_ECE | TCP_CWR);
}

void options_agree(struct tcp_conn *c, const struct tcp_header *syn)
{
    const struct stack_config *config = config_of(c);
    const struct tcp_options *o = &syn->options;
    c->scale_ok = config->tcp_window_scale && o->has_window_scale;
    c->sack_ok = config->tcp_sack && o->sack_permitted;
    c->ts_ok = config->tcp_timestamps && o->has_timestamps;
    c->ecn_ok = config->tcp_ecn && peer_offers_ecn(syn);
    c->snd.shift = c->scale_ok ? o->window_scale : 0;
    if (c->snd.shift > TCP_WINDOW_SCALE_MAX) /* RFC 7323 2.3: a larger one means 14 */
        c->snd.shift = TCP_WINDOW_SCALE_MAX;
    if (!c->scale_ok)
        c->rcv.shift = 0;
    if (c->ts_ok) {
        c->rcv.ts_recent = o->ts_value;
        c->rcv.ts_recent_at = c->tcp->core->now;
    }
    c->snd.mss = options_send_mss(config, config->mtu, o->mss, c->ts_ok);
}

void options_syn_again(struct tcp_conn *c, const struct tcp_header *syn)
{
    c->ecn_ok = c->ecn_ok && peer_offers_ecn(syn);
}

static void add_block(const struct tcp_conn *c, struct tcp_options *o, unsigned max, struct range r)
{
    if (o->sack_count >= max)
        return;
    o->sack[o->sack_count++] = (struct tcp_sack_block){seq_wrap(r.left, c->irs), seq_wrap(r.right, c->irs)};
}

/* RFC 2018 4: first the block that changed last, then the others by how recently they did; RFC 2883 4: before
 * them a duplicate, and if it lies inside a block, then that one. */
static void add_sack(struct tcp_conn *c, struct tcp_options *o, unsigned max)
{
    struct range *twice = &c->rcv.duplicate;
    if (twice->left < twice->right && config_of(c)->tcp_dsack)
        add_block(c, o, max, *twice);
    *twice = (struct range){0};
    uint32_t before = UINT32_MAX;
    while (o->sack_count < max) {
        const struct range *r = ranges_newest(&c->rcv.held, before);
        if (!r)
            return;
        before = r->stamp;
        add_block(c, o, max, *r);
    }
}

void options_of_segment(struct tcp_conn *c, struct tcp_options *o, size_t room)
{
    if (c->ts_ok) {
        o->has_timestamps = true;
        o->ts_value = ts_clock(c);
        o->ts_echo = c->rcv.ts_recent;
        room -= room < TIMESTAMPS_LEN ? room : TIMESTAMPS_LEN;
    }
    unsigned max = c->ts_ok ? 3 : 4; /* RFC 2018 3: forty bytes of options */
    if (room < SACK_LEN + 8 * max)
        max = room < SACK_LEN + 8 ? 0 : (unsigned)((room - SACK_LEN) / 8);
    if (c->sack_ok && max > 0)
        add_sack(c, o, max);
}
