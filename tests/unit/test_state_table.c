/* RFC 9293 3.10.7, SEGMENT ARRIVES, as one table: every state, every class of segment, the reaction.
 *
 * A class is the flags, where the segment stands in our receive window, and what its ACK field says. Each
 * cell is tried on a fresh stack, whose connection reaches its state by the packets that lead there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../stack/stack.h"
#include "../script/packet.h"

enum { ADDR = 0x0a070002, PEER = 0x0a070001, PEER_PORT = 5000, PORT = 80, ISN = 5000000, WINDOW = 65535 };

/* --- the table --- */

enum where {
    OLD,      /* wholly before RCV.NXT */
    STRADDLE, /* begins before RCV.NXT, ends behind it */
    EXACT,    /* begins at RCV.NXT */
    INSIDE,   /* begins further on in the window */
    BEYOND,   /* begins behind the window */
};

enum what {
    NO_ACK,
    UNA,     /* SEG.ACK = SND.UNA: acknowledges nothing new */
    NXT,     /* SEG.ACK = SND.NXT: acknowledges all that was sent */
    TOO_NEW, /* SND.NXT < SEG.ACK */
    TOO_OLD, /* SEG.ACK < SND.UNA - MAX.SND.WND */
};

enum setting {
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RCVD,
    SYN_RCVD_ACTIVE,
    ESTAB,
    FIN_W1,
    FIN_W2,
    CLOSE_W,
    CLOSING,
    LAST_ACK,
    TIME_W,
    SETTINGS
};

/* A cell: the answer, then the next state when it changes.
 *
 *     -  silence                                   r  <SEQ=SEG.ACK><CTL=RST>
 *     a  <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>       z  <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
 *     n  the same with RCV.NXT behind the segment  s  <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>
 *
 *     ES F1 F2 CW CG LA TW SR as in the columns; CL: the connection is gone (a listener beside it stays).
 *
 * In ESTABLISHED and CLOSE-WAIT 100 bytes of ours are in flight; in FIN-WAIT-1, CLOSING and LAST-ACK our FIN
 * is. SYN-RCVD came from LISTEN, SYN-RCVD* from SYN-SENT. TIME-WAIT offers no window: nobody would read. */
