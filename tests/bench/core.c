/* What the core costs without a device: instructions of a segment, time and memory of many connections.
 *
 *     core segments        data and ACKs in and out of one connection; callgrind counts inside the measured_
 * functions. Says how many "data_in=N ack_out=N data_out=N ack_in=N" core scale ROUNDS SIZE...  nanoseconds
 * of CPU time, a line for each round and size: "size=N exchange=A exchange_any=B tick=C setup=D" core memory
 * COUNT    bytes: what sizeof says, and what so many connections take of heap and stack memory
 *
 * Called by bench.py. */
#include "core_world.h"
#include "../../stack/tcp_rest.h"
#include "../../stack/tcp_timewait.h"

#include <malloc.h>

#define ACTIVE    10 /* connections that talk while the others are idle */
#define SIZES_MAX 8
#define EXCHANGES 20000 /* of one measurement */
#define TICKS     20000
#define SETUPS    1024 /* connections opened and aborted in one measurement */
#define SMALL     100  /* bytes of text */
#define BATCHES   200  /* of core segments */

static struct datagram datagram[BATCH];
static uint8_t block[64 << 10];

/* --- instructions --- */

__attribute__((noinline)) static void measured_data_in(struct world *w)
{
    for (int i = 0; i < BATCH; i++)
        stack_input(&w->stack, w->now, datagram[i].bytes, datagram[i].len);
}

__attribute__((noinline)) static void measured_ack_in(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stack_input(&w->stack, w->now, datagram[i].bytes, datagram[i].len);
}

/* Frames so far. That each function counts its own also keeps a compiler from making one of the two. */
static unsigned long acks_out, data_out;

__attribute__((noinline)) static bool measured_ack_out(struct world *w, struct frame *f)
{
    bool sent = stack_output(&w->stack, w->now, f);
    acks_out += sent;
    return sent;
}

__attribute__((noinline)) static bool measured_data_out(struct world *w, struct frame *f)
{
    bool sent = stack_output(&w->stack, w->now, f);
    data_out += sent;
    return sent;
}

static void receive(struct world *w, struct peer *p)
{
    struct frame f;
    for (int i = 0; i < BATCH; i++)
        peer_segment(p, TEXT_MAX, &datagram[i]);
    measured_data_in(w);
    while (sock_recv(p->sock, block, sizeof block, 0) > 0)
        ;
    while (measured_ack_out(w, &f))
        ;
}

/* Each second segment is acknowledged. Returns the ACKs. */
static unsigned transmit(struct world *w, struct peer *p)
{
    struct frame f;
    unsigned frames = 0, acks = 0;
    if (sock_send(p->sock, block, BATCH * TEXT_MAX, 0) != BATCH * TEXT_MAX)
        fail("the send buffer is full");
    while (measured_data_out(w, &f)) {
        p->ack += (uint32_t)(frame_len(&f) - 52);
        if (++frames % 2 == 0 && acks < BATCH)
            peer_segment(p, 0, &datagram[acks++]);
    }
    w->now += 100;
    measured_ack_in(w, acks);
    return acks;
}

static int segments(void)
{
    struct world w;
    unsigned long acks_in = 0;
    world_begin(&w, 1);
    struct peer *p = w.peer;
    world_connect(&w, 1);
    for (int i = 0; i < BATCHES; i++) {
        w.now += 100;
        receive(&w, p);
        acks_in += transmit(&w, p);
    }
    printf("data_in=%d ack_out=%lu data_out=%lu ack_in=%lu\n", BATCHES * BATCH, acks_out, data_out, acks_in);
    world_end(&w);
    return 0;
}

/* --- scale --- */

static void check_answer(struct world *w, struct peer *p)
{
    struct frame f;
    unsigned sent = 0;
    ssize_t n = sock_recv(p->sock, block, sizeof block, 0);
    if (n != SMALL || sock_send(p->sock, block, SMALL, 0) != SMALL)
        fail("%zd bytes were received, not %d", n, SMALL);
    while (stack_output(&w->stack, w->now, &f))
        sent++;
    if (sent != 1)
        fail("not one answer but %u", sent);
}

