/* The blocks of a pcapng file: section header, interface, and the three kinds of packet block. libpcap reads
 * pcapng, but leaves out comments and refuses interfaces that differ. Called by packet_file.c. */
#include "pcapng_file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "packet_link.h"

#define BLOCK_SECTION    0x0a0d0d0au /* reads the same in either byte order */
#define BLOCK_INTERFACE  1u
#define BLOCK_OLD_PACKET 2u
#define BLOCK_SIMPLE     3u
#define BLOCK_PACKET     6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_FRAME      12u /* type, length, and the length again */

#define OPTION_END        0
#define OPTION_COMMENT    1
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET     14

#define MICROSECONDS 1000000u
#define NANOSECONDS  1000000000u
#define YEAR_9999    253402300799u /* in seconds: what comes later is no time of a packet */

static int damaged(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int damaged(char *why, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why, PACKET_FILE_WHY, format, list);
    va_end(list);
    return -1;
}

static uint16_t field16(const struct pcapng_file *f, struct reader *r)
{
    uint16_t v = get16(r);
    return f->little ? (uint16_t)(v >> 8 | v << 8) : v;
}

static uint32_t in_order(const struct pcapng_file *f, uint32_t v)
{
    return f->little ? v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24 : v;
}

static uint32_t field32(const struct pcapng_file *f, struct reader *r)
{
    return in_order(f, get32(r));
}

void pcapng_init(struct pcapng_file *f, FILE *file)
{
    memset(f, 0, sizeof *f);
    f->file = file;
}

void pcapng_free(struct pcapng_file *f)
{
    free(f->block);
    f->block = NULL;
}

/* --- blocks --- */

struct block {
    uint32_t type;
    struct reader body;
};

static int cut_off(char *why)
{
    return damaged(why, "it ends in the middle of a block");
}

static bool read_exactly(struct pcapng_file *f, void *to, size_t len)
{
    return fread(to, 1, len, f->file) == len;
}

/* The byte order of a section is known from its first field, after a length that is written in it already. */
static bool read_byte_order(struct pcapng_file *f, uint8_t magic[4])
{
    if (!read_exactly(f, magic, 4))
        return false;
    struct reader r = reader_of(magic, 4);
    uint32_t v = get32(&r);
    f->little = v != BYTE_ORDER_MAGIC;
    return v == BYTE_ORDER_MAGIC || in_order(f, v) == BYTE_ORDER_MAGIC;
}

static bool make_room(struct pcapng_file *f, size_t need)
{
    if (need <= f->room)
        return true;
    uint8_t *more = realloc(f->block, need);
    if (!more)
        return false;
    f->block = more;
    f->room = need;
    return true;
}

/* The rest of a block whose first `have` bytes after type and length were read already. */
static int read_body(struct pcapng_file *f, uint32_t len, const uint8_t *begun, size_t have, struct block *b,
                     char *why)
{
    size_t body = len - BLOCK_FRAME;
    if (!make_room(f, body + 4))
        return damaged(why, "there is no memory for a block of %u bytes", len);
    if (have)
        memcpy(f->block, begun, have);
    if (!read_exactly(f, f->block + have, body + 4 - have))
        return cut_off(why);
    struct reader end = reader_of(f->block + body, 4);
    if (field32(f, &end) != len)
        return damaged(why, "a block's two lengths differ");
    b->body = reader_of(f->block, body);
    return 1;
}

static int next_block(struct pcapng_file *f, struct block *b, char *why)
{
    uint8_t head[8], magic[4];
    size_t got = fread(head, 1, sizeof head, f->file), begun = 0;
    if (got == 0 && !ferror(f->file))
        return 0;
    if (got < sizeof head)
        return cut_off(why);
    struct reader r = reader_of(head, sizeof head);
    b->type = field32(f, &r);
    if (b->type == BLOCK_SECTION) {
        if (!read_byte_order(f, magic))
            return damaged(why, "a section has no byte-order magic");
        begun = sizeof magic;
    } else if (!f->in_section) {
        return damaged(why, "it does not begin with a section header");
    }
    uint32_t len = field32(f, &(struct reader){head + 4, head + 8, false});
    if (len < BLOCK_FRAME + begun || len % 4 != 0 || len > PCAPNG_BLOCK_MAX)
        return damaged(why, "a block claims to be %u bytes long", len);
    return read_body(f, len, magic, begun, b, why);
}

