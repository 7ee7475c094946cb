/* Owns the timerfd that wakes a sleeping loop. No RFC. Called by loop.c. */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "waker.h"

int waker_open(struct waker *waker)
{
    waker->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    waker->due = NEVER;
    return waker->fd < 0 ? -errno : 0;
}

void waker_close(struct waker *waker)
{
    if (waker->fd >= 0)
        close(waker->fd);
    waker->fd = -1;
}

int waker_set(struct waker *waker, usec now, usec due)
{
    usec left = due - now;
    if (waker->due <= due)
        return 0;
    struct itimerspec at = {.it_value = {.tv_sec = left / SEC(1), .tv_nsec = left % SEC(1) * 1000}};
    if (timerfd_settime(waker->fd, 0, &at, NULL) < 0)
        return -errno;
    waker->due = due;
    return 0;
}

void waker_rang(struct waker *waker)
{
    waker->due = NEVER;
}
