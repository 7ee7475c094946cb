/* Conditional requests: RFC 9110 13. */
#ifndef GLASS_HTTP_CONDITION_H
#define GLASS_HTTP_CONDITION_H

#include <time.h>
#include "http_parse.h"

struct http_validators {
    const char *etag; /* strong, with its quotes */
    time_t modified;
    time_t now; /* a modification as young as this may not be the last within its second */
};

/* 200: go on; 304; 412. */
int http_condition(const struct http_request *r, const uint8_t *bytes, const struct http_validators *v);

/* Whether a Range field counts: there is no If-Range, or it names exactly this content (RFC 9110 13.1.5). */
bool http_range_applies(const struct http_request *r, const uint8_t *bytes, const struct http_validators *v);

#endif
