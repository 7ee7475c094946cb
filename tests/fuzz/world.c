/* One stack under test: see world.h. */
#include "world.h"

#include "../../stack/event_text.h"
#include "../../stack/tcp_rest.h"
#include "../../stack/tcp_flight.h"
#include "../../stack/tcp_rcv.h"
#include "../../stack/tcp_timewait.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 100000 /* in one turn: more is a stack that never falls silent */
#define BUFFER_MAX 100000 /* bytes, largest that app_set_option asks for */
#define STEPS_MAX  200000 /* deadlines in one wait */

static void *allocate(void *context, size_t size)
{
    struct world *w = context;
    w->allocations++;
    bool fails = w->fail_in > 0 && --w->fail_in == 0;
    if (fails || (w->fail_each && w->allocations % w->fail_each == 0))
        return NULL;
    void *at = malloc(size);
    w->blocks += at != NULL;
    return at;
}

static void release(void *context, void *at, size_t size)
{
    struct world *w = context;
    memset(at, 0xdd, size); /* the size is part of the contract: a wrong one is seen by a sanitizer */
    free(at);
    w->blocks--;
}

struct reader no_input(void)
{
    static const uint8_t nothing[1];
    return reader_of(nothing, 0);
}

/* What a watcher would see: made always, so that a peer cannot break that either. */
static void watch(void *context, const struct event *e)
{
    const struct world *w = context;
    char line[256];
    event_text(e, line, sizeof line);
    assert(strlen(line) < sizeof line);
    if (w->trace)
        printf("%s\n", line);
}

static void visit(void *context, const struct sock_info *info)
{
    unsigned *count = context;
    assert(tcp_state_name(info->state) && (!info->timer_running || tcp_timer_name(info->timer)));
    ++*count;
}

static void set_switches(struct stack_config *c, unsigned bits)
{
    bool *const all[] = {&c->tcp_window_scale,
                         &c->tcp_timestamps,
                         &c->tcp_sack,
                         &c->tcp_dsack,
                         &c->tcp_rack,
                         &c->tcp_tlp,
                         &c->tcp_frto,
                         &c->tcp_prr,
                         &c->tcp_autotune,
                         &c->tcp_ecn,
                         &c->tcp_limited_transmit,
                         &c->tcp_idle_restart,
                         &c->tcp_syn_cookies,
                         &c->tcp_nodelay,
                         &c->tcp_path_mtu_probe};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] = !(bits >> i & 1); /* all on when the input ends */
}

void world_config(struct stack_config *c, struct reader *in)
{
    static const uint16_t mtus[] = {1500, 1500, 576, 68, 9000, 296, 1280, 65535};
    static const uint32_t receive[] = {1u << 16, 1, 2000, 1u << 20}, backlogs[] = {4096, 1, 2, 8};
    stack_config_init(c);
    uint16_t switches = get16(in);
    set_switches(c, switches);
    c->observe = switches >> 14 == 3 ? watch : NULL; /* seldom: it takes time */
    uint8_t sizes = get8(in), times = get8(in);
    c->addr = WORLD_US;
    c->mtu = mtus[sizes & 7];
    c->tcp_receive_buffer = receive[sizes >> 3 & 3];
    c->memory_limit = sizes & 0x20 ? 40000 : 8u << 20;
    c->tcp_send_buffer_max = c->tcp_receive_buffer_max = 1u << 20;
    c->tcp_congestion = sizes & 0x40 ? &cc_reno : &cc_cubic;
    c->tcp_isn_is_fixed = true;
    c->tcp_isn_fixed = sizes & 0x80 ? UINT32_MAX - 50 : 1000; /* wraps early */
    c->tcp_delayed_ack = times & 1 ? 0 : TCP_DELAYED_ACK;
    c->tcp_keepalive_idle = times & 2 ? SEC(5) : TCP_KEEPALIVE_IDLE;
    c->tcp_user_timeout = times & 4 ? SEC(3) : 0;
    /* The same bits tell of the device: what was found without offload stays as it was for most. */
    c->device_sums = (switches ^ sizes ^ times) % 3 == 1;
    c->device_segments = c->device_sums ? sizes & 8 ? 8000 : IP_MTU_MAX : 0;
    c->tcp_msl = times & 8 ? SEC(1) : TCP_MSL_DEFAULT;
    c->tcp_backlog_max = backlogs[times >> 4 & 3];
    c->tcp_timewait_max = times & 0x40 ? 1 : 64;
    c->tcp_connections_per_peer_max = times & 0x80 ? 3 : 64;
    c->tcp_awake_max = times & 1 ? 0 : TCP_AWAKE_MAX;
    c->outbox_max = 16;
    memcpy(c->key, "a key for fuzzers", 16);
}

void world_start(struct world *w, const struct stack_config *config)
{
    struct stack_config c = *config;
    c.memory = (struct stack_memory){allocate, release, w};
    memset(w, 0, sizeof *w);
    w->trace = getenv("TRACE") != NULL;
    c.observe = w->trace ? watch : c.observe;
    c.observe_context = w;
    w->now = SEC(1);
    int error = stack_init(&w->stack, &c, w->now);
    assert(error == 0);
    (void)error;
}

