/* The event loop over a device that is two arrays: who is told, when, and what goes in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../stack/checksum.h"
#include "../../stack/ip_wire.h"
#include "../../tun/capture.h"
#include "../../tun/loop.h"
#include "../../tun/tun.h"
#include "../../apps/heap.h"

#define OURS       IP_ADDR(10, 7, 0, 2)
#define KERNEL     IP_ADDR(10, 7, 0, 1)
#define ECHO_LEN   36 /* IPv4 header, ICMP header, 8 bytes */
#define QUICK      64 /* turns that must be enough for anything here */
#define CAP_HEADER 24
#define CAP_RECORD 16

/* A device that gives the same datagram `waiting` times and remembers the last it was given. A client that is
 * quick has its next one there, so many times, when a write returns. */
struct fake {
    struct device device; /* first member */
    uint8_t in[64], out[2048];
    size_t in_len, out_len;
    int waiting, reads, writes;
    int quick; /* times that `burst` datagrams come within a write, ... */
    int burst;
    bool unheard;                    /* ... and the descriptor does not tell */
    ssize_t read_error, write_error; /* instead of working */
};

struct fixture {
    struct fake fake;
    struct stack stack;
    struct loop loop;
};

static ssize_t fake_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    *offload = (struct offload){0};
    struct fake *f = (struct fake *)device;
    uint64_t ignored;
    if (f->read_error)
        return f->read_error;
    if (f->waiting == 0) {
        assert_true(read(device->fd, &ignored, sizeof ignored) == sizeof ignored || errno == EAGAIN);
        return -EAGAIN;
    }
    assert_true(f->in_len <= room);
    f->waiting--;
    f->reads++;
    memcpy(to, f->in, f->in_len);
    return (ssize_t)f->in_len;
}

static ssize_t fake_write(struct device *device, const struct iovec *part, int count,
                          const struct offload *offload)
{
    (void)offload;
    struct fake *f = (struct fake *)device;
    if (f->write_error)
        return f->write_error;
    f->writes++;
    f->out_len = 0;
    for (int i = 0; i < count; i++) {
        assert_true(f->out_len + part[i].iov_len <= sizeof f->out);
        memcpy(f->out + f->out_len, part[i].iov_base, part[i].iov_len);
        f->out_len += part[i].iov_len;
    }
    if (f->quick > 0 && f->waiting == 0) {
        f->quick--;
        f->waiting = f->burst;
        if (!f->unheard)
            assert_int_equal(eventfd_write(device->fd, 1), 0);
    }
    return (ssize_t)f->out_len;
}

static void arrive(struct fake *f, int times)
{
    f->waiting += times;
    assert_int_equal(eventfd_write(f->device.fd, 1), 0);
}

static int setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct stack_config config;
    if (!x)
        return -1;
    stack_config_init(&config);
    config.addr = OURS;
    config.prefix = 24;
    config.memory = heap_memory;
    x->fake.device = (struct device){
        .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .mtu = 1500, .read = fake_read, .write = fake_write};
    *state = x;
    return stack_init(&x->stack, &config, clock_now()) == 0 &&
                   loop_init(&x->loop, &x->stack, &x->fake.device, NULL) == 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    stack_free(&x->stack);
    size_t leaked = stack_core(&x->stack)->memory_used;
    loop_free(&x->loop);
    close(x->fake.device.fd);
    free(x);
    return leaked == 0 ? 0 : -1;
}

static void turn(struct fixture *x)
{
    assert_int_equal(loop_turn(&x->loop, 0), 0);
}

static void turns(struct fixture *x)
{
    for (int i = 0; i < 4; i++)
        turn(x);
}

/* --- watches --- */

struct seen {
    struct watch watch; /* first member */
    struct loop *loop;
    int times;
    uint32_t events;
    struct seen *other;
};

static struct seen *new_seen(struct fixture *x, void (*ready)(struct watch *, uint32_t))
{
    struct seen *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->loop = &x->loop;
    s->watch = (struct watch){.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), .ready = ready};
    return s;
}

