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

void http_log(FILE *log, const struct http_log_entry *e)
{
    uint32_t addr = e->remote.addr;
    struct tm t = {0};
    char when[40] = "-";
    if (gmtime_r(&e->when, &t))
        strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", &t);

    struct text line;
    text_init(&line, 3 * LOG_LINE_MAX);
    text_format(&line, "%u.%u.%u.%u - - [%s]", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255,
                when);
    add_piece(&line, e->bytes, e->request->line);
    text_format(&line, " %d %lld", e->status, (long long)e->sent);
    add_piece(&line, e->bytes, e->request->field[FIELD_REFERER]);
    add_piece(&line, e->bytes, e->request->field[FIELD_USER_AGENT]);
    text_add(&line, "\n");
    if (!line.bad)
        fwrite(line.at, 1, line.len, log);
    text_free(&line);
}
