/* What all congestion controls begin with. */
#include "cc.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t cc_initial_window(const struct stack_config *config, uint16_t mss)
{
    if (config->tcp_initial_window)
        return larger(config->tcp_initial_window, mss);
    return smaller(TCP_IW_SEGMENTS * (uint32_t)mss, larger(2u * mss, TCP_IW_BYTES));
}

void cc_restart(struct cc *cc, uint32_t cwnd)
{
    cc->cwnd = cwnd;
    cc->acked = 0;
    cc->cubic.epoch = 0; /* RFC 9438 4.2: t counts while the window is in use */
}

void cc_init(struct cc *cc, const struct stack_config *config, uint16_t mss)
{
    *cc = (struct cc){
        .ops = config->tcp_congestion ? config->tcp_congestion : &cc_cubic,
        .cwnd = cc_initial_window(config, mss),
        .ssthresh = UINT32_MAX, /* RFC 5681 3.1: arbitrarily high */
        .mss = mss,
    };
}
