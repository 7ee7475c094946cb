/* The retransmission time-out, RFC 6298. All times in microseconds. */
#ifndef GLASS_RTT_H
#define GLASS_RTT_H

#include "config.h"

struct rtt {
    uint32_t srtt, rttvar; /* 0 srtt: no sample yet */
    uint32_t rto;          /* backed off while samples are missing */
};

void rtt_init(struct rtt *r, const struct stack_config *config);
void rtt_sample(struct rtt *r, const struct stack_config *config, usec sample); /* 2.2, 2.3 */
/* Takes back what rtt_back_off did: the peer was there all the time. */
void rtt_restore(struct rtt *r, const struct stack_config *config);

void rtt_back_off(struct rtt *r, const struct stack_config *config);            /* 5.5 */

#endif
