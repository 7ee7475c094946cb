/* Welcome, directory and error pages. File names and request bytes are foreign text: they pass through
 * text_html or text_url. Called by httpd.c. */
#include "http_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ENTRY_ROOM 4096 /* of one line: a name of 255 bytes, escaped twice, and its markup */

struct status_text {
    int status;
    const char *reason;
    const char *advice; /* on the error page */
};

static const struct status_text statuses[] = {
    {0, "Unknown", ""}, /* for a status that is not in this table */
    {200, "OK", ""},
    {206, "Partial Content", ""},
    {301, "Moved Permanently", "A folder's address ends with a slash."},
    {304, "Not Modified", ""},
    {400, "Bad Request",
     "This is not a request that HTTP/1.1 allows (RFC 9112). Lines end with CRLF, HTTP/1.1 needs "
     "one Host field, bytes outside visible ASCII are percent-encoded, and no path leads above "
     "the shared folder."},
    {403, "Forbidden",
     "It may not be read, or it is neither a file nor a folder. Symbolic links are not followed."},
    {404, "Not Found", "There is nothing of that name here."},
    {405, "Method Not Allowed", "Only GET and HEAD are offered."},
    {408, "Request Timeout", "The request did not arrive in time."},
    {412, "Precondition Failed", "The file is not the one that the request named."},
    {413, "Content Too Large", "Nobody here wants a request body of that size."},
    {414, "URI Too Long", "The address is longer than 8000 bytes."},
    {416, "Range Not Satisfiable", "The range begins after the end of the file."},
    {431, "Request Header Fields Too Large", "At most 100 fields and 16384 bytes are read."},
    {500, "Internal Server Error", "The file could not be read."},
    {501, "Not Implemented", "This method or transfer coding is unknown here."},
    {503, "Service Unavailable", "Out of memory or file descriptors; try again."},
    {505, "HTTP Version Not Supported", "HTTP/1.0 and HTTP/1.1 are spoken here."},
};

static const struct status_text *find_status(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status)
            return &statuses[i];
    }
    return &statuses[0];
}

const char *http_reason(int status)
{
    return find_status(status)->reason;
}

static const char style[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --soft: #888; --mark: #0a7d8c; }\n"
    "@media (prefers-color-scheme: dark) { :root { --mark: #5fd3e0; } }\n"
    "body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 2rem 1.25rem; "
    "}\n"
    "h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }\n"
    "h2 { font-size: 1.1rem; margin-top: 2rem; }\n"
    "a, b { color: var(--mark); }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "td, th { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; "
    "vertical-align: top; overflow-wrap: anywhere; }\n"
    "th { font-weight: normal; color: var(--soft); white-space: nowrap; }\n"
    "td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; padding-right: 0; }\n"
    "code, pre { font: .9rem/1.5 ui-monospace, monospace; }\n"
    "pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }\n"
    "footer { margin-top: 2.5rem; font-size: .875rem; color: var(--soft); }\n"
    "</style>\n";

static const char footer[] = "<footer>glasstack, a TCP/IP stack you can see through</footer>\n</html>\n";

static void add_endpoint(struct text *page, const char *label, struct endpoint e)
{
    text_format(page, "<tr><th>%s<td><code>%u.%u.%u.%u</code> port <code>%u</code>\n", label, e.addr >> 24,
                e.addr >> 16 & 255, e.addr >> 8 & 255, e.addr & 255, e.port);
}

static void add_advice(struct text *page, struct endpoint e)
{
    char host[16];
    snprintf(host, sizeof host, "%u.%u.%u.%u", e.addr >> 24, e.addr >> 16 & 255, e.addr >> 8 & 255,
             e.addr & 255);
    char echo[32], curl[48];
    snprintf(echo, sizeof echo, "nc %s 7", host);
    snprintf(curl, sizeof curl, e.port == 80 ? "curl -v http://%s/" : "curl -v http://%s:%u/", host, e.port);
    text_add(page, "<h2>What to try next</h2>\n<pre>");
    text_format(page, "%-45s who holds which port\n", "glass netstat -ano");
    text_format(page, "glass exec -- ping %-26s ICMP echo\n", host);
    text_format(page, "glass exec -- %-31s TCP echo: type a line\n", echo);
    text_format(page, "glass exec -- %-31s this page, with its head\n", curl);
    text_format(page, "%-45s share a folder instead of this page\n", "glass up --www DIR");
    text_format(page, "%-45s every segment as it comes and goes</pre>\n", "glass up --trace");
}

void http_page_welcome(struct text *page, struct endpoint local, struct endpoint remote, struct span line)
{
    text_add(page, style);
    text_add(page,
             "<title>glasstack</title>\n<h1>This page was served by <b>glasstack</b></h1>\n"
             "<p>No kernel's TCP answered you. The segments that carried your request were read from a TUN "
             "device, checked, put in order and acknowledged by a TCP/IP stack written by hand.</p>\n"
             "<h2>Your connection, as the server sees it</h2>\n<table>\n");
    add_endpoint(page, "from", remote);
    add_endpoint(page, "to", local);
    text_add(page, "<tr><th>request<td><code>");
    text_html(page, line.at, line.len);
    text_add(page, "</code>\n</table>\n");
    add_advice(page, local);
    text_add(page, footer);
}

void http_page_error(struct text *page, int status)
{
    const struct status_text *s = find_status(status);
    text_add(page, style);
    text_format(page, "<title>%d %s</title>\n<h1>%d %s</h1>\n", status, s->reason, status, s->reason);
    text_format(page, "<p>%s</p>\n", s->advice);
    text_add(page, footer);
}

struct entry {
    char *name;
    int64_t size;
    time_t modified;
    bool directory;
};

/* Folders first, then by name. */
static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->directory != y->directory)
        return y->directory - x->directory;
    return strcmp(x->name, y->name);
}

