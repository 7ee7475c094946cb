/* The rules that decide: RFC, section, one sentence in our own words. An event names the rule behind it. */
#ifndef GLASS_RULES_H
#define GLASS_RULES_H

#define RULES(X)                                                                                             \
    X(NONE, "", "", "")                                                                                      \
    X(OPEN_ACTIVE, "RFC 9293", "3.10.1", "An active OPEN sends a SYN and waits in SYN-SENT.")                \
    X(OPEN_PASSIVE, "RFC 9293", "3.10.1", "A passive OPEN waits in LISTEN for any peer.")                    \
    X(LISTEN_SYN, "RFC 9293", "3.10.7.2", "A SYN to a listener makes a connection in SYN-RECEIVED.")         \
    X(LISTEN_RST, "RFC 9293", "3.10.7.2 first",                                                              \
      "A RST to a listener is ignored: it can belong to nothing sent from here.")                            \
    X(LISTEN_ACK, "RFC 9293", "3.10.7.2 second",                                                             \
      "Nothing was sent from LISTEN, so an ACK is wrong and is answered by a RST.")                          \
    X(LISTEN_OTHER, "RFC 9293", "3.10.7.2 fourth", "A segment without SYN says nothing to a listener.")      \
    X(SYN_ACK, "RFC 9293", "3.10.7.2 third", "The SYN is answered by our own, which acknowledges it.")       \
    X(SYN_AGAIN, "RFC 9293", "3.10.7.4 first",                                                               \
      "The peer repeats its SYN: our SYN,ACK was lost, so it leaves again.")                                 \
    X(SYN_SENT_SYN_ACK, "RFC 9293", "3.10.7.3", "A SYN that also acknowledges ours opens the connection.")   \
    X(SYN_SENT_SYN, "RFC 9293", "3.10.7.3", "A SYN without ACK: both sides open at the same time.")          \
    X(SYN_SENT_ACK, "RFC 9293", "3.10.7.3 first",                                                            \
      "An ACK of anything but our SYN belongs to another connection: it is answered by a RST.")              \
    X(SYN_SENT_RST, "RFC 9293", "3.10.7.3", "A RST that acknowledges our SYN refuses the connection.")       \
    X(SYN_SENT_RST_BAD, "RFC 9293", "3.10.7.3 second",                                                       \
      "A RST that does not acknowledge our SYN may be anybody's: ignored.")                                  \
    X(SYN_SENT_OTHER, "RFC 9293", "3.10.7.3 fifth",                                                          \
      "In SYN-SENT a segment needs a SYN or a RST to mean anything.")                                        \
    X(SYN_RECEIVED_ACK, "RFC 9293", "3.10.7.4 fifth", "The ACK of our SYN completes the handshake.")         \
    X(SYN_RECEIVED_BAD_ACK, "RFC 9293", "3.10.7.4 fifth",                                                    \
      "In SYN-RECEIVED an ACK of anything but our SYN is answered by a RST.")                                \
    X(SYN_RECEIVED_RST, "RFC 9293", "3.10.7.4 second", "A RST ends a connection that was not yet open.")     \
    X(SYN_RECEIVED_SYN, "RFC 9293", "3.10.7.4 fourth", "A SYN returns a passive open to LISTEN.")            \
    X(SYN_COOKIE, "RFC 4987", "3.6", "The queue is full: the state travels in the sequence number.")         \
    X(NO_CONNECTION, "RFC 9293", "3.10.7.1", "A segment for no connection is answered by a RST.")            \
    X(NO_CONNECTION_RST, "RFC 9293", "3.10.7.1",                                                             \
      "A RST for no connection is thrown away: a RST never answers a RST.")                                  \
    X(HEADER, "RFC 9293", "3.1",                                                                             \
      "The header must lie within the segment, and its data offset behind the fixed part.")                  \
    X(CHECKSUM, "RFC 9293", "3.1", "A segment whose checksum is wrong is not looked at.")                    \
    X(OPTION_LENGTH, "RFC 9293", "3.1", "MUST-7: an option with an impossible length must not do harm.")     \
    X(SINGLE_HOST, "RFC 9293", "3.9.2.3",                                                                    \
      "MUST-57: a connection has two ends; a segment to or from many is ignored.")                           \
    X(NOT_ACCEPTABLE, "RFC 9293", "3.10.7.4 first", "A segment outside the window is answered by an ACK.")   \
    X(RST_OUTSIDE, "RFC 9293", "3.10.7.4 first", "A RST outside the window is ignored and not answered.")    \
    X(RST_EXACT, "RFC 9293", "3.10.7.4 second", "A RST exactly at RCV.NXT resets the connection.")           \
    X(RST_INEXACT, "RFC 5961", "3.2", "A RST elsewhere in the window only earns a challenge ACK.")           \
    X(SYN_CHALLENGE, "RFC 5961", "4.2", "A SYN on a synchronized connection earns a challenge ACK.")         \
    X(NO_ACK, "RFC 9293", "3.10.7.4 fifth",                                                                  \
      "Once a connection is open every segment carries an ACK; one without it is ignored.")                  \
    X(ACK_RANGE, "RFC 5961", "5.2", "An ACK outside what was sent is not believed, nor its text.")           \
    X(PAWS, "RFC 7323", "5.3", "An older timestamp than the last: an old duplicate.")                        \
    X(NO_TIMESTAMP, "RFC 7323", "3.2",                                                                       \
      "Timestamps were agreed, so a segment without one is not the peer's.")                                 \
    X(CHALLENGE_LIMIT, "RFC 5961", "7",                                                                      \
      "Challenge ACKs are rationed: no stranger can draw as many as he likes.")                              \
    X(TEXT_DUPLICATE, "RFC 9293", "3.10.7.4 first",                                                          \
      "What came before is not taken again, but acknowledged, lest the peer send it for ever.")              \
    X(TEXT_AFTER_FIN, "RFC 9293", "3.10.7.4 seventh",                                                        \
      "The peer's FIN was its last word: text behind it is ignored.")                                        \
    X(HANDSHAKE_ACK, "RFC 9293", "3.10.7.3 fourth", "The peer's SYN is acknowledged at once.")               \
    X(DELAYED_ACK, "RFC 9293", "3.8.6.3", "An ACK may wait a little for company.")                           \
    X(ACK_ALONE, "RFC 9293", "3.8.6.3", "No company came within the delay: the ACK leaves alone.")           \
    X(ACK_AT_ONCE, "RFC 9293", "3.8.6.3",                                                                    \
      "Delaying ACKs is optional and switched off here: every segment is acknowledged at once.")             \
    X(ACK_EVERY_SECOND, "RFC 9293", "3.8.6.3",                                                               \
      "At least every second full-sized segment is acknowledged at once.")                                   \
    X(ACK_HOLE_FILLED, "RFC 5681", "4.2", "A segment that fills a hole is acknowledged at once.")            \
    X(ACK_OUT_OF_ORDER, "RFC 5681", "4.2",                                                                   \
      "A segment out of order is answered at once by a duplicate ACK: it tells the sender what is missing.") \
    X(ACK_FIN, "RFC 9293", "3.10.7.4 eighth", "The peer's FIN is acknowledged at once.")                     \
    X(WINDOW_UPDATE, "RFC 9293", "3.8.6.2.2",                                                                \
      "The reader made room for a segment or for half the buffer: the peer is told.")                        \
    X(SEND_FULL, "RFC 9293", "3.8.6.2.1 (1)", "A full segment leaves as soon as the windows take it.")       \
    X(SEND_ALL, "RFC 9293", "3.8.6.2.1 (2)",                                                                 \
      "All there is to send leaves when nothing is outstanding (Nagle), or when its owner will not wait.")   \
    X(SEND_HALF_WINDOW, "RFC 9293", "3.8.6.2.1 (3)",                                                         \
      "Half of the largest window the peer ever offered is worth a segment.")                                \
    X(WINDOW_REOPENED, "RFC 9293", "3.8.6.1",                                                                \
      "The window is open again: what the closed one refused leaves once more.")                             \
    X(PERSIST_STOPS, "RFC 9293", "3.8.6.1",                                                                  \
      "What had to wait may leave, or is gone: there is nothing to ask about.")                              \
    X(ACK_LEFT, "RFC 9293", "3.8.6.3", "The ACK that waited has left.")                                      \
    X(SWS_WAIT, "RFC 9293", "3.8.6.2.1 (4)", "A segment too small to leave yet waits no longer than this.")  \
    X(SWS_OVERRIDE, "RFC 9293", "3.8.6.2.1 (4)", "A small segment waited long enough.")                      \
    X(ZERO_WINDOW_PROBE, "RFC 9293", "3.8.6.1", "The peer's window is zero: ask, or we may sleep for ever.") \
    X(KEEPALIVE, "RFC 9293", "3.8.4",                                                                        \
      "A long silence: a segment the peer must answer asks whether it is still there.")                      \
    X(CLOSE_CALL, "RFC 9293", "3.10.4", "CLOSE sends a FIN after all that was queued.")                      \
    X(CLOSE_EARLY, "RFC 9293", "3.10.4", "CLOSE before the connection opened deletes it.")                   \
    X(CLOSE_UNREAD, "RFC 9293", "3.6.1", "Closed with data unread, or data after close: RST, not FIN.")      \
    X(ABORT_CALL, "RFC 9293", "3.10.5", "ABORT sends a RST and forgets everything.")                         \
    X(FIN_ACKED, "RFC 9293", "3.10.7.4 fifth", "The peer acknowledged our FIN.")                             \
    X(FIN_RECEIVED, "RFC 9293", "3.10.7.4 eighth", "The peer's FIN: it will send no more.")                  \
    X(LAST_ACK_ACKED, "RFC 9293", "3.10.7.4 fifth", "Our FIN was the last; its ACK ends the connection.")    \
    X(TIME_WAIT, "RFC 9293", "3.6",                                                                          \
      "Who closed first waits 2 MSL: the last ACK may be lost, and old segments must die out.")              \
    X(TIME_WAIT_2MSL, "RFC 9293", "3.10.8", "After 2 MSL no old segment can be left in the network.")        \
    X(TIME_WAIT_REUSE, "RFC 9293", "3.6.1", "A newer SYN may reopen a connection from TIME-WAIT.")           \
    X(TIME_WAIT_RST, "RFC 1337", "3", "A RST must not end TIME-WAIT early.")                                 \
    X(TIME_WAIT_FIN, "RFC 9293", "3.10.7.4 eighth", "A repeated FIN is acknowledged; 2 MSL starts again.")   \
    X(TIME_WAIT_OTHER, "RFC 9293", "3.10.7.4",                                                               \
      "In TIME-WAIT only the peer's FIN, again, can be expected; anything else is answered or ignored.")     \
    X(FIN_WAIT_2_TIMEOUT, "RFC 9293", "3.6",                                                                 \
      "Nobody owns it and the peer's FIN stays away: the RFC would wait for ever, we forget it.")            \
    X(R2, "RFC 9293", "3.8.3", "R2: too long without an acknowledgment, the connection is given up.")        \
    X(USER_TIMEOUT, "RFC 9293", "3.10.8",                                                                    \
      "What the user sent stayed unacknowledged for longer than he allows: given up.")                       \
    X(KEEPALIVE_DEAD, "RFC 9293", "3.8.4", "No keep-alive probe was answered.")                              \
    X(RTT_SAMPLE, "RFC 6298", "2", "A segment sent once was acknowledged: measure the round trip.")          \
    X(RTT_TIMESTAMP, "RFC 7323", "4.1",                                                                      \
      "The echoed timestamp says which transmission was answered: measure the round trip.")                  \
    X(RTO_RUNS, "RFC 6298", "5.1", "While something is unacknowledged, the retransmission timer runs.")      \
    X(RTO_STOPS, "RFC 6298", "5.2", "All that was sent is acknowledged: the timer stops.")                   \
    X(RTO_RESTARTS, "RFC 6298", "5.3", "New data was acknowledged: the timer starts anew for what is left.") \
    X(RTO_EXPIRED, "RFC 6298", "5", "No ACK in time: send the first segment again, double the time-out.")    \
    X(FAST_RETRANSMIT, "RFC 5681", "3.2", "Three duplicate ACKs: the segment they miss is sent again.")      \
    X(FAST_RECOVERY, "RFC 6582", "3.2",                                                                      \
      "Until all that was in flight is acknowledged, repair hole by hole.")                                  \
    X(RECOVERED, "RFC 6582", "3.2 (3)",                                                                      \
      "All that was in flight when the loss was found is acknowledged: the recovery ends.")                  \
    X(RECOVERED_SACK, "RFC 6675", "5 (A)",                                                                   \
      "All that was in flight when the loss was found is acknowledged: the recovery ends.")                  \
    X(SACK_LOSS, "RFC 6675", "4",                                                                            \
      "Three segments above the hole have arrived: what is missing below them is lost.")                     \
    X(RACK, "RFC 8985", "6.2", "Something sent later has arrived: what was sent before it is lost.")         \
    X(RACK_REORDERING, "RFC 8985", "6.2",                                                                    \
      "What is missing may only be late: wait a fraction of a round trip before it counts as lost.")         \
    X(REORDER_STOPS, "RFC 8985", "6.2",                                                                      \
      "What was missing has arrived, or counts as lost: there is nothing to wait for.")                      \
    X(TAIL_LOSS_TIMER, "RFC 8985", "7.2",                                                                    \
      "If no ACK comes in two round trips, and its delay if one segment is out, the end may be lost.")       \
    X(TAIL_LOSS_STOPS, "RFC 8985", "7.2",                                                                    \
      "Nothing is outstanding, or losses are being repaired: no probe is needed.")                           \
    X(TAIL_LOSS_PROBE, "RFC 8985", "7.3", "No ACK came in time: a probe asks for one.")                      \
    X(TAIL_LOSS_REPAIRED, "RFC 8985", "7.4", "The probe repaired a loss: slow down as for any other.")       \
    X(FRTO, "RFC 5682", "2.1", "New data is acknowledged too: the time-out was spurious.")                   \
    X(FRTO_REAL, "RFC 5682", "2.1",                                                                          \
      "The new data drew no progress: the time-out was real, what was sent before it is lost.")              \
    X(FRTO_TEST, "RFC 5682", "2.1",                                                                          \
      "After a time-out new data is sent first: its ACK will tell whether anything was lost.")               \
    X(DSACK_UNDO, "RFC 2883", "5", "The peer had it all: what was sent again was needless.")                 \
    X(PATH_MTU, "RFC 1191", "3",                                                                             \
      "The path takes no larger datagrams: what is in flight leaves again in smaller segments.")             \
    X(BLACK_HOLE, "RFC 2923", "2.1",                                                                         \
      "Large segments are never answered: perhaps a link too small for them, so try smaller ones.")          \
    X(INITIAL_WINDOW, "RFC 6928", "2", "So much may be in flight before anything is known of the path.")     \
    X(INITIAL_WINDOW_LOSS, "RFC 6928", "2",                                                                  \
      "Our SYN was lost more than once: the connection begins with one segment.")                            \
    X(SLOW_START, "RFC 5681", "3.1", "Below ssthresh the window grows by what is acknowledged.")             \
    X(CONGESTION_AVOIDANCE, "RFC 5681", "3.1", "Above ssthresh it grows by one segment a round trip.")       \
    X(CUBIC, "RFC 9438", "4.2",                                                                              \
      "Above ssthresh the window follows a cubic curve of the time since the last loss.")                    \
    X(PRR, "RFC 6937", "3.1",                                                                                \
      "In recovery, what may leave follows what arrives, so that the window ends at ssthresh.")              \
    X(ECN, "RFC 3168", "6.1.2", "A router marked a packet: slow down as if it had been lost.")               \
    X(IDLE_RESTART, "RFC 5681", "4.1", "After a silence the old window says nothing about the path.")        \
    X(IP_VERSION, "RFC 1122", "3.2.1.1", "A datagram of another version than 4 is silently discarded.")      \
    X(IP_HEADER, "RFC 791", "3.1",                                                                           \
      "A header has at least 20 bytes, and its lengths cannot exceed what arrived.")                         \
    X(IP_CHECKSUM, "RFC 1122", "3.2.1.2",                                                                    \
      "A datagram whose header checksum is wrong is silently discarded.")                                    \
    X(IP_OPTIONS, "RFC 1122", "3.2.1.8",                                                                     \
      "Options must not run past the header, and a source route is not followed here.")                      \
    X(IP_DESTINATION, "RFC 1122", "3.2.1.3", "A host takes only what is addressed to it.")                   \
    X(IP_SOURCE, "RFC 1122", "3.2.1.3", "A source must be one host's address.")                              \
    X(IP_PROTOCOL, "RFC 1122", "3.2.2.1",                                                                    \
      "A protocol that is not here is answered by ICMP: protocol unreachable.")                              \
    X(FRAGMENT_LENGTH, "RFC 791", "3.2",                                                                     \
      "Every fragment but the last is a multiple of 8 bytes, and the whole at most 65535.")                  \
    X(FRAGMENT_OVERLAP, "RFC 5722", "4",                                                                     \
      "Overlapping fragments are an attack: the whole datagram goes, here as in IPv6.")                      \
    X(FRAGMENT_ECN, "RFC 3168", "5.3",                                                                       \
      "No mark of congestion gets lost: it counts for the datagram, or the datagram goes.")                  \
    X(FRAGMENT_TIMEOUT, "RFC 1122", "3.3.2", "Fragments that stay incomplete are discarded after a time.")   \
    X(ICMP_CHECKSUM, "RFC 792", "Message Formats",                                                           \
      "A message too short for its fields, or with a wrong checksum, cannot be believed.")                   \
    X(ICMP_UNKNOWN, "RFC 1122", "3.2.2",                                                                     \
      "An ICMP message of a type that is not acted on is silently discarded.")                               \
    X(ICMP_QUOTE, "RFC 5927", "4.1",                                                                         \
      "An ICMP message must answer something that was sent and is still open, or it is not believed.")       \
    X(ICMP_ECHO, "RFC 1122", "3.2.2.6", "An echo request is answered with all of its data.")                 \
    X(ICMP_ERROR, "RFC 1122", "3.2.2.1", "An ICMP error is passed to whoever sent what it quotes.")          \
    X(ICMP_HARD, "RFC 5461", "2.1", "A hard ICMP error before the handshake ends the attempt.")              \
    X(ICMP_RATE, "RFC 1812", "4.3.2.8", "ICMP errors are limited: this one was one too many.")               \
    X(UDP_LENGTH, "RFC 768", "Fields",                                                                       \
      "The length counts the 8 bytes of the header, and cannot exceed what arrived.")                        \
    X(UDP_CHECKSUM, "RFC 1122", "4.1.3.4", "A datagram whose UDP checksum is wrong is silently discarded.")  \
    X(UDP_NO_PORT, "RFC 1122", "4.1.3.1",                                                                    \
      "A datagram to a port nobody has is answered by ICMP: port unreachable.")                              \
    X(PORT_ZERO, "RFC 6335", "6", "Port 0 is reserved: nobody can have it.")

#define X(name, rfc, section, sentence) RULE_##name,
enum rule { RULES(X) RULE_COUNT };
#undef X

struct rule_info {
    const char *rfc, *section, *sentence;
};

const struct rule_info *rule_info(enum rule which);

#endif
