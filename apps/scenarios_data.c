/* Scenarios: text on an open connection, and the windows and small segments around it (RFC 9293 3.7, 3.8.6).
 */
#include "stage.h"

#include <errno.h>

static void data(struct stage *st)
{
    stage_segment_size(st, 500);
    stage_open(st);
    stage_send(st, LEFT, 1500);
    stage_run(st, MSEC(5));
    stage_send(st, RIGHT, 1000);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 1500 && stage_received(st, LEFT) == 1000,
                 "not all text arrived");
    stage_expect(st, stage_sent(st, LEFT, STAGE_TEXT) == 3 && stage_sent(st, RIGHT, STAGE_TEXT) == 2,
                 "500 bytes of text in each segment");
}

static void delayed_ack(struct stage *st)
{
    stage_segment_size(st, 500);
    stage_config(st, RIGHT)->tcp_delayed_ack = TCP_DELAYED_ACK;
    stage_open(st);
    stage_note(st, "one segment: its ACK waits for company, in vain");
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_DELAYED_ACKS, 1);
    stage_note(st, "two full segments: the second must be acknowledged at once");
    stage_send(st, LEFT, 1000);
    stage_quiet(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_DELAYED_ACKS, 1);
    stage_note(st, "a question and its answer: the ACK rides on the answer");
    stage_send(st, LEFT, 100);
    stage_run(st, MSEC(20));
    stage_send(st, RIGHT, 300);
    stage_quiet(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_DELAYED_ACKS, 1);
    stage_expect(st, stage_sent(st, RIGHT, STAGE_ACK) == 2, "three questions, two ACKs of their own");
}

/* Two small writes, one after the other, as `write-write-read` programs do. */
static void two_small_writes(struct stage *st)
{
    stage_open(st);
    stage_send(st, LEFT, 100);
    stage_send(st, LEFT, 100);
    stage_quiet(st);
    stage_expect(st, stage_received(st, RIGHT) == 200, "not all text arrived");
}

static void nagle(struct stage *st)
{
    stage_config(st, RIGHT)->tcp_delayed_ack = TCP_DELAYED_ACK;
    stage_act(
        st, "Nagle's algorithm against delayed ACKs",
        "The second small segment waits until the first is acknowledged (RFC 9293 3.7.4), and the receiver, "
        "who hopes for company, lets its ACK wait 40 ms (3.8.6.3). Each is right, together they cost 40 ms.");
    two_small_writes(st);
    stage_expect(st, stage_time(st) > MSEC(30 + 60), "the second segment waits for a delayed ACK");
    stage_act(st, "Nagle's algorithm off",
              "With TCP_NODELAY both small segments leave at once. The receiver still delays its ACK, but "
              "nobody waits for it.");
    stage_config(st, LEFT)->tcp_nodelay = true;
    two_small_writes(st);
    stage_expect(st, stage_sent(st, LEFT, STAGE_TEXT) == 2, "two segments");
    stage_act(st, "Nagle's algorithm, ACKs not delayed",
              "The second segment waits one round trip and no longer.");
    stage_config(st, LEFT)->tcp_nodelay = false;
    stage_config(st, RIGHT)->tcp_delayed_ack = 0;
    two_small_writes(st);
    stage_expect_count(st, RIGHT, COUNT_TCP_DELAYED_ACKS, 0);
}

static void zero_window(struct stage *st)
{
    stage_segment_size(st, 1000);
    stage_config(st, RIGHT)->tcp_receive_buffer = 4000;
    stage_open(st);
    stage_reading(st, RIGHT, false);
    stage_send(st, LEFT, 6000);
    stage_run(st, SEC(2));
    stage_expect(st, stage_count(st, LEFT, COUNT_TCP_PROBES) >= 2, "the sender asks again and again");
    stage_note(st, "the right application reads at last");
    stage_reading(st, RIGHT, true);
    stage_run(st, SEC(2));
    stage_expect(st, stage_received(st, RIGHT) == 6000, "not all text arrived");
    stage_expect_told(st, LEFT, 0);
}

/* The right application takes 100 bytes every 100 ms. */
static void slow_reader(struct stage *st, unsigned rounds)
{
    stage_open(st);
    stage_reading(st, RIGHT, false);
    stage_send(st, LEFT, 4000);
    for (unsigned i = 0; i < rounds; i++) {
        stage_run(st, MSEC(100));
        stage_read(st, RIGHT, 100);
    }
    stage_quiet(st);
}

/* Its buffer is made so small that half of it is 100 bytes: its rule then lets it offer each 100 that are
 * read. */
