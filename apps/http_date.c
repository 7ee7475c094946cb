/* IMF-fixdate out; IMF-fixdate, RFC 850 and asctime forms in (RFC 9110 5.6.7). By hand because strptime and
 * strftime follow the locale. Pure. */
#include "http_date.h"

#include <stdio.h>

static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_text(time_t when, char text[HTTP_DATE_ROOM])
{
    struct tm t = {0};
    if (!gmtime_r(&when, &t) || t.tm_year > 9999 - 1900 || t.tm_year < -1900) {
        when = 0; /* a file's time can be anything; a date has four digits for the year */
        gmtime_r(&when, &t);
    }
    snprintf(text, HTTP_DATE_ROOM, "%s, %02u %s %04u %02u:%02u:%02u GMT", day_names[t.tm_wday],
             (unsigned)t.tm_mday % 100, month_names[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
}

/* Exactly n digits (a leading space may stand for a zero in asctime's day). */
static int get_digits(struct reader *r, int n, bool padded)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        uint8_t c = get8(r);
        if (i == 0 && padded && c == ' ')
            continue;
        if (c < '0' || c > '9')
            r->bad = true;
        value = value * 10 + (c - '0');
    }
    return value;
}

static void expect(struct reader *r, const char *text)
{
    const uint8_t *got = get_bytes(r, strlen(text));
    if (!got || memcmp(got, text, strlen(text)) != 0)
        r->bad = true;
}

static int get_month(struct reader *r)
{
    const uint8_t *got = get_bytes(r, 3);
    for (int m = 0; got && m < 12; m++) {
        if (memcmp(got, month_names[m], 3) == 0)
            return m;
    }
    r->bad = true;
    return 0;
}

static void get_clock(struct reader *r, struct tm *t)
{
    t->tm_hour = get_digits(r, 2, false);
    expect(r, ":");
    t->tm_min = get_digits(r, 2, false);
    expect(r, ":");
    t->tm_sec = get_digits(r, 2, false);
}

/* "06 Nov 1994 08:49:37 GMT" */
static void get_imf(struct reader *r, struct tm *t)
{
    t->tm_mday = get_digits(r, 2, false);
    expect(r, " ");
    t->tm_mon = get_month(r);
    expect(r, " ");
    t->tm_year = get_digits(r, 4, false) - 1900;
    expect(r, " ");
    get_clock(r, t);
    expect(r, " GMT");
}

/* "06-Nov-94 08:49:37 GMT": a year that seems more than 50 years ahead is in the past. */
static void get_rfc850(struct reader *r, time_t now, struct tm *t)
{
    struct tm today = {0};
    gmtime_r(&now, &today);
    t->tm_mday = get_digits(r, 2, false);
    expect(r, "-");
    t->tm_mon = get_month(r);
    expect(r, "-");
    t->tm_year = today.tm_year / 100 * 100 + get_digits(r, 2, false);
    if (t->tm_year > today.tm_year + 50)
        t->tm_year -= 100;
    expect(r, " ");
    get_clock(r, t);
    expect(r, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static void get_asctime(struct reader *r, struct tm *t)
{
    t->tm_mon = get_month(r);
    expect(r, " ");
    t->tm_mday = get_digits(r, 2, true);
    expect(r, " ");
    get_clock(r, t);
    expect(r, " ");
    t->tm_year = get_digits(r, 4, false) - 1900;
}

bool http_date_parse(struct span text, time_t now, time_t *when)
{
    struct tm t = {0};
    const uint8_t *comma = text.len ? memchr(text.at, ',', text.len) : NULL;
    size_t name = comma ? (size_t)(comma - text.at) : 3;
    struct reader r = reader_of(text.at, text.len);
    get_bytes(&r, name); /* the day's name follows from the date */
    expect(&r, comma ? ", " : " ");
    if (!comma)
        get_asctime(&r, &t);
    else if (name == 3)
        get_imf(&r, &t);
    else
        get_rfc850(&r, now, &t);
    if (r.bad || reader_left(&r) > 0)
        return false;
    if (t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
        return false;
    *when = timegm(&t);
    return true;
}
