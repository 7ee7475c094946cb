/* Text that grows, and the three escapings that make foreign bytes harmless: HTML, URL path (RFC 3986 2.1),
 * log. Used by http_page.c, http_log.c and httpd.c. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_ROOM_MIN 512

void text_init(struct text *t, size_t limit)
{
    *t = (struct text){.limit = limit};
}

void text_free(struct text *t)
{
    free(t->at);
    text_init(t, t->limit);
}

static bool make_room(struct text *t, size_t n)
{
    if (t->bad || n > t->limit - t->len) {
        t->bad = true;
        return false;
    }
    if (n <= t->room - t->len)
        return true;
    size_t room = t->room ? t->room : TEXT_ROOM_MIN;
    while (room < t->len + n)
        room *= 2;
    char *at = realloc(t->at, room);
    if (!at) {
        t->bad = true;
        return false;
    }
    t->at = at;
    t->room = room;
    return true;
}

void text_bytes(struct text *t, const void *bytes, size_t n)
{
    if (n == 0 || !make_room(t, n))
        return;
    memcpy(t->at + t->len, bytes, n);
    t->len += n;
}

void text_add(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

void text_format(struct text *t, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line)
        t->bad = true; /* formats are for short things; foreign text goes through text_bytes */
    else
        text_bytes(t, line, (size_t)n);
}

void text_number(struct text *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    text_bytes(t, digits + at, sizeof digits - at);
}

static const char *html_escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void text_html(struct text *t, const void *bytes, size_t n)
{
    const char *c = bytes;
    for (size_t i = 0; i < n; i++) {
        const char *escape = html_escape(c[i]);
        if (escape)
            text_add(t, escape);
        else
            text_bytes(t, &c[i], 1);
    }
}

/* RFC 3986 2.3, and '/'. All else is encoded, ':' too, so that a name cannot pass for a scheme. */
static bool url_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/", c));
}

void text_url(struct text *t, const void *bytes, size_t n)
{
    const unsigned char *c = bytes;
    for (size_t i = 0; i < n; i++) {
        if (url_plain(c[i]))
            text_bytes(t, &c[i], 1);
        else
            text_format(t, "%%%02X", c[i]);
    }
}

void text_log(struct text *t, const void *bytes, size_t n)
{
    const unsigned char *c = bytes;
    size_t plain = 0; /* bytes before c[i] that go as they are */
    for (size_t i = 0; i < n; i++, plain++) {
        bool quote = c[i] == '"' || c[i] == '\\', hidden = c[i] < 0x20 || c[i] >= 0x7f;
        if (!quote && !hidden)
            continue;
        text_bytes(t, &c[i - plain], plain);
        text_format(t, quote ? "\\%c" : "\\x%02X", c[i]);
        plain = (size_t)-1;
    }
    text_bytes(t, &c[n - plain], plain);
}
