/* Scenarios: what happens when the connection breaks while it opens or is open, three acts for each state:
 * the peer vanishes, the peer restarts, the application dies. What each application is told is what RFC 9293
 * and the BSD calls say. */
#include "scenarios_breaking.h"

/* --- SYN-SENT: the left end has sent its SYN --- */

static void syn_sent(struct stage *st)
{
    stage_act(st, VANISHES,
              "There is no host at that address, or none any more. The SYN is sent again at growing "
              "intervals; after R2, for a SYN at least three minutes (RFC 9293 3.8.3, MUST-23), connect() "
              "fails with ETIMEDOUT.");
    stage_power_off(st, RIGHT);
    stage_connect(st, LEFT);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ETIMEDOUT, R2_SYN, R2_SYN + TCP_RTO_MAX);
    stage_act(
        st, RESTARTS,
        "The first SYN comes while the host is down. When it is up again its service does not run yet: a SYN "
        "for no listener is answered by a RST that acknowledges it (3.10.7.1), and connect() fails with "
        "ECONNREFUSED (3.10.7.3). That is why clients of a server that restarts see either error.");
    stage_power_off(st, RIGHT);
    stage_connect(st, LEFT);
    stage_run(st, MSEC(500));
    stage_power_on(st, RIGHT);
    told_after(st, LEFT, ECONNREFUSED, SEC(1));
    stage_act(st, DIES,
              "CLOSE in SYN-SENT deletes the connection without a segment (3.10.4). The SYN,ACK that is on "
              "its way meets nothing, and the RST that answers it sends the server's half-open connection "
              "back to LISTEN (3.10.7.4 second): the server's application never hears of it.");
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_run(st, MSEC(5));
    stage_expect_state(st, LEFT, TCP_SYN_SENT);
    stage_die(st, LEFT);
    stage_expect_state(st, LEFT, TCP_CLOSED);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_expect_count(st, LEFT, COUNT_TCP_RST_OUT, 1);
    nobody_told(st);
}

/* --- SYN-RECEIVED: the right end has answered a SYN, and hears no more --- */

static void reach_syn_received(struct stage *st)
{
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_run(st, MSEC(15));
    stage_expect_state(st, RIGHT, TCP_SYN_RECEIVED);
}

static void syn_received(struct stage *st)
{
    stage_act(st, VANISHES,
              "The SYN,ACK is sent again until R2 has passed (3.8.3); then the half-open connection is "
              "dropped. It belongs to no application yet, so nobody is told: accept() goes on waiting. This "
              "is what a SYN flood makes of every SYN.");
    reach_syn_received(st);
    stage_power_off(st, LEFT);
    stage_run(st, R2_SYN - SEC(1));
    stage_expect_state(st, RIGHT, TCP_SYN_RECEIVED);
    stage_run(st, SEC(62));
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_expect(st, stage_count(st, RIGHT, COUNT_TCP_GAVE_UP) == 1, "it was given up");
    nobody_told(st);
    stage_act(st, RESTARTS,
              "The client's host is back and knows of no SYN. The SYN,ACK that is sent again meets nothing "
              "and is answered by a RST (3.10.7.1), which returns the passive open to LISTEN (3.10.7.4 "
              "second). Nobody is told.");
    reach_syn_received(st);
    stage_power_off(st, LEFT);
    stage_run(st, MSEC(100));
    stage_power_on(st, LEFT);
    stage_run(st, SEC(2));
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_expect_count(st, LEFT, COUNT_TCP_RST_OUT, 1);
    nobody_told(st);
    stage_act(st, DIES,
              "The server's process dies before the handshake is complete, and its listener with it. What "
              "was half open is reset (ABORT, 3.10.5). To the client the connection may have been open for a "
              "moment: it is told ECONNRESET.");
    stage_lose(st, LEFT, STAGE_ACK, 1);
    reach_syn_received(st);
    stage_run(st, MSEC(50));
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect_state(st, RIGHT, TCP_SYN_RECEIVED);
    stage_die(st, RIGHT);
    stage_quiet(st);
    stage_expect_told(st, LEFT, ECONNRESET);
    stage_expect_state(st, RIGHT, TCP_CLOSED);
}

