/* The HTTP server's connections. */
#ifndef GLASS_HTTPD_H
#define GLASS_HTTPD_H

#include <stdio.h>
#include "server.h"

#define HTTPD_CONNECTIONS 16384
#define HTTPD_HEAD_TIME   SEC(10)  /* from a request's first byte to the end of its head: 408 */
#define HTTPD_IDLE_TIME   SEC(30)  /* between requests; then the connection is closed without a word */
#define HTTPD_BODY_TIME   SEC(30)  /* for a body that is thrown away */
#define HTTPD_STALL_TIME  SEC(120) /* without an acknowledgment of the response; then a reset */
#define HTTPD_LINGER_TIME SEC(5)   /* RFC 9112 9.6: for the client to stop sending after our last response */
#define HTTPD_LINGER_SIZE (1u << 20)  /* bytes it may send meanwhile */
#define HTTPD_PAGES_SIZE  (64u << 20) /* bytes of pages in memory, over all connections: 503 */
#define HTTPD_TURN        16          /* requests of one connection before others have their turn */

/* server->context of http_program. */
struct httpd {
    int folder; /* shared; -1: none */
    FILE *log;  /* NULL: none */
    size_t pages;
};

extern const struct server_program http_program;

/* Opens the folder (NULL: none). 0 or a negative errno value. */
int httpd_open(struct httpd *httpd, const char *www, FILE *log);
void httpd_close(struct httpd *httpd);

#endif
