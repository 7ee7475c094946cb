/* Text <-> segments for the script runner. Option numbers: RFC 9293 3.2, RFC 7323, RFC 2018. */
#include "notation.h"

#include <ctype.h>
#include <stdlib.h>
#include "../../stack/config.h"

static const char FLAG_LETTERS[] = "FSRP.UEW"; /* bit 0 first */

char *next_word(char **line)
{
    char *start = *line + strspn(*line, " \t");
    if (!*start)
        return NULL;
    bool options = start[0] == '<' && start[1] && start[1] != ' ';
    char *end = options ? start + strcspn(start, ">") + 1 : start + strcspn(start, " \t");
    *line = end;
    if (options && end[-1] != '>')
        *line = end - 1;
    else if (*end)
        *line = end + 1;
    *end = 0;
    return start;
}

bool parse_number(const char *text, int64_t *n)
{
    char *end;
    *n = strtoll(text, &end, 0);
    return end != text && *end == 0;
}

bool parse_addr(const char *text, uint32_t *addr)
{
    unsigned a, b, c, d;
    int used = 0;
    if (sscanf(text, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &used) != 4 || text[used] || (a | b | c | d) > 255)
        return false;
    *addr = a << 24 | b << 16 | c << 8 | d;
    return true;
}

bool parse_position(const char *text, struct position *p)
{
    p->on_wire = text[0] == '@';
    return parse_number(text + p->on_wire, &p->at);
}

static bool read_flags(const char *text, uint8_t *flags)
{
    for (; *text && strcmp(text, "-") != 0; text++) {
        const char *letter = strchr(FLAG_LETTERS, *text);
        if (!letter)
            return false;
        *flags |= (uint8_t)(1 << (letter - FLAG_LETTERS));
    }
    return true;
}

/* FROM:TO(LEN); TO must agree, which catches a slip of the pen. */
static bool read_range(char *text, struct segment *s)
{
    char *colon = strchr(text, ':'), *paren = strchr(text, '(');
    if (!colon || !paren || paren < colon || text[strlen(text) - 1] != ')')
        return false;
    *colon = *paren = 0;
    text[strlen(paren + 1) + (size_t)(paren + 1 - text) - 1] = 0;
    struct position to;
    int64_t len;
    if (!parse_position(text, &s->seq) || !parse_position(colon + 1, &to) || !parse_number(paren + 1, &len))
        return false;
    s->len = (size_t)len;
    return (uint32_t)(to.at - s->seq.at) == (uint32_t)len;
}

static void read_raw(const char *hex, struct writer *w)
{
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2)
        put8(w, (uint8_t)byte);
}

static bool read_option(char *text, struct writer *w)
{
    long long a = 0, b = 0;
    char *line = text, *name = next_word(&line), *rest = next_word(&line);
    if (!name || (rest && sscanf(rest, "%lld:%lld", &a, &b) < 1 && strcmp(name, "raw") != 0))
        return false;
    if (strcmp(name, "nop") == 0 || strcmp(name, "eol") == 0)
        return put8(w, name[0] == 'n'), true;
    if (strcmp(name, "mss") == 0)
        return put16(w, 0x0204), put16(w, (uint16_t)a), true;
    if (strcmp(name, "wscale") == 0)
        return put16(w, 0x0303), put8(w, (uint8_t)a), true;
    if (strcmp(name, "sackOK") == 0)
        return put16(w, 0x0402), true;
    if (strcmp(name, "ts") == 0 || strcmp(name, "sack") == 0)
        return put16(w, name[0] == 't' ? 0x080a : 0x050a), put32(w, (uint32_t)a), put32(w, (uint32_t)b), true;
    if (strcmp(name, "raw") == 0 && rest)
        return read_raw(rest, w), true;
    return false;
}

static bool read_options(char *text, struct segment *s)
{
    struct writer w = writer_of(s->options, sizeof s->options);
    text[strlen(text) - 1] = 0;
    s->any_options = strcmp(text + 1, "*") == 0;
    for (char *next, *at = text + 1; at && !s->any_options; at = next) {
        next = strchr(at, ',');
        if (next)
            *next++ = 0;
        if (!read_option(at, &w))
            return false;
    }
    s->options_len = (size_t)(w.at - s->options);
    return !w.bad;
}

/* The words behind the range. */
static bool read_field(const char *name, char **line, struct segment *s)
{
    if (strcmp(name, "badsum") == 0)
        return s->bad_checksum = true;
    if (strcmp(name, "badipsum") == 0)
        return s->bad_ip_checksum = true;
    if (strcmp(name, "alt") == 0)
        return s->alt = true;
    const char *value = next_word(line);
    int64_t n = 0;
    if (!value)
        return false;
    if (strcmp(name, "ack") == 0)
        return parse_position(value, &s->ack);
    if (strcmp(name, "win") == 0 && strcmp(value, "*") == 0)
        return true;
    if (strcmp(name, "src") == 0 || strcmp(name, "dst") == 0)
        return parse_addr(value, name[0] == 's' ? &s->src : &s->dst);
    bool good = parse_number(value, &n);
    if (strcmp(name, "win") == 0)
        s->window = n;
    else if (strcmp(name, "urg") == 0)
        s->urgent = (uint16_t)n;
    else if (strcmp(name, "sport") == 0)
        s->sport = (int32_t)n;
    else if (strcmp(name, "dport") == 0)
        s->dport = (int32_t)n;
    else if (strcmp(name, "offset") == 0)
        s->offset = (uint8_t)n;
    else if (strcmp(name, "cut") == 0)
        s->cut = (size_t)n;
    else
        return false;
    return good;
}

