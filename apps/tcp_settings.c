/* Reads and prints `--tcp`. The values and their RFCs are those of stack/config.h.
 *
 * Owns the names: a setting is a row of one table. Called by up_args.c. */
#include "tcp_settings.h"

#include <string.h>

#include "../stack/cc.h"
#include "../tun/quantity.h"
#include "args.h"

#define WORD_MAX  80
#define VALUE_MAX 32
#define DAY       SEC(86400)

enum kind { SWITCH, TIME, BYTES, COUNT, CONGESTION, WINDOW };

struct setting {
    const char *name;
    enum kind kind;
    size_t at, size; /* where in struct stack_config, how wide */
    int64_t least, most;
    const char *about, *rfc;
};

#define AT(field) offsetof(struct stack_config, field), sizeof(((struct stack_config *)0)->field)

static const struct setting table[] = {
    {"window-scale", SWITCH, AT(tcp_window_scale), 0, 1, "windows beyond 64 KB", "RFC 7323 2"},
    {"timestamps", SWITCH, AT(tcp_timestamps), 0, 1, "round trips from each ACK, and PAWS", "RFC 7323 3"},
    {"sack", SWITCH, AT(tcp_sack), 0, 1, "selective acknowledgments", "RFC 2018"},
    {"dsack", SWITCH, AT(tcp_dsack), 0, 1, "tell the peer of duplicates", "RFC 2883"},
    {"rack", SWITCH, AT(tcp_rack), 0, 1, "losses by time; off: by counting", "RFC 8985"},
    {"tlp", SWITCH, AT(tcp_tlp), 0, 1, "tail loss probe", "RFC 8985 7"},
    {"frto", SWITCH, AT(tcp_frto), 0, 1, "notice a spurious time-out", "RFC 5682"},
    {"prr", SWITCH, AT(tcp_prr), 0, 1, "proportional rate reduction", "RFC 6937"},
    {"limited-transmit", SWITCH, AT(tcp_limited_transmit), 0, 1, "new text on the first duplicate ACKs",
     "RFC 3042"},
    {"idle-restart", SWITCH, AT(tcp_idle_restart), 0, 1, "a small window again after silence",
     "RFC 5681 4.1"},
    {"ecn", SWITCH, AT(tcp_ecn), 0, 1, "congestion marks instead of losses", "RFC 3168"},
    {"syn-cookies", SWITCH, AT(tcp_syn_cookies), 0, 1, "when the SYN queue is full", "RFC 4987 3.6"},
    {"path-mtu-probe", SWITCH, AT(tcp_path_mtu_probe), 0, 1, "smaller segments into a black hole",
     "RFC 2923 2.1"},
    {"autotune", SWITCH, AT(tcp_autotune), 0, 1, "buffers grow with the measured rate", ""},
    {"nodelay", SWITCH, AT(tcp_nodelay), 0, 1, "Nagle's algorithm is off from the start", "RFC 9293 3.7.4"},
    {"congestion", CONGESTION, AT(tcp_congestion), 0, 0, "congestion control: cubic or reno",
     "RFC 9438, 5681"},
    {"initial-window", WINDOW, AT(tcp_initial_window), 1, 1 << 30, "sent before the first ACK, bytes or Nseg",
     "RFC 6928 2"},
    {"delayed-ack", TIME, AT(tcp_delayed_ack), 0, MSEC(500) - 1, "an ACK waits for text to ride on; 0: never",
     "RFC 9293 3.8.6.3"},
    {"rto-initial", TIME, AT(tcp_rto_initial), MSEC(1), SEC(60), "time-out before the first round trip",
     "RFC 6298 2.1"},
    {"rto-min", TIME, AT(tcp_rto_min), MSEC(1), SEC(60), "shortest time-out", "RFC 6298 2.4"},
    {"rto-max", TIME, AT(tcp_rto_max), SEC(1), SEC(600), "longest time-out", "RFC 6298 2.5"},
    {"r1", COUNT, AT(tcp_r1), 1, 255, "retransmissions until the owner is told", "RFC 9293 3.8.3"},
    {"r2", TIME, AT(tcp_r2), SEC(1), DAY, "give up after this", "RFC 9293 3.8.3"},
    {"r2-syn", TIME, AT(tcp_r2_syn), SEC(1), DAY, "the same for a SYN", "RFC 9293 3.8.3"},
    {"user-timeout", TIME, AT(tcp_user_timeout), 0, DAY, "unacknowledged so long: abort; 0: R2 alone",
     "RFC 5482"},
    {"msl", TIME, AT(tcp_msl), MSEC(1), SEC(600), "TIME-WAIT lasts twice this", "RFC 9293 3.4.2"},
    {"fin-wait-2", TIME, AT(tcp_fin_wait_2), MSEC(1), DAY, "wait for a FIN that nobody is to read",
     "RFC 9293 3.6"},
    {"sws-override", TIME, AT(tcp_sws_override), MSEC(1), SEC(1), "a small segment leaves after this",
     "RFC 9293 3.8.6.2.1"},
    {"persist-max", TIME, AT(tcp_persist_max), MSEC(1), SEC(600), "longest wait between window probes",
     "RFC 9293 3.8.6.1"},
    {"keepalive-idle", TIME, AT(tcp_keepalive_idle), MSEC(1), 30 * DAY, "silence until the first probe",
     "RFC 9293 3.8.4"},
    {"keepalive-interval", TIME, AT(tcp_keepalive_interval), MSEC(1), DAY, "between two probes",
     "RFC 9293 3.8.4"},
    {"keepalive-probes", COUNT, AT(tcp_keepalive_probes), 1, 255, "unanswered probes until the end",
     "RFC 9293 3.8.4"},
    {"send-buffer", BYTES, AT(tcp_send_buffer), 2048, 1 << 30, "at first", ""},
    {"send-buffer-max", BYTES, AT(tcp_send_buffer_max), 2048, 1 << 30, "grown", ""},
    {"receive-buffer", BYTES, AT(tcp_receive_buffer), 2048, 1 << 30, "at first", ""},
    {"receive-buffer-max", BYTES, AT(tcp_receive_buffer_max), 2048, 1 << 30, "grown", ""},
    {"path-mtu-min", COUNT, AT(tcp_path_mtu_min), IP_MTU_MIN, IP_MTU_MAX, "ICMP is not believed below this",
     "RFC 1191 7.1"},
    {"challenge-rate", COUNT, AT(tcp_challenge_rate), 0, 1000000000, "challenge ACKs a second", "RFC 5961 7"},
    {"backlog-max", COUNT, AT(tcp_backlog_max), 1, 1000000, "bound of a listener's queue",
     "RFC 9293 3.9.1.1"},
    {"timewait-max", COUNT, AT(tcp_timewait_max), 0, 100000000, "TIME-WAIT records kept", ""},
    {"connections-max", COUNT, AT(tcp_connections_max), 1, 100000000, "of the whole stack", ""},
    {"connections-per-peer", COUNT, AT(tcp_connections_per_peer_max), 1, 100000000, "from one address", ""},
    {"awake", COUNT, AT(tcp_awake_max), 0, 100000000,
     "idle connections kept whole; more rest in small records", ""},
};

