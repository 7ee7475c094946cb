/* What a conversation tells of that side's TCP: its SYN's offers, its timestamp clock, its habits. Called by
 * replay_plan.c. */
#include "replay_step.h"

#include "../stack/tcp_options.h"

#define CLOCK_TURN (((usec)1 << 32) * 1000) /* after which a clock of milliseconds shows the same again */

/* Our timestamp clock stands at the time in milliseconds when its offset is 0. */
static void find_clock(struct replay_flow *f)
{
    struct replay_plan *p = &f->plan;
    bool any = false;
    uint32_t first = 0;
    p->clock = SEC(1);
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!s->out || !s->frame->is_tcp || !tcp_of(s)->options.has_timestamps)
            continue;
        uint32_t value = tcp_of(s)->options.ts_value;
        first = any ? first : value;
        usec clock = ((usec)first + after(value, first)) * 1000 - s->time;
        p->clock = !any || clock > p->clock ? clock : p->clock;
        any = true;
    }
    while (p->clock < SEC(1) + f->distance)
        p->clock += CLOCK_TURN;
}

static bool peer_scales(const struct replay_flow *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (!f->step[i].out && has(&f->step[i], TCP_SYN))
            return tcp_of(&f->step[i])->options.has_window_scale;
    return false;
}

void replay_find_offers(struct replay_flow *f)
{
    struct replay_plan *p = &f->plan;
    *p = (struct replay_plan){.mtu = IP_MTU_DEFAULT, .clock = SEC(1)};
    find_clock(f);
    if (f->lives == 0)
        return;
    const struct tcp_header *syn = tcp_of(&f->step[f->life[0].first]);
    uint32_t mtu = (syn->options.mss ? syn->options.mss : TCP_MSS_DEFAULT) + IP_HEADER_MIN + TCP_HEADER_MIN;
    p->mtu = (uint16_t)(mtu > IP_MTU_MAX ? IP_MTU_MAX : mtu < IP_MTU_MIN ? IP_MTU_MIN : mtu);
    p->scale = syn->options.has_window_scale;
    p->timestamps = syn->options.has_timestamps;
    p->sack = syn->options.sack_permitted;
    p->ecn = syn->flags & TCP_ECE;
    p->bound = syn->window;
    p->offered = p->scale ? syn->options.window_scale : 0;
    if (p->offered > TCP_WINDOW_SCALE_MAX)
        p->offered = TCP_WINDOW_SCALE_MAX;
    p->shift = peer_scales(f) ? p->offered : 0;
}

/* What a segment of that side may hold, as far as the SYNs say. */
static int64_t full_segment(const struct replay_flow *f)
{
    uint32_t mss = f->plan.mtu - IP_HEADER_MIN - TCP_HEADER_MIN, offered = TCP_MSS_DEFAULT;
    for (size_t i = 0; i < f->count; i++)
        if (!f->step[i].out && has(&f->step[i], TCP_SYN)) {
            offered = tcp_of(&f->step[i])->options.mss ? tcp_of(&f->step[i])->options.mss : TCP_MSS_DEFAULT;
            break;
        }
    mss = offered < mss ? offered : mss;
    return mss - (f->plan.timestamps ? TIMESTAMPS_LEN : 0);
}

/* A window smaller than a segment is offered by a receiver that does not avoid the silly window syndrome (RFC
 * 9293 3.8.6.2.2). Ours would rather offer nothing: it gets a larger buffer, to take what that receiver took.
 */
static uint32_t silly_margin(const struct replay_flow *f)
{
    int64_t full = full_segment(f);
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        int64_t window = s->frame->is_tcp ? (int64_t)tcp_of(s)->window << f->plan.shift : 0;
        if (s->out && window > 0 && window < full && !has(s, TCP_SYN | TCP_RST))
            return 2 * (uint32_t)full;
    }
    return 0;
}

/* Nagle's algorithm (RFC 9293 3.7.4) would have held back a small segment while something was unacknowledged.
 */
void replay_find_habits(struct replay_flow *f)
{
    f->plan.margin = silly_margin(f);
    int64_t full = full_segment(f), top = 0, una = 0, first = 0;
    usec heard = 0, probed = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct replay_step *s = &f->step[i];
        if (!s->frame->is_tcp || s->life < 0)
            continue;
        const struct replay_life *l = &f->life[s->life];
        if (!s->out && has(s, TCP_ACK) && !s->lost) {
            int64_t ack = seq_unwrap(tcp_of(s)->ack, l->iss, una);
            una = ack > una && ack <= top ? ack : una;
            heard = s->time;
            probed = 0;
        }
        if (!s->out || has(s, TCP_RST))
            continue;
        int64_t len = (int64_t)tcp_of(s)->text.len;
        if (una <= 1 && len > 0 && s->left >= top &&
            s->life == 0) /* RFC 6928: what left before the first answer */
            first = has(s, TCP_PSH | TCP_FIN) ? 0 : s->right - 1;
        else if (una > 1 && len > 0 && first > 0 && !f->plan.initial_window)
            f->plan.initial_window = (uint32_t)first;
        bool fresh = s->left >= top && len > 1 && len < full && !has(s, TCP_FIN | TCP_SYN);
        if (fresh && una < top)
            f->plan.nodelay = true;
        if (len == 0 && s->left == top - 1 && top > 1 && !has(s, TCP_SYN | TCP_FIN) &&
            s->time - heard > SEC(1)) {
            if (!probed)
                f->plan.keepalive_idle = f->plan.keepalive_idle ? f->plan.keepalive_idle : s->time - heard;
            else if (!f->plan.keepalive_interval)
                f->plan.keepalive_interval = s->time - probed;
            probed = s->time;
        }
        if (s->life < 0 || i == l->first)
            top = una = 0;
        top = s->right > top ? s->right : top;
    }
}
