/* Socket calls of a script, and what can be asked of a socket: RFC 9293 3.10.1 to 3.10.6.
 *
 *     VERB SOCKET [arguments] [-> SOCKET] [= RESULT]
 *
 * A RESULT is a number, an errno name with a minus sign, or `any`; without one the call must do all it was
 * asked to do. Text sent and received is the pattern by stream position, and what arrives is compared with
 * it. */
#include "commands.h"

#include <errno.h>
#include <stdlib.h>

/* errno value of "ECONNRESET"; 0: no such name. */
static int errno_named(const char *name)
{
    for (int e = 1; e < 134; e++) {
        const char *known = strerrorname_np(e);
        if (known && strcmp(known, name) == 0)
            return e;
    }
    return 0;
}

static const char *result_text(int64_t result, char *to, size_t room)
{
    const char *name = result < 0 && result > -134 ? strerrorname_np((int)-result) : NULL;
    if (name)
        snprintf(to, room, "-%s", name);
    else
        snprintf(to, room, "%lld", (long long)result);
    return to;
}

/* What a call got, against what stands behind `=`; `usual` when nothing does. */
static bool judge(struct world *w, const char *verb, int64_t got, const char *expected, int64_t usual)
{
    int64_t wanted = usual;
    if (expected && strcmp(expected, "any") == 0)
        return true;
    if (expected && expected[0] == '-' && expected[1] == 'E')
        wanted = -errno_named(expected + 1);
    else if (expected && !parse_number(expected, &wanted))
        return world_fail(w, "cannot read the result %s", expected);
    char a[32], b[32];
    fprintf(w->log, "%12.6f   %s = %s\n", (double)w->now / 1e6, verb, result_text(got, a, sizeof a));
    if (got == wanted)
        return true;
    return world_fail(w, "%s: expected %s, got %s", verb, result_text(wanted, b, sizeof b), a);
}

static struct named_socket *new_name(struct world *w, const char *name, struct sock *s)
{
    struct named_socket *n = world_socket(w, name);
    if (!n && w->sockets < SOCKETS_MAX)
        n = &w->socket[w->sockets++];
    if (!n)
        return NULL;
    *n = (struct named_socket){.sock = s};
    snprintf(n->name, sizeof n->name, "%s", name);
    return n;
}

static bool call_socket(struct world *w, const char *name, const char *type, const char *expected)
{
    struct sock *s = NULL;
    enum sock_type t = !type ? SOCK_TCP : strcmp(type, "udp") == 0 ? SOCK_UDP : SOCK_PING;
    int result = sock_open(&w->stack, t, &s);
    if (result == 0 && !new_name(w, name, s))
        return world_fail(w, "too many sockets");
    return judge(w, "socket", result, expected, 0);
}

static int read_endpoint(char *text, struct endpoint *e)
{
    char *colon = text ? strchr(text, ':') : NULL;
    int64_t port;
    if (!text || !parse_number(colon ? colon + 1 : text, &port))
        return -1;
    e->port = (uint16_t)port;
    e->addr = 0;
    if (!colon)
        return 0;
    *colon = 0;
    return parse_addr(text, &e->addr) ? 0 : -1;
}

static bool call_accept(struct world *w, struct named_socket *n, const char *as, const char *expected)
{
    struct sock *s = NULL;
    struct endpoint peer = {0};
    int result = sock_accept(n->sock, &s, &peer);
    if (result == 0 && !new_name(w, as ? as : "s", s))
        return world_fail(w, "too many sockets");
    return judge(w, "accept", result, expected, 0);
}

/* [oob] [more] [peek] */
static int read_call_flags(char **line)
{
    int flags = 0;
    for (char *word; (word = next_word(line));)
        flags |= strcmp(word, "oob") == 0 ? SOCK_OOB : strcmp(word, "more") == 0 ? SOCK_MORE : SOCK_PEEK;
    return flags;
}

static uint8_t *pattern_bytes(enum side side, int64_t from, int64_t len)
{
    uint8_t *bytes = malloc((size_t)len + 1);
    for (int64_t i = 0; i < len; i++)
        bytes[i] = pattern(side, from + i);
    return bytes;
}

static bool call_send(struct world *w, struct named_socket *n, char *line, const char *expected)
{
    char *count = next_word(&line);
    int64_t len;
    if (!count || !parse_number(count, &len))
        return world_fail(w, "send: how much?");
    uint8_t *bytes = pattern_bytes(SIDE_STACK, n->written, len);
    int64_t result = sock_send(n->sock, bytes, (size_t)len, read_call_flags(&line));
    free(bytes);
    n->written += result > 0 ? result : 0;
    return judge(w, "send", result, expected, len);
}

static bool call_sendto(struct world *w, struct named_socket *n, char *line, const char *expected)
{
    char *count = next_word(&line);
    int64_t len;
    struct endpoint to;
    if (!count || !parse_number(count, &len) || read_endpoint(next_word(&line), &to) < 0)
        return world_fail(w, "sendto SOCKET LENGTH ADDRESS:PORT");
    uint8_t *bytes = pattern_bytes(SIDE_STACK, 0, len);
    int64_t result = sock_sendto(n->sock, bytes, (size_t)len, 0, to);
    free(bytes);
    return judge(w, "sendto", result, expected, len);
}

