/* glass ports: what a port is, and who holds it. RFC 6335 section 6 (the three ranges), services(5) (the
 * names), and the table of a running stack (the holders).
 *
 * Owns the text. Called by main.c. Class and name are there without a running stack. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/port.h"
#include "args.h"
#include "commands.h"
#include "control_find.h"
#include "control_path.h"
#include "names.h"
#include "netstat.h"
#include "services.h"

#define SERVICES  "/etc/services"
#define STATE_MAX 256

struct ports_asked {
    struct arg_common common;
    uint16_t port[2]; /* a name may have one for TCP and another for UDP */
    unsigned count;   /* 0: the whole table */
};

/* The rows of the running stack; none when it does not run. */
struct holders {
    const char *stack;
    bool running;
    struct sock_info *rows;
    size_t count;
};

struct port_range {
    uint16_t first, last;
    const char *name, *about;
};

/* By enum port_class. 0 is in the first range as RFC 6335 draws it, and reserved. */
static const struct port_range ranges[] = {
    [PORT_WELL_KNOWN] = {0, 1023, "well-known", "System Ports, assigned by IANA"},
    [PORT_REGISTERED] = {1024, 49151, "registered", "User Ports, assigned by IANA to whoever asks"},
    [PORT_DYNAMIC] = {49152, UINT16_MAX, "dynamic",
                      "Private or Ephemeral Ports, never assigned; who opens a connection takes one"},
};

static const char help[] =
    "usage: glass ports [--name NAME] [NUMBER | SERVICE]\n"
    "\n"
    "Says of a port its class (RFC 6335 section 6), the names of its services in\n"
    "/etc/services, and who holds it on the running stack: the process, its program\n"
    "and the states of its sockets. Without a port: the three classes, and every port\n"
    "that is held.\n"
    "\n"
    "      --name NAME  which stack (glass); without a running one, class and name only\n"
    "  -h, --help       this text\n";

/* Of a port from 1 on. */
static const struct port_range *range_of(uint16_t port)
{
    return &ranges[port_class_of(port)];
}

/* --- who holds what --- */

static int holder_order(const void *a, const void *b)
{
    const struct sock_info *x = a, *y = b;
    if (x->protocol != y->protocol)
        return x->protocol < y->protocol ? -1 : 1; /* TCP is 6, UDP 17 */
    if (x->local.port != y->local.port)
        return x->local.port < y->local.port ? -1 : 1;
    return (x->owner < y->owner) - (x->owner > y->owner); /* nobody's (0) last */
}

/* False after one line on standard error. */
static bool ask(struct holders *h, const char *stack)
{
    *h = (struct holders){.stack = stack, .running = control_is_running(stack)};
    if (!h->running && strcmp(stack, CONTROL_NAME_DEFAULT) == 0)
        return true;
    ssize_t count = netstat_ask(stack, &h->rows); /* a stack that was named must be there: it says if not */
    if (count < 0)
        return false;
    h->running = true;
    h->count = (size_t)count;
    qsort(h->rows, h->count, sizeof *h->rows, holder_order);
    return true;
}

/* How many rows from `first` on are of one holder of one port. */
static size_t group_of(const struct holders *h, size_t first)
{
    size_t n = 1;
    while (first + n < h->count && holder_order(&h->rows[first], &h->rows[first + n]) == 0)
        n++;
    return n;
}

/* "LISTEN, 2 ESTABLISHED" of `n` rows; of UDP "open", "connected". */
static void states_text(const struct sock_info *rows, size_t n, char *to, size_t room)
{
    unsigned of_state[TCP_STATES] = {0}, connected = 0;
    size_t len = 0;
    *to = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((size_t)rows[i].state < TCP_STATES)
            of_state[rows[i].state]++;
        connected += netstat_connected(&rows[i]);
    }
    if (rows->protocol != IP_TCP) {
        snprintf(to, room, "%s", connected == n ? "connected" : "open");
        return;
    }
    if (of_state[TCP_LISTEN])
        len = (size_t)snprintf(to, room, "%s", tcp_state_name(TCP_LISTEN));
    for (int state = 0; state < TCP_STATES && len < room; state++)
        if (state != TCP_LISTEN && of_state[state])
            len += (size_t)snprintf(to + len, room - len, "%s%u %s", len ? ", " : "", of_state[state],
                                    tcp_state_name((enum tcp_state)state));
}

/* --- one port --- */

/* "http (www)", its name and its other names; empty: none. */
static void service_text(uint16_t port, const char *protocol, char *to, size_t room)
{
    const struct servent *entry = getservbyport(htons(port), protocol);
    *to = '\0';
    if (!entry)
        return;
    size_t len = (size_t)snprintf(to, room, "%s", entry->s_name);
    for (char **alias = entry->s_aliases; *alias && len < room; alias++)
        len +=
            (size_t)snprintf(to + len, room - len, "%s%s", alias == entry->s_aliases ? " (" : ", ", *alias);
    if (entry->s_aliases[0] && len + 1 < room)
        strcat(to, ")");
}

