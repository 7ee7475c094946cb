/* A growing text: pages, response heads, log lines.
 *
 * Like the writer of wire.h it remembers that something went wrong (no memory, or the limit is reached) and
 * its user looks once, at the end. */
#ifndef GLASS_TEXT_H
#define GLASS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *at; /* not terminated */
    size_t len, room, limit;
    bool bad;
};

void text_init(struct text *t, size_t limit);
void text_free(struct text *t); /* and makes it empty */

void text_bytes(struct text *t, const void *bytes, size_t n);
void text_add(struct text *t, const char *s);
void text_number(struct text *t, uint64_t n); /* decimal */
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of unknown origin, made harmless for where they go. */
void text_html(struct text *t, const void *bytes, size_t n); /* element content and quoted attributes */
void text_url(struct text *t, const void *bytes, size_t n);  /* a path; '/' stays (RFC 3986 3.3) */
void text_log(struct text *t, const void *bytes, size_t n);  /* within "..." on one line */

#endif