static void free_seen(struct seen *s)
{
    assert_int_equal(loop_watch(s->loop, &s->watch, 0), 0);
    close(s->watch.fd);
    free(s);
}

static void note(struct watch *watch, uint32_t events)
{
    struct seen *s = (struct seen *)watch;
    s->times++;
    s->events = events;
}

static void note_and_free_other(struct watch *watch, uint32_t events)
{
    struct seen *s = (struct seen *)watch;
    note(watch, events);
    if (!s->other)
        return;
    s->other->other = NULL;
    free_seen(s->other);
    s->other = NULL;
}

static void note_and_stop_other(struct watch *watch, uint32_t events)
{
    struct seen *s = (struct seen *)watch;
    note(watch, events);
    if (s->other->watch.events & EPOLLIN)
        assert_int_equal(loop_watch(s->loop, &s->other->watch, 0), 0);
}

static void note_and_narrow_other(struct watch *watch, uint32_t events)
{
    struct seen *s = (struct seen *)watch;
    note(watch, events);
    assert_int_equal(loop_watch(s->loop, &s->other->watch, EPOLLPRI), 0);
}

static void watch_is_told_while_it_is_ready_and_not_after_it_ended(void **state)
{
    struct fixture *x = *state;
    struct seen *s = new_seen(x, note);
    turn(x);
    assert_int_equal(s->times, 0);
    assert_int_equal(loop_watch(&x->loop, &s->watch, EPOLLIN), 0);
    turn(x);
    turn(x);
    assert_int_equal(s->times, 2);
    assert_int_equal(s->events, EPOLLIN);
    assert_int_equal(loop_watch(&x->loop, &s->watch, EPOLLIN | EPOLLOUT), 0);
    turn(x);
    assert_int_equal(s->events, EPOLLIN | EPOLLOUT);
    assert_int_equal(loop_watch(&x->loop, &s->watch, 0), 0);
    assert_int_equal(loop_watch(&x->loop, &s->watch, 0), 0); /* twice is harmless */
    turn(x);
    assert_int_equal(s->times, 3);
    free_seen(s);
}

/* Both are in the same batch of epoll; whichever comes first frees the other. */
static void watch_freed_by_another_callback_of_the_same_batch_is_not_touched(void **state)
{
    struct fixture *x = *state;
    struct seen *a = new_seen(x, note_and_free_other), *b = new_seen(x, note_and_free_other);
    a->other = b;
    b->other = a;
    assert_int_equal(loop_watch(&x->loop, &a->watch, EPOLLIN), 0);
    assert_int_equal(loop_watch(&x->loop, &b->watch, EPOLLIN), 0);
    turn(x);
    struct seen *left = x->loop.event[0].data.ptr; /* the one told first */
    assert_int_equal(left->times, 1);
    turn(x);
    assert_int_equal(left->times, 2);
    free_seen(left);
}

static void watch_ended_by_another_callback_of_the_same_batch_is_not_told(void **state)
{
    struct fixture *x = *state;
    struct seen *a = new_seen(x, note_and_stop_other), *b = new_seen(x, note_and_stop_other);
    a->other = b;
    b->other = a;
    assert_int_equal(loop_watch(&x->loop, &a->watch, EPOLLIN), 0);
    assert_int_equal(loop_watch(&x->loop, &b->watch, EPOLLIN), 0);
    turn(x);
    assert_int_equal(a->times + b->times, 1);
    free_seen(a);
    free_seen(b);
}

static void watch_is_not_told_what_it_no_longer_waits_for(void **state)
{
    struct fixture *x = *state;
    struct seen *a = new_seen(x, note_and_narrow_other), *b = new_seen(x, note_and_narrow_other);
    a->other = b;
    b->other = a;
    assert_int_equal(loop_watch(&x->loop, &a->watch, EPOLLIN), 0);
    assert_int_equal(loop_watch(&x->loop, &b->watch, EPOLLIN), 0);
    turn(x);
    assert_int_equal(a->times + b->times, 1);
    free_seen(a);
    free_seen(b);
}

