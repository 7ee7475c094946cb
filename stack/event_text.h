/* An event as one line, in the field's notation (tcpdump's and packetdrill's):
 *
 *     0.020144 #1 > S. 0:0(0) ack 1 win 65535 <mss 1460>          SYN-RECEIVED
 *     0.041002 #1   SYN-RECEIVED -> ESTABLISHED
 *
 * Sequence numbers of a connection are relative; of a segment without one, as on the wire. What a socket call
 * returned is a count or the name of its error. */
#ifndef GLASS_EVENT_TEXT_H
#define GLASS_EVENT_TEXT_H

#include "event.h"
#include "tcp_wire.h"

enum event_numbers {
    EVENT_RELATIVE, /* positions: SYN is 0, the first byte 1 */
    EVENT_ABSOLUTE, /* sequence numbers as on the wire, SACK blocks too */
};

/* Writes the line without a newline, cut to `room` and always terminated; returns its length. */
size_t event_text(const struct event *e, char *to, size_t room); /* EVENT_RELATIVE */
size_t event_text_in(const struct event *e, enum event_numbers numbers, char *to, size_t room);

/* "RFC 9293 3.10.7.4 fifth: The ACK of our SYN completes the handshake."; nothing for RULE_NONE. */
size_t rule_text(enum rule which, char *to, size_t room);

/* "S.", "P.", "R", "FP." ... as tcpdump writes them; at least "none". */
size_t tcp_flags_text(uint8_t flags, char *to, size_t room);

/* "<mss 1460,wscale 7>", or nothing when there are none; SACK blocks as on the wire. */
size_t tcp_options_text(const struct tcp_options *o, char *to, size_t room);

/* "tcp", "udp", "icmp"; NULL for a protocol that is not here. */
const char *ip_protocol_name(uint8_t protocol);

/* "10.7.0.1:40000" */
size_t endpoint_text(struct endpoint e, char *to, size_t room);

#endif
