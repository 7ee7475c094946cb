/* The access log: one line a request, in the "combined" format that log readers know. */
#ifndef GLASS_HTTP_LOG_H
#define GLASS_HTTP_LOG_H

#include <stdio.h>
#include <time.h>
#include "http_parse.h"

struct http_log_entry {
    struct endpoint remote;
    time_t when;
    const struct http_request *request;
    const uint8_t *bytes; /* of the request, NULL: none came */
    int status;
    int64_t sent; /* bytes of the response's body */
};

void http_log(FILE *log, const struct http_log_entry *entry);

#endif
