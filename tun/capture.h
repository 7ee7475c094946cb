/* A capture file: what went over the wire, for tcpdump, tshark and Wireshark to read.
 *
 * The libpcap format, version 2.4, link type RAW (the datagram starts with its IPv4 header), times in microseconds;
 * pcapng when the file's name ends in ".pcapng", and then each packet may carry a comment. Every field is
 * big-endian, so that the same packets make the same file on any machine; readers tell by the magic number. Written
 * by loop.c. */
#ifndef GLASS_CAPTURE_H
#define GLASS_CAPTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/uio.h>

#include "../stack/config.h"
#include "../stack/frame.h"

#define CAPTURE_LINK_RAW 101   /* LINKTYPE_RAW */
#define CAPTURE_SNAP     65535 /* bytes kept of a packet: the largest datagram, whole */

/* Whoever comments packets (apps/annotation.h): told of each before it is written. */
struct capture_view {
    /* The stack will now look at it; what happens until `done` happens because of it. */
    void (*incoming)(struct capture_view *view, const uint8_t *datagram, size_t len);
    void (*outgoing)(struct capture_view *view, const struct frame *frame); /* the stack made it */
    const char *(*done)(struct capture_view *view); /* the comment; valid until the next packet */
};

struct capture {
    FILE *file;
    char *buffer; /* the file's */
    usec wall;  /* added to monotonic times gives wall-clock times */
    int error;  /* the first failure, a negative errno value; nothing is written after it */
    bool dirty; /* something waits to be flushed */
    bool ng;    /* pcapng */
    const char *comment;       /* of the next packet; NULL: none */
    struct capture_view *view; /* NULL: nobody comments. Its owner sets it; of use to pcapng alone */
};

/* Whether that name asks for pcapng. */
bool capture_is_ng(const char *path);

/* Creates the file (or replaces its contents) and writes the header; "-" is standard output. 0 or a negative errno
 * value. `wall` is the wall clock less the monotonic clock, in microseconds: clock_wall_offset(). */
int capture_open(struct capture *c, const char *path, usec wall);

/* The comment of the packet that capture_packet is given next; it must stay until then. Without effect on pcap. */
void capture_comment(struct capture *c, const char *text);

/* One datagram in `count` parts. Failures are kept for capture_flush. */
void capture_packet(struct capture *c, usec now, const struct iovec *part, int count);

/* Hands everything to the reader. 0 or a negative errno value: the first failure since the capture was opened. */
int capture_flush(struct capture *c);

/* As capture_flush, and closes. */
int capture_close(struct capture *c);

#endif
