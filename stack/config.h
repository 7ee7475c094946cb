/* Every limit and protocol constant of the stack: value, unit, RFC section.
 *
 * The defaults stand here; each is a run-time field of struct stack_config, so a lesson or a test changes
 * one without compiling anything. Sizes in bytes, times in microseconds unless a name says otherwise. */
#ifndef GLASS_CONFIG_H
#define GLASS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic time in microseconds; the stack never asks a clock, its caller passes the time in. */
typedef int64_t usec;
#define NEVER   INT64_MAX
#define MSEC(n) ((usec)(n)*1000)
#define SEC(n)  ((usec)(n)*1000000)

struct event;
struct cc_ops;

/* The two memory hooks. allocate returns NULL when it has none; release is told the size it gave. */
struct stack_memory {
    void *(*allocate)(void *context, size_t size);
    void (*release)(void *context, void *at, size_t size);
    void *context;
};

struct stack_config {
    uint32_t addr;       /* our IPv4 address, host byte order */
    uint8_t prefix;      /* length of the network prefix, 0..32 */
    uint16_t mtu;        /* of the link, bytes; at least IP_MTU_MIN */
    uint8_t ttl;         /* of what we send */
    uint8_t key[16];     /* secret: initial sequence numbers, dynamic ports, hash tables */
    size_t memory_limit; /* all the stack may hold at once, bytes */

    usec reassembly_time;     /* a datagram whose fragments stay away longer is given up */
    uint32_t reassembly_max;  /* datagrams in reassembly at once */
    uint32_t reassembly_size; /* bytes held by all of them */
    uint32_t icmp_rate;       /* ICMP errors a second, at most */
    uint32_t outbox_max;      /* stateless replies (RST, ICMP) waiting to leave */
    uint32_t outbox_size;     /* bytes held by them */

    usec tcp_msl;
    usec tcp_fin_wait_2; /* how long a connection without an owner waits for the peer's FIN */
    usec tcp_rto_initial, tcp_rto_min, tcp_rto_max;
    usec tcp_r2;            /* give up on unacknowledged data after this */
    usec tcp_r2_syn;        /* the same for a SYN or SYN,ACK */
    uint8_t tcp_r1;         /* retransmissions until the owner is told of trouble */
    usec tcp_delayed_ack;   /* 0: acknowledge at once */
    usec tcp_sws_override;  /* send a small segment after this, silly window or not */
    usec tcp_persist_max;   /* longest interval between zero-window probes */
    usec tcp_keepalive_idle, tcp_keepalive_interval; /* used by connections that ask for keep-alive */
    uint8_t tcp_keepalive_probes;
    uint32_t tcp_initial_window; /* bytes; 0: RFC 6928's formula */
    uint32_t tcp_send_buffer, tcp_receive_buffer;         /* what a connection's rings may hold at first */
    uint32_t tcp_send_buffer_max, tcp_receive_buffer_max; /* what they may grow to, with the measured rate */
    uint32_t tcp_challenge_rate; /* challenge ACKs a second, over all connections */
    uint32_t tcp_backlog_max;    /* bound of what sock_listen may ask for */
    uint32_t tcp_timewait_max;   /* TIME-WAIT records kept; the oldest makes room */
    uint32_t tcp_isn_fixed;      /* when tcp_isn_is_fixed: the ISS of every connection, for lessons and tests */
    bool tcp_isn_is_fixed;
    uint16_t tcp_path_mtu_min; /* ICMP is not believed below this */
    const struct cc_ops *tcp_congestion;   /* cc_cubic or cc_reno */
    uint32_t tcp_connections_max;          /* of the whole stack */
    uint32_t tcp_connections_per_peer_max; /* from one address */
    uint32_t tcp_awake_max;                /* idle connections kept whole; further ones rest in a smaller record */
    usec tcp_user_timeout;                 /* RFC 5482: of every new connection; 0: R2 alone */
    bool tcp_window_scale;                 /* RFC 7323 2 */
    bool tcp_timestamps;                   /* RFC 7323 3 to 5, PAWS included */
    bool tcp_sack;                         /* RFC 2018 */
    bool tcp_dsack;                        /* RFC 2883 */
    bool tcp_rack;                         /* RFC 8985; off: RFC 6675 */
    bool tcp_tlp;                          /* RFC 8985 7 */
    bool tcp_frto;                         /* RFC 5682 */
    bool tcp_prr;                          /* RFC 6937 */
    bool tcp_limited_transmit;             /* RFC 3042 */
    bool tcp_idle_restart;                 /* RFC 5681 4.1 */
    bool tcp_ecn;                          /* RFC 3168 */
    bool tcp_syn_cookies;                  /* RFC 4987 3.6 */
    bool tcp_path_mtu_probe;               /* halve the MSS when a path swallows large segments, RFC 2923 2.1 */
    bool tcp_autotune;                     /* buffers grow with the measured rate */
    bool tcp_nodelay; /* start every connection with Nagle's algorithm off */

    bool device_sums;         /* the device finishes TCP's checksum, and says which of those that come are good */
    uint32_t device_segments; /* bytes of the largest datagram that the device cuts into segments; 0: it does not */

    struct stack_memory memory;
    void (*observe)(void *context, const struct event *event); /* NULL: nobody watches */
    void *observe_context;
};

/* Fills in every default below, and malloc-free hooks that always fail: the caller sets addr, key and memory. */
void stack_config_init(struct stack_config *config);

