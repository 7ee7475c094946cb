/* The rows of a running stack's table. No RFC: control.h. Called by netstat.c, ports.c and demo.c. */
#include "netstat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control_client.h"

#define ROWS_MAX 1000000 /* a million lines are enough for anybody to read */

/* Receives rows until CONTROL_END. Their number or a negative errno value. */
static ssize_t receive_rows(int fd, struct sock_info **rows)
{
    size_t count = 0, room = 0;
    union {
        struct sock_info row;
        struct control_error error;
    } body;
    for (;;) {
        struct control_header header;
        int r = control_receive(fd, &header, &body, sizeof body, NULL);
        if (r == 0 && header.type == CONTROL_END)
            return (ssize_t)count;
        if (r == 0 && header.type == CONTROL_ERROR)
            return body.error.error > 0 ? -body.error.error : -EPROTO;
        if (r == 0 && (header.type != CONTROL_ROW || count == ROWS_MAX))
            return -EPROTO;
        if (r < 0)
            return r;
        if (count == room) {
            room = room ? 2 * room : 64;
            struct sock_info *more = realloc(*rows, room * sizeof **rows);
            if (!more)
                return -ENOMEM;
            *rows = more;
        }
        (*rows)[count++] = body.row;
    }
}

ssize_t netstat_ask(const char *name, struct sock_info **rows)
{
    struct control_hello stack;
    *rows = NULL;
    int fd = control_connect(name, &stack);
    if (fd < 0)
        return -1;
    ssize_t count = control_send(fd, CONTROL_NETSTAT, NULL, 0);
    if (count == 0)
        count = receive_rows(fd, rows);
    close(fd);
    if (count >= 0)
        return count;
    fprintf(stderr, "glass: no table from the stack named %s: %s\n", name, strerror((int)-count));
    free(*rows);
    *rows = NULL;
    return -1;
}
