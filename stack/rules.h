/* The rules that decide: RFC, section, one sentence in our own words. An event names the rule behind it. */
#ifndef GLASS_RULES_H
#define GLASS_RULES_H

#define RULES(X)                                                                                             \
    X(NONE, "", "", "")                                                                                      \
    X(OPEN_ACTIVE, "RFC 9293", "3.10.1", "An active OPEN sends a SYN and waits in SYN-SENT.")                \
    X(OPEN_PASSIVE, "RFC 9293", "3.10.1", "A passive OPEN waits in LISTEN for any peer.")                    \
    X(LISTEN_SYN, "RFC 9293", "3.10.7.2", "A SYN to a listener makes a connection in SYN-RECEIVED.")         \
    X(SYN_SENT_SYN_ACK, "RFC 9293", "3.10.7.3", "A SYN that also acknowledges ours opens the connection.")   \
    X(SYN_SENT_SYN, "RFC 9293", "3.10.7.3", "A SYN without ACK: both sides open at the same time.")          \
    X(SYN_SENT_RST, "RFC 9293", "3.10.7.3", "A RST that acknowledges our SYN refuses the connection.")       \
    X(SYN_RECEIVED_ACK, "RFC 9293", "3.10.7.4 fifth", "The ACK of our SYN completes the handshake.")         \
    X(SYN_RECEIVED_RST, "RFC 9293", "3.10.7.4 second", "A RST ends a connection that was not yet open.")     \
    X(SYN_RECEIVED_SYN, "RFC 9293", "3.10.7.4 fourth", "A SYN returns a passive open to LISTEN.")            \
    X(RST_EXACT, "RFC 9293", "3.10.7.4 second", "A RST exactly at RCV.NXT resets the connection.")           \
    X(RST_INEXACT, "RFC 5961", "3.2", "A RST elsewhere in the window only earns a challenge ACK.")           \
    X(SYN_CHALLENGE, "RFC 5961", "4.2", "A SYN on a synchronized connection earns a challenge ACK.")         \
    X(ACK_RANGE, "RFC 5961", "5.2", "An ACK outside what was sent is not believed, nor its text.")           \
    X(NOT_ACCEPTABLE, "RFC 9293", "3.10.7.4 first", "A segment outside the window is answered by an ACK.")   \
    X(FIN_ACKED, "RFC 9293", "3.10.7.4 fifth", "The peer acknowledged our FIN.")                             \
    X(FIN_RECEIVED, "RFC 9293", "3.10.7.4 eighth", "The peer's FIN: it will send no more.")                  \
    X(LAST_ACK_ACKED, "RFC 9293", "3.10.7.4 fifth", "Our FIN was the last; its ACK ends the connection.")    \
    X(CLOSE_CALL, "RFC 9293", "3.10.4", "CLOSE sends a FIN after all that was queued.")                      \
    X(CLOSE_EARLY, "RFC 9293", "3.10.4", "CLOSE before the connection opened deletes it.")                   \
    X(CLOSE_UNREAD, "RFC 9293", "3.6.1", "Closed with data unread, or data after close: RST, not FIN.")      \
    X(ABORT_CALL, "RFC 9293", "3.10.5", "ABORT sends a RST and forgets everything.")                         \
    X(TIME_WAIT_2MSL, "RFC 9293", "3.10.8", "After 2 MSL no old segment can be left in the network.")        \
    X(TIME_WAIT_REUSE, "RFC 9293", "3.6.1", "A newer SYN may reopen a connection from TIME-WAIT.")           \
    X(TIME_WAIT_RST, "RFC 1337", "3", "A RST must not end TIME-WAIT early.")                                 \
    X(TIME_WAIT_FIN, "RFC 9293", "3.10.7.4 eighth", "A repeated FIN is acknowledged; 2 MSL starts again.")   \
    X(FIN_WAIT_2_TIMEOUT, "RFC 9293", "3.6", "Nobody owns it and the peer's FIN stays away: forgotten.")     \
    X(USER_TIMEOUT, "RFC 9293", "3.8.3", "R2: too long without an acknowledgment, the connection is given up.") \
    X(KEEPALIVE_DEAD, "RFC 9293", "3.8.4", "No keep-alive probe was answered.")                              \
    X(NO_CONNECTION, "RFC 9293", "3.10.7.1", "A segment for no connection is answered by a RST.")            \
    X(RTO_EXPIRED, "RFC 6298", "5", "No ACK in time: send the first segment again, double the time-out.")    \
    X(RTT_SAMPLE, "RFC 6298", "2", "A segment sent once was acknowledged: measure the round trip.")          \
    X(SLOW_START, "RFC 5681", "3.1", "Below ssthresh the window grows by what is acknowledged.")             \
    X(CONGESTION_AVOIDANCE, "RFC 5681", "3.1", "Above ssthresh it grows by one segment a round trip.")       \
    X(FAST_RETRANSMIT, "RFC 5681", "3.2", "Three duplicate ACKs: the segment they miss is sent again.")      \
    X(FAST_RECOVERY, "RFC 6582", "3.2", "Until all that was in flight is acknowledged, repair hole by hole.") \
    X(RACK, "RFC 8985", "6.2", "Something sent later has arrived: what was sent before it is lost.")         \
    X(TAIL_LOSS_PROBE, "RFC 8985", "7.3", "No ACK for two round trips: a probe asks for one.")               \
    X(FRTO, "RFC 5682", "2.1", "New data is acknowledged too: the time-out was spurious.")                   \
    X(DSACK_UNDO, "RFC 2883", "5", "The peer had it all: what was sent again was needless.")                 \
    X(ECN, "RFC 3168", "6.1.2", "A router marked a packet: slow down as if it had been lost.")               \
    X(IDLE_RESTART, "RFC 5681", "4.1", "After a silence the old window says nothing about the path.")        \
    X(PAWS, "RFC 7323", "5.3", "An older timestamp than the last: an old duplicate.")                        \
    X(SYN_COOKIE, "RFC 4987", "3.6", "The queue is full: the state travels in the sequence number.")         \
    X(ZERO_WINDOW_PROBE, "RFC 9293", "3.8.6.1", "The peer's window is zero: ask, or we may sleep for ever.") \
    X(DELAYED_ACK, "RFC 9293", "3.8.6.3", "An ACK may wait a little for company.")                           \
    X(SWS_OVERRIDE, "RFC 9293", "3.8.6.2.1", "A small segment waited long enough.")                          \
    X(CHECKSUM, "RFC 9293", "3.1", "A segment whose checksum is wrong is not looked at.")                    \
    X(ICMP_HARD, "RFC 5461", "2.1", "A hard ICMP error before the handshake ends the attempt.")              \
    X(ICMP_SOFT, "RFC 5461", "4.1", "On an open connection an ICMP error is only noted.")

#define X(name, rfc, section, sentence) RULE_##name,
enum rule { RULES(X) RULE_COUNT };
#undef X

struct rule_info {
    const char *rfc, *section, *sentence;
};

const struct rule_info *rule_info(enum rule which);

#endif
