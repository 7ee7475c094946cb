/* The text of the connection table (RFC 9293 3.9.1.6, STATUS), in the columns of Linux' netstat -anop.
 *
 * Everything in it comes straight from the stack; only a program's name is read from /proc, by the process id
 * that the stack knows, and names of services and hosts from /etc. netstat.c, ports.c and demo.c print with
 * it. */
#include "netstat.h"

#include <stdlib.h>
#include <string.h>
#include "args.h"
#include "names.h"

#define ENDPOINT_WIDTH 21  /* "255.255.255.255:65535" */
#define ENDPOINT_MAX   320 /* a host's name of 255, a service's */

/* One print: where to, how, and how wide the columns of endpoints are. */
struct sheet {
    FILE *out;
    const struct netstat_options *options;
    struct names *names; /* NULL: numbers */
    int local_width, remote_width;
    uint32_t owner; /* the last row's, and its text: a server's connections are many and /proc is slow */
    char owner_text[NETSTAT_OWNER_MAX];
};

const char *netstat_protocol(uint8_t protocol)
{
    return protocol == IP_TCP ? "tcp" : protocol == IP_UDP ? "udp" : "icmp";
}

const char *netstat_timer_kind(const struct sock_info *info)
{
    static const char *const name[] = {
        [TCP_TIMER_RETRANSMIT] = "on",       [TCP_TIMER_PERSIST] = "probe",
        [TCP_TIMER_DELAYED_ACK] = "delack",  [TCP_TIMER_KEEPALIVE] = "keepalive",
        [TCP_TIMER_FIN_WAIT_2] = "finwait2", [TCP_TIMER_TIME_WAIT] = "timewait",
        [TCP_TIMER_REORDER] = "reorder",     [TCP_TIMER_TAIL_LOSS] = "tlp",
    };
    _Static_assert(sizeof name / sizeof *name == TCP_TIMERS + 1, "each timer has its word");
    bool known = info->timer_running && (size_t)info->timer < sizeof name / sizeof *name;
    return known ? name[info->timer] : "off";
}

