/* Drives one stack: device, sockets, descriptors, deadlines, all in one thread.
 *
 * Owns the epoll descriptor. Input and output are bounded in each turn, so that neither a flood nor a socket
 * that talks to itself keeps the rest waiting. Called by apps/up.c and the tests. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture.h"
#include "loop.h"
#include "offload.h"
#include "tun.h"

#define READ_MAX   64           /* datagrams of one turn, and ... */
#define READ_BYTES (256u << 10) /* ... bytes: what is read is served while it is still in the cache, ... */
#define READ_SOFT  (64u << 10)  /* ... where the kernel's own, a buffer for each segment, takes its place */
#define ALONE_TURNS                                                                                          \
    4 /* turns that brought one datagram: then that there is no other is taken for granted, ... */
#define ALONE_LOOK   8  /* ... but for every so many turns. Looking would cost a question its answer's time */
#define PROMPT_LOOK  16 /* of so many turns that wrote, one tries whether an answer is there already */
#define PROMPT_TURNS 32 /* at most, until descriptors are looked at */
#define PASS_MAX     1024               /* deadlines of one turn: a callback may ask for "at once" again */
#define SERVE_MAX    1024               /* socket events of one turn */
#define WRITE_MAX    1024               /* frames of one turn */
#define ROUNDS_MAX   8                  /* of serving and writing in one turn */
#define DATAGRAM_MAX 65536              /* bytes; one more than IPv4 can say */
#define READ_ROOM    (2 * DATAGRAM_MAX) /* behind what it has read, a device may look for what continues it */
#define IP_DST       16                 /* RFC 791 3.1: offset of the destination address */

/* --- descriptors --- */

static void forget_event(struct loop *loop, const struct watch *watch)
{
    for (int i = loop->event_next; i < loop->event_count; i++)
        if (loop->event[i].data.ptr == watch)
            loop->event[i].data.ptr = NULL;
}

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = watch};
    int op = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (events == watch->events)
        return 0;
    if (events == 0) {
        forget_event(loop, watch);
        watch->events = 0;
    }
    if (epoll_ctl(loop->epoll, op, watch->fd, &e) < 0)
        return -errno;
    watch->events = events;
    return 0;
}

/* A callback may have ended any watch, or narrowed what it waits for, since epoll reported. */
static void tell_watches(struct loop *loop)
{
    while (loop->event_next < loop->event_count) {
        const struct epoll_event *e = &loop->event[loop->event_next++];
        struct watch *watch = e->data.ptr;
        uint32_t events = watch ? e->events & (watch->events | EPOLLERR | EPOLLHUP) : 0;
        if (events)
            watch->ready(watch, events);
    }
}

/* --- datagrams --- */

static struct capture_view *viewer(const struct loop *loop)
{
    return loop->capture && loop->capture->ng ? loop->capture->view : NULL;
}

/* What the device will sum, or need not have summed, is shown as it would be on a wire. */
static void capture(struct loop *loop, const struct iovec *part, int count, const struct offload *offload)
{
    struct capture_view *view = viewer(loop);
    struct iovec finished[OFFLOAD_PARTS_MAX];
    uint8_t front[OFFLOAD_FRONT];
    if (view)
        capture_comment(loop->capture, view->done(view));
    if (!loop->capture)
        return;
    count = offload_finish(offload, part, count, front, finished);
    capture_packet(loop->capture, loop->now, finished, count);
}

/* It is captured when the stack has looked at it: the comment says what came of it. */
static void input(struct loop *loop, size_t len, const struct offload *offload)
{
    struct capture_view *view = viewer(loop);
    if (view)
        view->incoming(view, loop->buffer, len);
    stack_input_offloaded(loop->stack, loop->now, loop->buffer, len, offload);
    capture(loop, &(struct iovec){loop->buffer, len}, 1, offload);
}

static void capture_turn_ends(struct loop *loop)
{
    if (!loop->capture)
        return;
    loop->capture_error = capture_flush(loop->capture);
    if (loop->capture_error < 0)
        loop->capture = NULL;
}

/* What a turn had read when there was no more. */
static void device_is_empty(struct loop *loop, int datagrams, size_t bytes)
{
    bool too_early = datagrams == 0 && loop->at_once; /* no sign of another pattern */
    loop->device_readable = false;
    if (!too_early)
        loop->alone = datagrams == 1 && bytes <= DEVICE_ALONE ? loop->alone + (loop->alone < ALONE_TURNS) : 0;
}