#define TABLE_COUNT (sizeof table / sizeof table[0])

static const struct cc_ops *const congestion[] = {&cc_cubic, &cc_reno};

/* --- values as they stand in the configuration --- */

static int64_t load(const struct stack_config *config, const struct setting *s)
{
    const char *at = (const char *)config + s->at;
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    int64_t wide;
    switch (s->size) {
    case sizeof byte:
        memcpy(&byte, at, sizeof byte);
        return byte;
    case sizeof half:
        memcpy(&half, at, sizeof half);
        return half;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    default:
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
}

static void store(struct stack_config *config, const struct setting *s, int64_t value)
{
    char *at = (char *)config + s->at;
    uint8_t byte = (uint8_t)value;
    uint16_t half = (uint16_t)value;
    uint32_t word = (uint32_t)value;
    switch (s->size) {
    case sizeof byte:
        memcpy(at, &byte, sizeof byte);
        return;
    case sizeof half:
        memcpy(at, &half, sizeof half);
        return;
    case sizeof word:
        memcpy(at, &word, sizeof word);
        return;
    default:
        memcpy(at, &value, sizeof value);
    }
}

/* --- text to value --- */

/* "10seg": so many segments of the link's MSS. */
static bool parse_window(const struct stack_config *config, const char *text, int64_t *out)
{
    char digits[VALUE_MAX];
    size_t len = strlen(text);
    if (len <= 3 || len >= sizeof digits || strcmp(text + len - 3, "seg") != 0)
        return quantity_size(text, out);
    snprintf(digits, sizeof digits, "%.*s", (int)(len - 3), text);
    if (!arg_number(digits, 1, 100000, out))
        return false;
    *out *= config->mtu - 40; /* IPv4 and TCP header */
    return true;
}

static bool parse_switch(const char *text, int64_t *out)
{
    *out = strcmp(text, "on") == 0;
    return *out || strcmp(text, "off") == 0;
}

static bool set_congestion(struct stack_config *config, const char *text)
{
    for (size_t i = 0; i < sizeof congestion / sizeof congestion[0]; i++) {
        if (strcmp(congestion[i]->name, text) == 0) {
            config->tcp_congestion = congestion[i];
            return true;
        }
    }
    return false;
}

static bool parse_value(const struct stack_config *config, enum kind kind, const char *text, int64_t *out)
{
    switch (kind) {
    case SWITCH:
        return parse_switch(text, out);
    case TIME:
        return quantity_time(text, out);
    case BYTES:
        return quantity_size(text, out);
    case WINDOW:
        return parse_window(config, text, out);
    default:
        return arg_number(text, 0, INT64_MAX / 16, out);
    }
}

/* --- value to text --- */

static void time_text(usec t, char *to, size_t room)
{
    static const struct {
        usec unit;
        const char *name;
    } units[] = {{SEC(1), "s"}, {MSEC(1), "ms"}, {1, "us"}};
    for (size_t i = 0; i < 3; i++) {
        if (t % units[i].unit != 0 || (t == 0 && i < 2))
            continue;
        snprintf(to, room, t == 0 ? "0" : "%lld%s", (long long)(t / units[i].unit), units[i].name);
        return;
    }
}

static void size_text(int64_t n, char *to, size_t room)
{
    const char *unit = "";
    if (n >= 1 << 20 && n % (1 << 20) == 0)
        n >>= 20, unit = "m";
    else if (n >= 1 << 10 && n % (1 << 10) == 0)
        n >>= 10, unit = "k";
    snprintf(to, room, "%lld%s", (long long)n, unit);
}

static void value_text(const struct stack_config *config, const struct setting *s, int64_t n, char *to,
                       size_t room)
{
    switch (s->kind) {
    case SWITCH:
        snprintf(to, room, "%s", n ? "on" : "off");
        return;
    case TIME:
        time_text(n, to, room);
        return;
    case BYTES:
        size_text(n, to, room);
        return;
    case CONGESTION:
        snprintf(to, room, "%s", (config->tcp_congestion ? config->tcp_congestion : &cc_cubic)->name);
        return;
    case WINDOW:
        if (n == 0) {
            snprintf(to, room, "10seg"); /* RFC 6928's formula, as long as no number is given */
            return;
        }
        break;
    default:
        break;
    }
    snprintf(to, room, "%lld", (long long)n);
}

static void range_text(const struct stack_config *config, const struct setting *s, char *to, size_t room)
{
    char least[VALUE_MAX], most[VALUE_MAX];
    if (s->kind == SWITCH) {
        snprintf(to, room, "on or off");
        return;
    }
    if (s->kind == CONGESTION) {
        snprintf(to, room, "cubic or reno");
        return;
    }
    value_text(config, s, s->least, least, sizeof least);
    value_text(config, s, s->most, most, sizeof most);
    snprintf(to, room, "%s to %s", least, most);
}

/* --- the whole text --- */

static bool set(struct stack_config *config, const struct setting *s, const char *text)
{
    int64_t n;
    if (s->kind == CONGESTION)
        return set_congestion(config, text);
    if (!parse_value(config, s->kind, text, &n) || n < s->least || n > s->most)
        return false;
    store(config, s, n);
    return true;
}

static bool set_word(struct stack_config *config, char *word, char *why, size_t room)
{
    char *equals = strchr(word, '='), range[2 * VALUE_MAX + 8];
    if (equals)
        *equals = '\0';
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(table[i].name, word) != 0)
            continue;
        if (equals && set(config, &table[i], equals + 1))
            return true;
        range_text(config, &table[i], range, sizeof range);
        snprintf(why, room, "%s: '%s' is not %s", word, equals ? equals + 1 : "", range);
        return false;
    }
    snprintf(why, room, "there is no option '%s': '%s up --tcp help' lists them", word, arg_program());
    return false;
}

