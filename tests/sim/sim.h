/* The simulator: two stacks, one bad wire, virtual time, one seed.
 *
 *     link.c    what happens to a packet on its way: loss, delay, reordering, damage, a queue, a small path
 *     offload.c what the devices do for the stacks: cut super-segments, merge segments
 *     app.c     what programs do: write, read, half-close, abort, stall, leave early, open from both sides
 *     check.c   the invariants, looked at in every event and after every step
 *     setup.c   a random world from a seed
 *     run.c     the loop: whose turn it is, what time it is
 *     report.c  the ladder of a run, and which transitions of RFC 9293 were taken
 *     main.c    seeds, two processes
 *
 * Nothing is global: a run is a struct sim. The same seed gives the same run. */
#ifndef GLASS_SIM_H
#define GLASS_SIM_H

#include "../../stack/stack.h"

#define SIM_FLOWS   6
#define SIM_TRACKS  64        /* connections of one stack that are followed at once, by number */
#define SIM_EVENTS  2000000   /* more steps than this are a storm */
#define SIM_SERVER  80        /* the listeners' first port */
#define SIM_ROUTER  0x0a0000fe /* who says "fragmentation needed" */

struct packet {
    usec arrives;
    uint64_t order;
    size_t len;
    uint8_t *bytes;
    uint8_t to;
    bool damaged; /* must not reach a connection */
};

/* One direction of the wire. Chances are per million. */
struct link {
    uint32_t loss, bad_loss, to_bad, to_good; /* Gilbert: bad_loss while bad */
    uint32_t reorder, duplicate, corrupt, truncate;
    uint32_t merge; /* what arrives together and belongs together may reach the stack in one piece */
    bool soft;      /* by the rules of tun/segment.c, not of the kernel */
    usec delay, jitter, reorder_by;
    uint32_t rate;  /* bytes a second; 0: no bottleneck */
    uint32_t queue; /* bytes that wait at the bottleneck */
    uint32_t mark;  /* ECN: mark beyond so many bytes; 0: never */
    uint16_t mtu;   /* of the path; 0: any */
    bool icmp;      /* the router says so */
    bool bad;       /* Gilbert's state */
    usec free_at;   /* when the bottleneck has sent all it holds */
};

struct flow;

/* One end of a conversation: a program with a plan. */
struct end {
    struct sim *sim;
    struct flow *flow;
    struct sock *s;
    uint8_t stack, pattern;
    bool client;
    /* the plan */
    usec start;
    uint32_t to_send, write_chunk, read_chunk;
    usec think;                 /* between two writes */
    uint32_t stall_at;          /* stops reading after so many bytes ... */
    usec stall_for;             /* ... for so long */
    uint32_t abort_at, leave_at; /* bytes moved until it aborts, or closes; UINT32_MAX: never */
    usec abort_time;             /* or when; NEVER */
    bool close_last;            /* waits for the peer's end before it shuts down */
    bool hold;                  /* does not close yet: explore.c says when */
    bool urgent, linger, shut_read, listens_first, keepalive, cork;
    /* what became of it */
    usec wake; /* when it wants to be asked although its socket says nothing */
    uint32_t sent, received;
    bool started, finished, fin_asked, eof, stalled, dead;
    int error;
};

enum flow_kind {
    FLOW_NORMAL,
    FLOW_BOTH_OPEN, /* simultaneous open */
    FLOW_REFUSED,   /* nobody listens */
};

struct flow {
    enum flow_kind kind;
    struct end end[2]; /* [0] the client; [1] who was accepted, or the other client */
    struct endpoint at[2];
    bool accepted, gentle; /* gentle: nothing excuses an end that does not come to its end in order */
};

/* What is known of one connection from its events alone. */
struct track {
    uint32_t id;
    enum tcp_state state;
    int64_t edge; /* the right edge of the largest window that reached us; 0: none */
    uint64_t turn; /* of the last state change ... */
    enum tcp_state from; /* ... and the state before this turn */
};

