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

/* Four bytes: N, counted from what `to` says; @N, as on the wire; *, any. */
static bool read_number_option(const char *text, enum relative to, struct segment *s, struct writer *w)
{
    struct position p = {0};
    bool any = strcmp(text, "*") == 0;
    size_t at = (size_t)(w->at - s->options);
    if ((!any && !parse_position(text, &p)) || s->relatives == RELATIVE_MAX || at + 4 > sizeof s->options)
        return false;
    if (any)
        memset(s->mask + at, 0, 4);
    else if (!p.on_wire) {
        s->relative[s->relatives].at = (uint8_t)at;
        s->relative[s->relatives++].to = to;
    }
    put32(w, (uint32_t)p.at);
    return true;
}

/* ts V:E, sack L:R L:R.. */
static bool read_pairs(char *line, bool ts, struct segment *s, struct writer *w)
{
    uint8_t *length = w->at + 1;
    put16(w, ts ? 0x0802 : 0x0502);
    for (char *word; (word = next_word(&line));) {
        char *colon = strchr(word, ':');
        if (!colon || w->bad)
            return false;
        *colon = 0;
        if (!read_number_option(word, ts ? RELATIVE_TS_VALUE : RELATIVE_SACK, s, w) ||
            !read_number_option(colon + 1, ts ? RELATIVE_TS_ECHO : RELATIVE_SACK, s, w))
            return false;
        *length += 8;
    }
    return true;
}

static bool read_option(char *text, struct segment *s, struct writer *w)
{
    long long a = 0, b = 0;
    text += strspn(text, " ");
    if (strncmp(text, "ts ", 3) == 0 || strncmp(text, "sack ", 5) == 0)
        return read_pairs(strchr(text, ' '), text[0] == 't', s, w);
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
    if (strcmp(name, "raw") == 0 && rest)
        return read_raw(rest, w), true;
    return false;
}

static bool read_options(char *text, struct segment *s)
{
    struct writer w = writer_of(s->options, sizeof s->options);
    memset(s->mask, 0xff, sizeof s->mask);
    text[strlen(text) - 1] = 0;
    s->any_options = strcmp(text + 1, "*") == 0;
    for (char *next, *at = text + 1; at && !s->any_options; at = next) {
        next = strchr(at, ',');
        if (next)
            *next++ = 0;
        if (!read_option(at, s, &w))
            return false;
    }
    s->options_len = (size_t)(w.at - s->options);
    return !w.bad;
}

static bool read_ecn(const char *value, struct segment *s)
{
    static const char *const NAMES[] = {"none", "ect1", "ect0", "ce"};
    for (uint8_t i = 0; i < 4; i++) {
        if (strcmp(NAMES[i], value) == 0)
            return s->ecn = i, true;
    }
    return false;
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
    if (strcmp(name, "ecn") == 0)
        return read_ecn(value, s);
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
    else if (strcmp(name, "dscp") == 0)
        s->dscp = (int16_t)n;
    else if (strcmp(name, "ttl") == 0)
        s->ttl = (int16_t)n;
    else
        return false;
    return good;
}

