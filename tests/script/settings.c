/* What a script sets before it starts (config, peer) and what it counts afterwards (drop, count). */
#include "commands.h"

#include <stddef.h>
#include <stdlib.h>

enum kind { TIME, U8, U16, U32, SIZE, FLAG };

#define FIELD(kind, name)                                                                                    \
    {                                                                                                        \
#name, kind, offsetof(struct stack_config, name)                                                     \
    }
#define TCP_FIELD(kind, name)                                                                                \
    {                                                                                                        \
#name, kind, offsetof(struct stack_config, tcp_##name)                                               \
    }

static const struct {
    const char *name;
    enum kind kind;
    size_t at;
} FIELDS[] = {
    FIELD(U16, mtu),
    FIELD(U8, ttl),
    FIELD(SIZE, memory_limit),
    FIELD(U32, icmp_rate),
    FIELD(U32, outbox_max),
    TCP_FIELD(TIME, msl),
    TCP_FIELD(TIME, fin_wait_2),
    TCP_FIELD(TIME, rto_initial),
    TCP_FIELD(TIME, rto_min),
    TCP_FIELD(TIME, rto_max),
    TCP_FIELD(TIME, r2),
    TCP_FIELD(TIME, r2_syn),
    TCP_FIELD(U8, r1),
    TCP_FIELD(TIME, delayed_ack),
    TCP_FIELD(TIME, sws_override),
    TCP_FIELD(TIME, persist_max),
    TCP_FIELD(TIME, keepalive_idle),
    TCP_FIELD(TIME, keepalive_interval),
    TCP_FIELD(U8, keepalive_probes),
    TCP_FIELD(U32, initial_window),
    TCP_FIELD(U32, send_buffer),
    TCP_FIELD(U32, receive_buffer),
    TCP_FIELD(U32, challenge_rate),
    TCP_FIELD(U32, backlog_max),
    TCP_FIELD(U32, timewait_max),
    TCP_FIELD(U32, send_buffer_max),
    TCP_FIELD(U32, receive_buffer_max),
    TCP_FIELD(U16, path_mtu_min),
    TCP_FIELD(U32, connections_max),
    TCP_FIELD(U32, connections_per_peer_max),
    TCP_FIELD(TIME, user_timeout),
    TCP_FIELD(FLAG, window_scale),
    TCP_FIELD(FLAG, timestamps),
    TCP_FIELD(FLAG, sack),
    TCP_FIELD(FLAG, dsack),
    TCP_FIELD(FLAG, rack),
    TCP_FIELD(FLAG, tlp),
    TCP_FIELD(FLAG, frto),
    TCP_FIELD(FLAG, prr),
    TCP_FIELD(FLAG, limited_transmit),
    TCP_FIELD(FLAG, idle_restart),
    TCP_FIELD(FLAG, ecn),
    TCP_FIELD(FLAG, syn_cookies),
    TCP_FIELD(FLAG, path_mtu_probe),
    TCP_FIELD(FLAG, autotune),
    TCP_FIELD(FLAG, nodelay),
    {"iss", U32, offsetof(struct stack_config, tcp_isn_fixed)},
};

static void store(void *at, enum kind kind, double value)
{
    usec time = (usec)(value * 1e6 + 0.5);
    uint8_t byte = (uint8_t)value;
    uint16_t half = (uint16_t)value;
    uint32_t word = (uint32_t)value;
    size_t size = (size_t)value;
    bool flag = value != 0;
    const void *from[] = {&time, &byte, &half, &word, &size, &flag};
    const size_t len[] = {sizeof time, sizeof byte, sizeof half, sizeof word, sizeof size, sizeof flag};
    memcpy(at, from[kind], len[kind]);
}

/* modern: everything on, as a stack has it by default; before what is then set otherwise. */
static void set_modern(struct stack_config *c)
{
    struct stack_config d;
    stack_config_init(&d);
    c->tcp_window_scale = d.tcp_window_scale;
    c->tcp_timestamps = d.tcp_timestamps;
    c->tcp_sack = d.tcp_sack;
    c->tcp_dsack = d.tcp_dsack;
    c->tcp_rack = d.tcp_rack;
    c->tcp_tlp = d.tcp_tlp;
    c->tcp_frto = d.tcp_frto;
    c->tcp_prr = d.tcp_prr;
    c->tcp_ecn = d.tcp_ecn;
    c->tcp_syn_cookies = d.tcp_syn_cookies;
    c->tcp_path_mtu_probe = d.tcp_path_mtu_probe;
    c->tcp_autotune = d.tcp_autotune;
    c->tcp_congestion = d.tcp_congestion;
    c->tcp_send_buffer = d.tcp_send_buffer;
}

