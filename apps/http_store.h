/* Files of the shared folder that were asked for lately, open and mapped: asking again costs one look at whether they
 * changed. Their bytes are lent to sockets as they lie; a file stays mapped while anybody uses it. */
#ifndef GLASS_HTTP_STORE_H
#define GLASS_HTTP_STORE_H

#include <stddef.h>
#include <sys/stat.h>
#include "http_file.h"

#define HTTP_STORE_FILES 64
#define HTTP_STORE_PATH  128 /* bytes; a longer path is not kept */
#define HTTP_STORE_HEAD  512 /* bytes */

struct http_stored {
    struct http_file file;
    struct stat seen;   /* as it was when it was mapped */
    const uint8_t *at;  /* its bytes, file.size of them */
    volatile bool torn; /* it became shorter while it was mapped: what is read of it now is no content */
    unsigned users;
    time_t opened;
    int folder;
    char path[HTTP_STORE_PATH];
    char head[HTTP_STORE_HEAD]; /* of the last ordinary response, for as long as its Date is right */
    size_t head_len;
    time_t head_date;
};

/* The regular file at `path` below `folder`, not empty: *stored is given back by http_store_release. -ENOENT and
 * others: it is not one that can be kept; http_file_open says what it is. What stands at a path is looked up anew
 * each second; that a file changed is seen at once. */
int http_store_open(int folder, const char *path, time_t now, struct http_stored **stored);
bool http_store_is_whole(struct http_stored *stored); /* still as long as it is mapped: asks the kernel */
void http_store_keep(struct http_stored *stored); /* one user more */
void http_store_release(void *stored);            /* a struct http_stored */

/* Forgets all; whoever uses one still may. */
void http_store_clear(void);

#endif
