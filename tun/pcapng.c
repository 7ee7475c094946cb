/* The blocks of a pcapng file as bytes. Owns nothing; called by capture.c and apps/annotate.c. */
#include "pcapng.h"

#include <string.h>

#include "../stack/wire.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_PACKET     6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END         0
#define OPTION_COMMENT     1
#define OPTION_APPLICATION 4 /* shb_userappl */
#define OPTION_RESOLUTION  9 /* if_tsresol */

#define APPLICATION "glasstack"
#define PACKET_HEAD 28u /* bytes of a packet block before the packet */
#define SMALL       64  /* the longest of the other blocks */

static size_t padding(size_t len)
{
    return (4 - len % 4) % 4;
}

static void put_zeros(struct writer *w, size_t n)
{
    while (n-- > 0)
        put8(w, 0);
}

static void put_option(struct writer *w, uint16_t code, const void *value, size_t len)
{
    put16(w, code);
    put16(w, (uint16_t)len);
    put_bytes(w, value, len);
    put_zeros(w, padding(len));
}

/* Ends a small block, whose length stands at its beginning and its end. */
static bool write_small(FILE *file, uint8_t *block, struct writer *w)
{
    put32(w, 0); /* the end of the options */
    uint32_t len = (uint32_t)(w->at - block) + 4;
    put32(w, len);
    struct writer head = writer_of(block + 4, 4);
    put32(&head, len);
    return !w->bad && fwrite(block, 1, len, file) == len;
}

bool pcapng_section(FILE *file)
{
    uint8_t block[SMALL];
    struct writer w = writer_of(block, sizeof block);
    put32(&w, BLOCK_SECTION);
    put32(&w, 0);
    put32(&w, BYTE_ORDER_MAGIC);
    put16(&w, 1); /* version 1.0 */
    put16(&w, 0);
    put32(&w, UINT32_MAX); /* how long the section is: not said */
    put32(&w, UINT32_MAX);
    put_option(&w, OPTION_APPLICATION, APPLICATION, strlen(APPLICATION));
    return write_small(file, block, &w);
}

bool pcapng_interface(FILE *file, uint16_t link, uint32_t snap, uint8_t resolution)
{
    uint8_t block[SMALL];
    struct writer w = writer_of(block, sizeof block);
    put32(&w, BLOCK_INTERFACE);
    put32(&w, 0);
    put16(&w, link);
    put16(&w, 0);
    put32(&w, snap);
    put_option(&w, OPTION_RESOLUTION, &resolution, 1);
    return write_small(file, block, &w);
}

static bool write_parts(FILE *file, const struct pcapng_packet *p)
{
    size_t left = p->kept;
    for (int i = 0; i < p->count; i++) {
        size_t n = p->part[i].iov_len < left ? p->part[i].iov_len : left;
        if (n > 0 && fwrite(p->part[i].iov_base, 1, n, file) != n)
            return false;
        left -= n;
    }
    return true;
}

static bool write_zeros(FILE *file, size_t n)
{
    static const uint8_t zeros[4];
    return fwrite(zeros, 1, n, file) == n;
}

/* The comment as an option, and the end of the options. */
static bool write_comment(FILE *file, const char *comment, size_t len)
{
    uint8_t head[4], end[4] = {0};
    struct writer w = writer_of(head, sizeof head);
    put16(&w, OPTION_COMMENT);
    put16(&w, (uint16_t)len);
    return fwrite(head, 1, sizeof head, file) == sizeof head && fwrite(comment, 1, len, file) == len &&
           write_zeros(file, padding(len)) && fwrite(end, 1, sizeof end, file) == sizeof end;
}

bool pcapng_packet(FILE *file, const struct pcapng_packet *p)
{
    size_t comment = p->comment ? strnlen(p->comment, PCAPNG_COMMENT) : 0;
    size_t options = comment ? 4 + comment + padding(comment) + 4 : 0;
    uint32_t len = (uint32_t)(PACKET_HEAD + p->kept + padding(p->kept) + options + 4);
    uint8_t head[PACKET_HEAD], tail[4];
    struct writer w = writer_of(head, sizeof head), t = writer_of(tail, sizeof tail);
    put32(&w, BLOCK_PACKET);
    put32(&w, len);
    put32(&w, p->interface);
    put32(&w, (uint32_t)(p->time >> 32));
    put32(&w, (uint32_t)p->time);
    put32(&w, (uint32_t)p->kept);
    put32(&w, (uint32_t)p->wire_len);
    put32(&t, len);
    return fwrite(head, 1, sizeof head, file) == sizeof head && write_parts(file, p) &&
           write_zeros(file, padding(p->kept)) && (!comment || write_comment(file, p->comment, comment)) &&
           fwrite(tail, 1, sizeof tail, file) == sizeof tail;
}