/* --- options --- */

struct option {
    uint16_t code;
    struct reader value;
};

static bool next_option(const struct pcapng_file *f, struct reader *r, struct option *o)
{
    if (reader_left(r) < 4)
        return false;
    o->code = field16(f, r);
    size_t len = field16(f, r), pad = (4 - len % 4) % 4;
    const uint8_t *value = get_bytes(r, len);
    if (!value || o->code == OPTION_END)
        return false;
    get_bytes(r, pad < reader_left(r) ? pad : reader_left(r));
    o->value = reader_of(value, len);
    return true;
}

/* Text: no control characters but line ends and tabs, whatever the file holds. */
static void add_comment(struct pcapng_file *f, const struct reader *value)
{
    size_t at = strlen(f->comment), len = reader_left(value);
    if (at > 0 && at + 2 < sizeof f->comment)
        f->comment[at++] = '\n';
    for (size_t i = 0; i < len && at + 1 < sizeof f->comment && value->at[i]; i++) {
        uint8_t c = value->at[i];
        f->comment[at++] = (char)((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
    f->comment[at] = '\0';
}

static void read_comments(struct pcapng_file *f, struct reader *r)
{
    struct option o;
    while (next_option(f, r, &o))
        if (o.code == OPTION_COMMENT)
            add_comment(f, &o.value);
}

/* --- sections and interfaces --- */

static int begin_section(struct pcapng_file *f, struct reader *body, char *why)
{
    field32(f, body); /* the magic */
    uint16_t major = field16(f, body), minor = field16(f, body);
    if (body->bad)
        return damaged(why, "a section header is too short");
    if (major != 1)
        return damaged(why, "it is version %u.%u of pcapng; 1.0 is understood", major, minor);
    f->in_section = true;
    f->interfaces = 0;
    return 1;
}

/* if_tsresol: a power of ten or, with the high bit, of two. 0: one that no clock has. */
static uint64_t resolution(uint8_t v)
{
    unsigned power = v & 0x7f;
    if (v & 0x80)
        return power < 63 ? (uint64_t)1 << power : 0;
    uint64_t units = 1;
    for (unsigned i = 0; i < power; i++)
        units = units <= UINT64_MAX / 10 ? units * 10 : 0;
    return units;
}

static int begin_interface(struct pcapng_file *f, struct reader *body, char *why)
{
    struct pcapng_interface i = {.units = MICROSECONDS};
    i.link = link_of_dlt(field16(f, body)); /* some write libpcap's own number */
    field16(f, body);
    i.snap = field32(f, body);
    if (body->bad)
        return damaged(why, "an interface description is too short");
    if (f->interfaces == PCAPNG_INTERFACES)
        return damaged(why, "it has more than %d interfaces", PCAPNG_INTERFACES);
    struct option o;
    while (next_option(f, body, &o)) {
        if (o.code == OPTION_RESOLUTION)
            i.units = resolution(get8(&o.value));
        if (o.code == OPTION_OFFSET) {
            uint64_t one = field32(f, &o.value), two = field32(f, &o.value);
            i.offset = (int64_t)(f->little ? two << 32 | one : one << 32 | two);
        }
    }
    if (i.units == 0)
        return damaged(why, "an interface has an impossible time resolution");
    f->interface[f->interfaces++] = i;
    return 1;
}

/* --- packets --- */

static void set_time(struct pcapng_file *f, const struct pcapng_interface *i, uint64_t stamp,
                     struct captured *out)
{
    uint64_t units = i->units, seconds = stamp / units, rest = stamp % units;
    while (units >
           (uint64_t)NANOSECONDS * NANOSECONDS / NANOSECONDS * 16) { /* or the product below is too large */
        units /= 2;
        rest /= 2;
    }
    uint64_t ns = rest * NANOSECONDS / units;
    if (seconds > YEAR_9999)
        seconds = YEAR_9999;
    int64_t offset = i->offset;
    if (offset < -(int64_t)seconds)
        offset = -(int64_t)seconds;
    if (offset > (int64_t)(YEAR_9999 - seconds))
        offset = (int64_t)(YEAR_9999 - seconds);
    out->time = f->time = SEC((int64_t)seconds + offset) + (usec)(ns / 1000);
    out->nsec = (unsigned)(ns % 1000);
}

static int take_frame(struct pcapng_file *f, const struct pcapng_interface *i, struct reader *body,
                      uint32_t kept, uint32_t whole, struct captured *out, char *why)
{
    size_t pad = (4 - kept % 4) % 4;
    out->frame = get_bytes(body, kept);
    if (!out->frame)
        return damaged(why, "it claims %u bytes that its block does not hold", kept);
    get_bytes(body, pad < reader_left(body) ? pad : reader_left(body));
    out->frame_len = kept;
    out->frame_wire_len = whole > kept ? whole : kept;
    out->link = i->link;
    f->comment[0] = '\0';
    read_comments(f, body);
    out->comment = f->comment;
    return 1;
}

/* Enhanced Packet Block, and the obsolete Packet Block, whose interface is counted in 16 bits. */
static int packet(struct pcapng_file *f, struct block *b, struct captured *out, char *why)
{
    struct reader *r = &b->body;
    uint32_t which = b->type == BLOCK_PACKET ? field32(f, r) : field16(f, r);
    if (b->type == BLOCK_OLD_PACKET)
        field16(f, r); /* packets dropped */
    uint64_t high = field32(f, r), low = field32(f, r);
    uint32_t kept = field32(f, r), whole = field32(f, r);
    if (r->bad)
        return damaged(why, "its block is too short");
    if (which >= f->interfaces)
        return damaged(why, "it is of interface %u, which the file does not describe", which);
    const struct pcapng_interface *i = &f->interface[which];
    set_time(f, i, high << 32 | low, out);
    return take_frame(f, i, r, kept, whole, out, why);
}

/* Simple Packet Block: of the first interface, without a time; it is given that of the packet before. */
static int simple_packet(struct pcapng_file *f, struct block *b, struct captured *out, char *why)
{
    struct reader *r = &b->body;
    uint32_t whole = field32(f, r), kept = whole;
    if (r->bad)
        return damaged(why, "its block is too short");
    if (f->interfaces == 0)
        return damaged(why, "it is of interface 0, which the file does not describe");
    const struct pcapng_interface *i = &f->interface[0];
    if (i->snap && kept > i->snap)
        kept = i->snap;
    out->time = f->time;
    out->nsec = 0;
    int result = take_frame(f, i, r, kept, whole, out, why);
    f->comment[0] = '\0'; /* such a block has no options: that was padding */
    return result;
}

int pcapng_next(struct pcapng_file *f, struct captured *out, char *why)
{
    for (;;) {
        struct block b;
        int got = next_block(f, &b, why);
        if (got <= 0)
            return got;
        switch (b.type) {
        case BLOCK_SECTION:
            got = begin_section(f, &b.body, why);
            break;
        case BLOCK_INTERFACE:
            got = begin_interface(f, &b.body, why);
            break;
        case BLOCK_PACKET:
        case BLOCK_OLD_PACKET:
            return packet(f, &b, out, why);
        case BLOCK_SIMPLE:
            return simple_packet(f, &b, out, why);
        default:
            break;
        }
        if (got < 0)
            return got;
    }
}
