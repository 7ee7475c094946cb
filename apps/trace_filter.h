/* Which events a reader wants: a pcap filter expression, asked of the packet that each event is about.
 *
 * A segment or datagram is matched by a header made from its event: addresses, ports, lengths, flags, sequence
 * numbers, window and options are real; time to live, identification and the text itself are not known. A drop is
 * matched by the first bytes of its packet. What happens between packets (a state, a timer, the window, a round trip,
 * a socket call) goes with the latest packet of its connection, and before the first with a bare header between the
 * connection's two ends. */
#ifndef GLASS_TRACE_FILTER_H
#define GLASS_TRACE_FILTER_H

#include <pcap/pcap.h>
#include "../stack/event.h"

#define TRACE_FILTER_PACKET 128  /* bytes of a made packet, at most */
#define TRACE_FILTER_KNOWN  4096 /* connections whose latest packet is remembered */

struct trace_filter {
    bool set; /* false: every event is wanted */
    struct bpf_program program;
    struct {
        uint32_t connection;
        bool wanted;
    } latest[TRACE_FILTER_KNOWN];
};

/* Compiles the expression (NULL or empty: everything). False, and the reason in `why` on one line. */
#define TRACE_FILTER_WHY 256
bool trace_filter_open(struct trace_filter *f, const char *expression, char *why);
void trace_filter_close(struct trace_filter *f);

/* Whether the event is wanted; events are asked for in their order. */
bool trace_filter_wants(struct trace_filter *f, const struct event *e);

/* The IPv4 packet of an event. How many bytes were written to `to`; *wire_len: how long it is on the wire. */
size_t trace_filter_packet(const struct event *e, uint8_t to[TRACE_FILTER_PACKET], size_t *wire_len);

#endif