/* In memory of exactly its size, so that a sanitizer sees a read beyond the end. */
void world_input(struct world *w, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert(copy);
    if (len)
        memcpy(copy, bytes, len);
    /* A device that offloads says things: here anything, believed as far as it can harm nobody but itself. */
    struct offload how = {0};
    if (w->stack.core.config.device_sums)
        how.segment_size = (uint16_t)(len % 5 == 0 ? len * 7 : len % 5 == 1 ? len / 3 : 0);
    stack_input_offloaded(&w->stack, w->now, copy, len, &how);
    free(copy);
}

/* --- invariants --- */

static void check_timers(const struct tcp_conn *c)
{
    enum tcp_timer which;
    usec earliest = tcb_timer_earliest(c, &which);
    assert(earliest == NEVER || (timer_running(&c->alarm.timer) && c->alarm.timer.due <= earliest));
    assert(!tcb_timer_on(c, TCP_TIMER_RETRANSMIT) || !tcb_timer_on(c, TCP_TIMER_PERSIST));
    /* A connection that nobody holds any more must have an end in sight. */
    assert(!c->orphan || c->out_link || earliest != NEVER);
    /* RFC 9293 MUST-40: what was received is acknowledged before long. */
    assert(c->rcv.acked >= c->rcv.nxt || c->state < TCP_ESTABLISHED || c->state == TCP_CLOSED ||
           tcb_timer_on(c, TCP_TIMER_DELAYED_ACK) || c->out_link);
}

/* The records cover what is in flight without gaps, and their sums are what they say. */
static void check_flight(const struct tcp_conn *c)
{
    const struct flight *f = c->snd.flight;
    uint32_t lost = 0, sacked = 0;
    int64_t at = c->snd.una;
    for (uint16_t i = 0; f && i < f->count; i++) {
        const struct sent *s = flight_at(f, i);
        assert(s->left == at && s->len > 0 && !(s->lost && s->sacked));
        lost += s->lost ? s->len : 0;
        sacked += s->sacked ? s->len : 0;
        at += s->len;
    }
    assert(!f ||
           (f->lost == lost && f->sacked == sacked && f->count <= TCP_FLIGHT_MAX && f->fack <= c->snd.nxt));
}

static uint32_t ring_bound(uint32_t configured)
{
    uint32_t bound = TCP_RING_MIN, most = configured > BUFFER_MAX ? configured : BUFFER_MAX;
    while (bound < most)
        bound *= 2;
    return bound;
}

static void check_connection(const struct tcp_conn *c)
{
    const struct stack_config *config = &c->tcp->core->config;
    tcb_check(c);
    check_timers(c);
    assert(c->in_table && c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT);
    assert(c->snd.q.size <= ring_bound(config->tcp_send_buffer_max));
    assert(c->rcv.q.size <= ring_bound(config->tcp_receive_buffer_max));
    assert(c->rcv.held.count <= TCP_RANGES_MAX);
    check_flight(c);
    assert(c->snd.mss > 0 && c->snd.mss <= config->mtu - 40 && c->cc.cwnd >= c->snd.mss / 2u);
}

static void check(const struct world *w)
{
    const struct stack *s = &w->stack;
    const struct stack_config *config = &s->core.config;
    for (struct table_node *n = NULL; (n = table_walk(&s->tcp.conns, n));)
        check_connection(CONN_OF_NODE(n));
    assert(s->tcp.conns.count + s->tcp.resting.count == s->tcp.open);
    assert(s->tcp.timewaits.count <= config->tcp_timewait_max);
    assert(s->core.memory_used <= config->memory_limit);
    assert(s->outbox.replies <= config->outbox_max && s->outbox.reply_bytes <= config->outbox_size);
    assert(s->ip.frag.count <= config->reassembly_max && s->ip.frag.bytes <= config->reassembly_size);
}

/* --- what leaves --- */

/* What is left to the device: it can be done, and leaves segments that the link takes. */
static void check_offload(const struct world *w, const struct frame *f, uint8_t *bytes, size_t len)
{
    const struct stack_config *config = &w->stack.core.config;
    const struct offload *o = &f->offload;
    assert(len <= (o->segment_size ? config->device_segments : config->mtu));
    assert(!o->segment_size || (f->head_len + o->segment_size <= config->mtu && o->checksum_at));
    assert(!o->segment_size || len > f->head_len + o->segment_size);
    if (o->checksum_at)
        poke16(bytes + o->checksum_at, checksum_of(bytes + o->checksum_start, len - o->checksum_start));
}

static void check_frame(struct world *w, const struct frame *f)
{
    static uint8_t bytes[IP_MTU_MAX];
    struct packet p;
    size_t len = frame_gather(f, bytes, sizeof bytes);
    assert(len > 0);
    check_offload(w, f, bytes, len);
    bool fragment = (peek16(bytes + 6) & 0x3fff) != 0;
    if (fragment) { /* its transport header is elsewhere */
        assert(checksum_of(bytes, IP_HEADER_MIN) == 0);
        return;
    }
    const char *wrong = packet_parse(bytes, len, &p);
    assert(!wrong);
    (void)wrong;
    struct quote *q = &w->quote[w->quotes++ % WORLD_QUOTE];
    q->len = len < QUOTE_MAX ? len : QUOTE_MAX;
    memcpy(q->bytes, bytes, q->len);
    if (w->sent)
        w->sent(w, &p, bytes, len);
}

