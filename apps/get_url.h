/* http://HOST[:PORT][/PATH][?QUERY], RFC 9110 4.2.1. */
#ifndef GLASS_GET_URL_H
#define GLASS_GET_URL_H

#include <stdbool.h>
#include <stdint.h>

#define URL_MAX 4096

struct url {
    char host[256];
    uint16_t port;
    char path[URL_MAX]; /* what the request asks for: "/" at least, without the fragment */
};

/* NULL, or what is wrong with it. */
const char *url_parse(struct url *u, const char *text);

#endif