/* --- ESTABLISHED, nothing under way --- */

static void established_idle(struct stage *st)
{
    stage_act(st, VANISHES,
              "Nothing is sent, so nothing is missed, and no timer runs: a day later the connection still "
              "stands, and so it would in a year. Keep-alive must be asked for (3.8.4, MUST-25): see the "
              "scenario keep-alive.");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_run(st, DAY);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect_told(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "Again nothing, until the left application sends. The restarted host answers a segment for no "
              "connection with a RST (3.10.7.1), exactly at RCV.NXT, so it is believed: ECONNRESET (3.10.7.4 "
              "second).");
    stage_open(st);
    restarts_after(st, SEC(60));
    stage_run(st, SEC(3600));
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_send(st, LEFT, 100);
    told_after(st, LEFT, ECONNRESET, SEC(3660));
    stage_act(st, DIES,
              "The right application is killed. Its system closes the socket for it, with nothing unread: "
              "that is an ordinary CLOSE (3.10.4). The left application reads the end of the stream, as if "
              "the other had closed in peace; that it died cannot be seen.");
    stage_open(st);
    stage_close_at_end(st, LEFT);
    stage_die(st, RIGHT);
    stage_quiet(st);
    stage_expect_end(st, LEFT);
    nobody_told(st);
    stage_expect_state(st, RIGHT, TCP_TIME_WAIT);
}

/* --- ESTABLISHED, text under way from left to right --- */

static void established_busy(struct stage *st)
{
    stage_act(st, VANISHES,
              "The text is sent again at growing intervals. After R1 the stack grows suspicious, after R2 "
              "(at least 100 s, 3.8.3 SHLD-11; 300 s here) it gives up: ETIMEDOUT. How much of what was "
              "written arrived, nobody can tell the application.");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_send(st, LEFT, 1000);
    gave_up(st, LEFT, 0);
    stage_act(st, RESTARTS,
              "The host is back before R2 has passed. The next retransmission meets no connection and is "
              "answered by a RST: ECONNRESET, and much sooner than silence would tell.");
    stage_open(st);
    stage_power_off(st, RIGHT);
    stage_send(st, LEFT, 1000);
    stage_run(st, SEC(20));
    stage_power_on(st, RIGHT);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ECONNRESET, SEC(20), SEC(40));
    stage_act(st, DIES,
              "The right application is killed with text in its buffer that it had not read. A FIN would say "
              "that all was taken; a system must say that it was not, with a RST (3.6.1; RFC 2525 2.17). The "
              "left application is told ECONNRESET.");
    stage_open(st);
    stage_reading(st, RIGHT, false);
    stage_send(st, LEFT, 1000);
    stage_quiet(st);
    stage_die(st, RIGHT);
    stage_quiet(st);
    stage_expect_told(st, LEFT, ECONNRESET);
    stage_expect_state(st, LEFT, TCP_CLOSED);
}

static const struct scenario scenarios[] = {
    BROKEN("syn-sent", "SYN-SENT", "The left application has called connect() and waits for an answer.",
           syn_sent, LEFT, "retransmission 8"),
    BROKEN("syn-received", "SYN-RECEIVED",
           "The right end has answered a SYN and waits for the third segment of the handshake.", syn_received,
           RIGHT, "retransmission 8"),
    BROKEN("established-idle", "ESTABLISHED, idle", "The connection is open, and nobody has anything to say.",
           established_idle, LEFT, ""),
    BROKEN("established-busy", "ESTABLISHED, busy",
           "Text of the left application is under way, and not acknowledged.", established_busy, LEFT,
           "retransmission 19"),
};

const struct scenario_group scenarios_breaking = {"What happens when the connection breaks, opening or open",
                                                  scenarios, sizeof scenarios / sizeof *scenarios};