static bool call_recv(struct world *w, struct named_socket *n, char *line, const char *expected)
{
    char *count = next_word(&line);
    int64_t len;
    if (!count || !parse_number(count, &len))
        return world_fail(w, "recv: how much?");
    uint8_t *bytes = malloc((size_t)len + 1);
    uint8_t *wanted = pattern_bytes(SIDE_PEER, n->read, len);
    int flags = read_call_flags(&line);
    int64_t result = sock_recv(n->sock, bytes, (size_t)len, flags);
    bool same = result <= 0 || memcmp(bytes, wanted, (size_t)result) == 0;
    free(bytes);
    free(wanted);
    if (!same)
        return world_fail(w, "recv: the bytes are not those the peer sent from stream byte %lld",
                          (long long)n->read);
    n->read += result > 0 && !(flags & SOCK_PEEK) && n->sock ? result : 0;
    return judge(w, "recv", result, expected, len);
}

static const struct {
    const char *name;
    enum sock_option option;
} OPTIONS[] = {
    {"error", SOCK_OPT_ERROR},
    {"nodelay", SOCK_OPT_NODELAY},
    {"keepalive", SOCK_OPT_KEEPALIVE},
    {"cork", SOCK_OPT_CORK},
    {"send_buffer", SOCK_OPT_SEND_BUFFER},
    {"receive_buffer", SOCK_OPT_RECEIVE_BUFFER},
    {"ttl", SOCK_OPT_TTL},
    {"tos", SOCK_OPT_TOS},
    {"soft_error", SOCK_OPT_SOFT_ERROR},
    {"reuse_address", SOCK_OPT_REUSE_ADDRESS},
    {"linger", SOCK_OPT_LINGER},
    {"user_timeout", SOCK_OPT_USER_TIMEOUT},
    {"max_segment", SOCK_OPT_MAX_SEGMENT},
    {"state", SOCK_OPT_STATE},
    {"at_mark", SOCK_OPT_AT_MARK},
    {"unsent", SOCK_OPT_UNSENT},
};

static bool call_option(struct world *w, struct named_socket *n, const char *verb, char *line,
                        const char *expected)
{
    char *name = next_word(&line), *text = next_word(&line);
    int64_t value = 0;
    for (size_t i = 0; name && i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        if (strcmp(OPTIONS[i].name, name) != 0)
            continue;
        if (strcmp(verb, "setopt") == 0 && text && parse_number(text, &value))
            return judge(w, verb, sock_setopt(n->sock, OPTIONS[i].option, value), expected, 0);
        int result = sock_getopt(n->sock, OPTIONS[i].option, &value);
        return judge(w, name, result < 0 ? result : value, expected, 0);
    }
    return world_fail(w, "%s: which option?", verb);
}

/* info SOCKET FIELD = VALUE: of struct tcp_info; times in microseconds. */
static bool call_info(struct world *w, struct named_socket *n, const char *name, const char *expected)
{
    struct tcp_info i;
    int result = sock_tcp_info(n->sock, &i);
    if (result < 0)
        return judge(w, "info", result, expected, 0);
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {
        {"state", i.state},
        {"cubic", strcmp(i.congestion, "cubic") == 0},
        {"recovering", i.recovering},
        {"congestion_state", i.congestion_state},
        {"slow_start", i.slow_start},
        {"send_shift", i.send_shift},
        {"receive_shift", i.receive_shift},
        {"bytes_acked", (int64_t)i.bytes_acked},
        {"bytes_received", (int64_t)i.bytes_received},
        {"window_scale", i.window_scale},
        {"timestamps", i.timestamps},
        {"sack", i.sack},
        {"ecn", i.ecn},
        {"send_mss", i.send_mss},
        {"cwnd", i.cwnd},
        {"ssthresh", i.ssthresh},
        {"srtt", i.srtt},
        {"rttvar", i.rttvar},
        {"rto", i.rto},
        {"min_rtt", i.min_rtt},
        {"in_flight", i.in_flight},
        {"unacknowledged", i.unacknowledged},
        {"sacked", i.sacked},
        {"lost", i.lost},
        {"retransmitted", i.retransmitted},
        {"send_window", i.send_window},
        {"receive_window", i.receive_window},
    };
    for (size_t k = 0; name && k < sizeof fields / sizeof *fields; k++) {
        if (strcmp(fields[k].name, name) == 0)
            return judge(w, name, fields[k].value, expected, -1);
    }
    return world_fail(w, "info: which field?");
}

