/* Timestamps, RFC 7323 3 to 5: our clock, the value to echo, PAWS. */
#ifndef GLASS_TCP_TIMESTAMPS_H
#define GLASS_TCP_TIMESTAMPS_H

#include "tcp_segment.h"

/* Our timestamp clock: milliseconds from a secret offset (RFC 7323 5.4, 7.1). */
uint32_t ts_clock(const struct tcp_conn *c);

/* The same without a connection. */
uint32_t ts_clock_of(const struct core *core, struct endpoint local, struct endpoint remote);

/* The secret offset of a connection's clock. */
uint32_t ts_offset_of(const struct core *core, struct endpoint local, struct endpoint remote);

/* The round trip that an echo tells, microseconds; -1 when it tells none. */
usec ts_round_trip(const struct tcp_conn *c, const struct tcp_options *o);

/* PAWS, RFC 7323 5.3 R1: the segment is older than what was seen last. */
bool ts_is_old(const struct tcp_conn *c, const struct tcp_segment *seg);

/* TS.Recent from an acceptable segment, RFC 7323 4.3. */
void ts_remember(struct tcp_conn *c, const struct tcp_segment *seg);

#endif
