/* Opening what lies below the shared folder, and nothing else. */
#ifndef GLASS_HTTP_FILE_H
#define GLASS_HTTP_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define HTTP_ETAG_ROOM 64

struct http_file {
    int fd; /* of a regular file or a directory; the caller closes it */
    bool directory;
    int64_t size;
    time_t modified;
    char etag[HTTP_ETAG_ROOM]; /* strong, RFC 9110 8.8.3: from inode, time of modification and size */
};

/* `folder`: a descriptor of the shared folder. `path`: relative, "" is the folder itself. 0 or a negative
 * errno value: -ENOENT; -ELOOP (a symbolic link on the way), -EXDEV (it would lead out), -EACCES
 * (permissions, or neither a file nor a directory) ... Never waits for a FIFO or a device, and never opens
 * one. */
int http_file_open(int folder, const char *path, struct http_file *file);

/* Its two ways; the second for kernels before 5.6 that have no openat2. A descriptor or a negative errno
 * value. */
int http_open_beneath(int folder, const char *path, int flags);
int http_open_walk(int folder, const char *path, int flags);

/* The status of such an error. */
int http_file_status(int error);

/* By the last part of its name: "text/html; charset=utf-8". */
const char *http_file_type(const char *path);

#endif
