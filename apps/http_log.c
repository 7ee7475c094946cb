/* Access-log lines. What comes from the client is escaped, so that it can neither end the line nor forge
 * another, nor speak to the terminal that shows it. Called by httpd.c when a response is over. */
#include "http_log.h"
#include "text.h"

#define LOG_LINE_MAX  8192 /* bytes */
#define LOG_PIECE_MAX 1024 /* bytes of a client's text, before escaping: the rest is cut off */

static void add_piece(struct text *line, const uint8_t *bytes, struct http_piece piece)
{
    size_t len = piece.len < LOG_PIECE_MAX ? piece.len : LOG_PIECE_MAX;
    if (!bytes || len == 0) {
        text_add(line, " \"-\"");
        return;
    }
    text_add(line, " \"");
    text_log(line, bytes + piece.at, len);
    text_add(line, piece.len > len ? "...\"" : "\"");
}

static void add_address(struct text *line, uint32_t addr)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        text_number(line, addr >> shift & 255);
        text_add(line, shift ? "." : "");
    }
}

/* Made once for all lines of a second. */
static void add_time(struct text *line, time_t when)
{
    static char text[48];
    static time_t made = -1;
    struct tm t = {0};
    if (when != made)
        snprintf(text, sizeof text, " - - [-]");
    if (when != made && gmtime_r(&when, &t))
        strftime(text, sizeof text, " - - [%d/%b/%Y:%H:%M:%S +0000]", &t);
    made = when;
    text_add(line, text);
}

void http_log(FILE *log, const struct http_log_entry *e)
{
    struct text line;
    text_init(&line, 3 * LOG_LINE_MAX);
    add_address(&line, e->remote.addr);
    add_time(&line, e->when);
    add_piece(&line, e->bytes, e->request->line);
    text_add(&line, " ");
    text_number(&line, (unsigned)e->status);
    text_add(&line, " ");
    text_number(&line, (uint64_t)e->sent);
    add_piece(&line, e->bytes, e->request->field[FIELD_REFERER]);
    add_piece(&line, e->bytes, e->request->field[FIELD_USER_AGENT]);
    text_add(&line, "\n");
    if (!line.bad)
        fwrite(line.at, 1, line.len, log);
    text_free(&line);
}
