/* Reads numbers, addresses and ports strictly: what is not wholly one is an error. Called by every command.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "services.h"

int arg_error(const char *command, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "%s: ", command);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, " (see %s --help)\n", command);
    return EXIT_USAGE;
}

bool arg_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t n = 0;
    if (!*text)
        return false;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || n > (INT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (*at - '0');
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

bool arg_addr(const char *text, uint32_t *addr)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *addr = ntohl(in.s_addr);
    return true;
}

/* RFC 1122 3.2.1.3: not "this network", not loopback, not multicast or reserved. */
static bool is_host_address(uint32_t addr)
{
    uint32_t first = addr >> 24;
    return first != 0 && first != 127 && first < 224;
}

bool arg_cidr(const char *text, uint32_t *addr, uint8_t *prefix)
{
    char host[sizeof "255.255.255.255"];
    const char *slash = strchr(text, '/');
    int64_t length;
    uint32_t a;
    if (!slash || (size_t)(slash - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (!arg_addr(host, &a) || !arg_number(slash + 1, 8, 30, &length) || !is_host_address(a))
        return false;
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - length));
    if ((a & ~mask) == 0 || (a & ~mask) == ~mask) /* the network itself, or its broadcast address */
        return false;
    *addr = a;
    *prefix = (uint8_t)length;
    return true;
}

bool arg_port(const char *text, uint16_t *port)
{
    struct service_config known;
    int64_t n;
    if (arg_number(text, 1, UINT16_MAX, &n)) {
        *port = (uint16_t)n;
        return true;
    }
    service_config_init(&known);
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (strcmp(known.port[i].name, text) == 0) {
            *port = known.port[i].port;
            return true;
        }
    return false;
}
