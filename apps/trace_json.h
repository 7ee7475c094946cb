/* An event as one JSON object on a line (RFC 8259), for programs. */
#ifndef GLASS_TRACE_JSON_H
#define GLASS_TRACE_JSON_H

#include <stdio.h>
#include "trace_text.h"

void trace_json_print(FILE *out, const struct event *e, const struct trace_style *style);

/* The string with its quotes; every byte that JSON does not take as it is, escaped. */
void trace_json_string(FILE *out, const char *text);

/* What the fields mean: for --help. */
extern const char trace_json_help[];

#endif