static int read_device(struct loop *loop)
{
    size_t bytes = 0, most = loop->device->soft ? READ_SOFT : READ_BYTES;
    bool alone = loop->alone >= ALONE_TURNS && ++loop->unlooked % ALONE_LOOK != 0;
    for (int i = 0; loop->device_readable; i++) {
        if (i == 1 && alone && bytes <= DEVICE_ALONE) {
            loop->device_readable = false; /* if it is wrong, poll says so at once */
            return 0;
        }
        if (i == READ_MAX || bytes >= most) {
            loop->busy = true;
            return 0;
        }
        struct offload offload;
        ssize_t n = loop->device->read(loop->device, loop->buffer, READ_ROOM, &offload);
        if (n == -EINTR)
            continue;
        if (i == 0 && loop->at_once)
            loop->prompt.found = n != -EAGAIN;
        if (n == -EAGAIN)
            device_is_empty(loop, i, bytes);
        else if (n < 0)
            return (int)n;
        else if (n > 0) {
            bytes += (size_t)n;
            input(loop, (size_t)n, &offload);
        }
    }
    return 0;
}

/* What says that there is no device any more; anything else lost one datagram. */
static bool device_is_gone(ssize_t error)
{
    return error == -EBADFD || error == -EBADF || error == -ENODEV || error == -ENXIO;
}

/* As a full queue loses it: what matters is sent again. */
static void lost(struct loop *loop)
{
    struct capture_view *view = viewer(loop);
    if (view)
        view->done(view);
    loop->device->dropped++;
}

static int write_device(struct loop *loop, const struct iovec *part, int count, const struct offload *offload)
{
    ssize_t n;
    do
        n = loop->device->write(loop->device, part, count, offload);
    while (n == -EINTR);
    if (n >= 0)
        capture(loop, part, count, offload);
    else if (device_is_gone(n))
        return (int)n;
    else
        lost(loop);
    return 0;
}

static bool is_for_ourselves(const struct loop *loop, const struct frame *f)
{
    struct reader r = reader_of(f->head, f->head_len);
    get_bytes(&r, IP_DST);
    return get32(&r) == stack_core(loop->stack)->config.addr && !r.bad;
}

/* RFC 1122 3.3.1.1: a datagram to our own address never reaches the wire. */
static void feed_back(struct loop *loop, const struct frame *f)
{
    size_t len = frame_gather(f, loop->buffer, DATAGRAM_MAX);
    struct offload offload = f->offload;
    offload.checksum_good = true;
    input(loop, len, &offload);
}

static int send_frame(struct loop *loop, const struct frame *f)
{
    struct capture_view *view = viewer(loop);
    if (view)
        view->outgoing(view, f);
    if (is_for_ourselves(loop, f)) {
        feed_back(loop, f);
        return 0;
    }
    struct iovec part[1 + FRAME_SPANS] = {{(void *)f->head, f->head_len}};
    int count = 1;
    for (int i = 0; i < FRAME_SPANS; i++)
        if (f->body[i].len > 0)
            part[count++] = (struct iovec){(void *)f->body[i].at, f->body[i].len};
    return write_device(loop, part, count, &f->offload);
}

static int write_frames(struct loop *loop)
{
    struct frame frame;
    loop->now = clock_now(); /* applications took their time: a capture shows when things left */
    for (int i = 0; i < WRITE_MAX; i++) {
        if (!stack_output(loop->stack, loop->now, &frame))
            return 0;
        int error = send_frame(loop, &frame);
        if (error < 0)
            return error;
        loop->prompt.wrote = true;
    }
    loop->busy = true;
    return 0;
}

/* --- sockets and deadlines --- */

/* Whether there was anything to serve. */
static bool serve_sockets(struct loop *loop)
{
    for (int i = 0; i < SERVE_MAX; i++) {
        unsigned events;
        struct sock *s = stack_ready(loop->stack, &events);
        if (!s)
            return i > 0;
        struct task *task = sock_user(s);
        if (task)
            task->run(task, s, events);
    }
    loop->busy = true;
    return true;
}

void loop_deadline(struct loop *loop, struct deadline *d, usec due)
{
    if (due == NEVER)
        timer_stop(&loop->deadlines, &d->timer);
    else
        timer_start(&loop->deadlines, &d->timer, due);
}

static void pass_deadlines(struct loop *loop)
{
    for (int i = 0; i < PASS_MAX; i++) {
        struct timer *t = wheel_expired(&loop->deadlines, loop->now);
        if (!t)
            return;
        struct deadline *d = (struct deadline *)t;
        if (t->due > loop->now)
            timer_start(&loop->deadlines, t, t->due); /* came from the edge of the wheel */
        else
            d->passed(d);
    }
    loop->busy = true;
}

/* --- turns --- */

/* A device without offload has it in software, but not when somebody is to see single segments. */
static void look_for_watchers(struct loop *loop)
{
    if (!loop->device->soft)
        return;
    loop->device->watched = loop->capture || core_observed(stack_core(loop->stack));
    stack_set_device_segments(loop->stack, loop->device->watched ? 0 : OFFLOAD_LARGEST);
}

