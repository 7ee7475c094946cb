/* CUBIC, RFC 9438: after a loss the window grows along a cubic curve of time, flat around the size at which
 * the loss came, so that its pace does not depend on the round trip. */
#include "cc.h"

#define CUBIC_C    0.4 /* 5.1: segments per second cubed */
#define CUBIC_BETA 0.7 /* 4.6 */
#define CWND_MAX   (1u << 30)

static double cube(double x)
{
    return x * x * x;
}

/* Newton's iteration; x >= 0, at most a few thousand. */
static double cube_root(double x)
{
    double r = x > 1 ? x / 3 + 1 : 1;
    if (x <= 0)
        return 0;
    for (int i = 0; i < 30; i++)
        r = (2 * r + x / (r * r)) / 3;
    return r;
}

static double segments(const struct cc *cc, uint32_t bytes)
{
    return (double)bytes / cc->mss;
}

/* 4.2: congestion avoidance begins. */
static void begin_epoch(struct cc *cc, usec now)
{
    double cwnd = segments(cc, cc->cwnd);
    cc->cubic.epoch = now;
    cc->cubic.w_est = cwnd;
    if (cc->cubic.w_max < cwnd) {
        cc->cubic.w_max = cwnd;
        cc->cubic.k = 0;
    } else {
        cc->cubic.k = cube_root((cc->cubic.w_max - cwnd) / CUBIC_C);
    }
}

/* 4.2: W_cubic(t). */
static double w_cubic(const struct cc *cc, double t)
{
    return CUBIC_C * cube(t - cc->cubic.k) + cc->cubic.w_max;
}

/* 4.3: what Reno with the same average would have reached. Once beyond W_max both grow alike. */
static double reno_friendly(struct cc *cc, uint32_t acked)
{
    double alpha =
        cc->cubic.w_est >= segments(cc, cc->cubic.prior) ? 1 : 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA);
    cc->cubic.w_est += alpha * segments(cc, acked) / segments(cc, cc->cwnd);
    return cc->cubic.w_est;
}

static uint32_t avoid_congestion(struct cc *cc, uint32_t acked, usec srtt, usec now)
{
    if (cc->cubic.epoch == 0)
        begin_epoch(cc, now);
    double cwnd = segments(cc, cc->cwnd), t = (double)(now - cc->cubic.epoch) / 1e6;
    double target = w_cubic(cc, t + (double)srtt / 1e6); /* 4.2: where to be a round trip from now */
    if (target < cwnd)
        target = cwnd;
    if (target > 1.5 * cwnd)
        target = 1.5 * cwnd;
    double estimate = reno_friendly(cc, acked);
    if (w_cubic(cc, t) < estimate) /* 4.3 */
        return estimate > cwnd ? (uint32_t)((estimate - cwnd) * cc->mss) : 0;
    return (uint32_t)((target - cwnd) / cwnd * acked); /* 4.4, 4.5 */
}

static void cubic_on_ack(struct cc *cc, uint32_t acked, usec srtt, usec now)
{
    uint32_t by = 0;
    if (cc_in_slow_start(cc)) {
        uint32_t room = cc->ssthresh - cc->cwnd;
        by = acked < room ? acked : room;
        acked -= by;
        cc->cwnd += cc->cwnd < CWND_MAX - by ? by : 0;
    }
    if (acked == 0)
        return;
    by = avoid_congestion(cc, acked, srtt, now);
    cc->cwnd += cc->cwnd < CWND_MAX - by ? by : 0;
}

/* 4.6, 4.7: multiplicative decrease; a flow whose maximum shrinks makes room faster. */
static void reduce(struct cc *cc)
{
    double cwnd = segments(cc, cc->cwnd);
    cc->cubic.w_max = cwnd < cc->cubic.w_max ? cwnd * (1 + CUBIC_BETA) / 2 : cwnd;
    cc->cubic.prior = cc->cwnd;
    cc->cubic.epoch = 0;
}

static uint32_t after_loss(const struct cc *cc, uint32_t flight)
{
    uint32_t least = 2u * cc->mss, less = (uint32_t)(CUBIC_BETA * flight);
    return less > least ? less : least;
}

static void cubic_on_loss(struct cc *cc, uint32_t flight, usec now)
{
    (void)now;
    reduce(cc);
    cc->ssthresh = after_loss(cc, flight);
    cc->cwnd = cc->ssthresh;
}

static void cubic_on_rto(struct cc *cc, uint32_t flight, bool first, usec now) /* 4.8 */
{
    (void)now;
    if (first) {
        reduce(cc);
        cc->ssthresh = after_loss(cc, flight);
    }
    cc->cubic.epoch = 0;
    cc->cwnd = cc->mss;
}

static void cubic_on_recovered(struct cc *cc, uint32_t flight, usec now)
{
    (void)now;
    uint32_t gentle = (flight > cc->mss ? flight : cc->mss) + cc->mss; /* RFC 6582 3.2 step 3 */
    cc->cwnd = cc->ssthresh < gentle ? cc->ssthresh : gentle;
}

const struct cc_ops cc_cubic = {
    .name = "cubic",
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_rto = cubic_on_rto,
    .on_recovered = cubic_on_recovered,
};