static void print_holders(const struct holders *h, uint8_t protocol, uint16_t port)
{
    bool nobody = true;
    for (size_t i = 0, n; i < h->count; i += n) {
        const struct sock_info *first = &h->rows[i];
        char owner[NETSTAT_OWNER_MAX], states[STATE_MAX];
        n = group_of(h, i);
        if (first->protocol != protocol || first->local.port != port)
            continue;
        netstat_owner(first->owner, owner, sizeof owner);
        states_text(first, n, states, sizeof states);
        printf("%s%s: %s", nobody ? "" : "; ", first->owner ? owner : "no process any more", states);
        nobody = false;
    }
    puts(nobody ? "nobody" : "");
}

static void print_protocol(const struct holders *h, uint8_t protocol, uint16_t port, bool has_services)
{
    char service[STATE_MAX];
    const char *name = netstat_protocol(protocol);
    service_text(port, name, service, sizeof service);
    printf("  %s service: %s\n", name, *service ? service : has_services ? "none" : "unknown");
    if (!h->running)
        return;
    printf("  %s holder:  ", name);
    print_holders(h, protocol, port);
}

static void say_no_services(void)
{
    puts("  There is no " SERVICES ", so services have no names here: install the package netbase.");
}

static void say_not_running(const struct holders *h)
{
    char hint[512];
    printf("  No stack named %s is running, so nobody holds anything; start one with: %s\n", h->stack,
           arg_hint(hint, sizeof hint, "up", h->stack));
}

static void print_port(const struct holders *h, uint16_t port)
{
    bool has_services = names_has_services();
    const struct port_range *r = range_of(port);
    printf("port %u: %s (%u to %u, RFC 6335 section 6: %s)\n", port, r->name, r->first, r->last, r->about);
    print_protocol(h, IP_TCP, port, has_services);
    print_protocol(h, IP_UDP, port, has_services);
    if (!has_services)
        say_no_services();
    if (!h->running)
        say_not_running(h);
}

/* --- all ports --- */

static void print_held(const struct holders *h)
{
    struct names *names = names_new();
    printf("\n%-5s %5s %-10s %-15s %-16s %s\n", "Proto", "Port", "Class", "Service", "PID/Program name",
           "State");
    for (size_t i = 0, n; i < h->count; i += n) {
        const struct sock_info *first = &h->rows[i];
        char owner[NETSTAT_OWNER_MAX], states[STATE_MAX];
        n = group_of(h, i);
        if ((first->protocol != IP_TCP && first->protocol != IP_UDP) || first->local.port == 0)
            continue; /* the identifier of a ping's echoes is no port; a socket may have none yet */
        const char *service = names_service(names, first->protocol, first->local.port);
        netstat_owner(first->owner, owner, sizeof owner);
        states_text(first, n, states, sizeof states);
        printf("%-5s %5u %-10s %-15s %-16s %s\n", netstat_protocol(first->protocol), first->local.port,
               range_of(first->local.port)->name, service ? service : "-", owner, states);
    }
    names_free(names);
}

static void print_all(const struct holders *h)
{
    puts("A port is a number of 16 bits. RFC 6335 section 6 divides them into three classes:");
    for (size_t i = PORT_WELL_KNOWN; i < sizeof ranges / sizeof *ranges; i++)
        printf("  %5u to %5u  %-10s  %s\n", ranges[i].first, ranges[i].last, ranges[i].name, ranges[i].about);
    puts("  Port 0 is reserved: nobody can have it.");
    if (!names_has_services())
        say_no_services();
    if (h->running)
        print_held(h);
    else
        say_not_running(h);
}

/* --- arguments --- */

static void add_port(struct ports_asked *asked, uint16_t port)
{
    if (asked->count == 0 || asked->port[0] != port)
        asked->port[asked->count++] = port;
}

/* 0, or the exit status. */
static int read_port(const char *command, const char *text, struct ports_asked *asked)
{
    static const char *const protocols[] = {"tcp", "udp"};
    uint16_t port;
    if (text[strspn(text, "0123456789")] == '\0') {
        if (!arg_port(text, &port))
            return arg_error(command, "not a port: %s: they are numbers from 1 to 65535, and 0 is reserved",
                             text);
        add_port(asked, port);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        const struct servent *entry = getservbyname(text, protocols[i]);
        if (entry)
            add_port(asked, ntohs((uint16_t)entry->s_port));
    }
    if (asked->count == 0 && arg_port(text, &port))
        add_port(asked, port);
    if (asked->count > 0)
        return 0;
    if (!names_has_services())
        return arg_error(
            command, "no service '%s' is known: there is no " SERVICES ", install the package netbase", text);
    return arg_error(command, "no service '%s' in " SERVICES, text);
}

int cmd_ports(int argc, char **argv)
{
    static const struct option longs[] = {ARG_NAME_OPTION, ARG_HELP_OPTION, ARG_END_OF_TABLE};
    struct ports_asked asked = {.common = {help, CONTROL_NAME_DEFAULT, NULL}};
    struct holders holders;
    int status;
    if (arg_next(argc, argv, "", longs, &asked.common, &status) == -2)
        return status;
    if (argc - optind > 1)
        return arg_error(argv[0], "one port at a time: unexpected argument: %s", argv[optind + 1]);
    status = optind < argc ? read_port(argv[0], argv[optind], &asked) : 0;
    if (status != 0)
        return status;
    if (!ask(&holders, asked.common.stack))
        return EXIT_FAILURE;
    for (unsigned i = 0; i < asked.count; i++)
        print_port(&holders, asked.port[i]);
    if (asked.count == 0)
        print_all(&holders);
    free(holders.rows);
    return EXIT_SUCCESS;
}
