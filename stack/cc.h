/* Congestion control: how much may be in flight. What is lost is tcp_loss.c's question, what goes next
 * tcp_output.c's. An algorithm is four hooks; all sizes in bytes. */
#ifndef GLASS_CC_H
#define GLASS_CC_H

#include "config.h"

struct cc;

struct cc_ops {
    const char *name;
    /* `acked` new bytes were acknowledged outside fast recovery; the window was used up before (RFC 5681 3.1). */
    void (*on_ack)(struct cc *cc, uint32_t acked, usec srtt, usec now);
    /* A segment is lost and fast recovery begins; flight: bytes outstanding. Sets ssthresh and cwnd. */
    void (*on_loss)(struct cc *cc, uint32_t flight, usec now);
    /* The retransmission timer expired; `first`: for the first time for this segment. */
    void (*on_rto)(struct cc *cc, uint32_t flight, bool first, usec now);
    /* Recovery is over; flight: bytes still outstanding. */
    void (*on_recovered)(struct cc *cc, uint32_t flight, usec now);
};

struct cc {
    const struct cc_ops *ops;
    uint32_t cwnd, ssthresh;
    struct cubic {          /* RFC 9438 4.1; sizes in segments where the RFC has them so */
        double w_max, k, w_est;
        usec epoch;     /* 0: no congestion avoidance yet */
        uint32_t prior; /* cwnd before the last reduction, for fast convergence */
    } cubic;
    uint32_t acked; /* bytes acknowledged and not yet turned into growth */
    uint16_t mss;
};

extern const struct cc_ops cc_reno, cc_cubic;

void cc_init(struct cc *cc, const struct stack_config *config, uint16_t mss);

/* RFC 6928 2: the initial window for a sender's MSS; config may fix it in bytes. */
uint32_t cc_initial_window(const struct stack_config *config, uint16_t mss);

/* The connection sends again after a silence: from `cwnd` bytes, and the time of the silence counts for nothing. */
void cc_restart(struct cc *cc, uint32_t cwnd);

static inline bool cc_in_slow_start(const struct cc *cc)
{
    return cc->cwnd < cc->ssthresh;
}

#endif
