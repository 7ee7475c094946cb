/* Round-trip times of glass ping: smallest, largest, mean and deviation, in microseconds, without floating
 * point. */
#ifndef GLASS_PING_STATS_H
#define GLASS_PING_STATS_H

#include "../stack/config.h"

struct ping_stats {
    int64_t count;
    usec min, max, sum;
    uint64_t square_sum;
};

static inline void ping_stats_add(struct ping_stats *s, usec rtt)
{
    if (s->count == 0 || rtt < s->min)
        s->min = rtt;
    if (rtt > s->max)
        s->max = rtt;
    s->count++;
    s->sum += rtt;
    s->square_sum += (uint64_t)rtt * (uint64_t)rtt;
}

static inline usec ping_stats_mean(const struct ping_stats *s)
{
    return s->sum / s->count;
}

/* The population's standard deviation: what ping(8) calls mdev. */
static inline usec ping_stats_deviation(const struct ping_stats *s)
{
    uint64_t mean = (uint64_t)ping_stats_mean(s), mean_square = s->square_sum / (uint64_t)s->count;
    uint64_t variance = mean_square > mean * mean ? mean_square - mean * mean : 0, root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= variance)
            root += bit;
    return (usec)root;
}

#endif
