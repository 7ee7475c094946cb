/* Segments as text: the notation of tcpdump and packetdrill, positions relative as in the trace (SYN is 0).
 *
 *     FLAGS FROM:TO(LEN) [ack N] [win N|*] [urg N] [<options>|<*>]
 *
 * FLAGS are S F R P . U E W or `-` for none; @N is a sequence number as on the wire. Options: mss N, wscale N,
 * sackOK, ts V:E, sack L:R L:R.., nop, eol, raw HEX. SACK edges are positions too. The stack's timestamps, and the
 * peer's echoes of them, count from that of its SYN; the peer's are as on the wire; * is any. NOPs need not be
 * expected. Of the IP header: ecn ect0|ect1|ce (else none is set), dscp N, ttl N. Only to inject: src A.B.C.D, dst A.B.C.D, sport N, dport N,
 * offset WORDS, cut BYTES, badsum, badipsum, alt (other bytes than the pattern). Called by packets.c. */
#ifndef SCRIPT_NOTATION_H
#define SCRIPT_NOTATION_H

#include <stdio.h>
#include "packet.h"

/* One side's view of a conversation: who talks, and from where positions count. */
struct flow {
    uint32_t peer_addr, isn, iss, former_iss;
    uint16_t peer_port, local_port; /* local_port 0: not known yet */
    bool iss_known;
    uint32_t ts_base; /* the timestamp of the stack's SYN */
    uint8_t last[PACKET_MAX]; /* the last datagram the stack sent, for ICMP errors to quote */
    size_t last_len;
};

struct position {
    int64_t at;
    bool on_wire; /* not relative */
};

#define RELATIVE_MAX 10

struct segment {
    uint8_t flags;
    struct position seq, ack;
    size_t len;
    int64_t window; /* -1: not given, or any */
    uint16_t urgent;
    uint8_t options[40], mask[40]; /* mask 0: any byte will do */
    size_t options_len, cut;
    struct {
        uint8_t at; /* in options: four bytes */
        enum relative { RELATIVE_SACK, RELATIVE_TS_VALUE, RELATIVE_TS_ECHO } to;
    } relative[RELATIVE_MAX];
    unsigned relatives;
    uint8_t ecn;        /* of the IP header, RFC 3168 5 */
    int16_t dscp, ttl; /* -1: any, to inject: 0 and 64 */
    bool any_options, alt, bad_checksum, bad_ip_checksum;
    uint32_t src, dst; /* 0: the flow's */
    int32_t sport, dport; /* -1: the flow's */
    uint8_t offset;
};

/* The next word of a line, cut out of it: up to a space; <...> is one word. NULL at the end. */
char *next_word(char **line);

bool parse_number(const char *text, int64_t *n); /* decimal or 0x, signed; nothing may follow */
bool parse_addr(const char *text, uint32_t *addr);
bool parse_position(const char *text, struct position *p);

/* NULL, or what cannot be read. */
const char *segment_read(char *line, struct segment *s);

/* The packet that the peer (SIDE_PEER) or the stack would send for s, `payload` to hold its text. */
struct packet segment_packet(const struct segment *s, const struct flow *f, enum side from, uint8_t *payload);

/* Whether `seen` is what the script expects. */
bool segment_matches(const struct segment *s, const struct packet *wanted, const struct packet *seen);

/* The stack's timestamp in a packet. False: it has none. */
bool packet_timestamp(const struct packet *p, uint32_t *value);

void packet_print(FILE *to, const struct packet *p, const struct flow *f, enum side from);

#endif
