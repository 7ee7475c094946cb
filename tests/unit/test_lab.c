/* The laboratory: every scenario makes its point, twice the same, and the engine notices when one does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../apps/stage_engine.h"

#include <errno.h>

static void for_each(void (*visit)(const struct scenario *s))
{
    for (size_t g = 0; g < scenario_group_count; g++)
        for (size_t i = 0; i < scenario_groups[g]->count; i++)
            visit(&scenario_groups[g]->scenario[i]);
}

static void must_make_its_point(const struct scenario *s)
{
    struct stage *st = stage_play(s, NULL);
    assert_non_null(st);
    for (unsigned i = 0; i < st->failures; i++)
        print_error("%s: %s\n", s->name, st->failure[i]);
    assert_int_equal(st->failures, 0);
    assert_true(st->seen_count > 0);
    assert_int_equal(st->allocations, 0);
    stage_free(st);
}

static void every_scenario_makes_its_point(void **state)
{
    (void)state;
    for_each(must_make_its_point);
}

static void must_be_the_same(const struct scenario *s)
{
    struct stage *a = stage_play(s, NULL), *b = stage_play(s, NULL);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(a->seen_count, b->seen_count);
    for (size_t i = 0; i < a->seen_count; i++) {
        assert_int_equal(a->seen[i].time, b->seen[i].time);
        assert_int_equal(a->seen[i].len, b->seen[i].len);
        assert_memory_equal(a->seen[i].bytes, b->seen[i].bytes, a->seen[i].len);
    }
    stage_free(a);
    stage_free(b);
}

static void every_scenario_is_the_same_each_time(void **state)
{
    (void)state;
    for_each(must_be_the_same);
}

static void must_be_described(const struct scenario *s)
{
    assert_true(strlen(s->title) >= 10 && strlen(s->title) <= 60);
    assert_true(strlen(s->text) >= 40);
    assert_ptr_equal(scenario_find(s->name), s); /* no name twice */
    for (const char *at = s->name; *at; at++)
        assert_true((*at >= 'a' && *at <= 'z') || *at == '-' || (*at >= '0' && *at <= '9'));
}

static void every_scenario_is_described(void **state)
{
    (void)state;
    for_each(must_be_described);
}

static void a_name_that_was_perhaps_meant(void **state)
{
    char endless[300];
    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_string_equal(scenario_closest("handshaek"), "handshake");
    assert_string_equal(scenario_closest("fin-wait-2"), "break-fin-wait-2");
    assert_string_equal(scenario_closest("keepalive"), "keep-alive");
    assert_non_null(scenario_closest(""));
    assert_non_null(scenario_closest(endless));
    assert_null(scenario_find("nonsense"));
}

static unsigned reorder_timers_fired;

static void count_reorder_timers(void *context, const struct stage *st, unsigned i)
{
    const struct event *e = &st->log->record[i].event;
    (void)context;
    reorder_timers_fired += e->kind == EVENT_TIMER_FIRED && e->u.timer.which == TCP_TIMER_REORDER;
}

/* RFC 8985 6.2: when all has arrived there is nothing to wait for. */
static void the_reordering_timer_stops_when_all_is_acknowledged(void **state)
{
    (void)state;
    struct stage_sink sink = {.record = count_reorder_timers};
    struct stage *st = stage_play(scenario_find("reordering"), &sink);
    assert_non_null(st);
    assert_int_equal(reorder_timers_fired, 0);
    stage_free(st);
}

/* --- which rule is named --- */

struct seen_rules {
    unsigned count[RULE_COUNT];            /* of segments that left the right end */
    unsigned windows, fired_r2, fired_rto; /* windows: before there is a connection */
    unsigned largest;                      /* cwnd */
};

static void see_rules(void *context, const struct stage *st, unsigned i)
{
    struct seen_rules *seen = context;
    const struct event *e = &st->log->record[i].event;
    if (e->kind == EVENT_SEGMENT_OUT && st->log->record[i].side == RIGHT)
        seen->count[e->rule]++;
    if (e->kind == EVENT_WINDOW && (e->state == TCP_SYN_SENT || e->state == TCP_SYN_RECEIVED))
        seen->windows++;
    if (e->kind == EVENT_WINDOW && e->u.window.cwnd > seen->largest)
        seen->largest = e->u.window.cwnd;
    if (e->kind == EVENT_TIMER_FIRED) {
        seen->fired_r2 += e->rule == RULE_R2;
        seen->fired_rto += e->rule == RULE_RTO_EXPIRED;
    }
}

