/* Open and mapped files. A file that is cut short under a mapping raises SIGBUS at whoever reads beyond its
 * new end, the checksum or a copy: the handler puts zeros there and marks the file, and its readers break
 * off. Of the page that holds the new end the kernel tells nothing, and shows zeros behind it: that is for
 * readers to ask. Called by http_answer.c, http_send.c and httpd.c. */
#include "http_store.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct http_stored *table[HTTP_STORE_FILES]; /* by path; each entry is one of its users */

/* What is mapped now, for the signal handler: entries of the table and those that only sockets use. */
#define MAPPED_MAX 1024
static struct http_stored *mapped[MAPPED_MAX];

static void tear(int signal_number, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;
    (void)context;
    for (int i = 0; i < MAPPED_MAX; i++) {
        struct http_stored *s = mapped[i];
        if (!s || at < s->at || at >= s->at + s->file.size)
            continue;
        size_t page = (size_t)sysconf(_SC_PAGESIZE), from = (size_t)(at - s->at) / page * page;
        s->torn = true;
        if (mmap((void *)(s->at + from), (size_t)s->file.size - from, PROT_READ,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
            return;
    }
    signal(signal_number, SIG_DFL); /* not ours: it happens again, and ends the program */
}

static void catch_tears(void)
{
    static bool caught;
    struct sigaction action = {.sa_sigaction = tear, .sa_flags = SA_SIGINFO};
    if (!caught)
        sigaction(SIGBUS, &action, NULL);
    caught = true;
}

static struct http_stored **place(struct http_stored *stored)
{
    for (int i = 0; i < MAPPED_MAX; i++)
        if (mapped[i] == stored)
            return &mapped[i];
    return NULL;
}

static bool map(struct http_stored *s)
{
    struct http_stored **free_place = place(NULL);
    void *at = MAP_FAILED;
    if (free_place && s->file.size > 0 && (uintmax_t)s->file.size <= SIZE_MAX / 2)
        at = mmap(NULL, (size_t)s->file.size, PROT_READ, MAP_SHARED, s->file.fd, 0);
    if (at == MAP_FAILED)
        return false;
    s->at = at;
    *free_place = s;
    return true;
}

bool http_store_is_whole(struct http_stored *stored)
{
    struct stat st;
    if (fstat(stored->file.fd, &st) < 0 || st.st_size < stored->file.size)
        stored->torn = true;
    return !stored->torn;
}

void http_store_keep(struct http_stored *stored)
{
    stored->users++;
}

void http_store_release(void *stored)
{
    struct http_stored *s = stored;
    if (--s->users > 0)
        return;
    if (s->at) {
        *place(s) = NULL;
        munmap((void *)s->at, (size_t)s->file.size);
    }
    if (s->file.fd >= 0)
        close(s->file.fd);
    free(s);
}

/* FNV-1a. */
static struct http_stored **slot_of(int folder, const char *path)
{
    uint32_t hash = 2166136261u ^ (uint32_t)folder;
    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * 16777619u;
    return &table[hash % HTTP_STORE_FILES];
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether it is what it was: contents, length, and its place in a folder. */
static bool unchanged(struct http_stored *s)
{
    struct stat st;
    return !s->torn && fstat(s->file.fd, &st) == 0 && st.st_size == s->seen.st_size &&
           st.st_nlink == s->seen.st_nlink && same_time(st.st_mtim, s->seen.st_mtim) &&
           same_time(st.st_ctim, s->seen.st_ctim);
}

static struct http_stored *store(int folder, const char *path, time_t now, int *error)
{
    struct http_stored *s = calloc(1, sizeof *s);
    *error = s ? http_file_open(folder, path, &s->file) : -ENOMEM;
    if (*error) {
        free(s);
        return NULL;
    }
    s->users = 1;
    s->opened = now;
    s->folder = folder;
    strcpy(s->path, path); /* http_store_open has looked at its length */
    if (s->file.directory || fstat(s->file.fd, &s->seen) < 0 || s->seen.st_size != s->file.size || !map(s)) {
        *error = -EISDIR;
        http_store_release(s);
        return NULL;
    }
    return s;
}

int http_store_open(int folder, const char *path, time_t now, struct http_stored **stored)
{
    if (strlen(path) >= HTTP_STORE_PATH)
        return -ENAMETOOLONG;
    catch_tears();
    struct http_stored **slot = slot_of(folder, path), *s = *slot;
    if (!s || s->folder != folder || strcmp(s->path, path) != 0 || s->opened != now || !unchanged(s)) {
        int error;
        struct http_stored *opened = store(folder, path, now, &error);
        if (s)
            http_store_release(s);
        *slot = s = opened;
        if (!s)
            return error;
    }
    http_store_keep(s);
    *stored = s;
    return 0;
}

void http_store_clear(void)
{
    for (int i = 0; i < HTTP_STORE_FILES; i++) {
        if (table[i])
            http_store_release(table[i]);
        table[i] = NULL;
    }
}
