/* Character generator, RFC 864: lines of the ring of printable characters, each shifted by one, without end.
 * TCP and UDP.
 *
 * UDP chargen is a classic amplifier (CERT CA-1996-01). So an answer is one line at most, and the datagram
 * that carries it is never more than three times the one that asked, headers included: the bound that RFC
 * 9000 8 sets for the same danger. RFC 864 allows any length from 0 to 512. */
#include "server.h"
#include "chargen.h"

#include <errno.h>

#define CHARGEN_CONNECTIONS 65536
#define CHARGEN_STRETCH     (10 * CHARGEN_PERIOD) /* bytes lent at a time: more than one frame takes */
#define CHARGEN_TIMES       3
#define UDP_HEADERS         28 /* bytes: IPv4 20, UDP 8 */

void chargen_fill(uint8_t *bytes, size_t len, uint32_t position)
{
    uint32_t line = position / CHARGEN_LINE, column = position % CHARGEN_LINE;
    for (size_t i = 0; i < len; i++) {
        if (column < CHARGEN_LINE - 2)
            bytes[i] = (uint8_t)(' ' + (line + column) % 95);
        else
            bytes[i] = column == CHARGEN_LINE - 2 ? '\r' : '\n';
        if (++column == CHARGEN_LINE) {
            column = 0;
            line++;
        }
    }
}

/* The same whole periods for every connection, made once: nothing is copied, and a connection costs no
 * buffer. */
static const uint8_t *stretch(void)
{
    static uint8_t bytes[CHARGEN_STRETCH];
    if (bytes[0] == 0)
        chargen_fill(bytes, sizeof bytes, 0);
    return bytes;
}

/* As much as may be lent. False: nobody listens. */
static bool generate(struct server_conn *c)
{
    const struct loan loan = {.bytes = stretch(), .len = CHARGEN_STRETCH};
    int error;
    do
        error = sock_lend(c->sock, &loan);
    while (error == 0);
    return error == -EAGAIN;
}

/* Input is thrown away; its end, even a half-close, ends the stream: there is no other way to say "enough".
 */
static void chargen_run(struct server_conn *base)
{
    int64_t n = server_discard(base);
    if ((n <= 0 && n != -EAGAIN) || !generate(base))
        server_close(base);
}

const struct server_program chargen_program = {
    .size = sizeof(struct server_conn),
    .limit = CHARGEN_CONNECTIONS,
    .run = chargen_run,
};

int64_t chargen_answer(uint8_t *bytes, size_t len)
{
    size_t bound = CHARGEN_TIMES * (UDP_HEADERS + len) - UDP_HEADERS;
    size_t n = bound < CHARGEN_LINE ? bound : CHARGEN_LINE;
    chargen_fill(bytes, n - 2, 0);
    bytes[n - 2] = '\r';
    bytes[n - 1] = '\n';
    return (int64_t)n;
}