/* --- IPv4 --- */
#define IP_MTU_DEFAULT           1500
#define IP_MTU_MIN               68              /* RFC 791 3.2: every link must carry 68 octets whole */
#define IP_MTU_MAX               65535           /* RFC 791 3.1: total length is 16 bits */
#define IP_TTL_DEFAULT           64              /* RFC 1122 3.2.1.7, current value of the assigned numbers */
#define IP_REASSEMBLY_TIME       SEC(60)         /* RFC 1122 3.3.2: a fixed value between 60 and 120 s */
#define IP_REASSEMBLY_MAX        64              /* datagrams */
#define IP_REASSEMBLY_SIZE       (4u << 20)      /* bytes, holes included */
#define ICMP_RATE_DEFAULT        100             /* errors a second, RFC 1812 4.3.2.8 asks for a limit */
#define ICMP_BURST               20              /* errors at once after silence */
#define OUTBOX_MAX_DEFAULT       256             /* replies */
#define OUTBOX_SIZE_DEFAULT      (1u << 20)      /* bytes */
#define STACK_MEMORY_DEFAULT     (512u << 20)    /* bytes */

/* --- ports, RFC 6335 6 --- */
#define PORT_WELL_KNOWN_LAST     1023
#define PORT_REGISTERED_LAST     49151
#define PORT_DYNAMIC_FIRST       49152
#define PORT_DYNAMIC_LAST        65535

/* --- UDP --- */
#define UDP_PAYLOAD_MAX          65507           /* 65535 less IPv4 and UDP header, RFC 768 */
#define UDP_BUFFER_DEFAULT       (256u << 10)    /* bytes waiting in one socket, each way */

/* --- TCP --- */
#define TCP_MSS_DEFAULT          536             /* RFC 9293 3.7.1 MUST-15: when the peer names none */
#define TCP_PATH_MTU_MIN         552             /* RFC 1191 7.1: paths below this are history */
#define TCP_MSS_MIN              64              /* a smaller offer is a way to make us waste packets */
#define TCP_WINDOW_MAX           65535           /* RFC 9293 3.1: 16 bits */
#define TCP_MSL_DEFAULT          SEC(30)         /* RFC 9293 3.4.2 says two minutes; today's practice is less */
#define TCP_FIN_WAIT_2_DEFAULT   SEC(60)         /* RFC 9293 3.6 leaves it open; not for ever */
#define TCP_RTO_INITIAL          SEC(1)          /* RFC 6298 2.1 */
#define TCP_RTO_MIN              MSEC(200)       /* RFC 6298 2.4 says 1 s SHOULD; every kernel uses 200 ms */
#define TCP_RTO_MAX              SEC(60)         /* RFC 6298 2.5: at least 60 s */
#define TCP_RTO_AFTER_SYN_LOSS   SEC(3)          /* RFC 6298 5.7 */
#define TCP_R1                   3               /* retransmissions, RFC 9293 3.8.3 SHLD-9 */
#define TCP_R2_DEFAULT           SEC(300)        /* RFC 9293 3.8.3 SHLD-11: at least 100 s */
#define TCP_R2_SYN_DEFAULT       SEC(180)        /* RFC 9293 3.8.3 MUST-23: at least 3 minutes */
#define TCP_DELAYED_ACK          MSEC(40)        /* RFC 9293 3.8.6.3 MUST-40: less than 0.5 s */
#define TCP_SWS_OVERRIDE         MSEC(200)       /* RFC 9293 3.8.6.2.1: 0.1 to 1 s */
#define TCP_PERSIST_MAX          SEC(60)         /* RFC 9293 3.8.6.1 SHLD-30: grow exponentially */
#define TCP_KEEPALIVE_IDLE       SEC(7200)       /* RFC 9293 3.8.4 MUST-28: no less than two hours */
#define TCP_KEEPALIVE_INTERVAL   SEC(75)         /* between probes that get no answer */
#define TCP_KEEPALIVE_PROBES     9
#define TCP_SEND_BUFFER          (1u << 18)      /* bytes; taken on demand, in powers of two */
#define TCP_RECEIVE_BUFFER       (1u << 16)
#define TCP_SEND_BUFFER_MAX      (4u << 20)
#define TCP_RECEIVE_BUFFER_MAX   (4u << 20)
#define TCP_WINDOW_SCALE_MAX     14              /* RFC 7323 2.3 */
#define TCP_CONNECTIONS_MAX      1000000
#define TCP_CONNECTIONS_PER_PEER 65536
#define TCP_AWAKE_MAX            256             /* connections; tcp_rest.h */
#define TCP_BLACK_HOLE_RETRIES   2               /* time-outs in a row before the path is suspected */
#define TCP_BLACK_HOLE_MTU       576             /* bytes; the MSS is halved until it fits this, RFC 9293 3.7.1 */
#define TCP_RING_MIN             2048            /* bytes a ring starts with */
#define TCP_CHALLENGE_RATE       1000            /* a second; RFC 5961 7 */
#define TCP_BACKLOG_MAX          4096
#define TCP_TIMEWAIT_MAX         65536           /* records */
#define TCP_RANGES_MAX           64              /* separate out-of-order ranges one receiver keeps */
#define TCP_FLIGHT_MAX           8192            /* segments in flight one sender keeps track of */
#define TCP_DUPACK_THRESHOLD     3               /* RFC 5681 3.2 */
#define TCP_IW_SEGMENTS          10              /* RFC 6928 2 */
#define TCP_IW_BYTES             14600

#endif
