/* The timer that ends a loop's sleep, in place of a time-out given to each sleep.
 *
 * Most deadlines of a stack (retransmission, delayed ACK, tail loss probe) are put off by the next segment and never
 * pass. A time-out would be set and taken back by the kernel for each of them; this timer is left alone while it
 * rings no later than asked. It may ring early: then its loop looks around, and sets it anew. */
#ifndef GLASS_WAKER_H
#define GLASS_WAKER_H

#include "../stack/config.h"

struct waker {
    int fd;   /* a timerfd; readable, edge-triggered, when it rings */
    usec due; /* it rings at this time or before; NEVER: it is not set */
};

/* 0 or a negative errno value. */
int waker_open(struct waker *waker);
void waker_close(struct waker *waker);

/* Rings at `due` at the latest, which is at least 1 us after `now`; both of clock_now. NEVER: need not ring. A clock
 * that stood still meanwhile makes it ring early. 0 or a negative errno value. */
int waker_set(struct waker *waker, usec now, usec due);

/* It rang: the next waker_set sets it. */
void waker_rang(struct waker *waker);

#endif