/* A small segment in, read, answered. The connections take turns, `stride` apart. */
static double exchange(struct world *w, unsigned among, unsigned stride)
{
    double spent = 0;
    unsigned which = 0;
    struct peer *turn[BATCH];
    for (int done = 0; done < EXCHANGES; done += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            which = (which + stride) % among;
            turn[i] = &w->peer[which];
            peer_segment(turn[i], SMALL, &datagram[i]);
        }
        double before = core_seconds();
        for (int i = 0; i < BATCH; i++) {
            w->now += 10;
            stack_input(&w->stack, w->now, datagram[i].bytes, datagram[i].len);
            check_answer(w, turn[i]);
        }
        spent += core_seconds() - before;
        for (int i = 0; i < BATCH; i++)
            turn[i]->ack += SMALL;
        for (int i = 0; i < BATCH; i++)
            world_acknowledge(w, turn[i]);
    }
    return spent / EXCHANGES * 1e9;
}

/* Nothing is due: what the timers of others cost when time passes. First those of the last exchanges settle.
 */
static double tick(struct world *w)
{
    w->now += SEC(2);
    stack_time(&w->stack, w->now);
    world_output(w, NULL);
    double before = core_seconds();
    usec due = 0;
    for (int i = 0; i < TICKS; i++) {
        w->now += MSEC(1);
        stack_time(&w->stack, w->now);
        due += stack_due(&w->stack) == 0; /* somebody has to look */
    }
    double spent = core_seconds() - before;
    world_output(w, NULL);
    return due < 0 ? 0 : spent / TICKS * 1e9;
}

static double setup(struct world *w)
{
    unsigned first = w->peers;
    double spent = 0;
    for (int i = 0; i < SETUPS; i += BATCH)
        spent += world_connect(w, BATCH);
    for (int i = 0; i < SETUPS; i++)
        sock_abort(w->peer[first + (unsigned)i].sock);
    world_output(w, NULL);
    w->peers = first;
    return spent / SETUPS * 1e9;
}

static int scale(int rounds, int sizes, char **size)
{
    static struct world world[SIZES_MAX];
    unsigned count[SIZES_MAX];
    for (int i = 0; i < sizes; i++) {
        count[i] = (unsigned)number(size[i], ACTIVE, 1e6);
        world_begin(&world[i], count[i] + SETUPS);
        for (; world[i].peers < count[i]; world[i].now += MSEC(1))
            world_connect(&world[i], 1);
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < sizes; i++) {
            double few = exchange(&world[i], ACTIVE, 1), any = exchange(&world[i], count[i], 7919);
            double tick_ns = tick(&world[i]), setup_ns = setup(&world[i]);
            printf("size=%u exchange=%.1f exchange_any=%.1f tick=%.1f setup=%.1f\n", count[i], few, any,
                   tick_ns, setup_ns);
        }
    for (int i = 0; i < sizes; i++)
        world_end(&world[i]);
    return 0;
}

/* --- memory --- */

static int memory(unsigned count)
{
    struct world w;
    world_begin(&w, count);
    size_t stack_before = stack_core(&w.stack)->memory_used, heap_before = mallinfo2().uordblks;
    for (unsigned i = 0; i < count; i++)
        world_connect(&w, 1);
    double stack_idle = (double)(stack_core(&w.stack)->memory_used - stack_before) / count;
    double heap_idle = (double)(mallinfo2().uordblks - heap_before) / count;
    for (unsigned i = 0; i < count; i++)
        world_close(&w, &w.peer[i]);
    double stack_wait = (double)(stack_core(&w.stack)->memory_used - stack_before) / count;
    double heap_wait = (double)(mallinfo2().uordblks - heap_before) / count;
    printf("sizeof_connection=%zu sizeof_rest=%zu sizeof_socket=%zu sizeof_timewait=%zu stack_idle=%.1f "
           "heap_idle=%.1f "
           "stack_timewait=%.1f heap_timewait=%.1f\n",
           sizeof(struct tcp_conn), sizeof(struct tcp_rest), sizeof(struct sock), sizeof(struct tcp_timewait),
           stack_idle, heap_idle, stack_wait, heap_wait);
    world_end(&w);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "segments") == 0)
        return segments();
    if (argc >= 4 && argc - 3 <= SIZES_MAX && strcmp(argv[1], "scale") == 0)
        return scale((int)number(argv[2], 1, 1000), argc - 3, argv + 3);
    if (argc == 3 && strcmp(argv[1], "memory") == 0)
        return memory((unsigned)number(argv[2], 1, 60000));
    fputs("usage: core segments | scale ROUNDS SIZE... | memory COUNT\n", stderr);
    return 2;
}