void world_settle(struct world *w)
{
    unsigned events, frames = 0, told = 0;
    for (struct frame f; stack_output(&w->stack, w->now, &f);) {
        check_frame(w, &f);
        assert(++frames < FRAMES_MAX);
    }
    for (struct sock *s; (s = stack_ready(&w->stack, &events));) {
        if (w->told)
            w->told(w, s, events);
        assert(++told < FRAMES_MAX);
    }
    check(w);
}

void world_wait(struct world *w, usec time)
{
    usec until = w->now + time;
    unsigned steps = 0;
    world_settle(w);
    for (usec due; (due = stack_due(&w->stack)) <= until; world_settle(w)) {
        w->now = due > w->now ? due : w->now;
        assert(++steps < STEPS_MAX);
    }
    w->now = until;
    world_settle(w);
}

void world_wait_due(struct world *w)
{
    world_settle(w);
    usec due = stack_due(&w->stack), most = w->now + SEC(60);
    w->now = due < w->now ? w->now : due < most ? due : most;
    world_settle(w);
}

/* --- the end --- */

/* What a stack keeps although nothing is left: the slots of its tables, and a few spare records. */
static size_t kept(const struct stack *s)
{
    const struct table *const tables[] = {&s->tcp.conns, &s->tcp.resting, &s->tcp.peers, &s->ports.owners,
                                          &s->ip.frag.datagrams};
    size_t sum = 0;
    assert(s->tcp.timewaits.count == 0 && !s->tcp.timewaits.block);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        assert(tables[i]->count == 0);
        sum += tables[i]->slots_count * sizeof(struct table_node *);
    }
    for (const struct flight *f = s->tcp.spare; f; f = f->next_spare)
        sum += sizeof *f + f->room * sizeof *f->at;
    return sum;
}

void world_end(struct world *w)
{
    unsigned listed = 0;
    stack_each_socket(&w->stack, visit, &listed);
    assert(listed >= w->stack.tcp.conns.count);
    w->fail_in = w->fail_each = 0;
    while (w->stack.socks.first)
        sock_abort(w->stack.socks.first);
    world_wait(w, SEC(3600));
    assert(w->stack.core.memory_used == kept(&w->stack));
    assert(stack_due(&w->stack) == NEVER);
    stack_free(&w->stack);
    assert(w->stack.core.memory_used == 0 && w->blocks == 0);
}

/* --- the application --- */

uint8_t stream_byte(uint32_t seq)
{
    return (uint8_t)(seq * 2654435761u >> 24);
}

/* A copy of the socket's connection, awake or at rest. False: it has none. */
static bool look(const struct sock *s, struct tcp_conn *out)
{
    if (s->listening || !s->conn)
        return false;
    if (s->resting)
        rest_show(&stack_of(s)->tcp, s->rest, out);
    else
        *out = *s->conn;
    return true;
}

void app_send(struct sock *s, struct reader *in)
{
    static uint8_t text[65536];
    uint8_t how = get8(in);
    size_t len = (size_t)get8(in) * (how & 0x80 ? 256 : how & 0x40 ? 17 : 1);
    struct tcp_conn c;
    bool open = look(s, &c);
    for (size_t i = 0; open && i < len; i++)
        text[i] = stream_byte(c.iss + (uint32_t)c.snd.q.tail + (uint32_t)i);
    ssize_t n = sock_send(s, text, len, how & (SOCK_OOB | SOCK_MORE));
    assert(n <= (ssize_t)len);
    (void)n;
}

void app_receive(struct sock *s, struct reader *in)
{
    static uint8_t text[65536];
    uint8_t how = get8(in);
    struct tcp_conn c;
    uint32_t seq = look(s, &c) ? c.irs + (uint32_t)c.rcv.q.head : 0;
    ssize_t n = sock_recv(s, text, how & 0x80 ? how & 0x7f : sizeof text, how == 1 ? SOCK_PEEK : 0);
    for (ssize_t i = 0; i < n; i++)
        assert(text[i] == stream_byte(seq + (uint32_t)i));
}

void app_set_option(struct sock *s, struct reader *in)
{
    uint8_t which = get8(in) % (SOCK_OPT_UNSENT + 2);
    int64_t value = get8(in), got;
    if (which == SOCK_OPT_SEND_BUFFER || which == SOCK_OPT_RECEIVE_BUFFER)
        value = value * value > BUFFER_MAX ? BUFFER_MAX : value * value;
    if (which == SOCK_OPT_MAX_SEGMENT || which == SOCK_OPT_USER_TIMEOUT)
        value *= 16;
    sock_setopt(s, (enum sock_option)which, which == SOCK_OPT_LINGER ? value - 1 : value);
    sock_getopt(s, (enum sock_option)which, &got);
    struct tcp_info info;
    sock_tcp_info(s, &info);
}