static struct seen_rules rules_of(const char *name)
{
    struct seen_rules seen = {{0}, 0, 0, 0, 0};
    struct stage_sink sink = {.context = &seen, .record = see_rules};
    struct stage *st = stage_play(scenario_find(name), &sink);
    assert_non_null(st);
    stage_free(st);
    return seen;
}

/* The reader takes the text in the moment it comes and makes room: the ACK was owed all the same. */
static void an_ack_that_is_owed_keeps_its_rule(void **state)
{
    (void)state;
    assert_int_equal(rules_of("delayed-ack").count[RULE_ACK_EVERY_SECOND], 1);
    assert_int_equal(rules_of("fast-retransmit").count[RULE_ACK_HOLE_FILLED], 1);
    assert_int_equal(rules_of("sack").count[RULE_ACK_HOLE_FILLED], 2);
    assert_int_equal(rules_of("sack").count[RULE_WINDOW_UPDATE], 0);
    assert_true(rules_of("slow-start").count[RULE_ACK_EVERY_SECOND] > 3);
    assert_true(rules_of("zero-window").count[RULE_WINDOW_UPDATE] > 0);
}

/* A time-out of a SYN says nothing of a window: there is none yet. */
static void a_lost_syn_changes_no_window(void **state)
{
    (void)state;
    assert_int_equal(rules_of("lost-syn").windows, 0);
    assert_int_equal(rules_of("syn-flood").windows, 0);
}

static void the_last_time_out_sends_nothing_again(void **state)
{
    (void)state;
    struct seen_rules seen = rules_of("break-last-ack");
    assert_int_equal(seen.fired_r2, 1);
    assert_true(seen.fired_rto > 1);
}

/* RFC 5681 3.1: the window grows by bytes, and a FIN is none. */
static void the_ack_of_a_fin_opens_no_window(void **state)
{
    (void)state;
    assert_int_equal(rules_of("lost-fin").largest, 14600);
    assert_int_equal(rules_of("close").largest, 14600);
}

static void see_word(void *context, const struct stage *st, unsigned i)
{
    (void)context;
    assert_true(strlen(st->log->record[i].word) < RECORD_WORD - 1); /* a longer one would have been cut */
}

static void must_fit(const struct scenario *s)
{
    struct stage_sink sink = {.record = see_word};
    struct stage *st = stage_play(s, &sink);
    assert_non_null(st);
    stage_free(st);
}

static void no_word_is_cut(void **state)
{
    (void)state;
    for_each(must_fit);
}

static void see_probe(void *context, const struct stage *st, unsigned i)
{
    const struct event *e = &st->log->record[i].event;
    if (e->kind == EVENT_SEGMENT_OUT && e->rule == RULE_KEEPALIVE && *(usec *)context == 0)
        *(usec *)context = e->time - st->act_start;
}

/* The silence begins with the SYN,ACK, 20 ms after the beginning. */
static void the_first_keep_alive_comes_two_hours_after_the_last_word(void **state)
{
    (void)state;
    usec probe = 0;
    struct stage_sink sink = {.context = &probe, .record = see_probe};
    struct stage *st = stage_play(scenario_find("keep-alive"), &sink);
    assert_non_null(st);
    stage_free(st);
    assert_int_equal(probe, SEC(7200) + MSEC(20));
}

/* --- the engine --- */

static struct stage *play(void (*story)(struct stage *st))
{
    struct scenario s = {.name = "a-test", .title = "", .text = "", .play = story};
    struct stage *st = stage_play(&s, NULL);
    assert_non_null(st);
    st->scenario = NULL;
    return st;
}

static void wrong_claims(struct stage *st)
{
    stage_open(st);
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
    stage_expect_told(st, RIGHT, ECONNRESET);
    stage_expect_end(st, LEFT);
    stage_expect(st, true, "this holds");
}

