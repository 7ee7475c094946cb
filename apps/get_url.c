/* http://HOST[:PORT][/PATH][?QUERY], RFC 9110 4.2.1 and RFC 3986 3. Called by get.c. */
#include "get_url.h"

#include <string.h>
#include <strings.h>
#include "args.h"

/* Nothing that would end the request line, or begin another header (RFC 9112 3.2). */
static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static const char *parse_authority(struct url *u, const char *at, size_t len)
{
    const char *colon = memchr(at, ':', len);
    size_t host_len = colon ? (size_t)(colon - at) : len;
    char port[8];
    int64_t number = 80;
    if (memchr(at, '@', len))
        return "a user name in it (http has none)";
    if (host_len == 0 || host_len >= sizeof u->host)
        return host_len == 0 ? "no host in it" : "the host is too long";
    if (at[0] == '[')
        return "an IPv6 address (this stack speaks IPv4)";
    memcpy(u->host, at, host_len);
    u->host[host_len] = '\0';
    size_t port_len = colon ? len - host_len - 1 : 0;
    if (port_len >= sizeof port)
        return "the port is not a number from 1 to 65535";
    if (port_len > 0) { /* RFC 3986 3.2.3: "host:" means the default port */
        memcpy(port, colon + 1, port_len);
        port[port_len] = '\0';
        if (!arg_number(port, 1, 65535, &number))
            return "the port is not a number from 1 to 65535";
    }
    u->port = (uint16_t)number;
    return NULL;
}

const char *url_parse(struct url *u, const char *text)
{
    static const char scheme[] = "http://";
    if (strlen(text) >= URL_MAX)
        return "it is too long";
    if (!is_printable(text))
        return "a blank, a control character or a byte beyond ASCII in it (write it as %20 and so on)";
    if (strncasecmp(text, scheme, sizeof scheme - 1) != 0)
        return "only http:// is spoken here";
    const char *authority = text + sizeof scheme - 1;
    size_t len = strcspn(authority, "/?#");
    const char *why = parse_authority(u, authority, len);
    if (why)
        return why;
    const char *path = authority + len;
    size_t path_len = strcspn(path, "#");
    size_t slash = *path == '/' ? 0 : 1; /* RFC 9112 3.2.1: an empty path is asked for as "/" */
    u->path[0] = '/';
    memcpy(u->path + slash, path, path_len);
    u->path[slash + path_len] = '\0';
    return NULL;
}
