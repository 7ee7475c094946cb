/* Numbers with a unit, as people type them: 20ms, 0.5%, 10mbit, 4m. The whole text must be one, without blanks or
 * sign; only 0 needs no unit. False leaves *out alone. */
#ifndef GLASS_QUANTITY_H
#define GLASS_QUANTITY_H

#include "../stack/config.h"

bool quantity_time(const char *text, usec *out);      /* us, ms, s, min, h */
bool quantity_share(const char *text, uint32_t *out); /* %, up to 100; in millionths */
bool quantity_rate(const char *text, int64_t *out);   /* bit, kbit, mbit, gbit: bits a second */
bool quantity_size(const char *text, int64_t *out);   /* bytes; k, m, g: of 1024; a plain number needs no unit */

#endif
