/* The laboratory's stage: two stacks, left (10.0.0.1, the client) and right (10.0.0.2, the server), on one
 * wire in virtual time. This header is the language of the scenarios; docs/lab.md says how to write one.
 *
 * A scenario is a function that is called once. Its verbs act at the present moment of virtual time, or let
 * time pass; what comes of it is drawn, captured and remembered by the engine. Positions of a stream are
 * those of the ladder: the SYN is 0, byte k is 1 + k. */
#ifndef GLASS_STAGE_H
#define GLASS_STAGE_H

#include "../stack/stack.h"

struct stage;

#define STAGE_PORT   7000  /* where listeners listen; of no known protocol: captures show text as text */
#define STAGE_CLIENT 50001 /* the first client's; each further connection takes the next */

enum stage_side {
    LEFT,
    RIGHT,
};

/* What a rule of the wire is about. */
enum stage_kind {
    STAGE_ANY,
    STAGE_SYN,     /* without ACK */
    STAGE_SYN_ACK,
    STAGE_ACK,     /* no text, no SYN, FIN or RST */
    STAGE_TEXT,
    STAGE_FIN,
    STAGE_RST,
};

struct scenario {
    const char *name, *title;
    const char *text;             /* what to look at: a few sentences */
    void (*play)(struct stage *st);
    enum stage_side host;         /* where tcpdump runs: the side whose story it is */
    const char *analysis;         /* what tshark's own analysis counts: "retransmission 1, duplicate_ack 3" */
    bool absolute;                /* the textbook's numbers: shown as they stand on the wire */
};

struct scenario_group {
    const char *title;
    const struct scenario *scenario;
    size_t count;
};

extern const struct scenario_group scenarios_opening, scenarios_data, scenarios_loss, scenarios_congestion,
    scenarios_closing, scenarios_attacks, scenarios_breaking, scenarios_breaking_close;

/* --- before it starts --- */

/* The settings with which that side's stack starts. At first the plain TCP of RFC 9293: Reno, ACKs at once,
 * and no options but the MSS; a scenario turns on what it is about. */
struct stack_config *stage_config(struct stage *st, enum stage_side side);

/* Both stacks, with all that is on by default in `glass up`. */
void stage_modern(struct stage *st);

/* Segments of at most `size` bytes of text without options, so that little text makes many of them. */
void stage_segment_size(struct stage *st, uint16_t size);

/* The way from `from` to the other side: microseconds (10 ms at first), and bytes a second through a router
 * whose queue holds that many bytes (0: no limit); above `mark` waiting bytes it marks ECN (0: never). */
void stage_delay(struct stage *st, enum stage_side from, usec delay);
void stage_bottleneck(struct stage *st, enum stage_side from, uint32_t rate, uint32_t queue, uint32_t mark);

/* The next verb starts a new act with fresh stacks: a heading, and why it goes as it goes. */
void stage_act(struct stage *st, const char *title, const char *text);

/* --- applications: they read at once and close when they are told an error, unless told otherwise --- */

void stage_listen(struct stage *st, enum stage_side side);  /* at STAGE_PORT; accepts at once */
void stage_connect(struct stage *st, enum stage_side side); /* to the other side's STAGE_PORT */
void stage_connect_from(struct stage *st, enum stage_side side, uint16_t from, uint16_t to); /* ports */

/* The right application listens, the left one connects, and the handshake runs to its end. */
void stage_open(struct stage *st);

/* So many bytes more are to be sent; the application writes as fast as its buffer takes them. */
void stage_send(struct stage *st, enum stage_side side, uint32_t len);

void stage_reading(struct stage *st, enum stage_side side, bool on);
void stage_read(struct stage *st, enum stage_side side, uint32_t len); /* so much, once */
void stage_shutdown(struct stage *st, enum stage_side side);           /* writes no more */
void stage_close(struct stage *st, enum stage_side side);
void stage_close_at_end(struct stage *st, enum stage_side side); /* it will, when the peer has closed */
void stage_abort(struct stage *st, enum stage_side side);
void stage_die(struct stage *st, enum stage_side side); /* killed: its system closes its sockets */
void stage_option(struct stage *st, enum stage_side side, enum sock_option option, int64_t value);

/* --- the wire --- */

/* The nth of that kind from that side, counted from now: 1 is the next. */
void stage_lose(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth);
void stage_lose_all(struct stage *st, enum stage_side from, enum stage_kind kind);
void stage_late(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth, usec by);
void stage_twice(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth, usec by);
void stage_mark(struct stage *st, enum stage_side from, enum stage_kind kind, unsigned nth); /* with CE */
void stage_no_rules(struct stage *st);               /* from now on nothing of this happens */
void stage_path_mtu(struct stage *st, uint16_t mtu); /* bytes; a router says "fragmentation needed" */

void stage_power_off(struct stage *st, enum stage_side side); /* without a word; all it knew is gone */
void stage_power_on(struct stage *st, enum stage_side side);

/* Segments that neither stack made. They arrive at `to` now and claim to come from the other side's end of
 * the connection; seq and ack are positions. An old one has timestamps (if there are any) `age` ms old. */
void stage_forge(struct stage *st, enum stage_side to, uint8_t flags, int64_t seq, int64_t ack, uint32_t len);
void stage_forge_old(struct stage *st, enum stage_side to, int64_t seq, int64_t ack, uint32_t len,
                     uint32_t age);
void stage_forge_syn(struct stage *st, enum stage_side to, struct endpoint from, uint32_t seq);

/* A drawing folds what comes from, or goes to, these addresses: all alike, and many. */
void stage_crowd(struct stage *st, uint32_t first, uint32_t last);

/* --- time --- */

void stage_run(struct stage *st, usec time); /* lets so much time pass */
void stage_quiet(struct stage *st);          /* until nothing is on the wire and nobody is about to send */
void stage_until_state(struct stage *st, enum stage_side side, enum tcp_state state); /* fails after a day */
void stage_until_told(struct stage *st, enum stage_side side); /* until its application has an error */
void stage_note(struct stage *st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- the point --- */

enum tcp_state stage_state(const struct stage *st, enum stage_side side); /* of its latest connection */
void stage_info(const struct stage *st, enum stage_side side, struct tcp_info *info);
uint64_t stage_count(const struct stage *st, enum stage_side side, enum counter which);
uint64_t stage_dropped(const struct stage *st, enum stage_side side, enum drop why);
uint64_t stage_received(const struct stage *st, enum stage_side side); /* bytes its application has read */
usec stage_time(const struct stage *st);                               /* since this act began */

/* Segments of that kind that side has sent so far in this act, lost ones included. */
unsigned stage_sent(const struct stage *st, enum stage_side from, enum stage_kind kind);

/* Each says in one line what is not so; the scenario goes on, and the laboratory exits 1. An error is a
 * positive errno value, 0: none; times count from the beginning of the act. */
void stage_expect(struct stage *st, bool so, const char *format, ...) __attribute__((format(printf, 3, 4)));
void stage_expect_state(struct stage *st, enum stage_side side, enum tcp_state state);
void stage_expect_count(struct stage *st, enum stage_side side, enum counter which, uint64_t n);
void stage_expect_told(struct stage *st, enum stage_side side, int error);
void stage_expect_told_at(struct stage *st, enum stage_side side, int error, usec from, usec to);
void stage_expect_end(struct stage *st, enum stage_side side); /* it read the end of the stream */

#endif
