/* The parts of a ladder's picture: its frame and style sheet, and text that is safe inside it. */
#ifndef GLASS_LADDER_SVG_H
#define GLASS_LADDER_SVG_H

#include <stdio.h>
#include "../stack/event.h"

#define SVG_WIDTH 960 /* user units, about pixels */
#define SVG_LEFT  236 /* where the left end's line stands */
#define SVG_RIGHT 724

/* Opens the document: size, title, description, style sheet, background. */
void svg_begin(FILE *out, int height, const char *title, const char *description);
void svg_end(FILE *out);

/* A text element; `classes` may be several; `anchor` is "start", "middle" or "end". */
void svg_text(FILE *out, int x, int y, const char *classes, const char *anchor, const char *text);

/* The same over what was drawn before, which is dimmed behind it. */
void svg_text_over(FILE *out, int x, int y, const char *classes, const char *anchor, const char *text);

/* "s5" for a state's colour. */
void svg_state_class(enum tcp_state state, char to[8]);

#endif
