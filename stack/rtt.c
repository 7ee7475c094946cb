/* The retransmission time-out, RFC 6298. */
#include "rtt.h"

#define CLOCK_GRANULARITY MSEC(1) /* G: how finely deadlines are kept in practice */

static uint32_t bounded(usec rto, const struct stack_config *config)
{
    if (rto < config->tcp_rto_min) /* 2.4 */
        rto = config->tcp_rto_min;
    if (rto > config->tcp_rto_max) /* 2.5 */
        rto = config->tcp_rto_max;
    return (uint32_t)rto;
}

void rtt_init(struct rtt *r, const struct stack_config *config)
{
    *r = (struct rtt){.rto = (uint32_t)config->tcp_rto_initial}; /* 2.1 */
}

void rtt_sample(struct rtt *r, const struct stack_config *config, usec sample)
{
    if (sample < 1)
        sample = 1;
    if (sample > config->tcp_rto_max) /* longer than any time-out tells us nothing more */
        sample = config->tcp_rto_max;
    if (r->srtt == 0) { /* 2.2 */
        r->srtt = (uint32_t)sample;
        r->rttvar = (uint32_t)(sample / 2);
    } else { /* 2.3, with alpha 1/8 and beta 1/4; RTTVAR first, from the old SRTT */
        usec error = r->srtt > sample ? r->srtt - sample : sample - r->srtt;
        r->rttvar = (uint32_t)((3 * (usec)r->rttvar + error) / 4);
        r->srtt = (uint32_t)((7 * (usec)r->srtt + sample) / 8);
    }
    rtt_restore(r, config);
}

void rtt_restore(struct rtt *r, const struct stack_config *config)
{
    usec spread = 4 * (usec)r->rttvar;
    if (spread < CLOCK_GRANULARITY)
        spread = CLOCK_GRANULARITY;
    r->rto = r->srtt ? bounded(r->srtt + spread, config) : (uint32_t)config->tcp_rto_initial;
}

void rtt_back_off(struct rtt *r, const struct stack_config *config)
{
    r->rto = bounded(2 * (usec)r->rto, config);
}
