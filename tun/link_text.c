/* Reads --link. No RFC. Called by apps/up_args.c and tests/bench. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "quantity.h"

#define WORD_MAX  64
#define BURST_MAX 1000
#define RATE_MIN  1000 /* bits a second */
#define RATE_MAX  INT64_C(100000000000)

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9' || strlen(text) > 19)
        return false;
    uint64_t n = strtoull(text, &end, 10);
    if (*end || n < least || n > most)
        return false;
    *out = n;
    return true;
}

static bool count(const char *text, uint64_t most, uint32_t *out)
{
    uint64_t n;
    if (!number(text, 1, most, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool time_of(const char *text, usec *out)
{
    usec t;
    if (!quantity_time(text, &t) || t > LINK_TIME_MAX)
        return false;
    *out = t;
    return true;
}

static bool rate_of(const char *text, int64_t *out)
{
    int64_t rate;
    if (!quantity_rate(text, &rate) || rate < RATE_MIN || rate > RATE_MAX)
        return false;
    *out = rate;
    return true;
}

static bool is_on(const char *text, bool *out)
{
    *out = strcmp(text, "on") == 0;
    return *out || strcmp(text, "off") == 0;
}

enum fault { LOSS, DELAY, JITTER, REORDER, DUP, CORRUPT, RATE, QUEUE, BURST, ECN, SEED, FAULTS };

static const struct {
    const char *name, *like;
} known[FAULTS] = {
    [LOSS] = {"loss", "a share such as 1%"},
    [DELAY] = {"delay", "a time up to 60s, such as 20ms"},
    [JITTER] = {"jitter", "a time up to 60s, such as 5ms"},
    [REORDER] = {"reorder", "a share such as 0.5%"},
    [DUP] = {"dup", "a share such as 0.1%"},
    [CORRUPT] = {"corrupt", "a share such as 0.1%"},
    [RATE] = {"rate", "1kbit to 100gbit, such as 10mbit"},
    [QUEUE] = {"queue", "1 to 100000 datagrams"},
    [BURST] = {"burst", "1 to 1000 losses in a row"},
    [ECN] = {"ecn", "on or off"},
    [SEED] = {"seed", "a whole number"},
};

static bool set(struct link_config *c, enum fault which, const char *value)
{
    switch (which) {
    case LOSS:
        return quantity_share(value, &c->loss);
    case DELAY:
        return time_of(value, &c->delay);
    case JITTER:
        return time_of(value, &c->jitter);
    case REORDER:
        return quantity_share(value, &c->reorder);
    case DUP:
        return quantity_share(value, &c->duplicate);
    case CORRUPT:
        return quantity_share(value, &c->corrupt);
    case RATE:
        return rate_of(value, &c->rate);
    case QUEUE:
        return count(value, LINK_QUEUE_MAX, &c->queue);
    case BURST:
        return count(value, BURST_MAX, &c->burst);
    case ECN:
        return is_on(value, &c->ecn);
    default:
        return number(value, 0, UINT64_MAX, &c->seed);
    }
}

/* One "NAME=VALUE", or "ecn" alone. Which it was is added to *given. */
static bool set_word(struct link_config *c, char *word, unsigned *given, char *why, size_t room)
{
    char *equals = strchr(word, '='), *value = equals ? equals + 1 : strcmp(word, "ecn") == 0 ? "on" : NULL;
    if (equals)
        *equals = '\0';
    for (int i = 0; i < FAULTS; i++) {
        if (strcmp(known[i].name, word) != 0)
            continue;
        *given |= 1u << i;
        if (value && set(c, (enum fault)i, value))
            return true;
        snprintf(why, room, "%s: '%s' is not %s", word, value ? value : "", known[i].like);
        return false;
    }
    snprintf(why, room,
             "there is no '%s': loss, delay, jitter, reorder, dup, corrupt, rate, queue, burst, ecn, seed",
             word);
    return false;
}

/* Parts that mean nothing without another. */
static bool makes_sense(const struct link_config *c, unsigned given, char *why, size_t room)
{
    const char *lone = given & 1u << QUEUE ? "queue" : c->ecn ? "ecn" : NULL;
    if (lone && c->rate == 0) {
        snprintf(why, room, "%s: only a bottleneck has a queue: give a rate too", lone);
        return false;
    }
    if (given & 1u << BURST && c->loss == 0) {
        snprintf(why, room, "burst: nothing is lost: give a loss too");
        return false;
    }
    return true;
}

bool link_parse(struct link_config *config, const char *text, char *why, size_t room)
{
    struct link_config wanted;
    unsigned given = 0;
    link_config_init(&wanted);
    for (const char *at = text;; at++) {
        char word[WORD_MAX];
        size_t len = strcspn(at, ",");
        if (len >= sizeof word) {
            snprintf(why, room, "'%.20s...' is too long", at);
            return false;
        }
        memcpy(word, at, len);
        word[len] = '\0';
        if (!set_word(&wanted, word, &given, why, room))
            return false;
        at += len;
        if (!*at)
            break;
    }
    if (!makes_sense(&wanted, given, why, room))
        return false;
    *config = wanted;
    return true;
}
