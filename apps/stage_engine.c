/* The laboratory's two stacks and its time. Virtual: nothing here waits.
 *
 * Owns whose turn it is. Scenarios call the verbs of stage.h; stage_play is called by lab_command.c and by
 * the tests. */
#include "stage_engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/ip_wire.h"

/* --- memory and events, for the stacks --- */

static void *allocate(void *context, size_t size)
{
    struct stage *st = context;
    void *at = malloc(size);
    st->allocations += at != NULL;
    return at;
}

static void release(void *context, void *at, size_t size)
{
    struct stage *st = context;
    (void)size;
    st->allocations--;
    free(at);
}

/* "2 hours", "60 s" */
static const char *time_words(usec time, char *to, size_t room)
{
    if (time >= SEC(2 * 86400))
        snprintf(to, room, "%.3g days", (double)time / (double)SEC(86400));
    else if (time >= SEC(2 * 3600))
        snprintf(to, room, "%.3g hours", (double)time / (double)SEC(3600));
    else if (time >= SEC(600))
        snprintf(to, room, "%lld minutes", (long long)(time / SEC(60)));
    else
        snprintf(to, room, "%lld s", (long long)(time / SEC(1)));
    return to;
}

/* Says how long nothing has happened, if that is long. */
static void note_silence(struct stage *st, usec least)
{
    char words[32];
    if (st->now - st->last_event < least)
        return;
    stage_note(st, "%s of silence", time_words(st->now - st->last_event, words, sizeof words));
    st->last_event = st->now;
}

void stage_log(struct stage *st, const struct event *e, enum stage_side side)
{
    note_silence(st, SEC(600));
    st->last_event = st->now;
    unsigned at = atomic_load(&st->log->count);
    record_log_add(st->log, e, side);
    if (at == st->log->room)
        return;
    st->packet_of[at] = st->arriving;
    if (st->sink.record)
        st->sink.record(st->sink.context, st, at);
}

static void observe(void *context, const struct event *e)
{
    const struct stage_eye *eye = context;
    stage_log(eye->stage, e, eye->side);
}

/* --- settings --- */

static void plain(struct stack_config *c)
{
    c->tcp_delayed_ack = 0;
    c->tcp_window_scale = c->tcp_timestamps = c->tcp_sack = c->tcp_dsack = false;
    c->tcp_rack = c->tcp_tlp = c->tcp_frto = c->tcp_prr = c->tcp_limited_transmit = false;
    c->tcp_path_mtu_probe = c->tcp_autotune = c->tcp_ecn = false;
    c->tcp_congestion = &cc_reno;
}

static void configure(struct stage *st, enum stage_side side)
{
    static const char *const keys[] = {"the left one's ...", "the right one's."};
    struct stack_config *c = &st->config[side];
    stack_config_init(c);
    c->addr = side == LEFT ? STAGE_LEFT : STAGE_RIGHT;
    c->prefix = 24;
    c->memory = (struct stack_memory){allocate, release, st};
    st->eye[side] = (struct stage_eye){st, side};
    c->observe = observe;
    c->observe_context = &st->eye[side];
    memcpy(c->key, keys[side], sizeof c->key); /* 16 letters */
}

struct stack_config *stage_config(struct stage *st, enum stage_side side)
{
    return &st->config[side];
}

void stage_modern(struct stage *st)
{
    for (unsigned side = LEFT; side <= RIGHT; side++)
        configure(st, side);
}

void stage_segment_size(struct stage *st, uint16_t size)
{
    for (unsigned side = LEFT; side <= RIGHT; side++)
        st->config[side].mtu = size + IP_HEADER_MIN + TCP_HEADER_MIN;
}

/* --- power --- */

static void switch_on(struct stage *st, enum stage_side side)
{
    if (stack_init(&st->stack[side], &st->config[side], st->now) == 0)
        st->up[side] = true;
    else
        stage_fail(st, "the settings of the %s stack are wrong", stage_side_name(side));
}