static bool call_on(struct world *w, struct named_socket *n, const char *verb, char *line,
                    const char *expected)
{
    struct endpoint e;
    int64_t number = 0;
    if (strcmp(verb, "send") == 0)
        return call_send(w, n, line, expected);
    if (strcmp(verb, "sendto") == 0)
        return call_sendto(w, n, line, expected);
    if (strcmp(verb, "recv") == 0)
        return call_recv(w, n, line, expected);
    if (strcmp(verb, "setopt") == 0 || strcmp(verb, "getopt") == 0)
        return call_option(w, n, verb, line, expected);
    char *word = next_word(&line);
    if (strcmp(verb, "info") == 0)
        return call_info(w, n, word, expected);
    if (strcmp(verb, "bind") == 0 && read_endpoint(word, &e) == 0)
        return judge(w, verb, sock_bind(n->sock, e), expected, 0);
    if (strcmp(verb, "connect") == 0 && read_endpoint(word, &e) == 0)
        return judge(w, verb, sock_connect(n->sock, e), expected, -EINPROGRESS);
    if (strcmp(verb, "listen") == 0 && word && parse_number(word, &number))
        return judge(w, verb, sock_listen(n->sock, (int)number), expected, 0);
    if (strcmp(verb, "accept") == 0)
        return call_accept(w, n, word && strcmp(word, "->") == 0 ? next_word(&line) : NULL, expected);
    if (strcmp(verb, "shutdown") == 0 && word) {
        enum sock_shutdown how = word[0] == 'r'   ? SOCK_SHUT_READ
                                 : word[0] == 'w' ? SOCK_SHUT_WRITE
                                                  : SOCK_SHUT_BOTH;
        return judge(w, verb, sock_shutdown(n->sock, how), expected, 0);
    }
    return world_fail(w, "cannot read the call %s", verb);
}

bool run_call(struct world *w, const char *verb, char *line)
{
    char *equals = strstr(line, "= "), *expected = NULL;
    if (equals) {
        *equals = 0;
        char *rest = equals + 2;
        expected = next_word(&rest);
    }
    char *name = next_word(&line);
    if (!name)
        return world_fail(w, "%s: which socket?", verb);
    if (strcmp(verb, "socket") == 0)
        return call_socket(w, name, next_word(&line), expected);
    struct named_socket *n = world_socket(w, name);
    if (!n || !n->sock)
        return world_fail(w, "no socket %s", name);
    if (strcmp(verb, "close") != 0 && strcmp(verb, "abort") != 0)
        return call_on(w, n, verb, line, expected);
    fprintf(w->log, "%12.6f   %s\n", (double)w->now / 1e6, verb);
    verb[0] == 'c' ? sock_close(n->sock) : sock_abort(n->sock);
    n->sock = NULL;
    return true;
}

/* = STATE of the current flow, or = SOCKET STATE. A flow without a connection is CLOSED, and also LISTEN when
 * somebody listens at its port. */
bool run_state(struct world *w, char *line)
{
    char *first = next_word(&line), *second = next_word(&line);
    if (!first)
        return world_fail(w, "which state?");
    struct named_socket *n = second ? world_socket(w, first) : NULL;
    int64_t state = TCP_CLOSED;
    if (second && (!n || !n->sock))
        return world_fail(w, "no socket %s", first);
    if (!second)
        state = world_state(w, world_flow(w));
    else if (sock_getopt(n->sock, SOCK_OPT_STATE, &state) < 0)
        return world_fail(w, "no state of %s", first);
    const char *seen = tcp_state_name((enum tcp_state)state), *wanted = second ? second : first;
    if (!second && state == TCP_LISTEN && strcmp(wanted, "CLOSED") == 0)
        return true;
    return strcmp(seen, wanted) == 0 || world_fail(w, "expected state %s, it is %s", wanted, seen);
}

static unsigned event_named(const char *name)
{
    static const char *const NAMES[] = {"READABLE", "WRITABLE", "ACCEPTABLE", "ERROR", "HANGUP", "URGENT"};
    for (unsigned i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(NAMES[i], name) == 0)
            return 1u << i;
    }
    return 0;
}

static bool check_event(struct world *w, struct named_socket *n, const char *word)
{
    bool absent = word[0] == '-';
    unsigned event = event_named(word + absent);
    unsigned now = sock_events(n->sock);
    if (event && !(now & event) != absent)
        return world_fail(w, "expected event %s of %s; they are %#x", word, n->name, now);
    if (event && !absent && !(n->told & event))
        return world_fail(w, "%s is true of %s, but its owner was never told", word, n->name);
    if (event)
        return true;
    int error = strcmp(word, "0") == 0 ? 0 : errno_named(word);
    int64_t pending = -1;
    int result = sock_getopt(n->sock, SOCK_OPT_ERROR, &pending);
    char text[32];
    if (result < 0 || (!error && strcmp(word, "0") != 0) || pending != error)
        return world_fail(w, "expected error %s, it is %s", word, result_text(-pending, text, sizeof text));
    return true;
}

/* ! SOCKET WORD..: each word an event that is true and was told, -EVENT, an error that is pending, or 0:
 * none. */
bool run_events(struct world *w, char *line)
{
    char *name = next_word(&line);
    struct named_socket *n = name ? world_socket(w, name) : NULL;
    if (!n || !n->sock)
        return world_fail(w, "no socket %s", name ? name : "");
    world_hear(w);
    for (char *word; (word = next_word(&line));) {
        if (!check_event(w, n, word))
            return false;
    }
    n->told = 0;
    return true;
}
