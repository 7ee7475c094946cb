/* Reads numbers with a unit. No RFC. Called by link_text.c and the options of `glass up`. */
#include <string.h>

#include "quantity.h"

#define SHARE_MAX 1000000u /* 100 % */
#define DECIMALS  6

struct unit {
    const char *name;
    int64_t scale;
};

static const struct unit *unit_of(const char *name, const struct unit *units)
{
    for (; units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

/* The digits at *text as a number below `limit`; *text moves behind them. */
static bool digits(const char **text, int64_t limit, int64_t *out)
{
    const char *at = *text;
    int64_t n = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (*at - '0');
        if (n >= limit)
            return false;
    }
    bool any = at > *text;
    *text = at;
    *out = n;
    return any;
}

/* The decimals behind the point, in millionths. */
static bool decimals(const char **text, int64_t *out)
{
    const char *from = *text;
    int64_t n;
    if (!digits(text, SHARE_MAX, &n) || *text - from > DECIMALS)
        return false;
    for (long i = *text - from; i < DECIMALS; i++)
        n *= 10;
    *out = n;
    return true;
}

static bool parse(const char *text, const struct unit *units, int64_t *out)
{
    int64_t whole, part = 0;
    if (!digits(&text, INT64_MAX / 16, &whole))
        return false;
    if (*text == '.') {
        text++;
        if (!decimals(&text, &part))
            return false;
    }
    const struct unit *unit = unit_of(text, units);
    if (!unit && !(*text == '\0' && whole == 0 && part == 0))
        return false;
    int64_t scale = unit ? unit->scale : 1;
    if (whole >= INT64_MAX / 2 / scale)
        return false;
    *out = whole * scale + part * scale / SHARE_MAX;
    return true;
}

bool quantity_time(const char *text, usec *out)
{
    static const struct unit units[] = {{"us", 1},        {"ms", MSEC(1)},  {"s", SEC(1)},
                                        {"min", SEC(60)}, {"h", SEC(3600)}, {NULL, 0}};
    return parse(text, units, out);
}

bool quantity_share(const char *text, uint32_t *out)
{
    static const struct unit units[] = {{"%", SHARE_MAX / 100}, {NULL, 0}};
    int64_t n;
    if (!parse(text, units, &n) || n > SHARE_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

bool quantity_rate(const char *text, int64_t *out)
{
    static const struct unit units[] = {
        {"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {NULL, 0}};
    return parse(text, units, out);
}

bool quantity_size(const char *text, int64_t *out)
{
    static const struct unit units[] = {{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};
    return parse(text, units, out);
}