static void end_and_free_self(struct watch *watch, uint32_t events)
{
    (void)events;
    free_seen((struct seen *)watch);
}

static void watch_may_end_itself(void **state)
{
    struct fixture *x = *state;
    struct seen *s = new_seen(x, end_and_free_self);
    assert_int_equal(loop_watch(&x->loop, &s->watch, EPOLLIN), 0);
    turns(x);
}

static void bad_descriptor_is_an_error(void **state)
{
    struct fixture *x = *state;
    struct watch w = {.fd = -1, .ready = note};
    assert_int_equal(loop_watch(&x->loop, &w, EPOLLIN), -EBADF);
    assert_int_equal(w.events, 0);
}

/* --- deadlines --- */

struct alarm {
    struct deadline deadline; /* first member */
    struct loop *loop;
    int times;
    usec at;
    struct alarm *other;
};

static void ring(struct deadline *d)
{
    struct alarm *a = (struct alarm *)d;
    a->times++;
    a->at = loop_now(a->loop);
    if (a->other)
        loop_deadline(a->loop, &a->other->deadline, NEVER);
}

static void ring_again_at_once(struct deadline *d)
{
    ring(d);
    loop_deadline(((struct alarm *)d)->loop, d, 0);
}

/* At `due`, not before, and without spinning: the wheel may look up once a level, and `more` times. */
static void rings_once(struct fixture *x, const struct alarm *a, usec due, int more)
{
    int count = 0;
    for (; a->times == 0 && count < QUICK; count++)
        assert_int_equal(loop_turn(&x->loop, NEVER), 0);
    assert_int_equal(a->times, 1);
    assert_true(a->at >= due);
    assert_true(count <= 2 * WHEEL_LEVELS + more);
    turns(x);
    assert_int_equal(a->times, 1);
}

/* Half a millisecond more than a whole number: rounding down would be early, or spin. */
static void deadline_passes_once_not_early_and_without_spinning(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = ring}, .loop = &x->loop};
    turn(x);
    usec due = clock_now() + 2500;
    loop_deadline(&x->loop, &a.deadline, due);
    rings_once(x, &a, due, 0);
}

/* The loop's timer rings for what is no longer due then, and once more. */
static void deadline_put_off_passes_once_and_not_early(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = ring}, .loop = &x->loop};
    turn(x);
    usec due = clock_now() + 5000;
    loop_deadline(&x->loop, &a.deadline, due - 4000);
    assert_int_equal(loop_turn(&x->loop, clock_now() + 1), 0);
    loop_deadline(&x->loop, &a.deadline, due);
    rings_once(x, &a, due, 1);
}

static void stopped_deadline_does_not_pass(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = ring}, .loop = &x->loop};
    loop_deadline(&x->loop, &a.deadline, clock_now());
    loop_deadline(&x->loop, &a.deadline, NEVER);
    loop_deadline(&x->loop, &a.deadline, NEVER);
    turns(x);
    assert_int_equal(a.times, 0);
}

static void deadline_stopped_by_another_of_the_same_turn_does_not_pass(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = ring}, .loop = &x->loop}, b = a;
    a.other = &b;
    b.other = &a;
    loop_deadline(&x->loop, &a.deadline, 0);
    loop_deadline(&x->loop, &b.deadline, 0);
    turns(x);
    assert_int_equal(a.times + b.times, 1);
}

static void deadline_that_always_asks_again_does_not_hold_the_turn(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = ring_again_at_once}, .loop = &x->loop};
    loop_deadline(&x->loop, &a.deadline, 0);
    turn(x);
    int once = a.times;
    assert_true(once > 0);
    turn(x);
    assert_true(a.times > once);
    loop_deadline(&x->loop, &a.deadline, NEVER);
}

