/* From a request target to a name below the shared folder: RFC 3986 2.1 (percent-encoding), 5.2.4 (dot
 * segments). */
#ifndef GLASS_HTTP_PATH_H
#define GLASS_HTTP_PATH_H

#include "../stack/wire.h"
#include "http_parse.h"

struct http_path {
    char text[HTTP_TARGET_MAX +
              1]; /* relative: no leading '/', no empty, "." or ".." segment; "" is the root */
    size_t len;
    bool directory;    /* the target ends like a directory: "/", "/." or "/.." */
    struct span query; /* with its '?', in the target; empty without one */
};

/* 0, or the status of the refusal: 400 for bad encoding, NUL and what climbs above the root; 404 for an
 * encoded slash, which no file name can contain. */
int http_path(struct span target, struct http_path *out);

#endif
