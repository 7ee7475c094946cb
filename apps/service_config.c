/* Which service answers at which port: the textbook's numbers (RFC 862, 863, 864, 867, 9110 4.2.1), and the
 * --service argument that changes them. Called by up_args.c. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "services.h"

void service_config_init(struct service_config *config)
{
    *config = (struct service_config){.port = {
                                          [SERVICE_ECHO] = {"echo", 7},
                                          [SERVICE_DISCARD] = {"discard", 9},
                                          [SERVICE_DAYTIME] = {"daytime", 13},
                                          [SERVICE_CHARGEN] = {"chargen", 19},
                                          [SERVICE_HTTP] = {"http", 80},
                                      }};
}

static struct service_port *find(struct service_config *config, const char *name, size_t len)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        struct service_port *p = &config->port[i];
        if (strlen(p->name) == len && memcmp(p->name, name, len) == 0)
            return p;
    }
    return NULL;
}

static const struct service_port *holder(const struct service_config *config, uint16_t port)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (port != 0 && config->port[i].port == port)
            return &config->port[i];
    return NULL;
}

bool service_config_parse(struct service_config *config, const char *text, char *why, size_t room)
{
    const char *equals = strchr(text, '=');
    if (!equals) {
        snprintf(why, room, "'%s' is not NAME=PORT or NAME=off", text);
        return false;
    }
    struct service_port *service = find(config, text, (size_t)(equals - text));
    if (!service) {
        snprintf(why, room, "there is no service '%.*s'; there are echo, discard, daytime, chargen, http",
                 (int)(equals - text), text);
        return false;
    }
    int64_t port = 0;
    if (strcmp(equals + 1, "off") != 0 && !arg_number(equals + 1, 1, UINT16_MAX, &port)) {
        snprintf(why, room, "'%s' is not a port: 1 to 65535, or off", equals + 1);
        return false;
    }
    const struct service_port *other = holder(config, (uint16_t)port);
    if (other && other != service) {
        snprintf(why, room, "port %d is taken by %s: move or switch that off first", (int)port, other->name);
        return false;
    }
    service->port = (uint16_t)port;
    return true;
}