static const struct row {
    const char *name;
    uint8_t flags;
    enum where where;
    enum what what;
    uint8_t text;
    const char *cell[SETTINGS];
} TABLE[] = {
#define R TCP_RST
#define S TCP_SYN
#define F TCP_FIN
#define A TCP_ACK
    /* clang-format off */
/*                                         text  CLOSED LISTEN SYN-   SYN-   SYN-    ESTAB  FIN-   FIN-   CLOSE- CLOSING LAST-  TIME-
 *                                                             SENT   RCVD   RCVD*          WAIT-1 WAIT-2 WAIT           ACK    WAIT */
/* RST: second step; RFC 5961 3.2; in TIME-WAIT RFC 1337 */
{"RST, old",             R,   OLD,    NO_ACK,  0, {"-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-"}},
{"RST, exact",           R,   EXACT,  NO_ACK,  0, {"-",   "-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST, inside",          R,   INSIDE, NO_ACK,  0, {"-",   "-",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "-"}},
{"RST, beyond",          R,   BEYOND, NO_ACK,  0, {"-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-"}},
{"RST,ACK",              R|A, EXACT,  NXT,     0, {"-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST,ACK too new",      R|A, EXACT,  TOO_NEW, 0, {"-",   "-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST,ACK too old",      R|A, EXACT,  TOO_OLD, 0, {"-",   "-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST with text",        R,   EXACT,  NO_ACK, 10, {"-",   "-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST,SYN",              R|S, EXACT,  NO_ACK,  0, {"-",   "-",   "-",   "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-CL", "-"}},
{"RST,FIN inside",       R|F, INSIDE, NO_ACK,  0, {"-",   "-",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "-"}},
/* SYN: fourth step; RFC 5961 4.2; from TIME-WAIT a newer one opens anew (3.6.1) */
{"SYN, old",             S,   OLD,    NO_ACK,  0, {"z",   "sSR", "sSR", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN, exact",           S,   EXACT,  NO_ACK,  0, {"z",   "sSR", "sSR", "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN, inside",          S,   INSIDE, NO_ACK,  0, {"z",   "sSR", "sSR", "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "sSR"}},
{"SYN, beyond",          S,   BEYOND, NO_ACK,  0, {"z",   "sSR", "sSR", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "sSR"}},
{"SYN,ACK",              S|A, EXACT,  NXT,     0, {"r",   "r",   "nES", "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN,ACK, old",         S|A, OLD,    NXT,     0, {"r",   "r",   "nES", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN,ACK nothing new",  S|A, EXACT,  UNA,     0, {"r",   "r",   "r",   "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN,ACK too new",      S|A, EXACT,  TOO_NEW, 0, {"r",   "r",   "r",   "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"SYN,ACK too old",      S|A, EXACT,  TOO_OLD, 0, {"r",   "r",   "r",   "-CL", "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
/* ACK without text: first and fifth step; RFC 5961 5.2 */
{"ACK, old",             A,   OLD,    NXT,     0, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"ACK of nothing new",   A,   EXACT,  UNA,     0, {"r",   "r",   "r",   "r",   "r",   "-",   "-",   "-",   "-",   "-",   "-",   "-"}},
{"ACK of all",           A,   EXACT,  NXT,     0, {"r",   "r",   "-",   "-ES", "-ES", "-",   "-F2", "-",   "-",   "-TW", "-CL", "-"}},
{"ACK of all, inside",   A,   INSIDE, NXT,     0, {"r",   "r",   "-",   "-ES", "-ES", "-",   "-F2", "-",   "-",   "-TW", "-CL", "a"}},
{"ACK of all, beyond",   A,   BEYOND, NXT,     0, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"ACK too new",          A,   EXACT,  TOO_NEW, 0, {"r",   "r",   "r",   "r",   "r",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"ACK too old",          A,   EXACT,  TOO_OLD, 0, {"r",   "r",   "r",   "r",   "r",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
/* text: seventh step */
{"text, old",            A,   OLD,    NXT,    10, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"text, straddling",     A, STRADDLE, NXT,    10, {"r",   "r",   "-",   "nES", "nES", "n",   "nF2", "n",   "-",   "-TW", "-CL", "a"}},
{"text",                 A,   EXACT,  NXT,    10, {"r",   "r",   "-",   "nES", "nES", "n",   "nF2", "n",   "-",   "-TW", "-CL", "a"}},
{"text, old ACK",        A,   EXACT,  UNA,    10, {"r",   "r",   "r",   "r",   "r",   "n",   "n",   "n",   "-",   "-",   "-",   "a"}},
{"text, inside",         A,   INSIDE, NXT,    10, {"r",   "r",   "-",   "aES", "aES", "a",   "aF2", "a",   "-",   "-TW", "-CL", "a"}},
{"text, beyond",         A,   BEYOND, NXT,    10, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"text, ACK too new",    A,   EXACT,  TOO_NEW,10, {"r",   "r",   "r",   "r",   "r",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"text, ACK too old",    A,   EXACT,  TOO_OLD,10, {"r",   "r",   "r",   "r",   "r",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
/* FIN: eighth step */
{"FIN, old",             F|A, OLD,    NXT,     0, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"FIN, ours not acked",  F|A, EXACT,  UNA,     0, {"r",   "r",   "r",   "r",   "r",   "nCW", "nCG", "nTW", "-",   "-",   "-",   "-"}},
{"FIN, all acked",       F|A, EXACT,  NXT,     0, {"r",   "r",   "-",   "nCW", "nCW", "nCW", "nTW", "nTW", "-",   "-TW", "-CL", "-"}},
{"FIN, inside",          F|A, INSIDE, NXT,     0, {"r",   "r",   "-",   "aES", "aES", "a",   "aF2", "a",   "-",   "-TW", "-CL", "a"}},
{"FIN, beyond",          F|A, BEYOND, NXT,     0, {"r",   "r",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"FIN, ACK too new",     F|A, EXACT,  TOO_NEW, 0, {"r",   "r",   "r",   "r",   "r",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"FIN with text",        F|A, EXACT,  NXT,    10, {"r",   "r",   "-",   "nCW", "nCW", "nCW", "nTW", "nTW", "-",   "-TW", "-CL", "a"}},
{"FIN, text, straddling",F|A, STRADDLE, NXT,  10, {"r",   "r",   "-",   "nCW", "nCW", "nCW", "nTW", "nTW", "-",   "-TW", "-CL", "a"}},
{"FIN, text, inside",    F|A, INSIDE, NXT,    10, {"r",   "r",   "-",   "aES", "aES", "a",   "aF2", "a",   "-",   "-TW", "-CL", "a"}},
/* the ACK bit is off: fifth step, after the first */
{"no flags",             0,   EXACT,  NO_ACK,  0, {"z",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-"}},
{"no flags, old",        0,   OLD,    NO_ACK,  0, {"z",   "-",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"no flags, text",       0,   EXACT,  NO_ACK, 10, {"z",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "a"}},
{"no flags, beyond",     0,   BEYOND, NO_ACK, 10, {"z",   "-",   "-",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a",   "a"}},
{"FIN alone",            F,   EXACT,  NO_ACK,  0, {"z",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-"}},
/* clang-format on */
#undef R
#undef S
#undef F
#undef A
};

static const enum tcp_state STATE[SETTINGS] = {
    TCP_CLOSED,     TCP_CLOSED,     TCP_SYN_SENT,   TCP_SYN_RECEIVED, TCP_SYN_RECEIVED, TCP_ESTABLISHED,
    TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT, TCP_CLOSING,      TCP_LAST_ACK,     TCP_TIME_WAIT,
};

/* Positions in each state: ours acknowledged and sent, the peer's received. */
static const struct {
    int64_t una, nxt, rcv;
} AT[SETTINGS] = {
    [CLOSED] = {1, 1, 1},          [LISTEN] = {1, 1, 1},  [SYN_SENT] = {0, 1, 0}, [SYN_RCVD] = {0, 1, 1},
    [SYN_RCVD_ACTIVE] = {0, 1, 1}, [ESTAB] = {1, 101, 1}, [FIN_W1] = {1, 2, 1},   [FIN_W2] = {2, 2, 1},
    [CLOSE_W] = {1, 101, 2},       [CLOSING] = {1, 2, 2}, [LAST_ACK] = {1, 2, 2}, [TIME_W] = {2, 2, 2},
};

/* --- one stack, its peer, virtual time --- */

struct bench {
    struct stack stack;
    struct stack_config config;
    usec now;
    int64_t held;
    struct sock *listener, *sock;
    uint32_t iss;
    uint16_t port; /* ours */
    struct packet sent[8];
    int sent_count;
};

static void *take(void *context, size_t size)
{
    void *at = malloc(size);
    ((struct bench *)context)->held += at ? (int64_t)size : 0;
    return at;
}

static void give(void *context, void *at, size_t size)
{
    ((struct bench *)context)->held -= at ? (int64_t)size : 0;
    free(at);
}

static void bench_start(struct bench *b)
{
    *b = (struct bench){.port = PORT};
    stack_config_init(&b->config);
    b->config.addr = ADDR;
    b->config.prefix = 24;
    b->config.memory = (struct stack_memory){take, give, b};
    assert_int_equal(stack_init(&b->stack, &b->config, 0), 0);
}

static void collect(struct bench *b)
{
    struct frame frame;
    uint8_t bytes[2048];
    while (stack_output(&b->stack, b->now, &frame)) {
        size_t len = frame_gather(&frame, bytes, sizeof bytes);
        assert_true(b->sent_count < 8);
        struct packet *p = &b->sent[b->sent_count++];
        assert_null(packet_parse(bytes, len, p));
        p->payload.at = NULL;
        if (p->flags & TCP_SYN) {
            b->iss = p->seq;
            b->port = p->sport;
        }
    }
}

static void pass(struct bench *b, usec time)
{
    usec until = b->now + time;
    collect(b);
    for (usec due; (due = stack_due(&b->stack)) <= until && b->now < until;) {
        b->now = due > b->now ? due : b->now + 1;
        collect(b);
    }
    b->now = until;
    collect(b);
}

/* The peer sends a segment at its position `seq`; `ack` is a position of ours. */
static struct packet inject(struct bench *b, uint8_t flags, int64_t seq, int64_t ack, size_t text)
{
    static const uint8_t zeros[64];
    struct packet p = {
        .src = PEER,
        .dst = ADDR,
        .protocol = 6,
        .sport = PEER_PORT,
        .dport = b->port,
        .seq = ISN + (uint32_t)seq,
        .ack = flags & TCP_ACK ? b->iss + (uint32_t)ack : 0,
        .flags = flags,
        .window = WINDOW,
        .payload = {zeros, text},
    };
    uint8_t bytes[256];
    size_t len = packet_build(&p, bytes, sizeof bytes);
    assert_true(len > 0);
    stack_input(&b->stack, b->now, bytes, len);
    return p;
}

struct search {
    uint16_t port;
    enum tcp_state state;
};

static void look(void *context, const struct sock_info *info)
{
    struct search *s = context;
    if (info->protocol == 6 && info->local.port == s->port && info->remote.port == PEER_PORT)
        s->state = info->state;
}

static enum tcp_state state_of(const struct bench *b)
{
    struct search s = {b->port, TCP_CLOSED};
    stack_each_socket(&b->stack, look, &s);
    return s.state;
}

/* --- reaching a state --- */

static void reach_listen(struct bench *b)
{
    assert_int_equal(sock_open(&b->stack, SOCK_TCP, &b->listener), 0);
    assert_int_equal(sock_bind(b->listener, (struct endpoint){0, PORT}), 0);
    assert_int_equal(sock_listen(b->listener, 5), 0);
}

static void reach_syn_sent(struct bench *b)
{
    assert_int_equal(sock_open(&b->stack, SOCK_TCP, &b->sock), 0);
    sock_connect(b->sock, (struct endpoint){PEER, PEER_PORT});
    collect(b);
}

static void reach_syn_received(struct bench *b, bool active)
{
    if (active)
        reach_syn_sent(b);
    else
        reach_listen(b);
    inject(b, TCP_SYN, 0, 0, 0);
    collect(b);
}

static void reach_established(struct bench *b)
{
    reach_syn_received(b, false);
    inject(b, TCP_ACK, 1, 1, 0);
    assert_int_equal(sock_accept(b->listener, &b->sock, NULL), 0);
    collect(b);
}

static void peer_closes(struct bench *b, int64_t ack)
{
    inject(b, TCP_FIN | TCP_ACK, 1, ack, 0);
    collect(b);
}

static void we_close(struct bench *b)
{
    assert_int_equal(sock_shutdown(b->sock, SOCK_SHUT_WRITE), 0);
    collect(b);
}

static void reach_synchronized(struct bench *b, enum setting which)
{
    static const uint8_t text[100];
    reach_established(b);
    if (which == CLOSE_W || which == LAST_ACK)
        peer_closes(b, 1);
    if (which == ESTAB || which == CLOSE_W)
        assert_int_equal(sock_send(b->sock, text, sizeof text, 0), sizeof text);
    else
        we_close(b);
    if (which == FIN_W2 || which == TIME_W)
        inject(b, TCP_ACK, 1, 2, 0);
    if (which == CLOSING || which == TIME_W)
        peer_closes(b, which == TIME_W ? 2 : 1);
}

static void reach(struct bench *b, enum setting which)
{
    if (which == LISTEN)
        reach_listen(b);
    else if (which == SYN_SENT)
        reach_syn_sent(b);
    else if (which == SYN_RCVD || which == SYN_RCVD_ACTIVE)
        reach_syn_received(b, which == SYN_RCVD_ACTIVE);
    else if (which != CLOSED)
        reach_synchronized(b, which);
    collect(b);
    b->sent_count = 0;
    assert_int_equal(state_of(b), STATE[which]);
}

/* --- a cell --- */

static int64_t sequence_of(const struct row *r, enum setting which)
{
    int64_t nxt = AT[which].rcv, taken = r->text + !!(r->flags & TCP_FIN) + !!(r->flags & TCP_SYN);
    switch (r->where) {
    case OLD:
        return nxt - (taken ? taken : 1) -
               (r->flags & TCP_SYN ? 100 : 0); /* a SYN: not the connection's own */
    case STRADDLE:
        return nxt - 5;
    case INSIDE:
        return nxt + 1000;
    case BEYOND:
        return nxt + WINDOW + 1000;
    default:
        return nxt;
    }
}

static int64_t ack_of(const struct row *r, enum setting which)
{
    switch (r->what) {
    case UNA:
        return AT[which].una;
    case NXT:
        return AT[which].nxt;
    case TOO_NEW:
        return AT[which].nxt + 1;
    case TOO_OLD:
        return AT[which].una - WINDOW - 1;
    default:
        return 0;
    }
}

/* The segment that a cell's first letter asks for. */
static struct packet wanted_answer(const struct bench *b, char answer, enum setting which,
                                   const struct packet *in)
{
    uint32_t end = in->seq + (uint32_t)in->payload.len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
    uint32_t snd_nxt = b->iss + (uint32_t)AT[which].nxt, rcv_nxt = ISN + (uint32_t)AT[which].rcv;
    switch (answer) {
    case 'r':
        return (struct packet){.flags = TCP_RST, .seq = in->ack};
    case 'z':
        return (struct packet){.flags = TCP_RST | TCP_ACK, .ack = end};
    case 's':
        return (struct packet){.flags = TCP_SYN | TCP_ACK, .seq = b->iss, .ack = in->seq + 1};
    default:
        return (struct packet){.flags = TCP_ACK, .seq = snd_nxt, .ack = answer == 'n' ? end : rcv_nxt};
    }
}

static enum tcp_state wanted_state(const char *cell, enum setting which)
{
    static const struct {
        char name[3];
        enum tcp_state state;
    } NAMES[] = {{"ES", TCP_ESTABLISHED}, {"F2", TCP_FIN_WAIT_2}, {"CW", TCP_CLOSE_WAIT},
                 {"CG", TCP_CLOSING},     {"TW", TCP_TIME_WAIT},  {"SR", TCP_SYN_RECEIVED},
                 {"CL", TCP_CLOSED}};
    if (!cell[1])
        return STATE[which];
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(NAMES[i].name, cell + 1) == 0)
            return NAMES[i].state;
    }
    fail_msg("no state %s", cell + 1);
    return TCP_CLOSED;
}

static bool same_answer(const struct bench *b, char answer, enum setting which, const struct packet *in)
{
    if (answer == '-')
        return b->sent_count == 0;
    struct packet wanted = wanted_answer(b, answer, which, in);
    const struct packet *got = &b->sent[0];
    return b->sent_count == 1 && got->flags == wanted.flags && got->seq == wanted.seq &&
           got->payload.len == 0 && (!(wanted.flags & TCP_ACK) || got->ack == wanted.ack);
}

static void bench_end(struct bench *b)
{
    if (b->sock)
        sock_abort(b->sock);
    if (b->listener)
        sock_abort(b->listener);
    for (int i = 0; i < 8; i++) { /* the peer is silent for an hour; nothing may be left */
        b->sent_count = 0;
        pass(b, SEC(450));
    }
    assert_int_equal(stack_open_connections(&b->stack), 0);
    stack_free(&b->stack);
    assert_int_equal(stack_core(&b->stack)->memory_used, 0);
    assert_int_equal(b->held, 0);
}

static bool try_cell(const struct row *r, enum setting which)
{
    static struct bench b;
    const char *cell = r->cell[which];
    bench_start(&b);
    reach(&b, which);
    struct packet in = inject(&b, r->flags, sequence_of(r, which), ack_of(r, which), r->text);
    pass(&b, MSEC(50)); /* longer than a delayed ACK, shorter than any retransmission */
    enum tcp_state next = state_of(&b);
    bool good = same_answer(&b, cell[0], which, &in) && next == wanted_state(cell, which);
    if (!good)
        print_error("%s in %s%s: expected \"%s\", got %d answers (first: flags %#x seq %d ack %d) and %s\n",
                    r->name, tcp_state_name(STATE[which]), which == LISTEN ? " (LISTEN)" : "", cell,
                    b.sent_count, b.sent[0].flags, (int)(b.sent[0].seq - b.iss), (int)(b.sent[0].ack - ISN),
                    tcp_state_name(next));
    bench_end(&b);
    return good;
}

static void column_is_as_the_rfc_says(void **state)
{
    enum setting which = (enum setting)(intptr_t)*state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        wrong += !try_cell(&TABLE[i], which);
    assert_int_equal(wrong, 0);
}

#define COLUMN(name, which)                                                                                  \
    {                                                                                                        \
        name, column_is_as_the_rfc_says, NULL, NULL, (void *)(intptr_t)which                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        COLUMN("segments_arrive_in_closed", CLOSED),
        COLUMN("segments_arrive_in_listen", LISTEN),
        COLUMN("segments_arrive_in_syn_sent", SYN_SENT),
        COLUMN("segments_arrive_in_syn_received_after_passive_open", SYN_RCVD),
        COLUMN("segments_arrive_in_syn_received_after_active_open", SYN_RCVD_ACTIVE),
        COLUMN("segments_arrive_in_established", ESTAB),
        COLUMN("segments_arrive_in_fin_wait_1", FIN_W1),
        COLUMN("segments_arrive_in_fin_wait_2", FIN_W2),
        COLUMN("segments_arrive_in_close_wait", CLOSE_W),
        COLUMN("segments_arrive_in_closing", CLOSING),
        COLUMN("segments_arrive_in_last_ack", LAST_ACK),
        COLUMN("segments_arrive_in_time_wait", TIME_W),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