static usec earliest(const struct loop *loop, usec until)
{
    usec due = loop->busy || loop->device_readable ? 0 : until;
    usec of_stack = stack_due(loop->stack), of_deadlines = wheel_due(&loop->deadlines);
    if (of_stack < due)
        due = of_stack;
    return of_deadlines < due ? of_deadlines : due;
}

static void waker_ready(struct watch *watch, uint32_t events)
{
    struct loop *loop = (struct loop *)((char *)watch - offsetof(struct loop, waker_watch));
    (void)events; /* edge-triggered: it need not be read */
    waker_rang(&loop->waker);
}

/* The device is asked for its news beside epoll, not by it: epoll would be told of each datagram that comes,
 * also while nobody waits for one, and some come while we write. */
static int look(struct loop *loop, int ms)
{
    struct pollfd fd[2] = {{.fd = loop->device->fd, .events = POLLIN}, {.fd = loop->epoll, .events = POLLIN}};
    if (poll(fd, 2, ms) < 0)
        return -errno;
    if (fd[0].revents) /* an error shows when it is read */
        loop->device_readable = true;
    if (!fd[1].revents)
        return 0;
    int n = epoll_wait(loop->epoll, loop->event, LOOP_EVENTS, 0);
    return n < 0 ? -errno : n;
}

/* Sleeps until then, or until a descriptor has news: how many, or a negative errno value. loop->now is when
 * it ended. */
static int wait(struct loop *loop, usec due)
{
    usec before, left = clock_sleep(due, &before); /* a debugger may come, or be there */
    int n = left == 0 ? 0 : waker_set(&loop->waker, before, left == NEVER ? NEVER : before + left);
    if (n == 0)
        n = look(loop, left == 0 ? 0 : -1);
    loop->now = clock_wake();
    return n == -EINTR ? 0 : n;
}

/* Applications come before output, so that an answer takes the ACK along. Output may bring them news in turn
 * (a timer that gave up, a datagram to ourselves): the turn ends when neither has anything left. */
static int exchange(struct loop *loop)
{
    int error = read_device(loop);
    if (error < 0)
        return error;
    pass_deadlines(loop);
    for (int round = 0; serve_sockets(loop) || round == 0; round++) {
        if (round == ROUNDS_MAX) {
            loop->busy = true;
            return 0;
        }
        error = write_frames(loop);
        if (error < 0)
            return error;
    }
    return 0;
}

/* A client on this CPU runs inside our write, and its next question is there when that returns: then reading
 * is cheaper than asking first. Not so a stream: who reads it early gets little, and answers too often. */
static bool answers_come_at_once(struct loop *loop)
{
    struct prompt *p = &loop->prompt;
    bool question = loop->alone >= ALONE_TURNS;
    if (p->wrote && question && p->turns < PROMPT_TURNS && (p->found || ++p->looks % PROMPT_LOOK == 0)) {
        p->turns++;
        return true;
    }
    p->turns = 0;
    return false;
}

static int look_at_once(struct loop *loop)
{
    loop->now = clock_now();
    loop->device_readable = true;
    return 0;
}

int loop_turn(struct loop *loop, usec until)
{
    int n = loop->at_once ? look_at_once(loop) : wait(loop, earliest(loop, until));
    if (n < 0)
        return n;
    loop->busy = false;
    loop->prompt.wrote = false;
    loop->event_next = 0;
    loop->event_count = n;
    stack_time(loop->stack, loop->now); /* before anybody works: socket calls count from here */
    tell_watches(loop);
    look_for_watchers(loop);
    int error = exchange(loop);
    capture_turn_ends(loop);
    loop->at_once = answers_come_at_once(loop);
    return error;
}

int loop_run(struct loop *loop)
{
    int error = 0;
    while (!loop->stopped && error == 0)
        error = loop_turn(loop, NEVER);
    return error;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

int loop_init(struct loop *loop, struct stack *stack, struct device *device, struct capture *capture_file)
{
    *loop = (struct loop){.stack = stack,
                          .device = device,
                          .capture = capture_file,
                          .device_readable = true,
                          .busy = true,
                          .waker.fd = -1};
    loop->now = clock_now();
    wheel_init(&loop->deadlines, loop->now);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -errno;
    int error = waker_open(&loop->waker);
    loop->waker_watch = (struct watch){.fd = loop->waker.fd, .ready = waker_ready};
    loop->space = malloc(DEVICE_HEADROOM + READ_ROOM);
    loop->buffer = loop->space ? loop->space + DEVICE_HEADROOM : NULL;
    if (error == 0 && !loop->space)
        error = -ENOMEM;
    if (error == 0)
        error = loop_watch(loop, &loop->waker_watch, EPOLLIN | EPOLLET);
    if (error < 0)
        loop_free(loop);
    return error;
}

void loop_free(struct loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
    waker_close(&loop->waker);
    free(loop->space);
    loop->epoll = -1;
    loop->space = loop->buffer = NULL;
}
