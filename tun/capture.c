/* Writes libpcap files (draft-ietf-opsawg-pcap, "PCAP Capture File Format"), and by pcapng.c the newer
 * format.
 *
 * Owns the file. A reader that follows it blocks the stack while it does not read: nothing is lost. Called by
 * loop.c; opened and closed by apps/up.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stack/wire.h"
#include "capture.h"
#include "pcapng.h"

#define PCAP_MAGIC       0xa1b2c3d4u /* microseconds */
#define PCAP_HEADER      24
#define PCAP_RECORD      16
#define BUFFER_SIZE      65536 /* bytes handed to the file at once; no part of a datagram is as long */
#define USEC_IN_A_SECOND 1000000
#define NG_ENDING        ".pcapng"

static void fail(struct capture *c)
{
    if (c->error == 0)
        c->error = errno ? -errno : -EIO;
}

static void put(struct capture *c, const void *bytes, size_t len)
{
    if (c->error == 0 && len > 0 && fwrite(bytes, 1, len, c->file) != len)
        fail(c);
}

static void put_header(struct capture *c)
{
    c->dirty = true;
    if (c->ng) {
        if (!pcapng_section(c->file) ||
            !pcapng_interface(c->file, CAPTURE_LINK_RAW, CAPTURE_SNAP, PCAPNG_MICROSECONDS))
            fail(c);
        return;
    }
    uint8_t header[PCAP_HEADER];
    struct writer w = writer_of(header, sizeof header);
    put32(&w, PCAP_MAGIC);
    put16(&w, 2); /* version 2.4 */
    put16(&w, 4);
    put32(&w, 0); /* two reserved fields */
    put32(&w, 0);
    put32(&w, CAPTURE_SNAP);
    put32(&w, CAPTURE_LINK_RAW);
    put(c, header, sizeof header);
}

static FILE *open_file(const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                      : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return NULL;
    FILE *file = fdopen(fd, "wb");
    if (!file)
        close(fd);
    return file;
}

bool capture_is_ng(const char *path)
{
    size_t len = strlen(path), end = strlen(NG_ENDING);
    return len > end && strcmp(path + len - end, NG_ENDING) == 0;
}

/* Its size counts only where it is given as well. All parts are copied into it, never written from where they
 * lie: a copy of a mapped file that was cut short meanwhile is mended (apps/http_store.c), a write fails. */
static void use_buffer(struct capture *c)
{
    c->buffer = malloc(BUFFER_SIZE);
    if (!c->buffer || setvbuf(c->file, c->buffer, _IOFBF, BUFFER_SIZE) != 0) {
        errno = ENOMEM;
        fail(c);
    }
}

int capture_open(struct capture *c, const char *path, usec wall)
{
    *c = (struct capture){.file = open_file(path), .wall = wall, .ng = capture_is_ng(path)};
    if (!c->file)
        return -errno;
    use_buffer(c);
    put_header(c);
    int error = capture_flush(c);
    if (error < 0)
        capture_close(c);
    return error;
}

void capture_comment(struct capture *c, const char *text)
{
    c->comment = text;
}

static void put_record(struct capture *c, const struct pcapng_packet *p)
{
    uint8_t record[PCAP_RECORD];
    struct writer w = writer_of(record, sizeof record);
    put32(&w, (uint32_t)(p->time / USEC_IN_A_SECOND));
    put32(&w, (uint32_t)(p->time % USEC_IN_A_SECOND));
    put32(&w, (uint32_t)p->kept);
    put32(&w, (uint32_t)p->wire_len);
    put(c, record, sizeof record);
    size_t left = p->kept;
    for (int i = 0; i < p->count; i++) {
        size_t n = p->part[i].iov_len < left ? p->part[i].iov_len : left;
        put(c, p->part[i].iov_base, n);
        left -= n;
    }
}

void capture_packet(struct capture *c, usec now, const struct iovec *part, int count)
{
    struct pcapng_packet p = {
        .time = (uint64_t)(now + c->wall), .part = part, .count = count, .comment = c->comment};
    for (int i = 0; i < count; i++)
        p.wire_len += part[i].iov_len;
    p.kept = p.wire_len < CAPTURE_SNAP ? p.wire_len : CAPTURE_SNAP;
    if (!c->ng)
        put_record(c, &p);
    else if (c->error == 0 && !pcapng_packet(c->file, &p))
        fail(c);
    c->comment = NULL;
    c->dirty = true;
}

int capture_flush(struct capture *c)
{
    if (c->dirty && c->error == 0 && fflush(c->file) != 0)
        fail(c);
    c->dirty = false;
    return c->error;
}

int capture_close(struct capture *c)
{
    if (!c->file)
        return c->error;
    capture_flush(c);
    if (fclose(c->file) != 0)
        fail(c);
    free(c->buffer);
    c->buffer = NULL;
    c->file = NULL;
    return c->error;
}
