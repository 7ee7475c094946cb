/* Discard, RFC 863: what comes is thrown away. TCP and UDP. */
#include "server.h"

#include <errno.h>

#define DISCARD_CONNECTIONS 262144

static void discard_run(struct server_conn *c)
{
    int64_t n = server_discard(c);
    if (n <= 0 && n != -EAGAIN)
        server_close(c);
}

const struct server_program discard_program = {
    .size = sizeof(struct server_conn),
    .limit = DISCARD_CONNECTIONS,
    .run = discard_run,
};

int64_t discard_answer(uint8_t *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    return NO_ANSWER;
}
