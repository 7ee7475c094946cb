/* Writes libpcap files (draft-ietf-opsawg-pcap, "PCAP Capture File Format").
 *
 * Owns the file. A reader that follows it blocks the stack while it does not read: nothing is lost. Called by
 * loop.c; opened and closed by apps/up.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../stack/wire.h"
#include "capture.h"

#define PCAP_MAGIC       0xa1b2c3d4u /* microseconds */
#define PCAP_HEADER      24
#define PCAP_RECORD      16
#define BUFFER_SIZE      65536 /* bytes handed to the file at once */
#define USEC_IN_A_SECOND 1000000

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
    c->dirty = true;
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

int capture_open(struct capture *c, const char *path, usec wall)
{
    *c = (struct capture){.file = open_file(path), .wall = wall};
    if (!c->file)
        return -errno;
    setvbuf(c->file, NULL, _IOFBF, BUFFER_SIZE);
    put_header(c);
    int error = capture_flush(c);
    if (error < 0)
        capture_close(c);
    return error;
}

void capture_packet(struct capture *c, usec now, const struct iovec *part, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += part[i].iov_len;
    size_t left = len < CAPTURE_SNAP ? len : CAPTURE_SNAP;

    uint8_t record[PCAP_RECORD];
    struct writer w = writer_of(record, sizeof record);
    put32(&w, (uint32_t)((now + c->wall) / USEC_IN_A_SECOND));
    put32(&w, (uint32_t)((now + c->wall) % USEC_IN_A_SECOND));
    put32(&w, (uint32_t)left);
    put32(&w, (uint32_t)len);
    put(c, record, sizeof record);
    for (int i = 0; i < count; i++) {
        size_t n = part[i].iov_len < left ? part[i].iov_len : left;
        put(c, part[i].iov_base, n);
        left -= n;
    }
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
    c->file = NULL;
    return c->error;
}
