/* What the laboratory consists of, for its own files; a scenario sees stage.h alone. */
#ifndef GLASS_STAGE_ENGINE_H
#define GLASS_STAGE_ENGINE_H

#include "stage.h"
#include "record.h"

#define STAGE_EPOCH    INT64_C(1767225600000000) /* 2026-01-01 00:00:00 UTC, where every capture begins */
#define STAGE_LEFT     IP_ADDR(10, 0, 0, 1)
#define STAGE_RIGHT    IP_ADDR(10, 0, 0, 2)
#define STAGE_ROUTER   IP_ADDR(10, 0, 0, 254)
#define STAGE_DELAY    MSEC(10)
#define STAGE_SPACING  100     /* microseconds between packets that would arrive at once */
#define STAGE_RECORDS  16384   /* of one act */
#define STAGE_STEPS    200000  /* of one scenario: more is a storm */
#define STAGE_PATIENCE SEC(86400)
#define STAGE_PACKET   9000    /* bytes: a jumbo frame is the largest that a scenario may ask for */
#define STAGE_APPS     16
#define STAGE_FACTS    8
#define STAGE_RULES    16
#define STAGE_NOTES    32
#define STAGE_FAILURES 16
#define STAGE_LINE     160
#define STAGE_NOBODY   2 /* who sent a forged segment, or a router's message */

/* One thing that an application was told, or did at its end. */
struct stage_fact {
    usec at;
    char what[48];
};

struct stage_app {
    enum stage_side side;
    struct sock *s; /* NULL: it has let go */
    bool used, client, connected, reads, at_end, close_at_end, shut, shut_done, closing;
    bool waits; /* at the end of the act it still held its socket: the last fact says in which state */
    uint32_t to_send, sent, to_read;
    uint64_t received;
    int error; /* the last that it was told */
    usec error_at;
    struct stage_fact fact[STAGE_FACTS];
    unsigned facts;
};

enum stage_effect {
    STAGE_LOSE,
    STAGE_LATE,
    STAGE_TWICE,
    STAGE_MARK,
};

struct stage_rule {
    enum stage_effect effect;
    enum stage_side from;
    enum stage_kind kind;
    unsigned nth; /* counts down to the one that is meant */
    bool every, spent;
    usec by;
};

/* On its way. */
struct stage_flying {
    usec arrives;
    uint64_t order;
    uint32_t id;
    unsigned from, to;
    uint8_t *bytes;
    size_t len;
};

/* Seen by the host that captures. */
struct stage_packet {
    usec time;
    uint32_t id;
    unsigned from; /* LEFT, RIGHT, STAGE_NOBODY */
    unsigned act;
    uint8_t *bytes;
    size_t len;
};

struct stage_link {
    usec delay, last_arrival, free_at;
    uint32_t rate, queue, mark;
};

struct stage_note_line {
    unsigned before; /* the record that comes next */
    size_t seen;     /* packets before it */
    usec at;
    char text[STAGE_LINE];
};

/* Who watches: the printer, the writer of the README, a test. Each may be NULL. */
struct stage_sink {
    void *context;
    void (*begin)(void *context, const struct stage *st);                  /* an act */
    void (*record)(void *context, const struct stage *st, unsigned index); /* as it is made */
    void (*note)(void *context, const struct stage *st, unsigned index);
    void (*end)(void *context, const struct stage *st); /* an act: log, notes, applications are complete */
};

struct stage_eye {
    struct stage *stage;
    enum stage_side side;
};

struct stage {
    const struct scenario *scenario;
    struct stage_sink sink;
    struct stage_eye eye[2]; /* each stack's observer */
    struct stack stack[2];
    struct stack_config config[2];
    bool up[2], started;
    uint32_t crowd_first, crowd_last; /* addresses whose segments a drawing folds; 0: none */
    long allocations; /* alive */
    usec now, act_start, last_event;
    unsigned act, steps, connections;
    const char *act_title, *act_text; /* NULL: the scenario is its only act */

    struct stage_link link[2]; /* by sender */
    struct stage_rule rule[STAGE_RULES];
    unsigned rules;
    uint16_t path_mtu;
    struct stage_flying *wire;
    size_t wire_count, wire_room;
    uint64_t order;
    uint32_t last_id;
    unsigned sent[2][STAGE_RST + 1];
    uint32_t isn[2];             /* of the latest SYN */
    uint32_t ts[2];              /* the latest timestamp */
    struct endpoint end[2];      /* of that connection */

    struct stage_app app[STAGE_APPS];
    unsigned apps;
    struct stage_app *current[2]; /* the side's latest */
    struct sock *listener[2];
    const char *listener_told[2]; /* of an application that only listens; NULL: nobody does */

    struct record_log *log;
    uint32_t packet_of[STAGE_RECORDS]; /* the packet that caused a record, or that it caused; 0: none */
    unsigned loose_from[2];
    uint32_t arriving; /* the packet that stack_input has before it */
    struct stage_note_line note[STAGE_NOTES];
    unsigned notes;

    struct stage_packet *seen;
    size_t seen_count, seen_room;
    char failure[STAGE_FAILURES][STAGE_LINE];
    unsigned failures;
};

/* Plays it from beginning to end. NULL: no memory. Its failures say whether the point was made. */
struct stage *stage_play(const struct scenario *scenario, const struct stage_sink *sink);
void stage_free(struct stage *st);

/* stage_engine.c */
void stage_start(struct stage *st); /* both stacks, unless they run */
bool stage_turn(struct stage *st, usec until);
void stage_transmit(struct stage *st); /* what the stacks have to send now */
void stage_log(struct stage *st, const struct event *event, enum stage_side side);

/* stage_wire.c */
void stage_wire_send(struct stage *st, enum stage_side from, const struct frame *frame);
void stage_wire_put(struct stage *st, unsigned from, unsigned to, const uint8_t *bytes, size_t len,
                    usec arrives);
bool stage_wire_deliver(struct stage *st); /* the next that has arrived; false: none */
usec stage_wire_due(const struct stage *st);
void stage_wire_clear(struct stage *st);

/* stage_app.c */
void stage_apps_serve(struct stage *st);
void stage_apps_end(struct stage *st);
void stage_apps_power_off(struct stage *st, enum stage_side side);

/* Of a side that has no connection; NULL: it has one. */
const char *stage_listener_text(const struct stage *st, enum stage_side side);

/* The kth thing that it was told: "ETIMEDOUT after 300.220 s". */
size_t stage_fact_text(const struct stage_app *app, unsigned k, char *to, size_t room);

/* stage_point.c */
void stage_fail(struct stage *st, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *stage_side_name(unsigned side); /* "left", "right" */

extern const struct scenario_group *const scenario_groups[];
extern const size_t scenario_group_count;
const struct scenario *scenario_find(const char *name);
const char *scenario_closest(const char *name); /* the name that was perhaps meant */

#endif
