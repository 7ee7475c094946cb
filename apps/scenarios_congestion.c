/* Scenarios: how much may be under way (RFC 5681, 3168). */
#include "stage.h"

static void with_sack(struct stage *st)
{
    stage_config(st, LEFT)->tcp_sack = stage_config(st, RIGHT)->tcp_sack = true;
}

/* Flights of 2, 4 and 8 segments; of the last, one is lost. */
static void slow_start(struct stage *st)
{
    struct tcp_info info;
    with_sack(st);
    stage_segment_size(st, 500);
    stage_config(st, LEFT)->tcp_initial_window = 1000;
    stage_config(st, RIGHT)->tcp_delayed_ack = TCP_DELAYED_ACK;
    for (unsigned side = LEFT; side <= RIGHT; side++)
        stage_delay(st, side, MSEC(50));
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 10);
    stage_send(st, LEFT, 24000);
    stage_run(st, MSEC(250));
    stage_info(st, LEFT, &info);
    stage_expect(st, info.cwnd == 4000 && info.ssthresh == UINT32_MAX, "doubled twice: cwnd is %u",
                 info.cwnd);
    stage_run(st, SEC(2));
    stage_info(st, LEFT, &info);
    stage_expect(st, stage_received(st, RIGHT) == 24000, "not all text arrived");
    stage_expect(st, info.ssthresh < 4000 && info.cwnd >= info.ssthresh + 1000,
                 "avoidance: cwnd is %u, ssthresh %u", info.cwnd, info.ssthresh);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 0);
}

static void ecn(struct stage *st)
{
    struct tcp_info before, after;
    stage_config(st, LEFT)->tcp_ecn = stage_config(st, RIGHT)->tcp_ecn = true;
    stage_segment_size(st, 500);
    stage_open(st);
    stage_mark(st, LEFT, STAGE_TEXT, 3);
    stage_note(st, "a router marks the third segment with text (CE)");
    stage_info(st, LEFT, &before);
    stage_send(st, LEFT, 4000);
    stage_quiet(st);
    stage_info(st, LEFT, &after);
    stage_send(st, LEFT, 1000);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 5000, "not all text arrived");
    stage_expect(st, after.cwnd < before.cwnd + 1000, "the window did not shrink: %u", after.cwnd);
    stage_expect(st, after.ssthresh < UINT32_MAX, "the threshold was not set");
    stage_expect(st, stage_count(st, LEFT, COUNT_TCP_ECN_MARKS) > 0, "no mark was echoed");
    stage_expect_count(st, RIGHT, COUNT_TCP_ECN_CE_IN, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 0);
}

static const struct scenario scenarios[] = {
    {.name = "slow-start",
     .title = "Slow start, a loss, congestion avoidance",
     .analysis = "retransmission 1, fast_retransmission 1, duplicate_ack 12",
     .text = "The way takes 50 ms. The congestion window starts at two segments of 500 bytes and doubles "
             "each round trip: flights of 2, 4, 8 (slow start). One of the eight is lost: the network has "
             "had enough. The window is halved, the hole is repaired, and from there it grows by one segment "
             "a round trip (congestion avoidance, RFC 5681 3.1).",
     .play = slow_start},
    {.name = "ecn",
     .title = "A router marks instead of dropping",
     .analysis = "",
     .text = "Both SYNs agree on ECN (RFC 3168). A router with a long queue marks the third segment; the "
             "receiver echoes that in every ACK (ECE) until the sender says that it has slowed down (CWR). "
             "The window becomes half of what is in flight, as after a loss, but nothing was lost.",
     .play = ecn},
};

const struct scenario_group scenarios_congestion = {"Congestion", scenarios,
                                                    sizeof scenarios / sizeof *scenarios};
