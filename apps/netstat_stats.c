/* glass netstat -s: the counters of the stack. RFC 4022 (TCP), RFC 4113 (UDP), RFC 4293 (IP, ICMP).
 *
 * Owns their words. Where RFC or Linux have a counter of that meaning the line is Linux' netstat's, so that
 * both ends of a connection can be laid side by side. Called by netstat.c. */
#include "netstat.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "control_client.h"

/* One print: where to, of what, and whether zeros are wanted. */
struct sheet {
    FILE *out;
    const struct control_stats *stats;
    bool all;
};

static uint64_t counted(const struct sheet *s, enum counter which)
{
    return s->stats->counter[which];
}

static uint64_t dropped(const struct sheet *s, enum drop why)
{
    return s->stats->dropped[why];
}

static void line(const struct sheet *s, uint64_t value, const char *text)
{
    fprintf(s->out, "    %llu %s\n", (unsigned long long)value, text);
}

/* Only when it happened. */
static void line_if_any(const struct sheet *s, uint64_t value, const char *text)
{
    if (value > 0 || s->all)
        line(s, value, text);
}

/* Every drop reason whose name begins so. */
static void drops(const struct sheet *s, const char *prefix)
{
    for (int i = DROP_NONE + 1; i < DROP_COUNT; i++) {
        char text[160];
        const char *name = drop_name((enum drop)i);
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(text, sizeof text, "dropped: %s (%s)", drop_text((enum drop)i), name);
        line_if_any(s, dropped(s, (enum drop)i), text);
    }
}

static void section_ip(const struct sheet *s)
{
    fputs("Ip:\n", s->out);
    line(s, counted(s, COUNT_IP_IN), "total packets received");
    line_if_any(s,
                dropped(s, DROP_IP_SHORT) + dropped(s, DROP_IP_VERSION) + dropped(s, DROP_IP_HEADER_LENGTH) +
                    dropped(s, DROP_IP_CHECKSUM) + dropped(s, DROP_IP_OPTIONS),
                "with invalid headers");
    line_if_any(s, dropped(s, DROP_IP_DESTINATION) + dropped(s, DROP_IP_SOURCE), "with invalid addresses");
    line_if_any(s, dropped(s, DROP_IP_PROTOCOL), "with unknown protocol");
    line(s, 0, "forwarded"); /* a host, RFC 1122 3.3.1 */
    line(s, dropped(s, DROP_FRAGMENT_LIMIT), "incoming packets discarded");
    line(s, counted(s, COUNT_IP_DELIVERED), "incoming packets delivered");
    line(s, counted(s, COUNT_IP_OUT), "requests sent out");
    line_if_any(s, s->stats->device_dropped, "outgoing packets dropped");
    line_if_any(s, dropped(s, DROP_FRAGMENT_TIMEOUT), "fragments dropped after timeout");
    line_if_any(s, counted(s, COUNT_IP_FRAGMENTS_IN), "reassemblies required");
    line_if_any(s, counted(s, COUNT_IP_REASSEMBLED), "packets reassembled ok");
    line_if_any(s, counted(s, COUNT_IP_FRAGMENTED), "fragments sent ok");
    line_if_any(s, counted(s, COUNT_IP_FRAGMENTS_OUT), "fragments created");
    drops(s, "IP_");
    drops(s, "FRAGMENT_");
}

static void section_icmp(const struct sheet *s)
{
    fputs("Icmp:\n", s->out);
    line(s, counted(s, COUNT_ICMP_IN), "ICMP messages received");
    line(s, dropped(s, DROP_ICMP_SHORT) + dropped(s, DROP_ICMP_CHECKSUM), "input ICMP message failed");
    line_if_any(s, counted(s, COUNT_ICMP_ECHO_REPLIES), "echo requests answered");
    line_if_any(s, counted(s, COUNT_ICMP_ERRORS_MATCHED), "errors delivered to a socket");
    line(s, counted(s, COUNT_ICMP_ERRORS_OUT), "ICMP errors sent");
    drops(s, "ICMP_");
}

static void section_udp(const struct sheet *s)
{
    fputs("Udp:\n", s->out);
    line(s, counted(s, COUNT_UDP_IN), "packets received");
    line(s, dropped(s, DROP_UDP_NO_PORT), "packets to unknown port received");
    line(s, dropped(s, DROP_UDP_SHORT) + dropped(s, DROP_UDP_CHECKSUM) + dropped(s, DROP_UDP_BUFFER_FULL),
         "packet receive errors");
    line(s, counted(s, COUNT_UDP_OUT), "packets sent");
    drops(s, "UDP_");
}