/* Settings that contradict each other. */
static bool makes_sense(const struct stack_config *c, char *why, size_t room)
{
    const char *wrong =
        c->tcp_rto_min > c->tcp_rto_max                     ? "rto-min: more than rto-max"
        : c->tcp_rto_initial > c->tcp_rto_max               ? "rto-initial: more than rto-max"
        : c->tcp_send_buffer > c->tcp_send_buffer_max       ? "send-buffer: more than send-buffer-max"
        : c->tcp_receive_buffer > c->tcp_receive_buffer_max ? "receive-buffer: more than receive-buffer-max"
                                                            : NULL;
    if (wrong)
        snprintf(why, room, "%s", wrong);
    return !wrong;
}

bool tcp_settings_parse(struct stack_config *config, const char *text, char *why, size_t room)
{
    struct stack_config wanted = *config;
    for (const char *at = text;; at++) {
        char word[WORD_MAX];
        size_t len = strcspn(at, ",");
        if (len >= sizeof word) {
            snprintf(why, room, "'%.20s...' is too long", at);
            return false;
        }
        memcpy(word, at, len);
        word[len] = '\0';
        if (!set_word(&wanted, word, why, room))
            return false;
        at += len;
        if (!*at)
            break;
    }
    if (!makes_sense(&wanted, why, room))
        return false;
    *config = wanted;
    return true;
}

void tcp_settings_print(FILE *out, const struct stack_config *config)
{
    char value[VALUE_MAX], range[2 * VALUE_MAX + 8];
    fprintf(out, "%-21s %-8s %-19s %-18s %s\n", "option", "default", "takes", "RFC", "what it does");
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const struct setting *s = &table[i];
        value_text(config, s, s->kind == CONGESTION ? 0 : load(config, s), value, sizeof value);
        range_text(config, s, range, sizeof range);
        fprintf(out, "%-21s %-8s %-19s %-18s %s\n", s->name, value, range, *s->rfc ? s->rfc : "-", s->about);
    }
    fputs("\nTimes: us, ms, s, min, h. Sizes: bytes, or with k, m, g. A lesson without SACK and with Reno:\n"
          "glass up --tcp sack=off,rack=off,congestion=reno\n",
          out);
}
