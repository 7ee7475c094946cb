/* Scenarios: what strangers and old networks bring, and what it does (RFC 4987, 5961, 7323 5). */
#include "stage.h"

#include <errno.h>
#include "../stack/ip_wire.h"

#define FLOOD 12 /* SYNs; the queue holds eight */

static void flood(struct stage *st)
{
    stage_note(st, "%d SYNs from addresses where nobody is (the first and the last are drawn)", FLOOD);
    stage_crowd(st, IP_ADDR(192, 0, 2, 2), IP_ADDR(192, 0, 2, FLOOD - 1));
    for (unsigned i = 0; i < FLOOD; i++) {
        struct endpoint nobody = {IP_ADDR(192, 0, 2, 1 + i), (uint16_t)(40000 + i)};
        stage_forge_syn(st, RIGHT, nobody, 1000000 * (i + 1));
    }
}

static void syn_flood(struct stage *st)
{
    stage_config(st, RIGHT)->tcp_syn_cookies = false;
    stage_listen(st, RIGHT);
    flood(st);
    stage_run(st, MSEC(100));
    stage_expect(st, stage_dropped(st, RIGHT, DROP_TCP_BACKLOG) == FLOOD - 8, "the queue holds eight");
    stage_connect(st, LEFT);
    stage_until_told(st, LEFT);
    stage_expect_told(st, LEFT, ETIMEDOUT);
    stage_expect_count(st, RIGHT, COUNT_TCP_COOKIES_OUT, 0);
}

static void syn_cookies(struct stage *st)
{
    stage_config(st, RIGHT)->tcp_syn_cookies = true;
    stage_listen(st, RIGHT);
    flood(st);
    stage_run(st, MSEC(100));
    stage_connect(st, LEFT);
    stage_quiet(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect_state(st, LEFT, TCP_ESTABLISHED);
    stage_expect(st, stage_received(st, RIGHT) == 100, "the honest client was not served");
    stage_expect_count(st, RIGHT, COUNT_TCP_COOKIES_OUT, FLOOD - 8 + 1);
    stage_expect_count(st, RIGHT, COUNT_TCP_COOKIES_GOOD, 1);
}

static void still_works(struct stage *st)
{
    uint64_t before = stage_received(st, RIGHT);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == before + 100, "the connection does not work any more");
    stage_expect_told(st, RIGHT, 0);
}

static void blind_reset(struct stage *st)
{
    stage_act(st, "A RST outside the window", "Thrown away in silence (RFC 9293 3.10.7.4, first).");
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_forge(st, RIGHT, TCP_RST, 2000000, 0, 0);
    stage_expect(st, stage_dropped(st, RIGHT, DROP_TCP_SEQUENCE) == 1, "it was not dropped");
    still_works(st);
    stage_act(st, "A RST inside the window, but not exactly at the next byte",
              "It used to be enough to hit the window, one try in 65,536. Now only the exact number resets; "
              "any other in the window earns a challenge ACK to the true peer (RFC 5961 3.2). A true peer "
              "that has forgotten the connection would answer that with an exact RST; ours has not, and the "
              "challenge passes unnoticed.");
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_forge(st, RIGHT, TCP_RST, 5000, 0, 0);
    stage_quiet(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_CHALLENGE_ACKS, 1);
    still_works(st);
    stage_act(st, "A SYN",
              "A SYN in the middle of a connection used to reset it. It, too, only earns a challenge ACK "
              "(RFC 5961 4.2).");
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_forge(st, RIGHT, TCP_SYN, 5000, 0, 0);
    stage_quiet(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_CHALLENGE_ACKS, 1);
    still_works(st);
    stage_act(
        st, "The exact number",
        "Whoever can read the wire, or is very lucky (one in 4,294,967,296), can reset the connection: "
        "plain TCP has no defence against that, and TLS above it has none either; TCP-AO (RFC 5925) and "
        "IPsec have.");
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_forge(st, RIGHT, TCP_RST, 101, 0, 0);
    stage_quiet(st);
    stage_expect_told(st, RIGHT, ECONNRESET);
}

static void old_text_arrives(struct stage *st)
{
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_run(st, SEC(2));
    stage_note(st, "a segment of long ago arrives: the numbers have wrapped, and it fits");
    stage_forge_old(st, RIGHT, 101, 1, 40, 60000);
    stage_quiet(st);
}

static void paws(struct stage *st)
{
    stage_act(
        st, "Without timestamps",
        "A segment that was held up for one whole turn of the sequence numbers (4 GB; half a minute at 1 "
        "Gbit/s) has just the number that is expected next. Nothing tells it from new text: 40 wrong bytes "
        "reach the application. The two ends now disagree about what was sent: each finds the other's ACKs "
        "out of place and answers them, and only the limit on such answers (RFC 5961 7) makes an end of it.");
    old_text_arrives(st);
    stage_expect(st, stage_received(st, RIGHT) == 140, "the old text was taken for new");
    stage_act(st, "With timestamps",
              "Every segment says when it was sent. The old one says so as well, and is older than what came "
              "last: it is thrown away and answered by an ACK (PAWS, RFC 7323 5.3).");
    stage_config(st, LEFT)->tcp_timestamps = stage_config(st, RIGHT)->tcp_timestamps = true;
    old_text_arrives(st);
    stage_expect(st, stage_received(st, RIGHT) == 100, "nothing but the true text");
    stage_expect(st, stage_dropped(st, RIGHT, DROP_TCP_PAWS) == 1, "PAWS dropped it");
}

static const struct scenario scenarios[] = {
    {.name = "syn-flood",
     .title = "A SYN flood, without cookies",
     .analysis = "retransmission 63",
     .text = "Twelve SYNs from spoofed addresses; the listener's queue holds eight half-open connections. "
             "Their SYN,ACKs go to nobody and are sent again and again. The honest client's SYN finds the "
             "queue full and is dropped in silence, again and again, until it gives up. A real flood is the "
             "same, a thousand times a second (RFC 4987).",
     .play = syn_flood,
     .host = RIGHT},
    {.name = "syn-cookies",
     .title = "The same flood, with SYN cookies",
     .analysis = "",
     .text = "When the queue is full the server keeps nothing: what it must remember travels to the client "
             "in the SYN,ACK's sequence number, and comes back in the ACK (RFC 4987 3.6). Spoofed addresses "
             "never send that ACK; the honest client does, without knowing of it.",
     .play = syn_cookies,
     .host = RIGHT},
    {.name = "blind-reset",
     .title = "A stranger tries to end a connection",
     .analysis = "retransmission 2, out_of_order 1, duplicate_ack 1, reused_ports 1",
     .text = "The attacker cannot see the wire; he knows both addresses and ports, and guesses the sequence "
             "number. All his segments go to the right end and claim to come from the left one.",
     .play = blind_reset,
     .host = RIGHT},
    {.name = "paws",
     .title = "Protection against wrapped sequence numbers",
     .analysis = "duplicate_ack 11",
     .text = "An old segment with just the right number: without timestamps, and with them.",
     .play = paws,
     .host = RIGHT},
};

const struct scenario_group scenarios_attacks = {"Attacks and old duplicates", scenarios,
                                                 sizeof scenarios / sizeof *scenarios};
