/* What the two ends offer each other in their SYNs, and what each segment carries because of it.
 * RFC 9293 3.7.1 (MSS), RFC 7323 (window scale, timestamps), RFC 2018 and 2883 (SACK), RFC 3168 (ECN). */
#ifndef GLASS_TCP_OPTIONS_H
#define GLASS_TCP_OPTIONS_H

#include "tcp_segment.h"

#define TIMESTAMPS_LEN 12u /* bytes in the header of every segment, padding included: RFC 7323 appendix A */

/* A new connection: its timestamp clock, and the window scale it will offer. */
void options_begin(struct tcp_conn *c);

/* Buffers and TCP_MAXSEG as the owner (before accept, the listener) wants them. */
void options_of_owner(struct tcp_conn *c);

/* The options of our SYN, or of our SYN,ACK: then only what the peer offered too. */
void options_of_syn(const struct tcp_conn *c, struct tcp_options *o);

/* Our SYN's wish for ECN, or the answer to the peer's (RFC 3168 6.1.1): flags to add. */
uint8_t options_ecn_flags(const struct tcp_conn *c);

/* Reads the peer's SYN or SYN,ACK: what is offered by both is used from now on. Sets Eff.snd.MSS. */
void options_agree(struct tcp_conn *c, const struct tcp_header *syn);

/* The peer's SYN or SYN,ACK again, in SYN-RECEIVED: without ECN's bits it takes ECN back (RFC 3168 6.1.1). */
void options_syn_again(struct tcp_conn *c, const struct tcp_header *syn);

/* The options of any other segment; `room`: bytes they may take. A reported duplicate is reported once. */
void options_of_segment(struct tcp_conn *c, struct tcp_options *o, size_t room);

/* The shift that lets 16 bits express `bytes`, RFC 7323 2.3. */
uint8_t options_window_shift(const struct stack_config *config);

/* Our offer of an MSS, RFC 9293 3.7.1 SHLD-5: what this link can carry, whatever the peer offered. */
uint16_t options_mss_offer(const struct stack_config *config);

/* Eff.snd.MSS for a path of `mtu` bytes and the peer's offer (0: none); `ts`: every segment carries timestamps. */
uint16_t options_send_mss(const struct stack_config *config, uint16_t mtu, uint16_t offered, bool ts);

#endif
