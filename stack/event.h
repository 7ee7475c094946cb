/* The one stream of events: everything glass shows comes from here.
 *
 * One observer hook in the configuration; with none an event costs a branch. An event's pointers are valid
 * only while the observer runs. Text is made by event_text.c alone. */
#ifndef GLASS_EVENT_H
#define GLASS_EVENT_H

#include "config.h"
#include "wire.h"
#include "rules.h"

/* Why a packet, or a part of it, was thrown away, and the rule that says so (NONE: our own bound, no RFC decides).
 * Each is counted, and each has a test. */
#define DROP_REASONS(X)                                                                                      \
    X(NONE, "not dropped", NONE)                                                                             \
    X(IP_SHORT, "shorter than an IPv4 header, or than its own lengths say", IP_HEADER)                       \
    X(IP_VERSION, "not IP version 4", IP_VERSION)                                                            \
    X(IP_HEADER_LENGTH, "IPv4 header length below 20 or beyond the packet", IP_HEADER)                       \
    X(IP_CHECKSUM, "IPv4 header checksum is wrong", IP_CHECKSUM)                                             \
    X(IP_OPTIONS, "IPv4 options are malformed or ask for a source route", IP_OPTIONS)                        \
    X(IP_DESTINATION, "not addressed to us", IP_DESTINATION)                                                 \
    X(IP_SOURCE, "source address is broadcast, multicast or reserved", IP_SOURCE)                            \
    X(IP_PROTOCOL, "no such transport protocol here", IP_PROTOCOL)                                           \
    X(FRAGMENT_LENGTH, "fragment is empty, oversize or not a multiple of 8", FRAGMENT_LENGTH)                \
    X(FRAGMENT_OVERLAP, "fragments overlap: the whole datagram goes", FRAGMENT_OVERLAP)                      \
    X(FRAGMENT_ECN, "a fragment is marked that another says cannot be", FRAGMENT_ECN)                        \
    X(FRAGMENT_LIMIT, "too many datagrams or bytes in reassembly", NONE)                                     \
    X(FRAGMENT_TIMEOUT, "fragments did not all arrive in time", FRAGMENT_TIMEOUT)                            \
    X(ICMP_SHORT, "ICMP message is too short", ICMP_CHECKSUM)                                                \
    X(ICMP_CHECKSUM, "ICMP checksum is wrong", ICMP_CHECKSUM)                                                \
    X(ICMP_TYPE, "ICMP message we do not act on", ICMP_UNKNOWN)                                              \
    X(ICMP_UNMATCHED, "ICMP error quotes nothing that we sent", ICMP_QUOTE)                                  \
    X(UDP_SHORT, "UDP length is below 8 or beyond the packet", UDP_LENGTH)                                   \
    X(UDP_CHECKSUM, "UDP checksum is wrong", UDP_CHECKSUM)                                                   \
    X(UDP_NO_PORT, "no UDP socket at this port", UDP_NO_PORT)                                                \
    X(UDP_BUFFER_FULL, "the socket's receive buffer is full", NONE)                                          \
    X(ICMP_BUFFER_FULL, "the ping socket's receive buffer is full", NONE)                                    \
    X(PORT_ZERO, "port 0 is reserved", PORT_ZERO)                                                            \
    X(TCP_SHORT, "TCP header is cut off or its data offset is wrong", HEADER)                                \
    X(TCP_CHECKSUM, "TCP checksum is wrong", CHECKSUM)                                                       \
    X(TCP_OPTION, "TCP option with an impossible length", OPTION_LENGTH)                                     \
    X(TCP_BROADCAST, "TCP segment to or from a broadcast or multicast address", SINGLE_HOST)                 \
    X(TCP_NO_CONNECTION, "no connection and no listener", NO_CONNECTION)                                     \
    X(TCP_RST_TO_NOTHING, "RST for no connection or for a listener", NO_CONNECTION_RST)                      \
    X(TCP_LISTEN_ACK, "ACK to a listener", LISTEN_ACK)                                                       \
    X(TCP_LISTEN_NO_SYN, "segment without SYN to a listener", LISTEN_OTHER)                                  \
    X(TCP_LAND, "SYN to a listener from its own address and port", NONE)                                     \
    X(TCP_BACKLOG, "listener's queue is full", NONE)                                                         \
    X(TCP_SYN_SENT_ACK, "SYN-SENT: acknowledges what was never sent", SYN_SENT_ACK)                          \
    X(TCP_SYN_SENT_RST, "SYN-SENT: RST without an acceptable ACK", SYN_SENT_RST_BAD)                         \
    X(TCP_SYN_SENT_NEITHER, "SYN-SENT: neither SYN nor RST", SYN_SENT_OTHER)                                 \
    X(TCP_SEQUENCE, "outside the receive window", NOT_ACCEPTABLE)                                            \
    X(TCP_RST_INEXACT, "RST in the window but not at RCV.NXT", RST_INEXACT)                                  \
    X(TCP_SYN_IN_WINDOW, "SYN on a synchronized connection", SYN_CHALLENGE)                                  \
    X(TCP_SYN_RECEIVED_RST, "SYN-RECEIVED: RST or SYN ended a passive open", SYN_RECEIVED_RST)               \
    X(TCP_PAWS, "PAWS: its timestamp is older than the last", PAWS)                                          \
    X(TCP_NO_TIMESTAMP, "timestamps were agreed and it has none", NO_TIMESTAMP)                              \
    X(TCP_COOKIE, "ACK to a listener without a valid cookie", SYN_COOKIE)                                    \
    X(TCP_PEER_LIMIT, "too many connections from this address", NONE)                                        \
    X(TCP_NO_ACK, "ACK bit is off", NO_ACK)                                                                  \
    X(TCP_ACK_TOO_NEW, "acknowledges what was never sent", ACK_RANGE)                                        \
    X(TCP_ACK_TOO_OLD, "acknowledges before SND.UNA - MAX.SND.WND", ACK_RANGE)                               \
    X(TCP_TEXT_AFTER_FIN, "text beyond the peer's FIN", TEXT_AFTER_FIN)                                      \
    X(TCP_TEXT_DUPLICATE, "text that we already have", TEXT_DUPLICATE)                                       \
    X(TCP_TEXT_CLOSED, "text for a connection that nobody reads any more", CLOSE_UNREAD)                     \
    X(TCP_RING_FULL, "no room to keep out-of-order text", NONE)                                              \
    X(TCP_TIME_WAIT, "TIME-WAIT: old segment, or text nobody waits for", TIME_WAIT_OTHER)                    \
    X(OUTBOX_FULL, "too many replies waiting to leave", NONE)                                                \
    X(RATE_LIMIT, "reply suppressed by its rate limit", ICMP_RATE)                                           \
    X(NO_MEMORY, "memory limit reached", NONE)

