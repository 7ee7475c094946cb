/* `<` and `>`: what the peer sends, and what the stack must send. */
#include "commands.h"

#include <stdlib.h>

static const struct {
    const char *name;
    uint8_t type, code;
} ICMP_NAMES[] = {
    {"net-unreachable", 3, 0},  {"host-unreachable", 3, 1}, {"protocol-unreachable", 3, 2},
    {"port-unreachable", 3, 3}, {"frag-needed", 3, 4},      {"source-route-failed", 3, 5},
    {"source-quench", 4, 0},    {"time-exceeded", 11, 0},   {"parameter-problem", 12, 0},
    {"echo-request", 8, 0},     {"echo-reply", 0, 0},
};

static bool icmp_named(const char *name, struct packet *p)
{
    for (size_t i = 0; name && i < sizeof ICMP_NAMES / sizeof *ICMP_NAMES; i++) {
        if (strcmp(ICMP_NAMES[i].name, name) == 0) {
            p->icmp_type = ICMP_NAMES[i].type;
            p->icmp_code = ICMP_NAMES[i].code;
            return true;
        }
    }
    return false;
}

static bool inject_packet(struct world *w, const struct packet *p, size_t cut)
{
    static uint8_t bytes[PACKET_MAX];
    size_t len = packet_build(p, bytes, sizeof bytes);
    if (len <= cut)
        return world_fail(w, "cannot build this packet");
    world_log_packet(w, w->now, '<', p);
    world_input(w, bytes, len - cut);
    return true;
}

static bool inject_segment(struct world *w, char *line)
{
    static uint8_t payload[PACKET_MAX];
    struct segment s;
    const char *wrong = segment_read(line, &s);
    if (wrong || s.len > sizeof payload - 80)
        return world_fail(w, "cannot read the segment: %s", wrong ? wrong : "length");
    struct packet p = segment_packet(&s, world_flow(w), SIDE_PEER, payload);
    return inject_packet(w, &p, s.cut);
}

/* icmp NAME [mtu N] [seq POSITION] [bytes N]: an error that quotes our last segment (of the peer's flow). */
static bool inject_icmp(struct world *w, char *line)
{
    struct flow *f = world_flow(w);
    struct packet p = {.src = f->peer_addr, .dst = w->config.addr, .protocol = 1};
    static uint8_t quote[PACKET_MAX];
    memcpy(quote, f->last, f->last_len);
    size_t len = f->last_len < 28 ? f->last_len : 28;
    if (!icmp_named(next_word(&line), &p) || len < 28)
        return world_fail(w, "cannot read the ICMP error, or there is nothing to quote");
    for (char *word; (word = next_word(&line));) {
        char *value = next_word(&line);
        struct position n;
        if (!value || !parse_position(value, &n))
            return world_fail(w, "cannot read %s", word);
        struct writer at = writer_of(quote + 24, 4);
        if (strcmp(word, "mtu") == 0)
            p.icmp_rest = (uint32_t)n.at;
        else if (strcmp(word, "seq") == 0)
            put32(&at, (uint32_t)n.at + (n.on_wire ? 0 : f->iss));
        else if (strcmp(word, "bytes") == 0 && (size_t)n.at <= f->last_len)
            len = (size_t)n.at;
        else
            return world_fail(w, "cannot read %s", word);
    }
    p.payload = (struct span){quote, len};
    return inject_packet(w, &p, 0);
}

/* udp SPORT > DPORT (LEN) */
static bool read_udp(char *line, enum side from, struct packet *p)
{
    static uint8_t payload[PACKET_MAX];
    unsigned sport, dport, len;
    if (sscanf(line, "%u > %u (%u)", &sport, &dport, &len) != 3 || len > sizeof payload - 28)
        return false;
    for (unsigned i = 0; i < len; i++)
        payload[i] = pattern(from, i);
    p->protocol = 17;
    p->sport = (uint16_t)sport;
    p->dport = (uint16_t)dport;
    p->payload = (struct span){payload, len};
    return true;
}

