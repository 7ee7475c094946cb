/* What `glass ladder` was asked for. ladder_command.c reads it and draws files; ladder_live.c follows a
 * stack. */
#ifndef GLASS_LADDER_COMMAND_H
#define GLASS_LADDER_COMMAND_H

#include "args.h"
#include "ladder_drawing.h"

struct ladder_asked {
    struct arg_common common;
    const char *file; /* NULL: live */
    const char *svg;  /* NULL: text on standard output */
    bool live, list, named;
    int64_t connection; /* 0: not given */
    uint16_t port;      /* 0: not given */
    struct ladder_style style;
};

/* Follows the stack until it closes, Ctrl-C, or nobody reads. The exit status. */
int ladder_live(const struct ladder_asked *asked);

/* The conversations that are meant, one after the other from 0: the number of the next after `last`; 0: no
 * more. */
unsigned ladder_asked_next(const struct ladder_asked *asked, const struct ladder_drawing *d, unsigned last);

/* Draws that conversation (0: all in one) into the file of --svg. The exit status; said on standard error. */
int ladder_write_svg(const struct ladder_asked *asked, struct ladder_drawing *d, unsigned only,
                     const char *title);

#endif