#define X(name, text, rule) DROP_##name,
enum drop { DROP_REASONS(X) DROP_COUNT };
#undef X

const char *drop_name(enum drop why); /* "TCP_SEQUENCE" */
const char *drop_text(enum drop why); /* "outside the receive window" */
enum rule drop_rule(enum drop why);   /* where nothing more exact is known */

/* Things that are counted and not dropped. */
#define COUNTERS(X)                                                                                          \
    X(IP_IN, "datagrams received")                                                                           \
    X(IP_OUT, "datagrams sent")                                                                              \
    X(IP_DELIVERED, "datagrams delivered to a transport")                                                    \
    X(IP_FRAGMENTS_IN, "fragments received")                                                                 \
    X(IP_REASSEMBLED, "datagrams reassembled")                                                               \
    X(IP_FRAGMENTED, "datagrams sent in fragments")                                                          \
    X(IP_FRAGMENTS_OUT, "fragments sent")                                                                    \
    X(ICMP_IN, "ICMP messages received")                                                                     \
    X(ICMP_ECHO_REPLIES, "ICMP echo requests answered")                                                      \
    X(ICMP_ERRORS_OUT, "ICMP errors sent")                                                                   \
    X(ICMP_ERRORS_MATCHED, "ICMP errors delivered to a socket")                                              \
    X(UDP_IN, "UDP datagrams delivered")                                                                     \
    X(UDP_OUT, "UDP datagrams sent")                                                                         \
    X(TCP_IN, "segments received")                                                                           \
    X(TCP_OUT, "segments sent")                                                                              \
    X(TCP_ACTIVE_OPENS, "active opens")                                                                      \
    X(TCP_PASSIVE_OPENS, "passive opens")                                                                    \
    X(TCP_ATTEMPT_FAILS, "opens that failed")                                                                \
    X(TCP_ESTAB_RESETS, "established connections reset")                                                     \
    X(TCP_RETRANS, "segments retransmitted")                                                                 \
    X(TCP_RST_OUT, "segments sent with RST")                                                                 \
    X(TCP_TIMEOUTS, "retransmission timeouts")                                                               \
    X(TCP_FAST_RETRANS, "fast retransmits")                                                                  \
    X(TCP_PROBES, "zero-window probes sent")                                                                 \
    X(TCP_KEEPALIVES, "keep-alive probes sent")                                                              \
    X(TCP_DUP_ACKS_IN, "duplicate ACKs received")                                                            \
    X(TCP_OUT_OF_ORDER, "segments kept out of order")                                                        \
    X(TCP_CHALLENGE_ACKS, "challenge ACKs sent")                                                             \
    X(TCP_DELAYED_ACKS, "delayed ACKs sent")                                                                 \
    X(TCP_DSACK_IN, "duplicates reported by the peer")                                                       \
    X(TCP_SACK_IGNORED, "SACK blocks that cannot be")                                                        \
    X(TCP_SPURIOUS, "recoveries undone: nothing was lost")                                                   \
    X(TCP_TAIL_PROBES, "tail loss probes sent")                                                              \
    X(TCP_ECN_MARKS, "congestion marks echoed by the peer")                                                  \
    X(TCP_ECN_CE_IN, "segments received with a congestion mark")                                             \
    X(TCP_COOKIES_OUT, "SYN cookies sent")                                                                   \
    X(TCP_COOKIES_GOOD, "connections made from a SYN cookie")                                                \
    X(TCP_BLACK_HOLES, "paths suspected to swallow large segments")                                          \
    X(TCP_GAVE_UP, "connections given up after R2")                                                          \
    X(TCP_TIME_WAITS, "connections that reached TIME-WAIT")                                                  \
    X(TCP_TIME_WAIT_REUSED, "TIME-WAIT records replaced by a new connection")                                \
    X(TCP_TIME_WAIT_OVERFLOW, "TIME-WAIT records that had to make room")

