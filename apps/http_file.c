/* Files below one folder. The kernel does the confining (openat2 with RESOLVE_BENEATH and no links of any
 * kind); an older kernel gets a walk that opens each part with O_NOFOLLOW. What is found is looked at through
 * O_PATH before it is opened, because the opening alone of a FIFO or a device may have effects. Called by
 * httpd.c. */
#include "http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_ROOM 256 /* NAME_MAX and its end */

int http_open_beneath(int folder, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* The next part of *path into `name`, and whether it is the last. */
static int next_part(const char **path, char name[NAME_ROOM], bool *last)
{
    size_t len = strcspn(*path, "/");
    if (len >= NAME_ROOM)
        return -ENAMETOOLONG;
    memcpy(name, *path, len);
    name[len] = '\0';
    *last = (*path)[len] == '\0';
    *path += len + !*last;
    if (len == 0 || strcmp(name, ".") == 0)
        return -ENOENT;
    return strcmp(name, "..") == 0 ? -EXDEV : 0;
}

/* One step. O_PATH with O_NOFOLLOW opens a link itself: say so, as openat2 does. */
static int open_part(int at, const char *name, int flags)
{
    int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
        return fd;
    close(fd);
    return -ELOOP;
}

int http_open_walk(int folder, const char *path, int flags)
{
    if (*path == '\0')
        return open_part(folder, ".", flags);
    int at = folder;
    bool last = false;
    while (!last) {
        char name[NAME_ROOM];
        int next = next_part(&path, name, &last);
        if (next == 0)
            next = open_part(at, name, last ? flags : O_PATH);
        if (at != folder)
            close(at);
        if (next < 0)
            return next;
        at = next;
    }
    return at;
}

/* EPERM: sandboxes older than the call refuse what they do not know. */
static int open_below(int folder, const char *path, int flags)
{
    int fd = http_open_beneath(folder, path, flags);
    if (fd == -ENOSYS || fd == -EPERM)
        fd = http_open_walk(folder, path, flags);
    return fd;
}

static int look(int fd, struct stat *st)
{
    if (fstat(fd, st) < 0)
        return -errno;
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? 0 : -EACCES;
}

/* What stands there now, without opening it. */
static int check_kind(int folder, const char *path)
{
    int fd = open_below(folder, path, O_PATH);
    if (fd < 0)
        return fd;
    struct stat st;
    int error = look(fd, &st);
    close(fd);
    return error;
}

int http_file_open(int folder, const char *path, struct http_file *file)
{
    int error = check_kind(folder, path);
    if (error)
        return error;
    int fd = open_below(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    struct stat st;
    error = look(fd, &st); /* again: the name may lead elsewhere by now */
    if (error) {
        close(fd);
        return error;
    }
    *file = (struct http_file){
        .fd = fd, .directory = S_ISDIR(st.st_mode), .size = st.st_size, .modified = st.st_mtim.tv_sec};
    snprintf(file->etag, sizeof file->etag, "\"%llx-%llx.%lx-%llx\"", (unsigned long long)st.st_ino,
             (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec,
             (unsigned long long)st.st_size);
    return 0;
}

int http_file_status(int error)
{
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return 404;
    case ELOOP:
    case EXDEV:
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: /* openat2: a rename went on meanwhile */
        return 503;
    default:
        return 500;
    }
}

static const struct {
    const char *extension, *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"xml", "application/xml"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"c", "text/plain; charset=utf-8"},
    {"h", "text/plain; charset=utf-8"},
    {"log", "text/plain; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"pcap", "application/vnd.tcpdump.pcap"},
};

const char *http_file_type(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}
