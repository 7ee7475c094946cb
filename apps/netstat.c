/* glass netstat: the stack's table of sockets, connections and TIME-WAIT records (RFC 9293 3.9.1.6, STATUS).
 *
 * Owns the text of the table. Everything in it comes straight from the stack; only the program's name is read
 * from /proc, by the process id that the stack knows. demo.c prints the same table. */
#include "netstat.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "commands.h"
#include "control_client.h"
#include "control_path.h"
#include "relay.h"

#define ROWS_MAX 1000000 /* a million lines are enough for anybody to read */

static const char *protocol_name(uint8_t protocol)
{
    return protocol == 6 ? "tcp" : protocol == 17 ? "udp" : "icmp";
}

void netstat_timer(const struct sock_info *info, char *to, size_t room)
{
    static const char *const name[] = {
        [TCP_TIMER_RETRANSMIT] = "on",       [TCP_TIMER_PERSIST] = "probe",
        [TCP_TIMER_DELAYED_ACK] = "delack",  [TCP_TIMER_KEEPALIVE] = "keepalive",
        [TCP_TIMER_FIN_WAIT_2] = "finwait2", [TCP_TIMER_TIME_WAIT] = "timewait",
        [TCP_TIMER_REORDER] = "reorder",     [TCP_TIMER_TAIL_LOSS] = "tlp",
    };
    _Static_assert(sizeof name / sizeof *name == TCP_TIMERS + 1, "each timer has its word");
    bool known = info->timer_running && (size_t)info->timer < sizeof name / sizeof *name;
    usec left = known && info->timer_left > 0 ? info->timer_left : 0;
    snprintf(to, room, "%s (%lld.%02lld/%u/0)", known ? name[info->timer] : "off", (long long)(left / SEC(1)),
             (long long)(left % SEC(1) / MSEC(10)), known ? info->retries : 0);
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

/* "10.7.0.2:80", "*:*"; the port by its name in /etc/services unless `numeric`. A ping socket's port is no
 * port but the identifier of its echoes. */
static void endpoint_name(struct endpoint e, uint8_t protocol, bool numeric, char *to, size_t room)
{
    char addr[16] = "*", port[32] = "*";
    bool has_ports = protocol == 6 || protocol == 17;
    const struct servent *service = NULL;
    if (e.addr != 0)
        addr_text(e.addr, addr);
    if (e.port != 0 && has_ports && !numeric) {
        uint8_t wire[2] = {(uint8_t)(e.port >> 8), (uint8_t)e.port};
        uint16_t network_order;
        memcpy(&network_order, wire, sizeof network_order);
        service = getservbyport(network_order, protocol_name(protocol));
    }
    if (service)
        snprintf(port, sizeof port, "%s", service->s_name);
    else if (e.port != 0)
        snprintf(port, sizeof port, "%u", e.port);
    snprintf(to, room, "%s:%s", addr, port);
}

/* "4711/curl"; "4711/-" when that process is gone or in another place; "-": nobody's any more. */
static void owner_name(uint32_t pid, char *to, size_t room)
{
    char path[32], comm[32] = "-";
    if (pid == 0) {
        snprintf(to, room, "-");
        return;
    }
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fgets(comm, sizeof comm, f))
            comm[strcspn(comm, "\n")] = '\0';
        for (char *at = comm; *at; at++)
            if (*at < ' ' || *at == 127)
                *at = '?'; /* a process may call itself anything; the terminal stays ours */
        fclose(f);
    }
    snprintf(to, room, "%u/%s", pid, comm);
}

static void print_row(FILE *out, const struct sock_info *i, const struct netstat_options *options)
{
    char local[48], remote[48], owner[48], timer[48] = "";
    endpoint_name(i->local, i->protocol, options->numeric, local, sizeof local);
    endpoint_name(i->remote, i->protocol, options->numeric, remote, sizeof remote);
    owner_name(i->owner, owner, sizeof owner);
    if (options->timers)
        netstat_timer(i, timer, sizeof timer);
    fprintf(out, "%-5s %6u %6u %-21s %-21s %-12s ", protocol_name(i->protocol), i->receive_queue,
            i->send_queue, local, remote, i->protocol == 6 ? tcp_state_name(i->state) : "");
    fprintf(out, options->timers ? "%-16s %s\n" : "%s%s\n", owner, timer);
}

void netstat_print(FILE *out, struct sock_info *rows, size_t count, const struct netstat_options *options)
{
    qsort(rows, count, sizeof *rows, netstat_order);
    fprintf(out, "%-5s %6s %6s %-21s %-21s %-12s ", "Proto", "Recv-Q", "Send-Q", "Local Address",
            "Foreign Address", "State");
    fprintf(out, options->timers ? "%-16s %s\n" : "%s%s\n", "PID/Program name",
            options->timers ? "Timer" : "");
    for (size_t i = 0; i < count; i++)
        if (options->listeners || netstat_connected(&rows[i]))
            print_row(out, &rows[i], options);
}