static bool set_congestion(struct world *w, const char *name)
{
    const struct cc_ops *const known[] = {&cc_reno, &cc_cubic};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i]->name, name) == 0) {
            w->config.tcp_congestion = known[i];
            return true;
        }
    }
    return world_fail(w, "no congestion control %s", name);
}

static bool set_field(struct world *w, char *word)
{
    char *equals = strchr(word, '='), *end = NULL;
    if (!equals)
        return world_fail(w, "config NAME=VALUE, not %s", word);
    *equals = 0;
    if (strcmp(word, "cc") == 0)
        return set_congestion(w, equals + 1);
    if (strcmp(word, "modern") == 0)
        return set_modern(&w->config), true;
    double value = equals[1] == '0' && equals[2] == 'x' ? (double)strtoul(equals + 1, &end, 16)
                                                        : strtod(equals + 1, &end);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS && *end == 0; i++) {
        if (strcmp(FIELDS[i].name, word) != 0)
            continue;
        store((char *)&w->config + FIELDS[i].at, FIELDS[i].kind, value);
        w->config.tcp_isn_is_fixed |= strcmp(word, "iss") == 0;
        return true;
    }
    return world_fail(w, "no setting %s", word);
}

/* config NAME=VALUE..: times in seconds. */
bool run_config(struct world *w, char *line)
{
    if (w->started)
        return world_fail(w, "config comes before everything else");
    for (char *word; (word = next_word(&line));) {
        if (!set_field(w, word))
            return false;
    }
    return true;
}

static bool read_peer(char *line, struct flow *f)
{
    for (char *word; (word = next_word(&line));) {
        char *equals = strchr(word, '=');
        int64_t n = 0;
        if (!equals)
            return false;
        *equals++ = 0;
        if (strcmp(word, "addr") == 0 ? !parse_addr(equals, &f->peer_addr)
                                      : strcmp(equals, "any") != 0 && !parse_number(equals, &n))
            return false;
        if (strcmp(word, "port") == 0)
            f->peer_port = (uint16_t)n;
        else if (strcmp(word, "local") == 0)
            f->local_port = (uint16_t)n;
        else if (strcmp(word, "isn") == 0)
            f->isn = (uint32_t)n;
        else if (strcmp(word, "iss") == 0)
            f->iss = (uint32_t)n;
        else if (strcmp(word, "addr") != 0)
            return false;
    }
    return true;
}

/* peer [addr=A] [port=N] [local=N|any] [isn=N] [iss=N]: from now on the lines speak of this conversation;
 * what is not named stays as it was. */
bool run_peer(struct world *w, char *line)
{
    static struct flow wanted;
    wanted = *world_flow(w);
    if (!read_peer(line, &wanted))
        return world_fail(w, "cannot read the peer");
    for (int i = 0; i < w->flows; i++) {
        struct flow *f = &w->flow[i];
        if (f->peer_addr != wanted.peer_addr || f->peer_port != wanted.peer_port ||
            f->local_port != wanted.local_port)
            continue;
        if (i == w->current)
            *f = wanted;
        w->current = i;
        return true;
    }
    bool unused = !w->started;
    if (!unused && w->flows == FLOWS_MAX)
        return world_fail(w, "too many peers");
    w->current = unused ? 0 : w->flows++;
    wanted.iss_known = false;
    wanted.last_len = 0;
    w->flow[w->current] = wanted;
    return true;
}

/* drop REASON N: so often until now; count COUNTER N. */
bool run_counter(struct world *w, const char *verb, char *line)
{
    char *name = next_word(&line), *text = next_word(&line);
    bool drop = verb[0] == 'd';
    int64_t wanted;
    if (!name || !text || !parse_number(text, &wanted))
        return world_fail(w, "%s NAME NUMBER", verb);
    const struct core *core = stack_core(&w->stack);
    for (int i = 0; i < (drop ? (int)DROP_COUNT : (int)COUNTER_COUNT); i++) {
        if (strcmp(drop ? drop_name((enum drop)i) : counter_name((enum counter)i), name) != 0)
            continue;
        int64_t seen = (int64_t)(drop ? core->dropped[i] : core->counter[i]);
        return seen == wanted || world_fail(w, "%s %s: expected %lld, it is %lld", verb, name,
                                            (long long)wanted, (long long)seen);
    }
    return world_fail(w, "no %s %s", verb, name);
}

/* newer_iss N: the latest ISS of this conversation lies more than N beyond the one before it (RFC
 * 9293 3.6.1). */
bool run_newer_iss(struct world *w, char *line)
{
    int64_t n;
    struct flow *f = world_flow(w);
    if (!parse_number(line, &n))
        return world_fail(w, "newer_iss NUMBER");
    int32_t further = (int32_t)(f->iss - f->former_iss);
    return further > n || world_fail(w, "the new ISS lies %d beyond the old one", further);
}
