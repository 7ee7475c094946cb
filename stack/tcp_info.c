/* What there is to say about a connection. Called by socket_status.c and stack.c. */
#include "tcp_info.h"
#include "tcp_flight.h"

#include <stdio.h>

const char *tcp_congestion_state_name(enum tcp_congestion_state state)
{
    static const char *const name[] = {[TCP_CONGESTION_OPEN] = "open",
                                       [TCP_CONGESTION_RECOVERY] = "recovery",
                                       [TCP_CONGESTION_LOSS] = "loss"};
    return (size_t)state < sizeof name / sizeof *name ? name[state] : "?";
}

static enum tcp_congestion_state congestion_state(const struct tcp_conn *c)
{
    return c->snd.recovery == RECOVERY_NONE   ? TCP_CONGESTION_OPEN
           : c->snd.recovery == RECOVERY_FAST ? TCP_CONGESTION_RECOVERY
                                              : TCP_CONGESTION_LOSS;
}

/* Text bytes in positions [0, position): the SYN before them and the FIN at `fin` are none. */
static uint64_t text_bytes(int64_t position, int64_t fin)
{
    int64_t end = fin > 0 && position > fin ? fin : position;
    return end > 1 ? (uint64_t)(end - 1) : 0;
}

void tcp_info_of(const struct tcp_conn *c, struct tcp_info *info)
{
    const struct flight *f = c->snd.flight;
    *info = (struct tcp_info){
        .state = c->state,
        .congestion_state = congestion_state(c),
        .recovering = c->snd.recovery != RECOVERY_NONE,
        .slow_start = cc_in_slow_start(&c->cc),
        .window_scale = c->scale_ok,
        .timestamps = c->ts_ok,
        .sack = c->sack_ok,
        .ecn = c->ecn_ok,
        .send_shift = c->scale_ok ? c->snd.shift : 0,
        .receive_shift = c->scale_ok ? c->rcv.shift : 0,
        .send_mss = c->snd.mss,
        .cwnd = c->cc.cwnd,
        .ssthresh = c->cc.ssthresh,
        .srtt = c->rtt.srtt,
        .rttvar = c->rtt.rttvar,
        .rto = c->rtt.rto,
        .min_rtt = c->snd.min_rtt,
        .in_flight = flight_pipe(c),
        .unacknowledged = (uint32_t)(c->snd.nxt - c->snd.una),
        .sacked = f ? f->sacked : 0,
        .lost = f ? f->lost : 0,
        .retransmitted = c->snd.resent_total,
        .send_window = c->snd.wnd,
        .receive_window = (uint32_t)(c->rcv.adv - c->rcv.nxt),
        .send_buffer = c->snd.bound,
        .receive_buffer = c->rcv.bound,
        .bytes_acked = text_bytes(c->snd.una, c->snd.fin ? snd_fin(c) : 0),
        .bytes_received = text_bytes(c->rcv.nxt, c->rcv.fin),
    };
    snprintf(info->congestion, sizeof info->congestion, "%s", c->cc.ops->name);
}
