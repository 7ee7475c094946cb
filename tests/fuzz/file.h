/* The bytes of a fuzz target as a file that can be opened by name: a file in memory, nothing to clean up. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_PATH 32 /* bytes of its name */

/* Its descriptor; the caller closes it. */
static inline int fuzz_file(const uint8_t *bytes, size_t len, char path[FUZZ_PATH])
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t n = write(fd, bytes, len);
    assert(n == (ssize_t)len);
    (void)n;
    snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
