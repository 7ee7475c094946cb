/* An event as one line, in the field's notation (tcpdump's and packetdrill's):
 *
 *     0.020144 #1 > S. 0:0(0) ack 1 win 65535 <mss 1460>          SYN-RECEIVED
 *     0.041002 #1   SYN-RECEIVED -> ESTABLISHED
 *
 * Sequence numbers of a connection are relative; of a segment without one, as on the wire. */
#ifndef GLASS_EVENT_TEXT_H
#define GLASS_EVENT_TEXT_H

#include "event.h"
#include "tcp_wire.h"

/* Writes the line without a newline, cut to `room` and always terminated; returns its length. */
size_t event_text(const struct event *e, char *to, size_t room);

/* "S.", "P.", "R", "FP." ... as tcpdump writes them; at least "none". */
size_t tcp_flags_text(uint8_t flags, char *to, size_t room);

/* "<mss 1460,wscale 7>", or nothing when there are none. */
size_t tcp_options_text(const struct tcp_options *o, char *to, size_t room);

/* "10.7.0.1:40000" */
size_t endpoint_text(struct endpoint e, char *to, size_t room);

#endif