static void silly_receiver(struct stage *st)
{
    stage_open(st);
    stage_reading(st, RIGHT, false);
    stage_send(st, LEFT, 3000);
    stage_run(st, MSEC(50));
    stage_option(st, RIGHT, SOCK_OPT_RECEIVE_BUFFER, 200);
    stage_read(st, RIGHT, 2000);
    for (unsigned i = 0; i < 150 && stage_received(st, RIGHT) < 3000; i++) {
        stage_read(st, RIGHT, 100);
        stage_run(st, MSEC(20));
    }
    stage_expect(st, stage_received(st, RIGHT) == 3000, "not all text arrived");
}

static void silly_window(struct stage *st)
{
    stage_segment_size(st, 1000);
    stage_config(st, RIGHT)->tcp_receive_buffer = 2000;
    stage_act(
        st, "The receiver avoids it",
        "The right application reads 100 bytes at a time. Its stack does not offer each 100 bytes that "
        "become free, but waits until a full segment, or half its buffer, is free (RFC 9293 3.8.6.2.2): "
        "so the sender can go on sending large segments.");
    slow_reader(st, 24);
    stage_expect(st, stage_received(st, RIGHT) >= 2000 && stage_sent(st, LEFT, STAGE_TEXT) <= 8,
                 "few segments, and large ones");
    stage_act(
        st, "A silly receiver, a wise sender",
        "Now the right end's buffer is so small that half of it is 100 bytes, and it offers every 100 "
        "bytes as they are read, as a receiver without that rule would. The sender declines such gifts "
        "(3.8.6.2.1) and waits; only its override timer lets a small segment go each fifth of a second, "
        "since to wait for ever would be worse.");
    silly_receiver(st);
    usec wise = stage_time(st);
    stage_act(
        st, "Neither avoids it",
        "The sender's patience is taken away, too (its override time is set to a microsecond). Now 100 "
        "bytes of text at a time travel under 40 bytes of headers, each answered by 40 more, and nothing "
        "ever ends it: the silly window syndrome. It is faster for one connection that has the network "
        "to itself; a network full of them carries headers.");
    stage_config(st, LEFT)->tcp_sws_override = 1;
    silly_receiver(st);
    stage_expect(st, stage_sent(st, LEFT, STAGE_TEXT) >= 9 && stage_time(st) < wise,
                 "small segments, one after the other");
}

#define JUMBO 8960 /* bytes of text in a frame of 9000, as such pipes carry them */

/* 200 ms there and back, and a path that takes all at once: only the receiver's window holds the sender back.
 */
static void long_fat_pipe(struct stage *st)
{
    stage_segment_size(st, JUMBO);
    for (unsigned side = LEFT; side <= RIGHT; side++)
        stage_delay(st, side, MSEC(100));
    stage_config(st, LEFT)->tcp_initial_window = 200000;
    stage_config(st, RIGHT)->tcp_receive_buffer = 200000;
    stage_open(st);
    stage_send(st, LEFT,
               100); /* the ACK of this is the first whose window is scaled: those of SYNs never are */
    stage_run(st, MSEC(250));
    stage_send(st, LEFT, 9 * JUMBO);
    while (stage_received(st, RIGHT) < 100 + 9 * JUMBO && stage_time(st) < SEC(10))
        stage_run(st, MSEC(10));
}

static void window_scale(struct stage *st)
{
    stage_act(st, "Without scaling",
              "The window field has 16 bits, so at most 65,535 bytes can be under way: seven segments. The "
              "pipe would hold more, but the sender stands still until the first ACKs are back.");
    long_fat_pipe(st);
    usec without = stage_time(st);
    stage_quiet(st);
    stage_act(
        st, "With scaling",
        "Both SYNs carry a shift count (RFC 7323 2.2); from then on windows are in units of two to that "
        "power, and all nine segments (80,640 bytes) leave at once.");
    stage_config(st, LEFT)->tcp_window_scale = stage_config(st, RIGHT)->tcp_window_scale = true;
    long_fat_pipe(st);
    stage_expect(st, stage_time(st) + MSEC(150) < without, "scaling saves a round trip");
    stage_quiet(st);
}

static void path_mtu(struct stage *st)
{
    stage_open(st);
    stage_path_mtu(st, 1000);
    stage_note(st, "behind a router the path takes 1000 bytes at most");
    stage_send(st, LEFT, 2920);
    stage_run(st, SEC(1));
    struct tcp_info info;
    stage_info(st, LEFT, &info);
    stage_expect(st, stage_received(st, RIGHT) == 2920, "not all text arrived");
    stage_expect(st, info.send_mss == 960, "1000 less two headers is 960, not %u", info.send_mss);
    stage_expect_count(st, LEFT, COUNT_TCP_TIMEOUTS, 0);
}

