/* The characters of RFC 864. */
#ifndef GLASS_CHARGEN_H
#define GLASS_CHARGEN_H

#include <stddef.h>
#include <stdint.h>

#define CHARGEN_LINE   74                  /* 72 characters, CR, LF */
#define CHARGEN_PERIOD (95 * CHARGEN_LINE) /* after so many bytes the stream repeats */

/* `len` bytes of the endless stream, from `position` on. */
void chargen_fill(uint8_t *bytes, size_t len, uint32_t position);

#endif