void netstat_timer(const struct sock_info *info, char *to, size_t room)
{
    const char *kind = netstat_timer_kind(info);
    bool runs = strcmp(kind, "off") != 0;
    usec left = runs && info->timer_left > 0 ? info->timer_left : 0;
    snprintf(to, room, "%s (%lld.%02lld/%u/0)", kind, (long long)(left / SEC(1)),
             (long long)(left % SEC(1) / MSEC(10)), runs ? info->retries : 0);
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int protocol_rank(uint8_t protocol)
{
    return protocol == 6 ? 0 : protocol == 17 ? 1 : 2;
}

int netstat_order(const void *a, const void *b)
{
    const struct sock_info *x = a, *y = b;
    int order = compare(protocol_rank(x->protocol), protocol_rank(y->protocol));
    if (order == 0)
        order = compare(x->local.port, y->local.port);
    if (order == 0)
        order = compare(x->local.addr, y->local.addr);
    if (order == 0)
        order = compare(x->remote.addr, y->remote.addr);
    if (order == 0)
        order = compare(x->remote.port, y->remote.port);
    if (order == 0)
        order = compare(x->connection, y->connection);
    return order;
}

bool netstat_connected(const struct sock_info *info)
{
    return info->remote.addr != 0 || info->remote.port != 0;
}

bool netstat_is_shown(const struct sock_info *info, const struct netstat_options *options)
{
    bool every = !options->tcp && !options->udp;
    bool protocol =
        every || (options->tcp && info->protocol == IP_TCP) || (options->udp && info->protocol == IP_UDP);
    if (!protocol)
        return false;
    if (options->only_listeners)
        return !netstat_connected(info);
    return options->listeners || netstat_connected(info);
}

/* "10.7.0.2:80", "stack:http", "*:*". A ping socket's port is no port but the identifier of its echoes.
 * Returns how many characters it has. */
static int endpoint_text(struct endpoint e, uint8_t protocol, const struct names *names, char *to,
                         size_t room)
{
    char addr[16] = "*", port[8] = "*";
    if (e.addr != 0)
        addr_text(e.addr, addr);
    if (e.port != 0)
        snprintf(port, sizeof port, "%u", e.port);
    const char *host = e.addr != 0 ? names_host(names, e.addr) : NULL;
    const char *service = e.port != 0 ? names_service(names, protocol, e.port) : NULL;
    return snprintf(to, room, "%s:%s", host ? host : addr, service ? service : port);
}

void netstat_program(uint32_t pid, char *to, size_t room)
{
    char path[32];
    snprintf(to, room, "-");
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    if (fgets(to, (int)room, f))
        to[strcspn(to, "\n")] = '\0';
    for (char *at = to; *at; at++)
        if (*at < ' ' || *at == 127)
            *at = '?'; /* a process may call itself anything; the terminal stays ours */
    fclose(f);
}

void netstat_owner(uint32_t pid, char *to, size_t room)
{
    char program[32];
    if (pid == 0) {
        snprintf(to, room, "-");
        return;
    }
    netstat_program(pid, program, sizeof program);
    snprintf(to, room, "%u/%s", pid, program);
}

static const char *owner_of(struct sheet *t, uint32_t pid)
{
    if (pid != t->owner || !*t->owner_text) {
        t->owner = pid;
        netstat_owner(pid, t->owner_text, sizeof t->owner_text);
    }
    return t->owner_text;
}

static void print_row(struct sheet *t, const struct sock_info *i)
{
    char local[ENDPOINT_MAX], remote[ENDPOINT_MAX], timer[48] = "";
    endpoint_text(i->local, i->protocol, t->names, local, sizeof local);
    endpoint_text(i->remote, i->protocol, t->names, remote, sizeof remote);
    if (t->options->timers)
        netstat_timer(i, timer, sizeof timer);
    fprintf(t->out, "%-5s %6u %6u %-*s %-*s %-12s ", netstat_protocol(i->protocol), i->receive_queue,
            i->send_queue, t->local_width, local, t->remote_width, remote,
            i->protocol == IP_TCP ? tcp_state_name(i->state) : "");
    fprintf(t->out, t->options->timers ? "%-16s %s\n" : "%s%s\n", owner_of(t, i->owner), timer);
    if (t->options->info && i->has_tcp)
        netstat_print_info(t->out, &i->tcp);
}

/* Names may be longer than any number: the columns are as wide as what is in them. */
static void measure(struct sheet *t, const struct sock_info *rows, size_t count)
{
    char text[ENDPOINT_MAX];
    t->local_width = t->remote_width = ENDPOINT_WIDTH;
    for (size_t i = 0; t->names && i < count; i++) {
        if (!netstat_is_shown(&rows[i], t->options))
            continue;
        int local = endpoint_text(rows[i].local, rows[i].protocol, t->names, text, sizeof text);
        int remote = endpoint_text(rows[i].remote, rows[i].protocol, t->names, text, sizeof text);
        t->local_width = local > t->local_width ? local : t->local_width;
        t->remote_width = remote > t->remote_width ? remote : t->remote_width;
    }
}

void netstat_print(FILE *out, struct sock_info *rows, size_t count, const struct netstat_options *options)
{
    struct sheet t = {.out = out, .options = options, .names = options->numeric ? NULL : names_new()};
    qsort(rows, count, sizeof *rows, netstat_order);
    measure(&t, rows, count);
    fprintf(out, "%-5s %6s %6s %-*s %-*s %-12s ", "Proto", "Recv-Q", "Send-Q", t.local_width, "Local Address",
            t.remote_width, "Foreign Address", "State");
    fprintf(out, options->timers ? "%-16s %s\n" : "%s%s\n", "PID/Program name",
            options->timers ? "Timer" : "");
    for (size_t i = 0; i < count; i++)
        if (netstat_is_shown(&rows[i], options))
            print_row(&t, &rows[i]);
    names_free(t.names);
}
