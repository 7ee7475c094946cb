/* SYN cookies. */
#include "tcp_cookie.h"
#include "tcp_options.h"
#include "tcp_reply.h"
#include "tcp_timestamps.h"

#define COOKIE_PERIOD SEC(64)
#define COOKIE_AGE    2 /* periods */
#define HASH_MASK     0xffffffu
#define TS_BITS       6
#define TS_NO_SCALE   15u
#define TS_SACK       16u
#define TS_ECN        32u

/* MSS values worth telling apart: the minimum, the default, tunnels, Ethernet, jumbo frames. */
static const uint16_t mss_table[8] = {TCP_MSS_MIN, TCP_MSS_DEFAULT, 966, 1220, 1360, 1440, 1460, 8960};

static uint32_t mss_index(uint16_t mss)
{
    uint32_t i = 7;
    while (i > 0 && mss_table[i] > mss)
        i--;
    return i;
}

static uint64_t period(const struct tcp *tcp)
{
    return (uint64_t)(tcp->core->now / COOKIE_PERIOD);
}

static uint32_t cookie_of(const struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h,
                          uint32_t irs, uint64_t when, uint32_t mss)
{
    uint64_t key[4] = {(uint64_t)p->src << 32 | p->dst,
                       (uint64_t)h->source << 48 | (uint64_t)h->destination << 32 | irs, when << 3 | mss,
                       0x636f6f6b6965};
    return (uint32_t)(when & 31) << 27 | mss << 24 |
           (siphash(tcp->core->config.key, key, sizeof key) & HASH_MASK);
}

static uint32_t clock_with(const struct tcp *tcp, struct endpoint local, struct endpoint remote,
                           uint32_t bits)
{
    uint32_t clock = ts_clock_of(tcp->core, local, remote);
    uint32_t value = (clock & ~((1u << TS_BITS) - 1)) | bits;
    return (int32_t)(value - clock) > 0 ? value - (1u << TS_BITS) : value; /* never ahead of the clock */
}

/* What the connection will be able to offer (tcp_rcv.c, edge_possible): a window must never shrink. */
static uint16_t window_of(const struct stack_config *config, uint32_t buffer, bool scale)
{
    uint32_t unit = scale ? 1u << options_window_shift(config) : 1;
    uint32_t room = buffer > unit ? buffer - (unit - 1) : 1;
    return (uint16_t)(room < TCP_WINDOW_MAX ? room : TCP_WINDOW_MAX);
}

void cookie_send(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *syn, uint32_t buffer)
{
    const struct stack_config *config = &tcp->core->config;
    struct endpoint local = {p->dst, syn->destination}, remote = {p->src, syn->source};
    const struct tcp_options *o = &syn->options;
    uint32_t index = mss_index(o->mss ? o->mss : TCP_MSS_DEFAULT);
    bool ts = config->tcp_timestamps && o->has_timestamps;
    bool sack = ts && config->tcp_sack && o->sack_permitted,
         scale = ts && config->tcp_window_scale && o->has_window_scale;
    bool ecn = ts && config->tcp_ecn && (syn->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
    struct tcp_header h = {.source = local.port,
                           .destination = remote.port,
                           .seq = {cookie_of(tcp, p, syn, syn->seq.n, period(tcp), index)},
                           .ack = seq_wrap(1, syn->seq.n),
                           .flags = (uint8_t)(TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0)),
                           .window = window_of(config, buffer, scale)};
    h.options.mss = options_mss_offer(config);
    if (ts) {
        uint32_t shift = o->window_scale < TCP_WINDOW_SCALE_MAX ? o->window_scale : TCP_WINDOW_SCALE_MAX;
        h.options.has_timestamps = true;
        h.options.ts_echo = o->ts_value;
        h.options.ts_value = clock_with(
            tcp, local, remote, (scale ? shift : TS_NO_SCALE) | (sack ? TS_SACK : 0) | (ecn ? TS_ECN : 0));
        h.options.sack_permitted = sack;
        h.options.has_window_scale = scale;
        h.options.window_scale = options_window_shift(config);
    }
    tcp->cookie_time = tcp->core->now;
    tcp->cookies_sent = true;
    core_count(tcp->core, COUNT_TCP_COOKIES_OUT);
    tcp_reply_header(tcp, local, remote, &h, RULE_SYN_COOKIE);
}

/* What the echoed timestamp says that the SYN had offered. */
static void read_timestamp(const struct tcp_header *ack, struct tcp_header *syn)
{
    const struct tcp_options *o = &ack->options;
    if (!o->has_timestamps)
        return;
    uint32_t bits = o->ts_echo & ((1u << TS_BITS) - 1), shift = bits & 15u;
    syn->options.has_timestamps = true;
    syn->options.ts_value = o->ts_value;
    syn->options.has_window_scale = shift != TS_NO_SCALE;
    syn->options.window_scale = (uint8_t)shift;
    syn->options.sack_permitted = bits & TS_SACK;
    if (bits & TS_ECN)
        syn->flags |= TCP_ECE | TCP_CWR;
}

bool cookie_check(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *ack,
                  struct tcp_header *syn)
{
    if (!tcp->cookies_sent || tcp->core->now - tcp->cookie_time > (COOKIE_AGE + 1) * COOKIE_PERIOD)
        return false;
    uint32_t cookie = ack->ack.n - 1, irs = ack->seq.n - 1, index = cookie >> 24 & 7;
    for (uint64_t age = 0; age <= COOKIE_AGE && age <= period(tcp); age++) {
        if (cookie_of(tcp, p, ack, irs, period(tcp) - age, index) != cookie)
            continue;
        *syn = (struct tcp_header){.source = ack->source,
                                   .destination = ack->destination,
                                   .seq = {irs},
                                   .flags = TCP_SYN,
                                   .window = ack->window};
        syn->options.mss = mss_table[index];
        read_timestamp(ack, syn);
        return true;
    }
    return false;
}