struct sim {
    uint64_t seed, dice;
    struct stack stack[2];
    struct stack_config config[2];
    bool up[2];
    usec now, heal, deadline;
    usec dies, returns; /* stack 1 is switched off, and on again; NEVER */
    usec shrinks;       /* the path gets its MTU; NEVER */
    uint16_t small_mtu;
    bool small_icmp;
    bool fault_free; /* nothing goes wrong on the wire ... */
    bool plain;      /* ... and no program does what excuses that something is sent again */
    usec batch; /* packets that arrive so close together are read before anything is sent */
    struct link link[2]; /* by sender */
    struct packet *wire; /* a heap by arrival */
    size_t wire_count, wire_room;
    uint64_t order, turn, steps;
    struct flow flow[SIM_FLOWS];
    unsigned flows;
    struct sock *listener[2][2]; /* two on each stack */
    struct track track[2][SIM_TRACKS];
    long live; /* allocations not yet given back */
    bool hearing_damage; /* a damaged packet is being read */
    unsigned heard;      /* times that the packet being read was told of */
    bool trace;
    char failure[256]; /* empty: none */
    uint32_t arrows[TCP_STATES][TCP_STATES]; /* how often each transition was taken */
    uint32_t watched; /* chance per million that, when a stack's turn comes, somebody begins or ceases to watch it, and
                       * the device ceases or begins to cut */
    uint64_t bytes, packets, merged;
};

/* Totals of many runs, kept by each process. */
struct totals {
    uint64_t runs, steps, packets, bytes;
    uint32_t arrows[TCP_STATES][TCP_STATES];
};

/* --- the dice: xorshift64* --- */

static inline uint64_t dice(struct sim *sim)
{
    sim->dice ^= sim->dice >> 12;
    sim->dice ^= sim->dice << 25;
    sim->dice ^= sim->dice >> 27;
    return sim->dice * 0x2545f4914f6cdd1dull >> 16;
}

static inline uint32_t below(struct sim *sim, uint32_t n)
{
    return n ? (uint32_t)(dice(sim) % n) : 0;
}

static inline uint32_t between(struct sim *sim, uint32_t low, uint32_t high)
{
    return low + below(sim, high - low + 1);
}

/* True once in n. */
static inline bool one_in(struct sim *sim, uint32_t n)
{
    return below(sim, n) == 0;
}

static inline bool chance(struct sim *sim, uint32_t per_million)
{
    return per_million && below(sim, 1000000) < per_million;
}

/* link.c */
void link_send(struct sim *sim, unsigned from, const uint8_t *bytes, size_t len);
bool link_take(struct sim *sim, struct packet *out);       /* the next to arrive */
bool link_peek(const struct sim *sim, struct packet *out); /* the same, and it stays */
usec link_due(const struct sim *sim);
void link_heal(struct sim *sim);
void link_free(struct sim *sim);

/* offload.c */
void offload_cut(struct sim *sim, unsigned from, uint8_t *bytes, size_t len, const struct offload *how);
struct offload offload_merge(struct sim *sim, struct packet *p); /* with what arrives behind it now */

/* app.c */
void app_start(struct end *e);
void app_run(struct end *e);                         /* its socket or its clock says so */
void app_accept(struct sim *sim, struct sock *listener); /* a listener is ready */
void app_deadline(struct sim *sim);                  /* whoever is left has to go */
void app_power_off(struct sim *sim, unsigned stack);
uint8_t app_byte(uint8_t pattern, uint32_t i);

/* check.c */
void fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_event(void *context, const struct event *e); /* the observer of both stacks */
void check_step(struct sim *sim);
void check_end(struct sim *sim);

/* setup.c */
void setup(struct sim *sim, uint64_t seed);
void setup_listeners(struct sim *sim, unsigned stack);
bool setup_power_on(struct sim *sim, unsigned stack);

/* run.c: true when all went well; otherwise sim->failure says what did not. */
bool run(struct sim *sim, uint64_t seed, bool trace);

/* report.c */
void ladder(struct sim *sim, unsigned column, const struct event *e);
void totals_add(struct totals *t, const struct sim *sim);
void totals_join(struct totals *t, const struct totals *other);
unsigned totals_print(const struct totals *t, double seconds); /* how many transitions were never taken */

#endif
