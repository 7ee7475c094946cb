/* Writes pcapng (draft-ietf-opsawg-pcapng): a section, its interfaces, packets with comments. Big-endian and without
 * anything of the machine or the moment: the same packets make the same bytes. Used by capture.c and apps/annotate.c. */
#ifndef GLASS_PCAPNG_H
#define GLASS_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#define PCAPNG_MICROSECONDS 6 /* if_tsresol: a power of ten */
#define PCAPNG_NANOSECONDS  9
#define PCAPNG_COMMENT      65535 /* bytes; an option's length is 16 bits. What is beyond is cut */

struct pcapng_packet {
    uint32_t interface;      /* in the order in which they were described, from 0 */
    uint64_t time;           /* since 1970, in units of the interface */
    const struct iovec *part;
    int count;
    size_t kept, wire_len;   /* kept: at most the bytes in the parts */
    const char *comment;     /* NULL or "": none */
};

/* Each gives false, and errno, when the file does not take it. */
bool pcapng_section(FILE *file);
bool pcapng_interface(FILE *file, uint16_t link, uint32_t snap, uint8_t resolution);
bool pcapng_packet(FILE *file, const struct pcapng_packet *p);

#endif
