/* Reads services(5) and hosts(5) once, so that a long table does not read them again for each row. No RFC.
 *
 * gethostent() is used because it enumerates /etc/hosts alone; gethostbyaddr() might ask a name server, and
 * then a table of connections would make connections. Called by netstat_table.c and ports.c. */
#include "names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS 65536

enum { NAMES_TCP, NAMES_UDP, NAMES_PROTOCOLS };

struct host {
    uint32_t addr;
    char *name;
};

struct names {
    char *service[NAMES_PROTOCOLS][PORTS];
    struct host host[NAMES_HOSTS_MAX];
    size_t hosts;
};

static void read_services(struct names *names)
{
    const struct servent *entry;
    setservent(0);
    while ((entry = getservent())) {
        int which = strcmp(entry->s_proto, "tcp") == 0   ? NAMES_TCP
                    : strcmp(entry->s_proto, "udp") == 0 ? NAMES_UDP
                                                         : NAMES_PROTOCOLS;
        uint16_t port = ntohs((uint16_t)entry->s_port);
        if (which != NAMES_PROTOCOLS && !names->service[which][port])
            names->service[which][port] = strdup(entry->s_name);
    }
    endservent();
}

static int compare_hosts(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* 0.0.0.0 is no host, however long a list of unwanted names stands under it. */
static void read_hosts(struct names *names)
{
    const struct hostent *entry;
    sethostent(0);
    while (names->hosts < NAMES_HOSTS_MAX && (entry = gethostent())) {
        struct in_addr in;
        if (entry->h_addrtype != AF_INET || !entry->h_addr_list[0])
            continue;
        memcpy(&in, entry->h_addr_list[0], sizeof in);
        char *name = in.s_addr == 0 ? NULL : strdup(entry->h_name);
        if (name)
            names->host[names->hosts++] = (struct host){ntohl(in.s_addr), name};
    }
    endhostent();
    qsort(names->host, names->hosts, sizeof *names->host, compare_hosts);
}

struct names *names_new(void)
{
    struct names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    read_services(names);
    read_hosts(names);
    return names;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    for (int which = 0; which < NAMES_PROTOCOLS; which++)
        for (int port = 0; port < PORTS; port++)
            free(names->service[which][port]);
    for (size_t i = 0; i < names->hosts; i++)
        free(names->host[i].name);
    free(names);
}

const char *names_service(const struct names *names, uint8_t protocol, uint16_t port)
{
    if (!names || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
        return NULL;
    return names->service[protocol == IPPROTO_TCP ? NAMES_TCP : NAMES_UDP][port];
}

const char *names_host(const struct names *names, uint32_t addr)
{
    const struct host key = {addr, NULL};
    const struct host *found =
        names ? bsearch(&key, names->host, names->hosts, sizeof key, compare_hosts) : NULL;
    return found ? found->name : NULL;
}

bool names_has_services(void)
{
    setservent(0);
    bool has = getservent() != NULL;
    endservent();
    return has;
}