const char *segment_read(char *line, struct segment *s)
{
    *s = (struct segment){.window = -1, .sport = -1, .dport = -1, .ack = {0, true}, .dscp = -1, .ttl = -1};
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

/* What the number of an option counts from. */
static uint32_t option_base(enum relative to, const struct segment *s, const struct flow *f, enum side from)
{
    bool ours = from == SIDE_STACK;
    switch (to) {
    case RELATIVE_SACK:
        return ours ? f->isn : f->iss;
    case RELATIVE_TS_VALUE:
        return ours ? f->ts_base : 0;
    default: /* a SYN that acknowledges nothing echoes nothing */
        return !ours && s->flags & 0x10 ? f->ts_base : 0;
    }
}

static void fill_options(const struct segment *s, const struct flow *f, enum side from, struct packet *p)
{
    memcpy(p->options, s->options, s->options_len);
    p->options_len = s->options_len;
    for (unsigned i = 0; i < s->relatives; i++) {
        uint8_t *at = p->options + s->relative[i].at;
        struct reader r = reader_of(at, 4);
        struct writer w = writer_of(at, 4);
        put32(&w, get32(&r) + option_base(s->relative[i].to, s, f, from));
    }
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
    fill_options(s, f, from, &p);
    p.tos = (uint8_t)((s->dscp < 0 ? 0 : s->dscp) << 2 | s->ecn);
    p.ttl = s->ttl < 0 ? 0 : (uint8_t)s->ttl;
    p.bad_checksum = s->bad_checksum;
    p.bad_ip_checksum = s->bad_ip_checksum;
    fill_payload(s, from, p.seq - seq_base, payload);
    p.payload = (struct span){payload, s->len};
    return p;
}

/* The options without what only pads them. */
static size_t without_padding(const uint8_t *options, size_t len, uint8_t *to)
{
    size_t n = 0;
    for (size_t i = 0, step; i < len && options[i] != 0; i += step) {
        step = options[i] == 1 || i + 1 >= len || options[i + 1] < 2 ? 1 : options[i + 1];
        if (step > len - i)
            step = len - i;
        if (options[i] != 1) {
            memmove(to + n, options + i, step);
            n += step;
        }
    }
    return n;
}

static bool same_options(const struct segment *s, const struct packet *wanted, const struct packet *seen)
{
    uint8_t expected[40], got[40];
    size_t len = without_padding(seen->options, seen->options_len, got);
    if (seen->options_len % 4 || without_padding(wanted->options, wanted->options_len, expected) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((expected[i] ^ got[i]) & s->mask[i])
            return false;
    }
    return true;
}

static bool same_ip(const struct segment *s, const struct packet *wanted, const struct packet *seen)
{
    return wanted->src == seen->src && wanted->dst == seen->dst && (seen->tos & 3) == s->ecn &&
           (s->dscp < 0 || seen->tos >> 2 == s->dscp) && (s->ttl < 0 || seen->ttl == s->ttl);
}

bool segment_matches(const struct segment *s, const struct packet *wanted, const struct packet *seen)
{
    return same_ip(s, wanted, seen) && wanted->sport == seen->sport && wanted->dport == seen->dport &&
           wanted->seq == seen->seq && wanted->flags == seen->flags &&
           (!(seen->flags & 0x10) || wanted->ack == seen->ack) && wanted->urgent == seen->urgent &&
           (s->window < 0 || s->window == seen->window) &&
           (s->any_options || same_options(s, wanted, seen)) && wanted->payload.len == seen->payload.len &&
           memcmp(wanted->payload.at, seen->payload.at, seen->payload.len) == 0;
}

bool packet_timestamp(const struct packet *p, uint32_t *value)
{
    uint8_t options[40];
    size_t len = without_padding(p->options, p->options_len, options);
    for (size_t i = 0; i + 10 <= len && options[i + 1] >= 2; i += options[i + 1]) {
        if (options[i] != 8)
            continue;
        struct reader r = reader_of(options + i + 2, 4);
        *value = get32(&r);
        return true;
    }
    return false;
}

/* SACK edges as positions, timestamps as differences: as they are written in scripts. */
static void print_pairs(FILE *to, bool ts, struct reader r, const struct flow *f, enum side from)
{
    uint32_t ours = f ? f->ts_base : 0, sack = !f ? 0 : from == SIDE_STACK ? f->isn : f->iss;
    fputs(ts ? "ts" : "sack", to);
    while (reader_left(&r) >= 8) {
        uint32_t a = get32(&r), b = get32(&r);
        if (ts)
            fprintf(to, " %u:%u", a - (from == SIDE_STACK ? ours : 0), b - (from == SIDE_PEER ? ours : 0));
        else
            fprintf(to, " %d:%d", (int32_t)(a - sack), (int32_t)(b - sack));
    }
}

static void print_options(FILE *to, struct reader r, const struct flow *f, enum side from)
{
    const char *sep = " <";
    while (reader_left(&r) > 0) {
        uint8_t kind = get8(&r), len = kind > 1 ? get8(&r) : 1;
        struct reader o = r;
        if (kind < 2)
            continue;
        fputs(sep, to);
        sep = ",";
        if (kind == 8 || kind == 5)
            print_pairs(to, kind == 8, reader_of(o.at, len - 2u <= reader_left(&o) ? len - 2u : 0), f, from);
        else if (kind == 4)
            fputs("sackOK", to);
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
    print_options(to, reader_of(p->options, p->options_len), f, from);
    static const char *const ECN[] = {"", " ecn ect1", " ecn ect0", " ecn ce"};
    fputs(ECN[p->tos & 3], to);
}