static void switch_off(struct stage *st, enum stage_side side)
{
    stage_apps_power_off(st, side);
    if (st->up[side]) {
        st->stack[side].core.config.observe = NULL; /* what it does in its last moment nobody sees */
        stack_free(&st->stack[side]);
    }
    st->up[side] = false;
    if (st->listener[side])
        st->listener_told[side] = "nothing: it is gone with its host";
    st->listener[side] = NULL;
}

void stage_start(struct stage *st)
{
    if (st->started)
        return;
    st->started = true;
    st->act_start = st->last_event = st->now;
    if (st->sink.begin)
        st->sink.begin(st->sink.context, st);
    for (unsigned side = LEFT; side <= RIGHT; side++)
        switch_on(st, side);
}

void stage_power_off(struct stage *st, enum stage_side side)
{
    stage_start(st);
    switch_off(st, side);
    stage_note(st, "the %s host loses its power", stage_side_name(side));
}

void stage_power_on(struct stage *st, enum stage_side side)
{
    stage_start(st);
    switch_on(st, side);
    stage_note(st, "the %s host is back, and knows nothing", stage_side_name(side));
}

/* --- acts --- */

static void forget(struct stage *st)
{
    stage_wire_clear(st);
    memset(st->app, 0, sizeof st->app);
    st->apps = st->rules = st->notes = 0;
    memset(st->current, 0, sizeof st->current);
    memset(st->listener_told, 0, sizeof st->listener_told);
    memset(st->sent, 0, sizeof st->sent);
    memset(st->loose_from, 0, sizeof st->loose_from);
    for (unsigned side = LEFT; side <= RIGHT; side++)
        st->link[side].last_arrival = st->link[side].free_at = 0;
    record_log_init(st->log, STAGE_RECORDS);
    st->path_mtu = 0;
    st->started = false;
}

static void end_act(struct stage *st)
{
    if (!st->started)
        return;
    stage_quiet(st); /* what is on its way arrives */
    stage_apps_end(st);
    if (atomic_load(&st->log->lost))
        stage_fail(st, "more than %d events", STAGE_RECORDS);
    if (st->sink.end)
        st->sink.end(st->sink.context, st);
    for (unsigned side = LEFT; side <= RIGHT; side++)
        switch_off(st, side);
    if (st->allocations)
        stage_fail(st, "%ld allocations are left", st->allocations);
    forget(st);
}

void stage_act(struct stage *st, const char *title, const char *text)
{
    end_act(st);
    if (st->act++) /* a pause between acts */
        st->now = (st->now / SEC(1) + 2) * SEC(1);
    st->act_title = title;
    st->act_text = text;
}

/* --- time --- */

static void name_records(struct stage *st, enum stage_side side)
{
    unsigned count = atomic_load(&st->log->count);
    for (unsigned i = st->loose_from[side]; i < count; i++)
        if (st->log->record[i].side == side && st->packet_of[i] == 0 &&
            st->log->record[i].event.time == st->now)
            st->packet_of[i] = st->last_id + 1;
    st->loose_from[side] = count;
}

void stage_transmit(struct stage *st)
{
    for (unsigned side = LEFT; side <= RIGHT; side++) {
        struct frame f;
        while (st->up[side] && st->steps < STAGE_STEPS && stack_output(&st->stack[side], st->now, &f)) {
            name_records(st, side); /* its cause: a call, a timer, a state entered */
            stage_wire_send(st, side, &f);
            st->steps++;
        }
    }
}

static usec next_event(const struct stage *st)
{
    usec next = stage_wire_due(st);
    for (unsigned side = LEFT; side <= RIGHT; side++) {
        usec due = st->up[side] ? stack_due(&st->stack[side]) : NEVER;
        next = due < next ? due : next;
    }
    return next;
}

static void tell_time(struct stage *st)
{
    for (unsigned side = LEFT; side <= RIGHT; side++)
        if (st->up[side])
            stack_time(&st->stack[side], st->now);
}

/* All that happens now, then on to the next moment; false when that is `until`, which has then come. */
bool stage_turn(struct stage *st, usec until)
{
    stage_start(st);
    stage_apps_serve(st);
    stage_transmit(st);
    usec next = next_event(st);
    bool more = next <= until && st->steps < STAGE_STEPS;
    if (++st->steps == STAGE_STEPS)
        stage_fail(st, "a storm: more than %d steps", STAGE_STEPS);
    usec to = more ? next : until;
    st->now = to > st->now ? to : st->now;
    tell_time(st);
    if (more)
        stage_wire_deliver(st);
    return more;
}

