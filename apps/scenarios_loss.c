/* Scenarios: what is lost, late or doubled, and how it is repaired (RFC 6298, 5681, 6675, 8985, 5682). */
#include "stage.h"

static void all_arrived(struct stage *st, uint64_t len)
{
    stage_expect(st, stage_received(st, RIGHT) == len, "%llu bytes arrived, not %llu",
                 (unsigned long long)stage_received(st, RIGHT), (unsigned long long)len);
    stage_expect_told(st, LEFT, 0);
}

static void both(struct stage *st, void (*set)(struct stack_config *c))
{
    set(stage_config(st, LEFT));
    set(stage_config(st, RIGHT));
}

static void lost_data(struct stage *st)
{
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 1);
    stage_send(st, LEFT, 100);
    stage_run(st, SEC(1));
    all_arrived(st, 100);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 1);
}

static void lost_ack(struct stage *st)
{
    stage_act(st, "More text follows",
              "The ACK of the second segment says that the first arrived as well: ACKs are cumulative (RFC "
              "9293 3.4), and one that is lost is not missed.");
    stage_open(st);
    stage_option(st, LEFT, SOCK_OPT_NODELAY, 1);
    stage_lose(st, RIGHT, STAGE_ACK, 1);
    stage_send(st, LEFT, 100);
    stage_run(st, MSEC(50));
    stage_send(st, LEFT, 100);
    stage_run(st, SEC(1));
    all_arrived(st, 200);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 0);
    stage_act(
        st, "Nothing follows",
        "The sender cannot tell a lost ACK from lost text and sends the text again. The receiver has it "
        "already, throws it away, and acknowledges once more.");
    stage_open(st);
    stage_lose(st, RIGHT, STAGE_ACK, 1);
    stage_send(st, LEFT, 100);
    stage_run(st, SEC(1));
    all_arrived(st, 100);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
}

static void lost_fin(struct stage *st)
{
    stage_open(st);
    stage_lose(st, LEFT, STAGE_FIN, 1);
    stage_close_at_end(st, RIGHT);
    stage_close(st, LEFT);
    stage_run(st, SEC(1));
    stage_expect_state(st, LEFT, TCP_TIME_WAIT);
    stage_expect_state(st, RIGHT, TCP_CLOSED);
    stage_expect_end(st, RIGHT);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
}

static void fast_retransmit(struct stage *st)
{
    stage_segment_size(st, 500);
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 2);
    stage_send(st, LEFT, 3000);
    stage_run(st, SEC(1));
    all_arrived(st, 3000);
    stage_expect_count(st, LEFT, COUNT_TCP_FAST_RETRANS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 0);
}

static void with_sack(struct stack_config *c)
{
    c->tcp_sack = true;
}

static void sack(struct stage *st)
{
    both(st, with_sack);
    stage_segment_size(st, 500);
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 2);
    stage_lose(st, LEFT, STAGE_TEXT, 5);
    stage_send(st, LEFT, 5000);
    stage_run(st, SEC(1));
    all_arrived(st, 5000);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 2);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 0);
}

static void time_out(struct stage *st)
{
    stage_open(st);
    stage_lose_all(st, LEFT, STAGE_TEXT);
    stage_send(st, LEFT, 100);
    stage_run(st, SEC(2));
    stage_note(st, "the wire is whole again");
    stage_no_rules(st);
    stage_run(st, SEC(2));
    all_arrived(st, 100);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 4);
}

static void with_rack(struct stack_config *c)
{
    c->tcp_sack = c->tcp_dsack = c->tcp_rack = c->tcp_tlp = true;
}

static void tail_loss_probe(struct stage *st)
{
    both(st, with_rack);
    stage_segment_size(st, 500);
    stage_open(st);
    stage_lose(st, LEFT, STAGE_TEXT, 3);
    stage_lose(st, LEFT, STAGE_TEXT, 4);
    stage_send(st, LEFT, 2000);
    stage_run(st, MSEC(100)); /* the time-out would come 200 ms after the last ACK */
    stage_expect(st, stage_received(st, RIGHT) == 2000, "the end was not there before the time-out");
    stage_run(st, SEC(1));
    all_arrived(st, 2000);
    stage_expect_count(st, LEFT, COUNT_TCP_TAIL_PROBES, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 2);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 0);
}

static void reordering(struct stage *st)
{
    stage_act(
        st, "Counting to three",
        "Without SACK the third duplicate ACK means loss (RFC 5681 3.2). It is a wrong guess: a segment "
        "is sent twice, and the sender slows down for nothing.");
    stage_segment_size(st, 500);
    stage_open(st);
    stage_late(st, LEFT, STAGE_TEXT, 2, MSEC(3));
    stage_send(st, LEFT, 3000);
    stage_run(st, SEC(1));
    all_arrived(st, 3000);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
    stage_act(
        st, "Waiting a little",
        "The first time is no different, but the receiver reports that it had that text already (D-SACK, RFC "
        "2883): nothing was lost, the window comes back, and this path is known to reorder. From then on "
        "what was sent before something that has arrived counts as lost only when a quarter of a round trip "
        "has passed as well (RACK, RFC 8985 6.2). The second time nothing is sent again.");
    both(st, with_rack);
    stage_open(st);
    stage_late(st, LEFT, STAGE_TEXT, 2, MSEC(3));
    stage_send(st, LEFT, 3000);
    stage_run(st, MSEC(15));
    stage_send(st, LEFT, 1000);
    stage_run(st, MSEC(15));
    stage_send(st, LEFT, 500);
    stage_run(st, MSEC(70));
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_SPURIOUS, 1);
    stage_note(st, "the same again");
    stage_late(st, LEFT, STAGE_TEXT, 2, MSEC(3));
    stage_send(st, LEFT, 3000);
    stage_run(st, SEC(1));
    all_arrived(st, 7500);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
}

