/* Scenarios: what happens when the connection breaks while it closes, three acts for each state, as in
 * scenarios_breaking.c. */
#include "scenarios_breaking.h"

/* --- FIN-WAIT-1: the left end has sent its FIN, which is not acknowledged --- */

static void fin_wait_1(struct stage *st)
{
    stage_act(st, VANISHES,
              "The left application has shut its direction down and still waits for the answer. Its FIN is "
              "sent again like text, and after R2 the connection is given up: ETIMEDOUT (3.8.3).");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_shutdown(st, LEFT);
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_1);
    gave_up(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "The FIN, sent again, meets no connection and is answered by a RST: in FIN-WAIT-1 that is told "
              "to the user as ECONNRESET (3.10.7.4 second), since the end of the peer's stream never came.");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_shutdown(st, LEFT);
    stage_run(st, SEC(5));
    stage_power_on(st, RIGHT);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ECONNRESET, SEC(5), SEC(20));
    stage_act(st, DIES,
              "The left application dies while its FIN is under way. The system goes on for it: the FIN is "
              "acknowledged. But when the right one answers, there is nobody to read: text after CLOSE is "
              "answered by a RST (3.6.1, SHLD-3), and the right application is told ECONNRESET.");
    stage_open(st);
    stage_shutdown(st, LEFT);
    stage_run(st, MSEC(5));
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_1);
    stage_die(st, LEFT);
    stage_quiet(st);
    stage_expect_end(st, RIGHT);
    stage_send(st, RIGHT, 100);
    stage_quiet(st);
    stage_expect_told(st, RIGHT, ECONNRESET);
    stage_expect_state(st, LEFT, TCP_CLOSED);
}

/* --- FIN-WAIT-2: the left end's FIN is acknowledged, the right end's has not come --- */

static void reach_fin_wait_2(struct stage *st)
{
    stage_open(st);
    stage_shutdown(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_2);
}

static void fin_wait_2(struct stage *st)
{
    stage_act(st, VANISHES,
              "All that was sent is acknowledged, so nothing is sent again, and an application that still "
              "holds the socket may wait for its answer as long as it likes (3.6 knows no limit): a day "
              "later nothing has changed. Only keep-alive, or a time limit of its own, helps it.");
    reach_fin_wait_2(st);
    stage_power_off(st, RIGHT);
    stage_run(st, DAY);
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_2);
    stage_expect_told(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "The same silence, but here the application has asked for keep-alive. After two hours a probe "
              "meets no connection, and the RST that answers is told as ECONNRESET (3.8.4, 3.10.7.1).");
    reach_fin_wait_2(st);
    stage_option(st, LEFT, SOCK_OPT_KEEPALIVE, 1);
    restarts_after(st, SEC(60));
    told_after(st, LEFT, ECONNRESET, TCP_KEEPALIVE_IDLE);
    stage_act(st, DIES,
              "Now nobody is left to wait. An orphan in FIN-WAIT-2 is kept for 60 seconds, in case the "
              "peer's FIN comes (3.6 leaves the time to the stack), then forgotten. When the right "
              "application sends at last, its text meets nothing: RST, ECONNRESET.");
    reach_fin_wait_2(st);
    stage_die(st, LEFT);
    stage_run(st, SEC(59));
    stage_expect_state(st, LEFT, TCP_FIN_WAIT_2);
    stage_run(st, SEC(2));
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_state(st, RIGHT, TCP_CLOSE_WAIT);
    stage_run(st, SEC(60));
    stage_send(st, RIGHT, 100);
    stage_quiet(st);
    stage_expect_told(st, RIGHT, ECONNRESET);
}

/* --- CLOSE-WAIT: the right end has closed, the left one has not --- */

static void reach_close_wait(struct stage *st)
{
    stage_open(st);
    stage_shutdown(st, RIGHT);
    stage_quiet(st);
    stage_expect_end(st, LEFT);
    stage_expect_state(st, LEFT, TCP_CLOSE_WAIT);
}

static void close_wait(struct stage *st)
{
    stage_act(
        st, VANISHES,
        "CLOSE-WAIT waits for the application, not for the peer, and no timer runs: a program that forgets "
        "to close keeps it for ever. Here it sends an hour later, and is told ETIMEDOUT after R2.");
    reach_close_wait(st);
    stage_power_off(st, RIGHT);
    stage_run(st, SEC(3600));
    stage_expect_state(st, LEFT, TCP_CLOSE_WAIT);
    stage_send(st, LEFT, 100);
    gave_up(st, LEFT, SEC(3600));
    stage_act(st, RESTARTS,
              "The same, but the text meets a host that knows nothing: RST, ECONNRESET (3.10.7.4 second). "
              "(Linux says EPIPE in this state; RFC 9293 says \"connection reset\", and BSD does.)");
    reach_close_wait(st);
    restarts_after(st, SEC(60));
    stage_send(st, LEFT, 100);
    told_after(st, LEFT, ECONNRESET, SEC(60));
    stage_act(
        st, DIES,
        "The left application dies: its system closes for it, which is just what CLOSE-WAIT was waiting for. "
        "FIN, LAST-ACK, CLOSED: the right application reads the end of the stream (3.10.4).");
    reach_close_wait(st);
    stage_die(st, LEFT);
    stage_quiet(st);
    stage_expect_end(st, RIGHT);
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
    nobody_told(st);
}

/* --- CLOSING: both have closed at once, the left end's FIN is not acknowledged --- */

