/* Dates in HTTP: RFC 9110 5.6.7. */
#ifndef GLASS_HTTP_DATE_H
#define GLASS_HTTP_DATE_H

#include <time.h>
#include "../stack/wire.h"

#define HTTP_DATE_ROOM 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and its end */

void http_date_text(time_t when, char text[HTTP_DATE_ROOM]);

/* Any of the three forms. False: not a date. `now` decides the century of a two-digit year. */
bool http_date_parse(struct span text, time_t now, time_t *when);

#endif
