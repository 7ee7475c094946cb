/* Scenarios: how connections end (RFC 9293 3.6, 3.5.1). */
#include "stage.h"

#include <errno.h>

static void close_gracefully(struct stage *st)
{
    stage_open(st);
    stage_close(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_2);
    stage_expect_state(st, RIGHT, TCP_CLOSE_WAIT);
    stage_expect_end(st, RIGHT);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_run(st, SEC(61));
    stage_expect_state(st, LEFT, TCP_CLOSED);
}

static void half_close(struct stage *st)
{
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_shutdown(st, LEFT);
    stage_quiet(st);
    stage_expect_end(st, RIGHT);
    stage_run(st, SEC(1));
    stage_send(st, RIGHT, 2000);
    stage_quiet(st);
    stage_expect(st, stage_received(st, LEFT) == 2000, "text still flows to the side that has closed");
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_2);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_end(st, LEFT);
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
}

static void simultaneous_close(struct stage *st)
{
    stage_open(st);
    stage_close(st, LEFT);
    stage_close(st, RIGHT);
    stage_run(st, MSEC(12));
    stage_expect_state(st, LEFT, TCP_CLOSING);
    stage_expect_state(st, RIGHT, TCP_CLOSING);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
}

static void reset(struct stage *st)
{
    stage_act(st, "An abort",
              "The left application gives the connection up (ABORT, RFC 9293 3.10.5): a RST, and nothing is "
              "waited for. The right application learns that the end was not in order: ECONNRESET.");
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_abort(st, LEFT);
    stage_quiet(st);
    stage_expect_told(st, RIGHT, ECONNRESET);
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_act(
        st, "Closed with text unread",
        "The right application closes although text has come that it never read. A FIN would say that all is "
        "well; so a RST is sent instead (RFC 9293 3.6.1), and the sender knows that its text was lost.");
    stage_open(st);
    stage_reading(st, RIGHT, false);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_told(st, LEFT, ECONNRESET);
    stage_expect(st, stage_sent(st, RIGHT, STAGE_FIN) == 0, "no FIN");
}

/* A host that restarts begins with other numbers, far from the old ones. */
static void half_open(struct stage *st)
{
    for (unsigned side = LEFT; side <= RIGHT; side++)
        stage_config(st, side)->tcp_isn_is_fixed = true;
    stage_config(st, LEFT)->tcp_isn_fixed = 100;
    stage_config(st, RIGHT)->tcp_isn_fixed = 2000;
    stage_act(st, "Found by sending",
              "The right host restarts and remembers nothing. The left end still believes in the connection, "
              "until it sends: the right host answers a segment for no connection with a RST (RFC 9293 "
              "3.5.1, figure 11).");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_run(st, SEC(30));
    stage_power_on(st, RIGHT);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_run(st, SEC(30));
    stage_send(st, LEFT, 100);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ECONNRESET, SEC(60), SEC(61));
    stage_act(st, "Found by opening again",
              "Now the left host restarts, and its application connects from the same port. To the right end "
              "that SYN is out of place; it answers with an ACK of what it knows. The left end never sent "
              "that and says so with a RST at exactly the right number, which ends the old connection. The "
              "SYN, sent again a second later, opens the new one (RFC 9293 3.5.1, figure 10).");
    stage_listen(st, RIGHT);
    stage_connect_from(st, LEFT, 50077, STAGE_PORT);
    stage_quiet(st);
    stage_power_off(st, LEFT);
    stage_run(st, SEC(30));
    stage_config(st, LEFT)->tcp_isn_fixed = 400000;
    stage_power_on(st, LEFT);
    stage_connect_from(st, LEFT, 50077, STAGE_PORT);
    stage_until_state(st, LEFT, TCP_ESTABLISHED);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
    stage_expect(st, stage_dropped(st, RIGHT, DROP_TCP_SEQUENCE) == 1, "the SYN was out of place");
    stage_expect_count(st, RIGHT, COUNT_TCP_ESTAB_RESETS, 1);
}

static void time_wait(struct stage *st)
{
    stage_act(st, "The last ACK is lost",
              "The right end never hears that its FIN arrived and sends it again. Somebody must be there to "
              "answer: that is why the side that closed first waits. If it were gone, its host would answer "
              "with a RST, and the right application could take a good end for a bad one.");
    stage_open(st);
    stage_close_at_end(st, RIGHT);
    stage_lose(st, LEFT, STAGE_ACK, 1);
    stage_close(st, LEFT);
    stage_until_state(st, LEFT, TCP_TIME_WAIT);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_LAST_ACK);
    stage_run(st, SEC(1));
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
    stage_run(st, SEC(62));
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_act(
        st, "An old segment comes late",
        "A copy of the text was held up in the network and arrives when the connection is over. TIME-WAIT "
        "still knows the old numbers, and throws it away; a new connection between the same two ports might "
        "have taken it for its own. After two segment lifetimes (2 MSL: 60 s here) nothing old can be left.");
    stage_open(st);
    stage_close_at_end(st, LEFT);
    stage_twice(st, LEFT, STAGE_TEXT, 1, SEC(20));
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
    stage_run(st, SEC(30));
    stage_expect(st, stage_received(st, RIGHT) == 100, "the copy is not taken for text");
    stage_run(st, SEC(40));
    stage_expect_state(st, RIGHT, TCP_CLOSED);
}

static const struct scenario scenarios[] = {
    {.name = "close",
     .title = "The graceful close",
     .analysis = "",
     .text = "Each direction is closed for itself, by a FIN that is acknowledged: four segments, seven "
             "states. The side that closes first ends in TIME-WAIT and waits for 2 MSL, 60 seconds here; the "
             "other is done when its FIN is acknowledged.",
     .play = close_gracefully},
    {.name = "half-close",
     .title = "One side has nothing more to say, but listens",
     .analysis = "",
     .text = "The left application has sent its question and shuts its direction down (shutdown). The right "
             "one reads to the end of the stream, thinks for a second, and answers; only then does it close. "
             "Between the two FINs the connection is half-closed (RFC 9293 3.6.1).",
     .play = half_close},
    {.name = "simultaneous-close",
     .title = "Both sides close at the same moment",
     .analysis = "",
     .text = "The FINs cross on the wire (RFC 9293 3.6, figure 13). Each side sees the other's FIN before "
             "its own is acknowledged, goes to CLOSING, and both end in TIME-WAIT.",
     .play = simultaneous_close},
    {.name = "reset",
     .title = "RST: not in order",
     .analysis = "",
     .text = "A RST ends a connection at once and is never acknowledged. Two ways to it that an application "
             "causes.",
     .play = reset},
    {.name = "half-open",
     .title = "A half-open connection, discovered",
     .analysis = "retransmission 2, reused_ports 1",
     .text = "One end has forgotten the connection, the other has not, and neither knows of the other: "
             "nothing is sent, so nothing is noticed. Numbers are shown as they stand on the wire.",
     .play = half_open,
     .absolute = true},
    {.name = "time-wait",
     .title = "TIME-WAIT, and why",
     .analysis = "retransmission 1, zero_window 2",
     .text = "Whoever closes first keeps the connection for 2 MSL after all is done. Two reasons (RFC 9293 "
             "3.6.1).",
     .play = time_wait},
};

const struct scenario_group scenarios_closing = {"Closing", scenarios, sizeof scenarios / sizeof *scenarios};
