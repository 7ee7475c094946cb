/* Reads pcapng files block by block (draft-ietf-opsawg-pcapng): packets with their comments, either byte order,
 * any time resolution. Blocks and options that are not packets are skipped. */
#ifndef GLASS_PCAPNG_FILE_H
#define GLASS_PCAPNG_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "packet_file.h"

#define PCAPNG_INTERFACES  256        /* of one section */
#define PCAPNG_BLOCK_MAX   (1u << 24) /* bytes; libpcap's bound as well */
#define PCAPNG_COMMENT_MAX 65536      /* bytes of all comments of a packet; what is beyond is left out */

struct pcapng_interface {
    unsigned link;
    uint32_t snap;    /* bytes kept of a packet; 0: all */
    uint64_t units;   /* of its clock in a second */
    int64_t offset;   /* seconds to add */
};

struct pcapng_file {
    FILE *file;
    bool little; /* the byte order of the section */
    bool in_section;
    unsigned interfaces;
    struct pcapng_interface interface[PCAPNG_INTERFACES];
    uint8_t *block; /* the body of the present block */
    size_t room;
    usec time; /* of the last packet that had one */
    char comment[PCAPNG_COMMENT_MAX];
};

/* `file` stands at its beginning and stays its caller's. */
void pcapng_init(struct pcapng_file *f, FILE *file);
void pcapng_free(struct pcapng_file *f);

/* Fills the frame, its link, time and comment. As packet_file_next. */
int pcapng_next(struct pcapng_file *f, struct captured *out, char *why);

#endif