static void silent_turn_ends_when_it_was_told_to(void **state)
{
    struct fixture *x = *state;
    turn(x);
    usec until = clock_now() + 1500;
    assert_int_equal(loop_turn(&x->loop, until), 0);
    assert_true(clock_now() >= until);
}

/* --- datagrams --- */

static void make_echo_request(struct fake *f, uint32_t dst)
{
    struct writer w = writer_of(f->in, ECHO_LEN);
    put16(&w, 0x4500);
    put16(&w, ECHO_LEN);
    put32(&w, 0);
    put16(&w, 0x4001); /* time to live 64, ICMP */
    put16(&w, 0);
    put32(&w, KERNEL);
    put32(&w, dst);
    put16(&w, 0x0800); /* echo request */
    put16(&w, 0);
    put32(&w, 0x12340001); /* identifier, sequence number */
    put_bytes(&w, "abcdefgh", 8);
    assert_false(w.bad);
    poke16(f->in + 10, checksum_of(f->in, 20));
    poke16(f->in + 22, checksum_of(f->in + 20, ECHO_LEN - 20));
    f->in_len = ECHO_LEN;
}

static void datagram_that_arrives_is_answered(void **state)
{
    struct fixture *x = *state;
    turns(x);
    make_echo_request(&x->fake, OURS);
    arrive(&x->fake, 1);
    turns(x);
    assert_int_equal(x->fake.writes, 1);
    assert_int_equal(x->fake.out_len, ECHO_LEN);
    assert_int_equal(x->fake.out[20], 0); /* echo reply */
    assert_memory_equal(x->fake.out + 28, "abcdefgh", 8);
}

static void flood_is_taken_in_bounded_turns_without_sleeping(void **state)
{
    struct fixture *x = *state;
    make_echo_request(&x->fake, IP_ADDR(10, 7, 0, 9)); /* not ours: only counted */
    arrive(&x->fake, 1000);
    assert_int_equal(loop_turn(&x->loop, NEVER), 0);
    assert_true(x->fake.reads < 1000);
    for (int i = 0; i < QUICK && x->fake.waiting > 0; i++)
        assert_int_equal(loop_turn(&x->loop, NEVER), 0);
    assert_int_equal(x->fake.reads, 1000);
}

/* A client that answers within our writes, for long enough that the loop knows it. */
static void play_quickly(struct fixture *x, int burst)
{
    make_echo_request(&x->fake, OURS);
    x->fake.quick = 1000;
    x->fake.burst = burst;
    arrive(&x->fake, burst);
    for (int i = 0; i < 2 * QUICK; i++)
        turn(x);
    assert_true(x->fake.waiting == burst && x->fake.writes > QUICK);
}

/* From here on nothing but a read finds what comes: how many are answered. */
static int answered_unheard(struct fixture *x)
{
    uint64_t told;
    x->fake.unheard = true;
    int before = x->fake.writes;
    while (x->fake.writes < before + x->fake.burst)
        turn(x);
    assert_true(read(x->fake.device.fd, &told, sizeof told) == sizeof told || errno == EAGAIN);
    before = x->fake.writes;
    for (int i = 0; i < QUICK; i++)
        turn(x);
    return x->fake.writes - before;
}

static void answer_that_is_there_at_once_is_read_without_asking(void **state)
{
    struct fixture *x = *state;
    play_quickly(x, 1);
    assert_true(answered_unheard(x) > 1);
}

/* Several a turn are a stream: who reads it early gets little, and answers too often. */
static void stream_is_waited_for(void **state)
{
    struct fixture *x = *state;
    play_quickly(x, 2);
    assert_int_equal(answered_unheard(x), 0);
}

static void quick_answers_do_not_keep_descriptors_waiting(void **state)
{
    struct fixture *x = *state;
    struct seen *s = new_seen(x, note);
    play_quickly(x, 1);
    assert_int_equal(loop_watch(&x->loop, &s->watch, EPOLLIN), 0);
    for (int i = 0; i < QUICK; i++)
        turn(x);
    assert_true(s->times > 0);
    free_seen(s);
}