/* Receives rows until CONTROL_END. Their number or a negative errno value. */
static ssize_t receive_rows(int fd, struct sock_info **rows)
{
    size_t count = 0, room = 0;
    union {
        struct sock_info row;
        struct control_error error;
    } body;
    for (;;) {
        struct control_header header;
        int r = control_receive(fd, &header, &body, sizeof body, NULL);
        if (r == 0 && header.type == CONTROL_END)
            return (ssize_t)count;
        if (r == 0 && header.type == CONTROL_ERROR)
            return body.error.error > 0 ? -body.error.error : -EPROTO;
        if (r == 0 && (header.type != CONTROL_ROW || count == ROWS_MAX))
            return -EPROTO;
        if (r < 0)
            return r;
        if (count == room) {
            room = room ? 2 * room : 64;
            struct sock_info *more = realloc(*rows, room * sizeof **rows);
            if (!more)
                return -ENOMEM;
            *rows = more;
        }
        (*rows)[count++] = body.row;
    }
}

ssize_t netstat_ask(const char *name, struct sock_info **rows)
{
    struct control_hello stack;
    *rows = NULL;
    int fd = control_connect(name, &stack);
    if (fd < 0)
        return -1;
    ssize_t count = control_send(fd, CONTROL_NETSTAT, NULL, 0);
    if (count == 0)
        count = receive_rows(fd, rows);
    close(fd);
    if (count >= 0)
        return count;
    fprintf(stderr, "glass: no table from the stack named %s: %s\n", name, strerror((int)-count));
    free(*rows);
    *rows = NULL;
    return -1;
}

static void help(void)
{
    puts("usage: glass netstat [-a] [-n] [-o] [--name NAME]\n"
         "       glass netstat -s [-a] [--name NAME]\n"
         "\n"
         "Shows the connections of a running stack, straight from the stack.\n"
         "\n"
         "  -a, --all      also sockets without a remote end: listeners, unconnected UDP\n"
         "  -n, --numeric  ports as numbers, not as names of services\n"
         "  -o, --timers   the timer that fires first: KIND (SECONDS LEFT/RETRIES/0)\n"
         "                 on: retransmission; probe: zero window; delack: delayed ACK;\n"
         "                 keepalive; finwait2; timewait; reorder, tlp: loss recovery waits; off: none runs\n"
         "  -s, --statistics  what was counted instead: by protocol, every reason for which\n"
         "                 something was dropped, the link's faults, memory; -a: zeros too\n"
         "      --name N   the stack called N (default: glass)\n"
         "\n"
         "Recv-Q and Send-Q are bytes that wait; of a listener, connections that wait and\n"
         "its backlog. PID is the process that owns the socket, - when none does any more.");
}

static int show_table(const char *name, const struct netstat_options *options)
{
    struct sock_info *rows;
    ssize_t count = netstat_ask(name, &rows);
    if (count < 0)
        return EXIT_FAILURE;
    netstat_print(stdout, rows, (size_t)count, options);
    free(rows);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int show_statistics(const char *name, bool all)
{
    struct control_stats stats;
    if (netstat_ask_stats(name, &stats) < 0)
        return EXIT_FAILURE;
    netstat_print_stats(stdout, &stats, all);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_netstat(int argc, char **argv)
{
    static const struct option longs[] = {
        {"all", no_argument, NULL, 'a'},
        {"numeric", no_argument, NULL, 'n'},
        {"timers", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"statistics", no_argument, NULL, 's'},
        {"name", required_argument, NULL, 'N'},
        {NULL, 0, NULL, 0},
    };
    struct netstat_options options = {0};
    const char *name = CONTROL_NAME_DEFAULT;
    bool statistics = false;
    for (int c; (c = getopt_long(argc, argv, "anosh", longs, NULL)) != -1;) {
        options.listeners |= c == 'a';
        options.numeric |= c == 'n';
        options.timers |= c == 'o';
        statistics |= c == 's';
        if (c == 'N')
            name = optarg;
        if (c == 'h') {
            help();
            return EXIT_SUCCESS;
        }
        if (c == '?')
            return EXIT_USAGE;
    }
    if (optind < argc)
        return arg_error(argv[0], "unexpected argument: %s", argv[optind]);
    if (!control_name_valid(name))
        return arg_error(argv[0], "--name: not a name: %s", name);
    return statistics ? show_statistics(name, options.listeners) : show_table(name, &options);
}