static void what_is_not_so_is_said(void **state)
{
    (void)state;
    struct stage *st = play(wrong_claims);
    assert_int_equal(st->failures, 4);
    assert_string_equal(st->failure[0], "at 0.030 s: the left connection is in ESTABLISHED, not CLOSED");
    assert_string_equal(st->failure[2],
                        "at 0.030 s: the right application was told no error, not ECONNRESET");
    stage_free(st);
}

static void second_text_lost(struct stage *st)
{
    stage_segment_size(st, 100);
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 2);
    stage_send(st, LEFT, 300);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 100, "only the first arrives");
    stage_expect(st, stage_sent(st, LEFT, STAGE_TEXT) == 3, "lost ones count as sent");
    stage_run(st, SEC(1));
    stage_expect(st, stage_received(st, RIGHT) == 300, "the rule is spent");
}

static void a_rule_is_about_the_nth(void **state)
{
    (void)state;
    struct stage *st = play(second_text_lost);
    for (unsigned i = 0; i < st->failures; i++)
        print_error("%s\n", st->failure[i]);
    assert_int_equal(st->failures, 0);
    stage_free(st);
}

static void too_much_for_the_queue(struct stage *st)
{
    stage_modern(st);
    stage_segment_size(st, 960);
    stage_bottleneck(st, LEFT, 100000, 5000, 2000); /* ten milliseconds for each segment, five may wait */
    stage_open(st);
    stage_send(st, LEFT, 20000);
    stage_run(st, SEC(10));
    stage_expect(st, stage_received(st, RIGHT) == 20000, "all arrives at last");
    stage_expect(st, stage_count(st, LEFT, COUNT_TCP_RETRANS) > 0, "the queue overflows");
    stage_expect(st, stage_count(st, LEFT, COUNT_TCP_ECN_MARKS) > 0, "the router marks first");
    stage_expect(st, stage_time(st) >= MSEC(200), "the line has its speed");
}

static void a_router_has_a_queue(void **state)
{
    (void)state;
    struct stage *st = play(too_much_for_the_queue);
    for (unsigned i = 0; i < st->failures; i++)
        print_error("%s\n", st->failure[i]);
    assert_int_equal(st->failures, 0);
    stage_free(st);
}

/* The example of docs/lab.md; tests/e2e/test_lab.py compares. */
static void doubled_data(struct stage *st)
{
    stage_open(st);
    stage_twice(st, LEFT, STAGE_TEXT, 1, MSEC(5));
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 100, "the text was delivered twice");
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 0);
}

static void the_example_of_the_documentation_works(void **state)
{
    (void)state;
    struct stage *st = play(doubled_data);
    assert_int_equal(st->failures, 0);
    assert_int_equal(st->seen_count, 6); /* the handshake, the text, and two ACKs */
    stage_free(st);
}

static void a_verb_without_a_socket(struct stage *st)
{
    stage_open(st);
    stage_close(st, LEFT);
    stage_send(st, LEFT, 100);
}

static void a_story_that_makes_no_sense_fails(void **state)
{
    (void)state;
    struct stage *st = play(a_verb_without_a_socket);
    assert_int_equal(st->failures, 1);
    stage_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_makes_its_point),
        cmocka_unit_test(every_scenario_is_the_same_each_time),
        cmocka_unit_test(every_scenario_is_described),
        cmocka_unit_test(a_name_that_was_perhaps_meant),
        cmocka_unit_test(the_reordering_timer_stops_when_all_is_acknowledged),
        cmocka_unit_test(an_ack_that_is_owed_keeps_its_rule),
        cmocka_unit_test(a_lost_syn_changes_no_window),
        cmocka_unit_test(the_last_time_out_sends_nothing_again),
        cmocka_unit_test(the_ack_of_a_fin_opens_no_window),
        cmocka_unit_test(no_word_is_cut),
        cmocka_unit_test(the_first_keep_alive_comes_two_hours_after_the_last_word),
        cmocka_unit_test(what_is_not_so_is_said),
        cmocka_unit_test(a_rule_is_about_the_nth),
        cmocka_unit_test(a_router_has_a_queue),
        cmocka_unit_test(the_example_of_the_documentation_works),
        cmocka_unit_test(a_story_that_makes_no_sense_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
