/* The sending half: new ACKs, the usable window, Nagle and silly window, probes, the timers that go with them.
 * RFC 9293 3.7.4, 3.8.6; RFC 6298 5. */
#ifndef GLASS_TCP_SND_H
#define GLASS_TCP_SND_H

#include "tcp_segment.h"

/* SND.UNA <- SEG.ACK: what it covers leaves the ring. The caller tells tcp_loss.c. */
void snd_acknowledged(struct tcp_conn *c, int64_t ack);

/* SND.WND, SND.WL1, SND.WL2 from a segment, if it is not older than the last (RFC 9293 3.10.7.4 fifth). True when
 * the window changed. */
bool snd_update_window(struct tcp_conn *c, const struct tcp_segment *seg);

/* How much of the sequence space may be sent for the first time now: 0 when the peer's window, the congestion
 * window, Nagle's algorithm or silly-window avoidance say wait. Counts the FIN. */
uint32_t snd_new(const struct tcp_conn *c, enum rule *why);

/* How much text may leave behind one header: the MSS, or as many of it as the device cuts apart. */
uint32_t snd_unit(const struct tcp_conn *c);

/* The congestion window, not the peer's and not the lack of data, forbids another full unit. */
bool snd_window_full(const struct tcp_conn *c);

/* Something waits to be sent for the first time: text, or the FIN. */
bool snd_pending(const struct tcp_conn *c);

/* Sets or stops the retransmission and persist timers for what is outstanding or waiting now. */
void snd_arm(struct tcp_conn *c);

/* Where a segment without text stands: SND.NXT, but not beyond the peer's window, or it would be judged
 * unacceptable and its ACK ignored (after a zero-window probe, or when the window shrank). */
int64_t snd_ack_position(const struct tcp_conn *c);

/* The right edge of the peer's window. */
static inline int64_t snd_edge(const struct tcp_conn *c)
{
    return c->snd.una + c->snd.wnd;
}

/* RFC 5482: what the user gave us has waited longer than it allows, however slowly the peer takes it. */
bool snd_user_timeout(const struct tcp_conn *c);

/* `wait`, or what is left of the user timeout if that is less: the timer that then fires gives up. */
usec snd_patience(const struct tcp_conn *c, usec wait);

/* Takes up to len bytes of the user's; how many, 0 when the buffer is full, -1 without memory. */
int64_t snd_write(struct tcp_conn *c, const void *bytes, size_t len);

/* The same without copying, sendq.h. 0, -EAGAIN, -ENOBUFS. */
int snd_lend(struct tcp_conn *c, const struct loan *loan);

/* How much of [left, left + len) fits one frame: text that is partly lent may lie in too many pieces. */
int64_t snd_fits(const struct tcp_conn *c, int64_t left, int64_t len);

uint32_t snd_room(const struct tcp_conn *c);

#endif
