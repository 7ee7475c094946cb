/* Starts and stops the programs that services.h lists. Called by up_pieces.c and up_closing.c. */
#include "services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "httpd.h"
#include "server.h"

struct services {
    struct service_config config;
    struct httpd httpd;
    struct server tcp[SERVICE_COUNT];
    struct udp_server udp[SERVICE_COUNT];
    uint8_t scratch[SERVER_SCRATCH];
};

static const struct {
    const struct server_program *program;
    int64_t (*answer)(uint8_t *bytes, size_t len); /* NULL: TCP only */
} programs[SERVICE_COUNT] = {
    [SERVICE_ECHO] = {&echo_program, echo_answer},
    [SERVICE_DISCARD] = {&discard_program, discard_answer},
    [SERVICE_DAYTIME] = {&daytime_program, daytime_answer},
    [SERVICE_CHARGEN] = {&chargen_program, chargen_answer},
    [SERVICE_HTTP] = {&http_program, NULL},
};

static int start_one(struct services *s, struct loop *loop, struct stack *stack, int which)
{
    uint16_t port = s->config.port[which].port;
    struct server *tcp = &s->tcp[which];
    struct udp_server *udp = &s->udp[which];
    if (port == 0)
        return 0;
    *tcp = (struct server){.loop = loop, .scratch = s->scratch, .context = &s->httpd};
    int error = server_start(tcp, stack, programs[which].program, port);
    if (error || !programs[which].answer)
        return error;
    *udp = (struct udp_server){.config = &s->config, .answer = programs[which].answer, .scratch = s->scratch};
    return udp_server_start(udp, stack, port);
}

static int start_all(struct services *s, struct loop *loop, struct stack *stack)
{
    int error = httpd_open(&s->httpd, s->config.www, s->config.access_log);
    if (error) {
        fprintf(stderr, "glass: cannot share the folder %s: %s\n", s->config.www, strerror(-error));
        return error;
    }
    for (int which = 0; which < SERVICE_COUNT; which++) {
        error = start_one(s, loop, stack, which);
        if (error) {
            fprintf(stderr, "glass: cannot start %s at port %u: %s\n", s->config.port[which].name,
                    s->config.port[which].port, strerror(-error));
            return error;
        }
    }
    return 0;
}

int services_start(struct loop *loop, struct stack *stack, const struct service_config *config,
                   struct services **out)
{
    struct services *s = calloc(1, sizeof *s);
    if (!s) {
        fprintf(stderr, "glass: cannot start the services: %s\n", strerror(ENOMEM));
        return -ENOMEM;
    }
    s->config = *config;
    int error = start_all(s, loop, stack);
    if (error) {
        services_stop(s);
        return error;
    }
    *out = s;
    return 0;
}

void services_stop(struct services *services)
{
    if (!services)
        return;
    for (int which = 0; which < SERVICE_COUNT; which++) {
        server_stop(&services->tcp[which]);
        udp_server_stop(&services->udp[which]);
    }
    httpd_close(&services->httpd);
    free(services);
}