const char *segment_read(char *line, struct segment *s)
{
    *s = (struct segment){.window = -1, .sport = -1, .dport = -1, .ack = {0, true}};
    char *flags = next_word(&line), *range = next_word(&line);
    if (!flags || !read_flags(flags, &s->flags))
        return "flags";
    if (!range || !read_range(range, s))
        return "FROM:TO(LEN)";
    for (char *word; (word = next_word(&line));) {
        if (word[0] == '<' ? !read_options(word, s) : !read_field(word, &line, s))
            return word;
    }
    return NULL;
}

static uint32_t on_wire(struct position p, uint32_t base)
{
    return (uint32_t)p.at + (p.on_wire ? 0 : base);
}

static void fill_payload(const struct segment *s, enum side from, uint32_t relative, uint8_t *payload)
{
    /* Byte k of the stream is position 1 + k; a SYN before the text takes one position. */
    int64_t k = (int32_t)relative - 1 + (s->flags & 2 ? 1 : 0);
    for (size_t i = 0; i < s->len; i++)
        payload[i] = pattern(from, k + (int64_t)i) ^ (s->alt ? 0xff : 0);
}

struct packet segment_packet(const struct segment *s, const struct flow *f, enum side from, uint8_t *payload)
{
    uint32_t seq_base = from == SIDE_PEER ? f->isn : f->iss, ack_base = from == SIDE_PEER ? f->iss : f->isn;
    struct packet p = {.protocol = 6, .flags = s->flags, .urgent = s->urgent, .data_offset = s->offset};
    bool peer = from == SIDE_PEER;
    uint32_t our_addr = s->dst ? s->dst : 0x0a070002, peer_addr = s->src ? s->src : f->peer_addr;
    p.src = peer ? peer_addr : our_addr;
    p.dst = peer ? our_addr : peer_addr;
    p.sport = s->sport >= 0 ? (uint16_t)s->sport : peer ? f->peer_port : f->local_port;
    p.dport = s->dport >= 0 ? (uint16_t)s->dport : peer ? f->local_port : f->peer_port;
    p.seq = on_wire(s->seq, seq_base);
    p.ack = on_wire(s->ack, ack_base);
    p.window = s->window < 0 ? 65535 : (uint16_t)s->window;
    memcpy(p.options, s->options, s->options_len);
    p.options_len = s->options_len;
    p.bad_checksum = s->bad_checksum;
    p.bad_ip_checksum = s->bad_ip_checksum;
    fill_payload(s, from, p.seq - seq_base, payload);
    p.payload = (struct span){payload, s->len};
    return p;
}

static bool same_options(const struct packet *wanted, const struct packet *seen)
{
    size_t padded = (wanted->options_len + 3) & ~(size_t)3;
    return padded == seen->options_len && memcmp(wanted->options, seen->options, wanted->options_len) == 0;
}

bool segment_matches(const struct segment *s, const struct packet *wanted, const struct packet *seen)
{
    return wanted->src == seen->src && wanted->dst == seen->dst && wanted->sport == seen->sport &&
           wanted->dport == seen->dport && wanted->seq == seen->seq && wanted->flags == seen->flags &&
           (!(seen->flags & 0x10) || wanted->ack == seen->ack) && wanted->urgent == seen->urgent &&
           (s->window < 0 || s->window == seen->window) && (s->any_options || same_options(wanted, seen)) &&
           wanted->payload.len == seen->payload.len &&
           memcmp(wanted->payload.at, seen->payload.at, seen->payload.len) == 0;
}

static void print_options(FILE *to, struct reader r)
{
    const char *sep = " <";
    while (reader_left(&r) > 0) {
        uint8_t kind = get8(&r), len = kind > 1 ? get8(&r) : 1;
        struct reader o = r;
        fputs(sep, to);
        sep = ",";
        if (kind < 2)
            fputs(kind ? "nop" : "eol", to);
        else if (kind == 2)
            fprintf(to, "mss %u", get16(&o));
        else if (kind == 3)
            fprintf(to, "wscale %u", get8(&o));
        else
            fprintf(to, "option %u length %u", kind, len);
        get_bytes(&r, kind > 1 && len >= 2 ? len - 2u : 0);
    }
    fputs(sep[0] == ',' ? ">" : "", to);
}

void packet_print(FILE *to, const struct packet *p, const struct flow *f, enum side from)
{
    if (p->protocol != 6) {
        fprintf(to, p->protocol == 1 ? "icmp %u %u (%zu)" : "udp %u > %u (%zu)",
                p->protocol == 1 ? p->icmp_type : p->sport, p->protocol == 1 ? p->icmp_code : p->dport,
                p->payload.len);
        return;
    }
    uint32_t seq_base = f ? from == SIDE_PEER ? f->isn : f->iss : 0;
    uint32_t ack_base = f ? from == SIDE_PEER ? f->iss : f->isn : 0;
    for (int i = 1; i < 9; i++) { /* S first, F where tcpdump has it */
        int bit = i == 1 ? 1 : i == 2 ? 0 : i - 1;
        if (p->flags & 1 << bit)
            fputc(FLAG_LETTERS[bit], to);
    }
    int32_t seq = (int32_t)(p->seq - seq_base);
    fprintf(to, "%s %d:%d(%zu)", p->flags ? "" : "-", seq, (int32_t)(seq + (int64_t)p->payload.len),
            p->payload.len);
    if (p->flags & 0x10)
        fprintf(to, " ack %d", (int32_t)(p->ack - ack_base));
    fprintf(to, " win %u", p->window);
    if (p->flags & 0x20)
        fprintf(to, " urg %u", p->urgent);
    print_options(to, reader_of(p->options, p->options_len));
}
