/* STATUS of RFC 9293 3.9.1.6, and what loss recovery and congestion control know: for sock_tcp_info and for the rows
 * of stack_each_socket. A snapshot without pointers: it may be sent to another process. */
#ifndef GLASS_TCP_INFO_H
#define GLASS_TCP_INFO_H

#include "event.h"

struct tcp_conn;

/* What congestion control is busy with, in Linux' words (ss -i, TCP_INFO). */
enum tcp_congestion_state {
    TCP_CONGESTION_OPEN,     /* nothing is amiss */
    TCP_CONGESTION_RECOVERY, /* fast recovery: from the first loss found to the ACK of all that was in flight then */
    TCP_CONGESTION_LOSS,     /* after the retransmission timer */
};

/* "open", "recovery", "loss". */
const char *tcp_congestion_state_name(enum tcp_congestion_state state);

/* Bytes and microseconds. */
struct tcp_info {
    enum tcp_state state;
    enum tcp_congestion_state congestion_state;
    char congestion[12]; /* name of the algorithm */
    bool recovering, slow_start, window_scale, timestamps, sack, ecn; /* the last four: both ends offered it */
    uint8_t send_shift, receive_shift; /* RFC 7323 2.3: of the peer's windows, of ours */
    uint16_t send_mss;
    uint32_t cwnd, ssthresh;             /* UINT32_MAX: none yet */
    uint32_t srtt, rttvar, rto, min_rtt; /* 0: no sample yet */
    uint32_t in_flight, unacknowledged, sacked, lost;
    uint32_t retransmitted; /* segments, so far */
    uint32_t send_window, receive_window;
    uint32_t send_buffer, receive_buffer; /* bounds, as they are tuned by now */
    uint64_t bytes_acked, bytes_received; /* text alone: no SYN, no FIN */
};

void tcp_info_of(const struct tcp_conn *c, struct tcp_info *info);

#endif
