/* Reno, RFC 5681 3.1 and 3.2, counting bytes as RFC 3465 does. */
#include "cc.h"

#define CWND_MAX (1u << 30)

/* RFC 5681 equation 4. */
static uint32_t half_flight(uint32_t flight, uint16_t mss)
{
    uint32_t half = flight / 2;
    return half > 2u * mss ? half : 2u * mss;
}

static void grow(struct cc *cc, uint32_t by)
{
    cc->cwnd = cc->cwnd < CWND_MAX - by ? cc->cwnd + by : CWND_MAX;
}

static void reno_on_ack(struct cc *cc, uint32_t acked, usec srtt, usec now)
{
    (void)srtt;
    (void)now;
    if (cc_in_slow_start(cc)) {
        /* Growth by what was acknowledged keeps the doubling a round trip when ACKs cover whole batches
         * (RFC 3465 2.1 without its bound of two segments: the peer aggregates as much as we do). */
        uint32_t room = cc->ssthresh - cc->cwnd;
        uint32_t by = acked < room ? acked : room;
        grow(cc, by);
        acked -= by;
    }
    cc->acked += acked; /* congestion avoidance: one MSS for each window acknowledged */
    if (cc->acked >= cc->cwnd) {
        cc->acked -= cc->cwnd;
        grow(cc, cc->mss);
    }
}

static void reno_on_loss(struct cc *cc, uint32_t flight, usec now)
{
    (void)now;
    cc->ssthresh = half_flight(flight, cc->mss);
    cc->cwnd = cc->ssthresh; /* what duplicate ACKs add is counted by tcp_loss.c as having left the network */
    cc->acked = 0;
}

static void reno_on_rto(struct cc *cc, uint32_t flight, bool first, usec now)
{
    (void)now;
    if (first) /* RFC 5681 3.1: a second time-out for the same segment leaves ssthresh alone */
        cc->ssthresh = half_flight(flight, cc->mss);
    cc->cwnd = cc->mss; /* the loss window */
    cc->acked = 0;
}

static void reno_on_recovered(struct cc *cc, uint32_t flight, usec now)
{
    (void)now;
    /* RFC 6582 3.2 step 3: no burst into an empty network. */
    uint32_t gentle = (flight > cc->mss ? flight : cc->mss) + cc->mss;
    cc->cwnd = cc->ssthresh < gentle ? cc->ssthresh : gentle;
}

const struct cc_ops cc_reno = {
    .name = "reno",
    .on_ack = reno_on_ack,
    .on_loss = reno_on_loss,
    .on_rto = reno_on_rto,
    .on_recovered = reno_on_recovered,
};