static void reach_closing(struct stage *st)
{
    stage_open(st);
    stage_shutdown(st, LEFT);
    stage_shutdown(st, RIGHT);
    stage_run(st, MSEC(5));
}

static void closing(struct stage *st)
{
    stage_act(st, VANISHES,
              "The right host is gone just after its FIN left. The left end has all the text there will ever "
              "be; only the ACK of its own FIN is missing, and it sends the FIN again until R2. An "
              "application that still holds the socket is told ETIMEDOUT.");
    reach_closing(st);
    stage_power_off(st, RIGHT);
    stage_run(st, MSEC(50));
    stage_expect_state(st, LEFT, TCP_CLOSING);
    gave_up(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "The FIN, sent again, is answered by a RST. In CLOSING the user is not told \"connection "
              "reset\" any more (3.10.7.4 second: enter CLOSED, and return): both streams had their end.");
    reach_closing(st);
    restarts_after(st, MSEC(50));
    stage_run(st, SEC(2));
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_told(st, LEFT, 0);
    stage_act(st, DIES,
              "The application has said all it had to say. That it dies changes nothing: the stack finishes "
              "the close alone.");
    reach_closing(st);
    stage_run(st, MSEC(6));
    stage_expect_state(st, LEFT, TCP_CLOSING);
    stage_die(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
    nobody_told(st);
}

/* --- LAST-ACK: the right end closed first, the left one's FIN is not acknowledged --- */

static void reach_last_ack(struct stage *st)
{
    reach_close_wait(st);
    stage_shutdown(st, LEFT);
    stage_run(st, MSEC(5));
    stage_expect_state(st, LEFT, TCP_LAST_ACK);
}

static void last_ack(struct stage *st)
{
    stage_act(st, VANISHES,
              "The FIN is sent again until R2. An application that called shutdown() and still holds the "
              "socket is told ETIMEDOUT; one that called close() is not there any more, and nobody is told.");
    reach_last_ack(st);
    stage_power_off(st, RIGHT);
    gave_up(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "The RST that answers the FIN is as good as the ACK that was awaited: LAST-ACK ends in CLOSED, "
              "and the user is told nothing (3.10.7.4 second).");
    reach_last_ack(st);
    restarts_after(st, MSEC(50));
    stage_run(st, SEC(2));
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_told(st, LEFT, 0);
    stage_act(st, DIES, "Nothing changes: the stack waits for the last ACK alone.");
    reach_last_ack(st);
    stage_die(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
    nobody_told(st);
}

/* --- TIME-WAIT: the right end closed first and waits for 2 MSL --- */

static void reach_time_wait(struct stage *st)
{
    stage_open(st);
    stage_close_at_end(st, LEFT);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
}

static void time_wait(struct stage *st)
{
    stage_act(st, VANISHES,
              "All is said and acknowledged: TIME-WAIT needs the peer only if the last ACK was lost. After 2 "
              "MSL (60 s) it ends by itself (3.10.8).");
    reach_time_wait(st);
    stage_power_off(st, LEFT);
    stage_run(st, SEC(61));
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    nobody_told(st);
    stage_act(st, RESTARTS,
              "The client's host restarts, and its application connects from the same port to the same port. "
              "A SYN with a number beyond the old ones cannot be an old duplicate: it may reopen the "
              "connection straight from TIME-WAIT (3.6.1, MAY-2).");
    stage_listen(st, RIGHT);
    stage_connect_from(st, LEFT, 50099, STAGE_PORT);
    stage_quiet(st);
    stage_close_at_end(st, LEFT);
    stage_close(st, RIGHT);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
    stage_power_off(st, LEFT);
    stage_run(st, SEC(20));
    stage_power_on(st, LEFT);
    stage_connect_from(st, LEFT, 50099, STAGE_PORT);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
    stage_expect_count(st, RIGHT, COUNT_TCP_TIME_WAIT_REUSED, 1);
    nobody_told(st);
    stage_act(st, DIES,
              "The server's process dies and is started again at once. Its port is free for a new listener "
              "although the old connection is still in TIME-WAIT, which belongs to the stack and to no "
              "process; a new client is served. (BSD and Linux ask for SO_REUSEADDR here.)");
    reach_time_wait(st);
    stage_die(st, RIGHT);
    stage_run(st, SEC(1));
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    nobody_told(st);
}

static const struct scenario scenarios[] = {
    BROKEN("fin-wait-1", "FIN-WAIT-1",
           "The left application has shut its direction down; its FIN is not acknowledged yet.", fin_wait_1,
           LEFT, "retransmission 17"),
    BROKEN("fin-wait-2", "FIN-WAIT-2",
           "The left application's FIN is acknowledged; it waits for what the other side still has to say.",
           fin_wait_2, LEFT, "keep_alive 1"),
    BROKEN("close-wait", "CLOSE-WAIT",
           "The right application has shut its direction down; the left one has read the end of the stream "
           "and not closed.",
           close_wait, LEFT, "retransmission 12"),
    BROKEN("closing", "CLOSING",
           "Both applications have shut down at the same moment, and the FINs have crossed.", closing, LEFT,
           "retransmission 13"),
    BROKEN("last-ack", "LAST-ACK", "The right application closed first, the left one after it.", last_ack,
           LEFT, "retransmission 13"),
    BROKEN("time-wait", "TIME-WAIT", "The right application closed first; all is done, and its stack waits.",
           time_wait, RIGHT, "reused_ports 1"),
};

const struct scenario_group scenarios_breaking_close = {"What happens when the connection breaks, closing",
                                                        scenarios, sizeof scenarios / sizeof *scenarios};