static struct sock *udp_socket(struct fixture *x, uint16_t port)
{
    struct sock *s;
    assert_int_equal(sock_open(&x->stack, SOCK_UDP, &s), 0);
    assert_int_equal(sock_bind(s, (struct endpoint){OURS, port}), 0);
    return s;
}

static void datagram_to_ourselves_never_reaches_the_device(void **state)
{
    struct fixture *x = *state;
    char got[8];
    struct endpoint from;
    struct sock *a = udp_socket(x, 5000), *b = udp_socket(x, 5001);
    assert_int_equal(sock_sendto(a, "self", 4, 0, (struct endpoint){OURS, 5001}), 4);
    turns(x);
    assert_int_equal(sock_recvfrom(b, got, sizeof got, 0, &from), 4);
    assert_memory_equal(got, "self", 4);
    assert_int_equal(from.port, 5000);
    assert_int_equal(x->fake.writes, 0);
    sock_close(a);
    sock_close(b);
}

struct counted_task {
    struct task task; /* first member */
    int times;
    unsigned events;
};

static void count_task(struct task *task, struct sock *s, unsigned events)
{
    struct counted_task *t = (struct counted_task *)task;
    char got[8];
    t->times++;
    t->events |= events;
    while (sock_recv(s, got, sizeof got, 0) > 0)
        ;
}

static void owner_of_a_socket_is_told_what_is_new(void **state)
{
    struct fixture *x = *state;
    struct counted_task t = {.task = {.run = count_task}};
    struct sock *s = udp_socket(x, 5000), *nobodys = udp_socket(x, 5001);
    sock_set_user(s, &t.task);
    turns(x);
    t = (struct counted_task){.task = {.run = count_task}};
    assert_int_equal(sock_sendto(nobodys, "x", 1, 0, (struct endpoint){OURS, 5000}), 1);
    assert_int_equal(sock_sendto(s, "x", 1, 0, (struct endpoint){OURS, 5001}), 1); /* nobody's: no crash */
    turn(x); /* what output brings is served before the loop may sleep */
    assert_true(t.times >= 1);
    assert_true(t.events & SOCK_READABLE);
    sock_close(s);
    sock_close(nobodys);
}

static void datagram_the_device_refuses_is_counted(void **state)
{
    struct fixture *x = *state;
    static const int refusals[] = {EAGAIN, ENOBUFS, EIO};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sock *s = udp_socket(x, 5000);
        x->fake.write_error = -refusals[i];
        assert_int_equal(sock_sendto(s, "x", 1, 0, (struct endpoint){KERNEL, 9}), 1);
        turns(x);
        assert_int_equal(x->fake.device.dropped, i + 1);
        sock_close(s);
    }
}

static void watch(void *context, const struct event *event)
{
    (void)context, (void)event;
}

/* A device that cuts in software cuts only what nobody looks at. */
static void who_watches_gets_single_segments(void **state)
{
    struct fixture *x = *state;
    const struct stack_config *config = &stack_core(&x->stack)->config;
    struct capture capture = {0};
    turns(x);
    assert_int_equal(config->device_segments, 0); /* this one does not */
    x->fake.device.soft = true;
    turns(x);
    assert_true(config->device_segments > 65000 && !x->fake.device.watched);
    stack_observe(&x->stack, watch, NULL);
    turns(x);
    assert_true(config->device_segments == 0 && x->fake.device.watched);
    stack_observe(&x->stack, NULL, NULL);
    turns(x);
    assert_true(config->device_segments > 65000 && !x->fake.device.watched);
    assert_int_equal(capture_open(&capture, "/dev/null", 0), 0);
    x->loop.capture = &capture;
    turns(x);
    assert_true(config->device_segments == 0 && x->fake.device.watched);
    x->loop.capture = NULL;
    assert_int_equal(capture_close(&capture), 0);
}