static void keep_alive(struct stage *st)
{
    stage_act(
        st, "The peer is there",
        "After two hours of silence a probe: an empty segment one before what the peer expects, so that "
        "it must answer (RFC 9293 3.8.4). The peer's application notices nothing.");
    stage_open(st);
    stage_option(st, LEFT, SOCK_OPT_KEEPALIVE, 1);
    stage_run(st, SEC(7250));
    stage_expect_count(st, LEFT, COUNT_TCP_KEEPALIVES, 1);
    stage_expect_told(st, LEFT, 0);
    stage_act(st, "The peer has vanished",
              "No answer: nine probes, 75 seconds apart, then the connection is given up with ETIMEDOUT. "
              "Without keep-alive the application would never learn.");
    stage_open(st);
    stage_option(st, LEFT, SOCK_OPT_KEEPALIVE, 1);
    stage_power_off(st, RIGHT);
    stage_until_told(st, LEFT);
    stage_expect_told_at(st, LEFT, ETIMEDOUT, SEC(7200 + 9 * 75), SEC(7200 + 9 * 75 + 1));
    stage_expect_count(st, LEFT, COUNT_TCP_KEEPALIVES, 9);
}

static const struct scenario scenarios[] = {
    {.name = "data",
     .title = "Text both ways",
     .analysis = "",
     .text =
         "Three segments of 500 bytes one way, two the other way a little later, crossing on the wire. "
         "SEQ says where a segment's first byte stands, ACK which byte is expected next; each direction "
         "counts for itself. Text carries the ACK along when it leaves after what it acknowledges; here it "
         "had left before, so the ACKs travel alone.",
     .play = data},
    {.name = "delayed-ack",
     .title = "An ACK waits for company",
     .analysis = "",
     .text =
         "The right end delays its ACKs by up to 40 ms (RFC 9293 3.8.6.3). A lone segment is acknowledged by "
         "the timer, every second full segment at once, and an answer carries the ACK for nothing.",
     .play = delayed_ack,
     .host = RIGHT},
    {.name = "nagle",
     .title = "Nagle's algorithm against delayed ACKs",
     .analysis = "",
     .text = "A program writes 100 bytes and then 100 more. When the second segment leaves depends on two "
             "kindnesses to the network, one at either end, which get in each other's way.",
     .play = nagle},
    {.name = "zero-window",
     .title = "The receiver's buffer is full",
     .analysis =
         "zero_window 4, zero_window_probe 3, zero_window_probe_ack 3, window_update 1, window_full 1",
     .text =
         "The right application does not read. Its window closes; the sender, who could wait for ever if the "
         "update were lost, asks with one byte at growing intervals (RFC 9293 3.8.6.1). An answered probe is "
         "a sign of life, so the connection does not die. Then the application reads, and the window opens.",
     .play = zero_window},
    {.name = "silly-window",
     .title = "The silly window syndrome, avoided and not",
     .analysis =
         "zero_window 15, zero_window_probe 4, zero_window_probe_ack 4, window_update 24, window_full 19",
     .text = "A receiver that offers every few bytes, and a sender that takes every offer, end up with more "
             "header than text on the wire. RFC 9293 3.8.6.2 has a rule for each end, and either helps.",
     .play = silly_window},
    {.name = "window-scale",
     .title = "A long fat pipe, with and without window scaling",
     .analysis = "",
     .text = "100 ms each way, and frames of 9000 bytes. The congestion window is set wide open, so that "
             "nothing but the receiver's window holds the sender back. Look at when the last segments leave.",
     .play = window_scale},
    {.name = "path-mtu",
     .title = "The path takes less than the link",
     .analysis = "retransmission 1, out_of_order 3",
     .text = "Both links take 1500 bytes, a router between them only 1000. Every datagram says Don't "
             "Fragment, so the router throws large ones away and says so (ICMP type 3 code 4). The sender "
             "believes it only because the message quotes what it really sent, cuts its segments to 960 "
             "bytes and sends again: no time-out (RFC 1191).",
     .play = path_mtu},
    {.name = "keep-alive",
     .title = "Is the peer still there?",
     .analysis = "keep_alive 10, keep_alive_ack 1",
     .text = "An idle connection sends nothing, and so learns nothing. The left application has asked for "
             "keep-alive; two hours pass, which costs nothing in virtual time.",
     .play = keep_alive},
};

const struct scenario_group scenarios_data = {"Text and windows", scenarios,
                                              sizeof scenarios / sizeof *scenarios};
