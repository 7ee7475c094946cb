/* Range requests: RFC 9110 14. */
#ifndef GLASS_HTTP_RANGE_H
#define GLASS_HTTP_RANGE_H

#include "../stack/wire.h"

enum http_range {
    RANGE_WHOLE,         /* no range that we serve: the whole content, 200 */
    RANGE_PART,          /* 206 */
    RANGE_UNSATISFIABLE, /* 416 */
};

/* The value of a Range field against content of `size` bytes. RANGE_PART sets [*first, *end). Malformed
 * ranges and units other than bytes are ignored, and so are lists of ranges (RFC 9110 14.2 leaves it to the
 * server): a client that asks for several gets the whole, which is never wrong. */
enum http_range http_range(struct span value, int64_t size, int64_t *first, int64_t *end);

#endif
