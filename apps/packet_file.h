/* Reads captures: pcap by libpcap, pcapng with its packet comments too, and gives IPv4 datagrams whatever link
 * they were captured on (RAW, Ethernet, Linux cooked, loopback). */
#ifndef GLASS_PACKET_FILE_H
#define GLASS_PACKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../stack/config.h"

struct packet_file; /* an open file */

struct captured {
    uint64_t number;      /* in the file, from 1, as Wireshark counts */
    usec time;            /* since 1970; never before the epoch */
    unsigned nsec;        /* 0 to 999: what the time has below a microsecond */
    const uint8_t *bytes; /* the IPv4 datagram; NULL: the frame holds none */
    size_t len;           /* bytes that were kept; what Ethernet padded is not counted */
    size_t wire_len;      /* of the datagram on the wire */
    const char *comment;  /* "" when it has none; several are joined by line ends */

    /* The frame as it was captured, with the header of its link. */
    const uint8_t *frame;
    size_t frame_len, frame_wire_len;
    unsigned link; /* LINKTYPE_ value of tcpdump.org's registry */
};

/* The open file, or NULL and `why` (at least PACKET_FILE_WHY bytes) says in one line what is wrong. "-" is standard
 * input. */
#define PACKET_FILE_WHY 256
struct packet_file *packet_file_open(const char *path, char *why);

/* The next frame; what it points at is valid until the next call. 1; 0: the end; -1: the file is damaged here, and
 * `why` says how (what came before is good). */
int packet_file_next(struct packet_file *file, struct captured *out, char *why);

void packet_file_close(struct packet_file *file);

#endif
