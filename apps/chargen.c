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
#define CHARGEN_SEND_BUFFER 65536 /* bytes: each connection fills its buffer, so keep it small */
#define CHARGEN_STRETCH     8192
#define CHARGEN_TIMES       3
#define UDP_HEADERS         28 /* bytes: IPv4 20, UDP 8 */

struct chargen_conn {
    struct server_conn base;
    uint32_t position; /* in the stream, below CHARGEN_PERIOD */
};

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

/* As much as the send buffer takes. False: nobody listens. */
static bool generate(struct chargen_conn *c)
{
    for (;;) {
        uint8_t *scratch = c->base.server->scratch;
        chargen_fill(scratch, CHARGEN_STRETCH, c->position);
        ssize_t n = sock_send(c->base.sock, scratch, CHARGEN_STRETCH, 0);
        if (n == -EAGAIN)
            return true;
        if (n <= 0)
            return false;
        c->position = (c->position + (uint32_t)n) % CHARGEN_PERIOD;
    }
}

/* Input is thrown away; its end, even a half-close, ends the stream: there is no other way to say "enough".
 */
static void chargen_run(struct server_conn *base)
{
    int64_t n = server_discard(base);
    if ((n <= 0 && n != -EAGAIN) || !generate((struct chargen_conn *)base))
        server_close(base);
}

const struct server_program chargen_program = {
    .size = sizeof(struct chargen_conn),
    .limit = CHARGEN_CONNECTIONS,
    .run = chargen_run,
    .send_buffer = CHARGEN_SEND_BUFFER,
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
