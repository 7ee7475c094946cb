/* A capture as a ladder: RFC 9293 3.3.2 seen from outside.
 *
 * Without a stack's events the states of both ends are inferred. A comment of glass annotate's kind
 * (annotation.h) says what its stack knew: that end then stands on the right and its states are certain. */
#ifndef GLASS_LADDER_CAPTURE_H
#define GLASS_LADDER_CAPTURE_H

#include "ladder_drawing.h"
#include "packet_file.h"

#define LADDER_CAPTURE_MAX 2000000u /* segments that are kept; what is behind them is not read */

enum ladder_capture_end {
    LADDER_CAPTURE_WHOLE,
    LADDER_CAPTURE_DAMAGED, /* `why` says where; what came before is in the drawing */
    LADDER_CAPTURE_FULL,
    LADDER_CAPTURE_CLOSED, /* not opened: `why` says it */
};

/* Reads the file at `path` into `d`, which was begun for LADDER_OF_WIRE. `why` has room for PACKET_FILE_WHY
 * bytes. */
enum ladder_capture_end ladder_capture_read(struct ladder_drawing *d, const char *path, char *why);

#endif