static void with_frto(struct stack_config *c)
{
    c->tcp_frto = true;
}

static void spurious_timeout(struct stage *st)
{
    both(st, with_frto);
    stage_segment_size(st, 500);
    stage_open(st);
    stage_delay(st, LEFT, MSEC(300));
    stage_note(st, "for a moment the way takes 300 ms instead of 10");
    stage_send(st, LEFT, 2500);
    stage_run(st, MSEC(250));
    stage_delay(st, LEFT, MSEC(10));
    stage_send(st, LEFT, 2500);
    stage_run(st, SEC(2));
    all_arrived(st, 5000);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_SPURIOUS, 1);
    stage_expect_count(st, LEFT, COUNT_TCP_RETRANS, 1);
}

static const struct scenario scenarios[] = {
    {.name = "lost-data",
     .title = "A segment is lost",
     .analysis = "retransmission 1",
     .text = "One segment, and it is lost. The receiver knows nothing of it; the sender knows only that no "
             "ACK comes. Its time-out was measured on the handshake: 20 ms there and back, so the minimum of "
             "200 ms holds (RFC 6298).",
     .play = lost_data},
    {.name = "lost-ack",
     .title = "An ACK is lost",
     .analysis = "retransmission 1",
     .text = "The text arrived, its ACK did not. Whether that costs anything depends on what comes next.",
     .play = lost_ack},
    {.name = "lost-fin",
     .title = "A FIN is lost",
     .analysis = "retransmission 1",
     .text = "A FIN takes a number of its own in the stream, so it is retransmitted and acknowledged like "
             "text: the graceful close survives. The left end waits in FIN-WAIT-1 meanwhile.",
     .play = lost_fin},
    {.name = "fast-retransmit",
     .title = "Three duplicate ACKs",
     .analysis = "retransmission 1, fast_retransmission 1, duplicate_ack 4",
     .text =
         "Six segments, the second is lost. Each later one makes the receiver repeat its ACK: it still "
         "expects byte 501. After the third repetition the sender sends that segment again without "
         "waiting for its timer (RFC 5681 3.2), and one ACK covers all. Textbooks set cwnd to ssthresh plus "
         "three segments, for those that have left the network; here such segments no longer count as in "
         "flight, so cwnd is ssthresh and as much may leave.",
     .play = fast_retransmit},
    {.name = "sack",
     .title = "Two holes, and a receiver that says where",
     .analysis = "retransmission 2, fast_retransmission 1, duplicate_ack 7",
     .text = "Ten segments, the second and the fifth are lost. The duplicate ACKs carry what has arrived "
             "beyond the hole (RFC 2018), so the sender repairs both holes in one round trip and sends "
             "nothing twice (RFC 6675).",
     .play = sack},
    {.name = "timeout",
     .title = "Time-out and back-off",
     .analysis = "retransmission 4",
     .text =
         "Nothing gets through for two seconds. Each time-out is twice as long as the one before (RFC "
         "6298 5.5): a network that loses everything needs less traffic, not more. The RFC would have the "
         "first no shorter than one second (2.4); like other stacks of today, this one begins at 200 ms.",
     .play = time_out},
    {.name = "tail-loss-probe",
     .title = "The last two segments are lost",
     .analysis = "retransmission 2, duplicate_ack 1",
     .text = "Behind the last segment comes nothing that could bring duplicate ACKs about. Two round trips "
             "after the last ACK, 40 ms instead of the 200 ms of a time-out, the sender probes with the last "
             "segment itself (RFC 8985 7). It arrives, and its SACK shows that the one before is missing. "
             "(Were only one segment out, the probe would wait for the longest delay of an ACK as well, 200 "
             "ms: on so short a path the time-out comes first.)",
     .play = tail_loss_probe},
    {.name = "reordering",
     .title = "A segment is late, not lost",
     .analysis = "retransmission 2, fast_retransmission 2, duplicate_ack 14",
     .text = "The second of six segments takes 3 ms longer and is overtaken by the others. To the sender "
             "that looks like a loss, at first.",
     .play = reordering},
    {.name = "spurious-timeout",
     .title = "A time-out for nothing",
     .analysis = "retransmission 1, duplicate_ack 1",
     .text = "The way takes longer than the time-out for a moment. The sender sends the first segment again "
             "and begins to slow down; but then ACKs come for segments that it has not sent again. So "
             "nothing was lost, and it takes back what it did (F-RTO, RFC 5682).",
     .play = spurious_timeout},
};

const struct scenario_group scenarios_loss = {"Losses", scenarios, sizeof scenarios / sizeof *scenarios};
