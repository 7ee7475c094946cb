/* Scenarios: how connections begin (RFC 9293 3.5). */
#include "stage.h"

#include <errno.h>

static void textbook_numbers(struct stage *st)
{
    stage_config(st, LEFT)->tcp_isn_is_fixed = stage_config(st, RIGHT)->tcp_isn_is_fixed = true;
    stage_config(st, LEFT)->tcp_isn_fixed = 100;
    stage_config(st, RIGHT)->tcp_isn_fixed = 2000;
}

static void handshake(struct stage *st)
{
    textbook_numbers(st);
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_send(st, RIGHT, 500);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 100 && stage_received(st, LEFT) == 500,
                 "not all text arrived");
    stage_expect(st, stage_sent(st, LEFT, STAGE_ANY) == 4 && stage_sent(st, RIGHT, STAGE_ANY) == 3,
                 "the textbook needs seven segments");
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 0);
}

static void simultaneous_open(struct stage *st)
{
    stage_connect_from(st, LEFT, STAGE_PORT, STAGE_PORT);
    stage_connect_from(st, RIGHT, STAGE_PORT, STAGE_PORT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
    stage_expect(st, stage_sent(st, LEFT, STAGE_SYN_ACK) == 1 && stage_sent(st, RIGHT, STAGE_SYN_ACK) == 1,
                 "each side answers the other's SYN");
}

static void refused(struct stage *st)
{
    textbook_numbers(st);
    stage_connect(st, LEFT);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ECONNREFUSED, MSEC(20), MSEC(20));
    stage_expect_count(st, RIGHT, COUNT_TCP_RST_OUT, 1);
}

static void lost_syn(struct stage *st)
{
    stage_lose(st, LEFT, STAGE_SYN, 1);
    stage_lose(st, LEFT, STAGE_SYN, 2);
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_until_state(st, LEFT, TCP_ESTABLISHED);
    stage_quiet(st);
    stage_expect(st, stage_sent(st, LEFT, STAGE_SYN) == 3, "the third SYN is the one that arrives");
    stage_expect(st, stage_time(st) >= SEC(3), "the time-out doubles: one second, then two");
}

static void lost_syn_ack(struct stage *st)
{
    stage_lose(st, RIGHT, STAGE_SYN_ACK, 1);
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_until_state(st, LEFT, TCP_ESTABLISHED);
    stage_quiet(st);
    stage_expect(st, stage_sent(st, LEFT, STAGE_SYN) == 2 && stage_sent(st, RIGHT, STAGE_SYN_ACK) >= 2,
                 "both ends send theirs again");
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
}

static void lost_handshake_ack(struct stage *st)
{
    stage_lose(st, LEFT, STAGE_ACK, 1);
    stage_listen(st, RIGHT);
    stage_connect(st, LEFT);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect_state(st, RIGHT, TCP_SYN_RECEIVED);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
    stage_expect(st, stage_received(st, RIGHT) == 100, "the text opened the connection and arrived");
    stage_expect_count(st, RIGHT, COUNT_TCP_RETRANS, 0);
}

/* RFC 9293 3.5, figure 9: an old SYN arrives first; the client's RST undoes what it did. */
static void old_duplicate_syn(struct stage *st)
{
    struct endpoint client = {0};
    textbook_numbers(st);
    stage_listen(st, RIGHT);
    stage_late(st, LEFT, STAGE_SYN, 1, MSEC(30));
    stage_connect(st, LEFT);
    stage_run(st, MSEC(5));
    client = (struct endpoint){stage_config(st, LEFT)->addr, STAGE_CLIENT};
    stage_note(st, "an old SYN, from a connection long gone, arrives before the new one");
    stage_forge_syn(st, RIGHT, client, 90);
    stage_until_state(st, LEFT, TCP_ESTABLISHED);
    stage_quiet(st);
    stage_expect_state(st, RIGHT, TCP_ESTABLISHED);
    stage_expect_count(st, LEFT, COUNT_TCP_RST_OUT, 1);
    stage_expect(st, stage_dropped(st, RIGHT, DROP_TCP_SYN_RECEIVED_RST) == 1,
                 "the RST sent the server back to LISTEN");
}

static const struct scenario scenarios[] = {
    {.name = "handshake",
     .title = "The three-way handshake, with the textbook's numbers",
     .analysis = "",
     .text = "The client's initial sequence number is 100, the server's is 2000; a SYN takes one number. The "
             "client then sends 100 bytes (101 to 200), which the server acknowledges with SEQ 2001, ACK "
             "201: the number it expects next. It answers with 500 bytes (2001 to 2500), acknowledged with "
             "SEQ 201, ACK 2501. Numbers are shown here as they stand on the wire; elsewhere they count from "
             "each side's first.",
     .play = handshake,
     .absolute = true},
    {.name = "simultaneous-open",
     .title = "Both sides open at the same moment",
     .analysis = "retransmission 2",
     .text = "Each side sends a SYN before the other's arrives, so each meets a SYN without ACK in SYN-SENT "
             "and goes to SYN-RECEIVED (RFC 9293 3.5, figure 8). Each then sends its SYN again with an ACK, "
             "and after four segments in all there is one connection, not two. No listener was needed.",
     .play = simultaneous_open},
    {.name = "refused",
     .title = "Nobody listens at that port",
     .analysis = "",
     .text =
         "The host is there, the port is not held by anybody: the stack itself answers the SYN with a "
         "RST that acknowledges it, and the client is told at once, one round trip after it asked. There "
         "is no connection whose numbers the RST could carry, so its SEQ is 0 (RFC 9293 3.10.7.1). Compare "
         "lost-syn, where there is silence instead.",
     .play = refused,
     .absolute = true},
    {.name = "lost-syn",
     .title = "The SYN is lost, twice",
     .analysis = "retransmission 2",
     .text =
         "Nobody knows of a lost SYN but its sender, whose retransmission timer starts at one second (RFC "
         "6298 2.1) and doubles. The third SYN arrives, and nothing later shows that two are missing.",
     .play = lost_syn},
    {.name = "lost-syn-ack",
     .title = "The answer to the SYN is lost",
     .analysis = "retransmission 1",
     .text = "Now the server holds half a connection in SYN-RECEIVED, and both ends have something that is "
             "not acknowledged. Both timers run out a second later; the client's SYN comes to a connection "
             "that already has it and is answered by the SYN,ACK once more.",
     .play = lost_syn_ack},
    {.name = "lost-handshake-ack",
     .title = "The handshake's last ACK is lost",
     .analysis = "",
     .text = "The client believes in the connection, the server still waits in SYN-RECEIVED. Every segment "
             "carries an ACK, so the first text the client sends completes the handshake as well as the lost "
             "one would have, and nothing has to be sent again.",
     .play = lost_handshake_ack},
    {.name = "old-duplicate-syn",
     .title = "An old SYN arrives before the new one",
     .analysis = "retransmission 1",
     .text = "A SYN of an earlier connection, with number 90, has survived in the network and reaches the "
             "server first (RFC 9293 3.5, figure 9). The server cannot tell and answers it; the client can: "
             "the ACK names nothing that it sent, so it answers with a RST, and the server goes back to "
             "LISTEN (CLOSED is the half-made connection; its listener never ceased to listen). That is what "
             "the third step of the handshake is for.",
     .play = old_duplicate_syn,
     .absolute = true},
};

const struct scenario_group scenarios_opening = {"Opening", scenarios, sizeof scenarios / sizeof *scenarios};