static void lost_device_ends_the_turn_with_its_error(void **state)
{
    struct fixture *x = *state;
    x->fake.read_error = -EBADFD;
    assert_int_equal(loop_turn(&x->loop, NEVER), -EBADFD);
    x->fake.read_error = 0;
    x->fake.write_error = -EBADFD;
    struct sock *s = udp_socket(x, 5000);
    assert_int_equal(sock_sendto(s, "x", 1, 0, (struct endpoint){KERNEL, 9}), 1);
    assert_int_equal(loop_turn(&x->loop, 0), -EBADFD);
    sock_close(s);
}

/* --- capture --- */

static void both_directions_are_captured(void **state)
{
    struct fixture *x = *state;
    struct capture c;
    char path[32];
    int fd = memfd_create("capture", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(capture_open(&c, path, clock_wall_offset()), 0);
    x->loop.capture = &c;
    make_echo_request(&x->fake, OURS);
    arrive(&x->fake, 1);
    turns(x);
    assert_int_equal(lseek(fd, 0, SEEK_END),
                     CAP_HEADER + 2 * (CAP_RECORD + ECHO_LEN)); /* flushed by itself */
    assert_int_equal(x->loop.capture_error, 0);
    assert_int_equal(capture_close(&c), 0);
    close(fd);
}

static void full_disk_ends_the_capture_and_not_the_stack(void **state)
{
    struct fixture *x = *state;
    struct capture c = {.file = fopen("/dev/full", "wb")};
    assert_non_null(c.file);
    x->loop.capture = &c;
    make_echo_request(&x->fake, OURS);
    arrive(&x->fake, 2);
    turns(x);
    assert_int_equal(x->fake.writes, 2);
    assert_int_equal(x->loop.capture_error, -ENOSPC);
    assert_null(x->loop.capture);
    assert_int_equal(capture_close(&c), -ENOSPC);
}

static void stop_loop(struct deadline *d)
{
    loop_stop(((struct alarm *)d)->loop);
}

static void run_ends_when_it_is_stopped(void **state)
{
    struct fixture *x = *state;
    struct alarm a = {.deadline = {.passed = stop_loop}, .loop = &x->loop};
    loop_deadline(&x->loop, &a.deadline, 0);
    assert_int_equal(loop_run(&x->loop), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(watch_is_told_while_it_is_ready_and_not_after_it_ended),
        TEST(watch_freed_by_another_callback_of_the_same_batch_is_not_touched),
        TEST(watch_ended_by_another_callback_of_the_same_batch_is_not_told),
        TEST(watch_is_not_told_what_it_no_longer_waits_for),
        TEST(watch_may_end_itself),
        TEST(bad_descriptor_is_an_error),
        TEST(deadline_passes_once_not_early_and_without_spinning),
        TEST(deadline_put_off_passes_once_and_not_early),
        TEST(stopped_deadline_does_not_pass),
        TEST(deadline_stopped_by_another_of_the_same_turn_does_not_pass),
        TEST(deadline_that_always_asks_again_does_not_hold_the_turn),
        TEST(silent_turn_ends_when_it_was_told_to),
        TEST(datagram_that_arrives_is_answered),
        TEST(flood_is_taken_in_bounded_turns_without_sleeping),
        TEST(answer_that_is_there_at_once_is_read_without_asking),
        TEST(stream_is_waited_for),
        TEST(quick_answers_do_not_keep_descriptors_waiting),
        TEST(datagram_to_ourselves_never_reaches_the_device),
        TEST(owner_of_a_socket_is_told_what_is_new),
        TEST(datagram_the_device_refuses_is_counted),
        TEST(who_watches_gets_single_segments),
        TEST(lost_device_ends_the_turn_with_its_error),
        TEST(both_directions_are_captured),
        TEST(full_disk_ends_the_capture_and_not_the_stack),
        TEST(run_ends_when_it_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