/* RFC 4022, in its order. */
static void section_tcp(const struct sheet *s)
{
    fputs("Tcp:\n", s->out);
    line(s, counted(s, COUNT_TCP_ACTIVE_OPENS), "active connection openings");
    line(s, counted(s, COUNT_TCP_PASSIVE_OPENS), "passive connection openings");
    line(s, counted(s, COUNT_TCP_ATTEMPT_FAILS), "failed connection attempts");
    line(s, counted(s, COUNT_TCP_ESTAB_RESETS), "connection resets received");
    line(s, s->stats->established, "connections established");
    line(s, counted(s, COUNT_TCP_IN), "segments received");
    line(s, counted(s, COUNT_TCP_OUT) - counted(s, COUNT_TCP_RETRANS), "segments sent out");
    line(s, counted(s, COUNT_TCP_RETRANS), "segments retransmitted");
    line(s, dropped(s, DROP_TCP_SHORT) + dropped(s, DROP_TCP_CHECKSUM) + dropped(s, DROP_TCP_OPTION),
         "bad segments received");
    line(s, counted(s, COUNT_TCP_RST_OUT), "resets sent");
    drops(s, "TCP_");
}

static bool is_in_rfc_4022(enum counter which)
{
    static const enum counter shown[] = {COUNT_TCP_IN,
                                         COUNT_TCP_OUT,
                                         COUNT_TCP_ACTIVE_OPENS,
                                         COUNT_TCP_PASSIVE_OPENS,
                                         COUNT_TCP_ATTEMPT_FAILS,
                                         COUNT_TCP_ESTAB_RESETS,
                                         COUNT_TCP_RETRANS,
                                         COUNT_TCP_RST_OUT};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (shown[i] == which)
            return true;
    return false;
}

/* What else this TCP counts: no MIB has it. */
static void section_tcp_more(const struct sheet *s)
{
    fputs("TcpExt:\n", s->out);
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (strncmp(counter_name((enum counter)i), "TCP_", 4) == 0 && !is_in_rfc_4022((enum counter)i))
            line_if_any(s, counted(s, (enum counter)i), counter_text((enum counter)i));
}

static void section_stack(const struct sheet *s)
{
    fputs("Stack:\n", s->out);
    line(s, s->stats->memory_used, "bytes of memory in use");
    line(s, s->stats->memory_limit, "bytes of memory allowed");
    drops(s, "NO_MEMORY");
    drops(s, "PORT_ZERO");
    drops(s, "OUTBOX_FULL");
    drops(s, "RATE_LIMIT");
}

static void section_link(const struct sheet *s)
{
    static const char *const name[LINK_WAYS] = {
        [LINK_TO_STACK] = "Link to the stack:\n", [LINK_TO_KERNEL] = "Link to the kernel:\n"};
    for (int way = 0; s->stats->has_link && way < LINK_WAYS; way++) {
        fputs(name[way], s->out);
        for (int i = 0; i < LINK_COUNTER_COUNT; i++)
            line_if_any(s, s->stats->link[way][i], link_counter_text((enum link_counter)i));
    }
}

void netstat_print_stats(FILE *out, const struct control_stats *stats, const struct netstat_options *options)
{
    struct sheet s = {out, stats, options->listeners};
    bool every = !options->tcp && !options->udp;
    if (every) {
        section_ip(&s);
        section_icmp(&s);
    }
    if (every || options->udp)
        section_udp(&s);
    if (every || options->tcp) {
        section_tcp(&s);
        section_tcp_more(&s);
    }
    if (every) {
        section_stack(&s);
        section_link(&s);
    }
}

static int receive_stats(int fd, struct control_stats *stats)
{
    struct control_header header;
    union {
        struct control_stats stats;
        struct control_error error;
    } body;
    int r = control_send(fd, CONTROL_COUNTERS, NULL, 0);
    if (r == 0)
        r = control_receive(fd, &header, &body, sizeof body, NULL);
    if (r < 0)
        return r;
    if (header.type == CONTROL_ERROR)
        return body.error.error > 0 ? -body.error.error : -EPROTO;
    if (header.type != CONTROL_STATS)
        return -EPROTO;
    *stats = body.stats;
    return 0;
}

int netstat_ask_stats(const char *name, struct control_stats *stats)
{
    struct control_hello stack;
    int fd = control_connect(name, &stack);
    if (fd < 0)
        return -1;
    int r = receive_stats(fd, stats);
    close(fd);
    if (r < 0)
        fprintf(stderr, "glass: no counters from the stack named %s: %s\n", name, strerror(-r));
    return r < 0 ? -1 : 0;
}