/* False: this is not shown. */
static bool read_entry(DIR *dir, const char *name, struct entry *entry)
{
    struct stat st;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false; /* gone again */
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return false;
    *entry = (struct entry){strdup(name), st.st_size, st.st_mtim.tv_sec, S_ISDIR(st.st_mode)};
    return entry->name != NULL;
}

/* How many entries were read; *more when there would be others. */
static size_t read_entries(DIR *dir, struct entry *entries, bool *more)
{
    size_t count = 0;
    *more = false;
    struct dirent *found;
    while ((found = readdir(dir)) != NULL) {
        *more = count == HTTP_ENTRIES_MAX;
        if (*more)
            break;
        count += read_entry(dir, found->d_name, &entries[count]);
    }
    qsort(entries, count, sizeof *entries, by_name);
    return count;
}

static void add_entry(struct text *page, const struct entry *e)
{
    const char *slash = e->directory ? "/" : "";
    struct tm t = {0};
    char when[32] = "";
    if (gmtime_r(&e->modified, &t))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &t);
    text_add(page, "<tr><td><a href=\"");
    text_url(page, e->name, strlen(e->name));
    text_format(page, "%s\">", slash);
    text_html(page, e->name, strlen(e->name));
    text_format(page, "%s</a><td class=\"n\">%s<td class=\"n\">", slash, when);
    if (!e->directory)
        text_format(page, "%lld", (long long)e->size);
    text_add(page, "\n");
}

static void add_entries(struct text *page, const struct entry *entries, size_t count, bool more)
{
    size_t shown = 0;
    while (shown < count && page->limit - page->len > 2 * ENTRY_ROOM)
        add_entry(page, &entries[shown++]);
    text_add(page, "</table>\n");
    if (count == 0)
        text_add(page, "<p>This folder is empty.</p>\n");
    if (more || shown < count)
        text_format(page, "<p>Only the first %zu entries are shown.</p>\n", shown);
}

int http_page_directory(struct text *page, int fd, const struct http_path *path)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int error = -errno;
        close(fd);
        return error;
    }
    bool more;
    struct entry *entries = calloc(HTTP_ENTRIES_MAX, sizeof *entries);
    size_t count = entries ? read_entries(dir, entries, &more) : 0;
    closedir(dir);
    if (!entries)
        return -ENOMEM;

    text_add(page, style);
    text_add(page, "<title>/");
    text_html(page, path->text, path->len);
    text_add(page, "</title>\n<h1>/");
    text_html(page, path->text, path->len);
    text_add(page, "</h1>\n<table>\n");
    if (path->len > 0)
        text_add(page, "<tr><td><a href=\"../\">../</a><td><td>\n");
    add_entries(page, entries, count, more);
    text_add(page, footer);
    for (size_t i = 0; i < count; i++)
        free(entries[i].name);
    free(entries);
    return 0;
}