static bool inject_hex(struct world *w, const char *text)
{
    uint8_t bytes[256];
    size_t len = 0;
    for (unsigned byte; len < sizeof bytes && sscanf(text, " %2x", &byte) == 1; len++) {
        bytes[len] = (uint8_t)byte;
        text += strspn(text, " ") + 2;
    }
    fprintf(w->log, "%12.6f < %zu raw bytes\n", (double)w->now / 1e6, len);
    world_input(w, bytes, len);
    return true;
}

bool run_inject(struct world *w, char *line)
{
    struct packet p = {.src = world_flow(w)->peer_addr, .dst = w->config.addr};
    if (strncmp(line, "icmp ", 5) == 0)
        return inject_icmp(w, line + 5);
    if (strncmp(line, "hex ", 4) == 0)
        return inject_hex(w, line + 4);
    if (strncmp(line, "udp ", 4) != 0)
        return inject_segment(w, line);
    if (!read_udp(line + 4, SIDE_PEER, &p))
        return world_fail(w, "cannot read the datagram");
    return inject_packet(w, &p, 0);
}

static bool is_wanted_datagram(const struct packet *wanted, const struct packet *seen)
{
    if (wanted->protocol != seen->protocol)
        return false;
    if (wanted->protocol == 1)
        return wanted->icmp_type == seen->icmp_type && wanted->icmp_code == seen->icmp_code;
    return wanted->sport == seen->sport && wanted->dport == seen->dport &&
           wanted->payload.len == seen->payload.len &&
           memcmp(wanted->payload.at, seen->payload.at, seen->payload.len) == 0;
}

/* -1: the script's line cannot be read. */
static int is_wanted(struct world *w, char *line, const struct packet *seen)
{
    static uint8_t payload[PACKET_MAX];
    struct packet wanted = {0};
    struct segment s;
    if (strncmp(line, "icmp ", 5) == 0) {
        wanted.protocol = 1;
        return icmp_named(line + 5, &wanted) ? is_wanted_datagram(&wanted, seen) : -1;
    }
    if (strncmp(line, "udp ", 4) == 0)
        return read_udp(line + 4, SIDE_STACK, &wanted) ? is_wanted_datagram(&wanted, seen) : -1;
    if (segment_read(line, &s) || s.len > sizeof payload)
        return -1;
    wanted = segment_packet(&s, world_flow(w), SIDE_STACK, payload);
    return seen->protocol == 6 && segment_matches(&s, &wanted, seen);
}

static bool complain(struct world *w, const char *wanted, const struct outgoing *s, usec earliest)
{
    struct packet p;
    packet_parse(s->bytes, s->len, &p);
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    packet_print(to, &p, world_flow(w), SIDE_STACK);
    fclose(to);
    world_fail(w, "expected at %.6f > %s\n%12s     came at %.6f > %s   (to %u.%u.%u.%u, port %u > %u)",
               (double)earliest / 1e6, wanted, "", (double)s->when / 1e6, text, p.dst >> 24,
               p.dst >> 16 & 255, p.dst >> 8 & 255, p.dst & 255, p.sport, p.dport);
    free(text);
    return false;
}

bool run_expect(struct world *w, char *line, usec earliest, usec latest)
{
    char wanted[512];
    snprintf(wanted, sizeof wanted, "%s", line);
    if (!world_advance(w, earliest, false))
        return false;
    if (latest > earliest && !world_next_sent(w) && !world_advance(w, latest, true))
        return false;
    struct outgoing *s = world_next_sent(w);
    if (strcmp(line, "none") == 0)
        return !s || complain(w, wanted, s, earliest);
    if (!s)
        return world_fail(w, "expected at %.6f > %s\n%12s     nothing was sent", (double)earliest / 1e6,
                          wanted, "");
    struct packet seen;
    packet_parse(s->bytes, s->len, &seen);
    int same = is_wanted(w, line, &seen);
    if (same < 0)
        return world_fail(w, "cannot read: %s", wanted);
    if (!same || s->when < earliest || s->when > latest)
        return complain(w, wanted, s, earliest);
    free(s->bytes);
    if (++w->sent_first == w->sent_end)
        w->sent_first = w->sent_end = 0;
    return true;
}
