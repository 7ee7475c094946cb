/* The event loop.
 *
 * Each turn: sleep until the stack's or an application's next deadline or until a descriptor wakes it, tell the
 * descriptors' owners, read the device until it is empty, serve the sockets with news, write what the stack has
 * to send. A turn ends with nothing left to do at once: what its caller then finds stays so while it sleeps. */
#ifndef GLASS_LOOP_H
#define GLASS_LOOP_H

#include <sys/epoll.h>
#include "../stack/stack.h"
#include "../stack/timer.h"
#include "clock.h"
#include "waker.h"

/* Whoever owns a socket: sock_set_user(s, &task). `run` is told all that is true of the socket (SOCK_READABLE,
 * ...) each time something becomes new; it works until -EAGAIN and returns. */
struct task {
    void (*run)(struct task *task, struct sock *s, unsigned events);
};

/* A descriptor to wait for. */
struct watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT ... now waited for; 0: none */
    void (*ready)(struct watch *watch, uint32_t events);
};

/* A deadline of an application. */
struct deadline {
    struct timer timer; /* first member */
    void (*passed)(struct deadline *deadline);
};

struct device; /* tun/tun.h: what datagrams are read from and written to */
struct capture;

#define LOOP_EVENTS 64 /* descriptors told in one turn */

struct loop {
    struct stack *stack;
    struct device *device;
    struct capture *capture; /* every datagram is also written here; NULL: none */
    int capture_error;       /* why there is none any more, a negative errno value */
    int epoll;
    bool stopped;
    bool device_readable; /* it may have more; cleared by -EAGAIN */
    bool busy;            /* a bound was reached: do not sleep */
    usec now;
    struct wheel deadlines;
    struct watch waker_watch;
    struct waker waker;
    uint8_t *buffer; /* one datagram, in ... */
    uint8_t *space;
    unsigned alone, unlooked; /* turns that brought one datagram each; and since then */

    struct prompt { /* whether answers are there as soon as something is written */
        bool wrote, found;     /* something in this turn; the last look without poll found one */
        unsigned turns, looks; /* since descriptors were looked at; tries while none was found */
    } prompt;
    bool at_once; /* the next turn does not sleep */

    /* What epoll reported and was not told yet; loop_watch takes a watch that ends out of it. */
    struct epoll_event event[LOOP_EVENTS];
    int event_next, event_count;
};

/* 0 or a negative errno value. */
int loop_init(struct loop *loop, struct stack *stack, struct device *device, struct capture *capture);
void loop_free(struct loop *loop);

/* Starts, changes (by calling again) or, with 0, ends waiting for `events` on watch->fd. A watch must be ended
 * before its descriptor is closed or its memory freed; it may be ended from any callback. */
int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);

void loop_deadline(struct loop *loop, struct deadline *d, usec due); /* NEVER: stop it */

static inline usec loop_now(const struct loop *loop)
{
    return loop->now;
}

/* One turn; waits at most until `until`. 0 or a negative errno value (the device is gone). */
int loop_turn(struct loop *loop, usec until);

/* Turns until loop_stop. As loop_turn. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