#define X(name, text) COUNT_##name,
enum counter { COUNTERS(X) COUNTER_COUNT };
#undef X

const char *counter_name(enum counter which);
const char *counter_text(enum counter which);

/* RFC 9293 3.3.2. CLOSED is 0: a zeroed connection does not exist. */
enum tcp_state {
    TCP_CLOSED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
    TCP_STATES
};

const char *tcp_state_name(enum tcp_state s); /* "SYN-RECEIVED" */

/* The timers of a connection. Each has its own deadline; none stands in for another. */
enum tcp_timer {
    TCP_TIMER_TAIL_LOSS, /* RFC 8985 7.2: the probe time-out; it comes before the next, which may be due as well */
    TCP_TIMER_RETRANSMIT,
    TCP_TIMER_PERSIST,
    TCP_TIMER_DELAYED_ACK,
    TCP_TIMER_KEEPALIVE,
    TCP_TIMER_FIN_WAIT_2,
    TCP_TIMER_REORDER,   /* RFC 8985 6.2: what may only be late */
    TCP_TIMERS,
    TCP_TIMER_TIME_WAIT = TCP_TIMERS, /* kept by the TIME-WAIT record, not by the connection */
};

const char *tcp_timer_name(enum tcp_timer t); /* "retransmit" */

enum event_kind {
    EVENT_SEGMENT_IN,   /* a TCP segment that belongs to a connection, before its steps */
    EVENT_SEGMENT_OUT,  /* any TCP segment of ours */
    EVENT_DATAGRAM_IN,  /* UDP or ICMP */
    EVENT_DATAGRAM_OUT, /* UDP or ICMP */
    EVENT_STATE,
    EVENT_TIMER_SET,
    EVENT_TIMER_FIRED,
    EVENT_WINDOW, /* cwnd or ssthresh changed, or the connection begins with them; or its segments become smaller */
    EVENT_RTT,    /* a new round-trip sample */
    EVENT_DROP,
    EVENT_CALL, /* a socket call, with what it returned */
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80

struct tcp_header;

struct event {
    usec time;
    enum event_kind kind;
    uint32_t connection; /* its number, counted from 1; 0: none */
    uint8_t protocol;
    struct endpoint local, remote;
    enum tcp_state state; /* of the connection, after the event */
    enum rule rule;       /* what decided; RULE_NONE when no RFC does */
    union {
        struct {
            const struct tcp_header *header; /* as it stands on the wire */
            int64_t seq, ack;                /* positions; as on the wire when there is no connection */
            uint32_t len;                    /* text, without SYN and FIN */
            uint32_t window;                 /* scaled, bytes */
            bool retransmitted;
        } segment;
        struct {
            size_t len; /* payload */
            uint8_t type, code;
        } datagram;
        struct {
            enum tcp_state from, to;
        } change;
        struct {
            enum tcp_timer which;
            usec due; /* NEVER: stopped */
        } timer;
        struct {
            uint32_t cwnd, ssthresh;
            const char *why; /* "slow start", "fast recovery" ... */
        } window;
        struct {
            usec sample, srtt, rttvar, rto;
        } rtt;
        struct {
            enum drop why;
            const uint8_t *packet; /* the IPv4 datagram, or NULL */
            size_t len;
        } drop;
        struct {
            const char *name; /* "sock_connect" */
            int64_t result;   /* as returned: a count, 0 or a negative errno value */
            const void *sock;
        } call;
    } u;
};

#endif