void stage_run(struct stage *st, usec time)
{
    usec until = st->now + time;
    while (stage_turn(st, until))
        ;
    note_silence(st, SEC(50));
}

/* Longer than a delayed ACK or a tail loss probe waits, shorter than a retransmission. A stack may want to be
 * called without having anything to send. */
#define QUIET MSEC(100)
#define ROUND MSEC(10) /* what comes next happens at a time that is easy to read */
#define LATE  SEC(1)   /* what takes longer than that on the wire is not waited for */

static bool wire_busy(const struct stage *st)
{
    return st->wire_count > 0 && stage_wire_due(st) <= st->now + LATE;
}

void stage_quiet(struct stage *st)
{
    stage_start(st);
    for (usec busy = st->now; st->steps < STAGE_STEPS;) {
        stage_apps_serve(st);
        stage_transmit(st);
        busy = wire_busy(st) ? st->now : busy;
        if (!wire_busy(st) && next_event(st) > busy + QUIET)
            break;
        stage_turn(st, wire_busy(st) ? stage_wire_due(st) : busy + QUIET);
    }
    stage_run(st, (ROUND - (st->now - st->act_start) % ROUND) % ROUND);
}

static bool in_state(const struct stage *st, enum stage_side side, int state)
{
    return stage_state(st, side) == (enum tcp_state)state;
}

static bool was_told(const struct stage *st, enum stage_side side, int unused)
{
    (void)unused;
    return st->current[side] && st->current[side]->error;
}

/* Until it is so, or patience is at its end. */
static void run_until(struct stage *st, bool (*so)(const struct stage *, enum stage_side, int),
                      enum stage_side side, int what)
{
    usec until = st->now + STAGE_PATIENCE;
    stage_start(st);
    do {
        stage_apps_serve(st);
        stage_transmit(st);
    } while (!so(st, side, what) && stage_turn(st, until));
}

void stage_until_state(struct stage *st, enum stage_side side, enum tcp_state state)
{
    run_until(st, in_state, side, (int)state);
    stage_expect_state(st, side, state);
}

void stage_until_told(struct stage *st, enum stage_side side)
{
    run_until(st, was_told, side, 0);
    stage_expect(st, was_told(st, side, 0), "the %s application was never told", stage_side_name(side));
}

usec stage_time(const struct stage *st)
{
    return st->now - st->act_start;
}

void stage_note(struct stage *st, const char *format, ...)
{
    if (st->notes == STAGE_NOTES)
        return;
    struct stage_note_line *n = &st->note[st->notes];
    va_list list;
    va_start(list, format);
    vsnprintf(n->text, sizeof n->text, format, list);
    va_end(list);
    n->before = atomic_load(&st->log->count);
    n->seen = st->seen_count;
    n->at = st->now;
    st->notes++;
    if (st->sink.note)
        st->sink.note(st->sink.context, st, st->notes - 1);
}

/* --- a whole scenario --- */

struct stage *stage_play(const struct scenario *scenario, const struct stage_sink *sink)
{
    struct stage *st = calloc(1, sizeof *st);
    if (st)
        st->log = calloc(1, record_log_size(STAGE_RECORDS));
    if (!st || !st->log) {
        free(st);
        return NULL;
    }
    st->scenario = scenario;
    if (sink)
        st->sink = *sink;
    st->now = SEC(1);
    for (unsigned side = LEFT; side <= RIGHT; side++) {
        configure(st, side);
        plain(&st->config[side]);
        st->link[side].delay = STAGE_DELAY;
    }
    forget(st);
    scenario->play(st);
    end_act(st);
    return st;
}

void stage_free(struct stage *st)
{
    for (size_t i = 0; i < st->seen_count; i++)
        free(st->seen[i].bytes);
    free(st->seen);
    free(st->wire);
    free(st->log);
    free(st);
}
