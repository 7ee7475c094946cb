/* What the stack made of a packet, as text: the comment that a pcapng capture carries beside it, and Wireshark shows.
 *
 * A few lines, each "key: value"; the format, for whoever reads comments back (ladder, tests):
 *
 *     view: 10.7.0.2 received, connection #3     whose view; "received" or "sent"; "no connection" otherwise
 *     state: LISTEN -> SYN-RECEIVED              a line for each change, in order
 *     state: ESTABLISHED                         or this one line: the connection is there and its state stayed
 *     rule: RFC 9293 3.10.7.2: A SYN to ...      what decided the line above it
 *     segment: retransmitted
 *     drop: outside the receive window (TCP_SEQUENCE)
 *     snd: UNA 1 -> 101, WND 64240 -> 64128      those that moved, as positions (SYN is 0); NXT likewise
 *     rcv: NXT 1 -> 501, WND 65535 -> 65036
 *     cwnd: 14480, ssthresh none, in flight 500  bytes; "14480 -> 15928" when it moved; "(slow start)": why
 *     rtt: 0.120 ms, srtt 0.110, rttvar 0.050, rto 200.000
 *     timer: retransmit fired                    since the packet before of this connection;
 *     timer: retransmit in 200.000 ms            one line a timer: what it ended up as
 *     timer: retransmit off
 *     call: sock_send = 100
 *
 * So the state before a packet is the left side of its first state line, the state after it the right side of its last.
 * A packet that came in carries what happened because of it; one that left, what happened between the stack's last
 * packet of this connection and its leaving (a timer that fired, a call), and its leaving itself. A state change that
 * no packet of ours follows (the end of TIME-WAIT) is in no comment, and neither is a call that returned EAGAIN. */
#ifndef GLASS_ANNOTATION_H
#define GLASS_ANNOTATION_H

#include "../stack/stack.h"
#include "../tun/capture.h"
#include "record.h"

#define ANNOTATION_NOW     64   /* events of one packet that are told */
#define ANNOTATION_WAITING 128  /* events that wait for the packet they belong to; the oldest makes room */
#define ANNOTATION_KNOWN   1024 /* connections whose last values are remembered */
#define ANNOTATION_TEXT    4096 /* bytes of one comment */

struct annotation_values {
    uint32_t connection; /* 0: nothing is known */
    enum tcp_state state;
    int64_t una, snd_nxt, rcv_nxt;
    uint32_t snd_wnd, rcv_wnd, cwnd;
};

struct annotation {
    struct capture_view view; /* first member: for struct capture */
    const struct stack *stack;
    bool receiving; /* a packet is being looked at: what happens is because of it */
    struct endpoint local, remote; /* of that packet */
    unsigned now_count, waiting_count;
    struct record now[ANNOTATION_NOW];
    struct record waiting[ANNOTATION_WAITING];
    struct annotation_values known[ANNOTATION_KNOWN];
    size_t text_len;
    char text[ANNOTATION_TEXT];
};

/* `stack` must outlive it, and annotation_see be an observer of it (apps/observers.h). */
void annotation_init(struct annotation *a, const struct stack *stack);

void annotation_see(void *annotation, const struct event *event);

/* Around a packet, as capture_view asks: annotation_incoming before stack_input; annotation_outgoing after
 * stack_output gave it; then annotation_done gives the comment, which is valid until the next call. */
void annotation_incoming(struct annotation *a, const uint8_t *datagram, size_t len);
void annotation_outgoing(struct annotation *a, const struct frame *frame);
const char *annotation_done(struct annotation *a);

#endif
