/* Any socket call at any time, on two stacks and the bad wire between them, while memory fails: RFC
 * 9293 3.10.1 to 3.10.6 from the application's side. No segment is forged here; what one side wrote the other
 * reads.
 *
 * Input: settings of both stacks and the wire, then one call or one passing of time after another. */
#include "targets.h"
#include "world.h"

#include <assert.h>
#include <stdlib.h>

#define SOCKS    12
#define WIRE_MAX 256 /* datagrams under way; more are lost */
#define TURNS    64  /* deliveries in one passing of time */
#define HTTP     80

struct flying {
    usec arrives;
    int to;
    size_t len;
    uint8_t *bytes;
};

static struct {
    struct world w[2];
    struct sock *sock[SOCKS]; /* even ones of the first stack, odd ones of the second */
    struct flying wire[WIRE_MAX];
    int count;
    uint8_t loss; /* of 256 */
    uint64_t dice;
} y;

/* The wire's own dice, seeded by the input: the mutator is better spent on calls. */
static unsigned roll(void)
{
    y.dice ^= y.dice << 13;
    y.dice ^= y.dice >> 7;
    y.dice ^= y.dice << 17;
    return (unsigned)(y.dice >> 16 & 0xff);
}

static void put(int to, const uint8_t *bytes, size_t len, usec arrives)
{
    if (y.count == WIRE_MAX)
        return;
    struct flying *f = &y.wire[y.count++];
    *f = (struct flying){arrives, to, len, malloc(len)};
    assert(f->bytes);
    memcpy(f->bytes, bytes, len);
}

static void hear(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len)
{
    int to = p->dst == WORLD_US ? 0 : 1;
    usec arrives = w->now + MSEC(5);
    if (roll() < y.loss)
        return;
    if (roll() < y.loss / 2)
        arrives += (usec)roll() * 100;
    put(to, bytes, len, arrives);
    if (roll() < y.loss / 4)
        put(to, bytes, len, arrives + (usec)roll() * 100);
}

static void settle(void)
{
    world_settle(&y.w[0]);
    world_settle(&y.w[1]);
}

static int first_arrival(void)
{
    int first = 0;
    for (int i = 1; i < y.count; i++)
        if (y.wire[i].arrives < y.wire[first].arrives)
            first = i;
    return first;
}

static void arrive(int which)
{
    struct flying f = y.wire[which];
    y.wire[which] = y.wire[--y.count];
    world_input(&y.w[f.to], f.bytes, f.len);
    free(f.bytes);
}

/* What happens first: an arrival or a deadline. */
static void turn(usec until)
{
    usec next = until;
    for (int i = 0; i < 2; i++)
        next = stack_due(&y.w[i].stack) < next ? stack_due(&y.w[i].stack) : next;
    int first = y.count ? first_arrival() : -1;
    bool arrives = first >= 0 && y.wire[first].arrives <= next;
    if (arrives)
        next = y.wire[first].arrives;
    for (int i = 0; i < 2; i++)
        y.w[i].now = next > y.w[i].now ? next : y.w[i].now;
    if (arrives)
        arrive(first);
    settle();
}

static void pass(usec time)
{
    usec until = y.w[0].now + time;
    settle();
    for (int i = 0; i < TURNS && y.w[0].now < until; i++)
        turn(until);
}

/* --- calls --- */

static struct endpoint far_end(int side, uint8_t how)
{
    uint32_t ours = side ? WORLD_PEER : WORLD_US, theirs = side ? WORLD_US : WORLD_PEER;
    static const uint16_t ports[] = {HTTP, HTTP, HTTP, HTTP + 1, 50000, 50001, 9, 0};
    return (struct endpoint){how & 0x38 ? theirs : ours, ports[how & 7]}; /* at times to itself */
}

static void open_one(int k, uint8_t how)
{
    static const enum sock_type types[] = {SOCK_TCP, SOCK_TCP, SOCK_TCP,  SOCK_UDP,
                                           SOCK_TCP, SOCK_TCP, SOCK_PING, SOCK_TCP};
    struct sock **s = &y.sock[k];
    if (sock_open(&y.w[k & 1].stack, types[how & 7], s))
        return;
    if (how & 8)
        sock_bind(*s, (struct endpoint){0, how & 0x10 ? HTTP : (uint16_t)(50000 + (how >> 5))});
    if (how & 0x20)
        sock_listen(*s, how >> 6);
}

static void accept_one(int k)
{
    struct sock *s;
    if (sock_accept(y.sock[k], &s, NULL))
        return;
    for (int i = k & 1; i < SOCKS; i += 2) {
        if (!y.sock[i]) {
            y.sock[i] = s;
            return;
        }
    }
    sock_close(s);
}

static void datagram(struct sock *s, int side, struct reader *in)
{
    static uint8_t bytes[4096];
    uint8_t how = get8(in);
    sock_sendto(s, bytes, get8(in) * 16u, 0, far_end(side, how));
    sock_recvfrom(s, bytes, sizeof bytes, 0, NULL);
}

static void let_go(int k, uint8_t how)
{
    if (how & 1)
        sock_close(y.sock[k]);
    else
        sock_abort(y.sock[k]);
    y.sock[k] = NULL;
}

static void call_tcp(struct sock *s, uint8_t what, struct reader *in)
{
    if (s->type != SOCK_TCP)
        return;
    if (what == 0)
        app_send(s, in);
    else
        app_receive(s, in);
}

static void call(int k, uint8_t what, struct reader *in)
{
    struct sock *s = y.sock[k];
    if (!s) {
        open_one(k, get8(in));
        return;
    }
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        call_tcp(s, what / 2, in);
        break;
    case 4:
        if (s->type == SOCK_TCP)
            accept_one(k);
        else
            datagram(s, k & 1, in);
        break;
    case 5:
        sock_connect(s, far_end(k & 1, get8(in)));
        break;
    case 6:
        sock_shutdown(s, (enum sock_shutdown)(get8(in) % 3));
        break;
    case 7:
        let_go(k, get8(in));
        break;
    case 8:
        app_set_option(s, in);
        break;
    default:
        sock_listen(s, get8(in) & 3);
        break;
    }
}

static void step(struct reader *in)
{
    uint8_t op = get8(in), how;
    if (op < 10 * SOCKS) {
        call(op % SOCKS, op / SOCKS, in);
    } else if (op < 200) {
        pass(MSEC(op - 10 * SOCKS));
    } else {
        how = get8(in);
        if (op & 1)
            y.w[how & 1].fail_in = how >> 1;
        else
            pass(SEC(1) * (how & 31));
    }
    if (op & 2)
        settle();
}

static void start(struct reader *in)
{
    struct stack_config config;
    uint8_t wire = get8(in);
    memset(&y, 0, sizeof y);
    y.loss = wire & 0x7f;
    y.dice = (uint64_t)get16(in) << 24 | 0x1234567;
    for (int i = 0; i < 2; i++) {
        world_config(&config, in);
        config.addr = i ? WORLD_PEER : WORLD_US;
        config.tcp_isn_fixed += (uint32_t)i * 5000;
        world_start(&y.w[i], &config);
        y.w[i].sent = hear;
        y.w[i].fail_each = wire & 0x80 ? 7 + get8(in) : 0;
    }
}

/* What still flies is lost, and the stacks end one after the other. */
static void end(void)
{
    for (int i = 0; i < 2; i++) {
        y.w[i].sent = NULL;
        world_end(&y.w[i]);
    }
    while (y.count > 0)
        free(y.wire[--y.count].bytes);
}

void fuzz_calls(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    start(&in);
    while (reader_left(&in) > 0)
        step(&in);
    end();
}
