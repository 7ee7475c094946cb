/* Timestamps, RFC 7323. */
#include "tcp_timestamps.h"

#define TS_TICK     MSEC(1)         /* RFC 7323 5.4: between 1 ms and 1 s */
#define TS_OUTDATED SEC(24 * 86400) /* RFC 7323 5.5: after 24 days TS.Recent says nothing */

uint32_t ts_offset_of(const struct core *core, struct endpoint local, struct endpoint remote)
{
    uint32_t key[4] = {local.addr, remote.addr, (uint32_t)local.port << 16 | remote.port, 0x74737473};
    return core->config.tcp_isn_is_fixed ? 0 : siphash(core->config.key, key, sizeof key);
}

uint32_t ts_clock_of(const struct core *core, struct endpoint local, struct endpoint remote)
{
    return (uint32_t)(core->now / TS_TICK) + ts_offset_of(core, local, remote);
}

uint32_t ts_clock(const struct tcp_conn *c)
{
    return (uint32_t)(c->tcp->core->now / TS_TICK) + c->ts_offset;
}

usec ts_round_trip(const struct tcp_conn *c, const struct tcp_options *o)
{
    if (!c->ts_ok || !o->has_timestamps || o->ts_echo == 0)
        return -1;
    uint32_t ticks = ts_clock(c) - o->ts_echo;
    return ticks < 1u << 31 ? (usec)ticks * TS_TICK : -1; /* an echo from the future is a lie */
}

static bool known(const struct tcp_conn *c)
{
    return c->rcv.ts_recent_at != NEVER && c->tcp->core->now - c->rcv.ts_recent_at < TS_OUTDATED;
}

bool ts_is_old(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!c->ts_ok || !seg->header->options.has_timestamps || !known(c))
        return false;
    return (int32_t)(seg->header->options.ts_value - c->rcv.ts_recent) < 0;
}

void ts_remember(struct tcp_conn *c, const struct tcp_segment *seg)
{
    const struct tcp_options *o = &seg->header->options;
    if (!c->ts_ok || !o->has_timestamps || seg->seq > c->rcv.acked)
        return;
    if (known(c) && (int32_t)(o->ts_value - c->rcv.ts_recent) < 0)
        return;
    c->rcv.ts_recent = o->ts_value;
    c->rcv.ts_recent_at = c->tcp->core->now;
}
