/* Daytime, RFC 867: the time in words, then the connection ends. TCP and UDP. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define DAYTIME_CONNECTIONS 65536
#define DAYTIME_ROOM        64
#define DAYTIME_LINGER      SEC(5) /* for the peer's FIN */

struct daytime_conn {
    struct server_conn base;
    struct deadline deadline;
    bool told;
};

/* RFC 867 2: "Weekday, Month Day, Year Time-Zone", one line. In UTC, so that the answer means the same
 * everywhere. */
static size_t daytime_text(char text[DAYTIME_ROOM])
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    time_t now = time(NULL);
    struct tm t = {0};
    gmtime_r(&now, &t);
    int n = snprintf(text, DAYTIME_ROOM, "%s, %s %d, %d %02d:%02d:%02d-UTC\r\n", days[t.tm_wday],
                     months[t.tm_mon], t.tm_mday, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    return n < DAYTIME_ROOM ? (size_t)n : DAYTIME_ROOM - 1;
}

static void daytime_late(struct deadline *deadline)
{
    struct daytime_conn *c =
        (struct daytime_conn *)((char *)deadline - offsetof(struct daytime_conn, deadline));
    server_close(&c->base);
}

/* False: there is nobody to tell. */
static bool tell(struct daytime_conn *c)
{
    char text[DAYTIME_ROOM];
    size_t len = daytime_text(text);
    if (sock_send(c->base.sock, text, len, 0) != (ssize_t)len)
        return false;
    c->told = true;
    loop_deadline(c->base.server->loop, &c->deadline, loop_now(c->base.server->loop) + DAYTIME_LINGER);
    return sock_shutdown(c->base.sock, SOCK_SHUT_WRITE) == 0;
}

/* "Any data received is thrown away", RFC 867. It must be read, though: closing over unread data is a reset,
 * which could destroy the answer (RFC 9293 3.6.1). */
static void daytime_run(struct server_conn *base)
{
    struct daytime_conn *c = (struct daytime_conn *)base;
    if (!c->told && !tell(c)) {
        server_abort(base);
        return;
    }
    int64_t n = server_discard(base);
    if (n <= 0 && n != -EAGAIN)
        server_close(base);
}

static void daytime_begin(struct server_conn *base)
{
    ((struct daytime_conn *)base)->deadline.passed = daytime_late;
}

static void daytime_end(struct server_conn *base)
{
    loop_deadline(base->server->loop, &((struct daytime_conn *)base)->deadline, NEVER);
}

const struct server_program daytime_program = {
    .size = sizeof(struct daytime_conn),
    .limit = DAYTIME_CONNECTIONS,
    .begin = daytime_begin,
    .run = daytime_run,
    .end = daytime_end,
};

int64_t daytime_answer(uint8_t *bytes, size_t len)
{
    (void)len;
    char text[DAYTIME_ROOM];
    size_t n = daytime_text(text);
    memcpy(bytes, text, n);
    return (int64_t)n;
}
