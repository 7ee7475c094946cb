/* Capture files of any contents, pcap and pcapng, by the reader that ladder, replay and annotate share: each
 * frame lies within what was read, its datagram within its frame, and damage is told in words. */
#include "../../apps/packet_file.h"
#include "file.h"
#include "targets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned sum; /* of all that was given: a sanitizer sees each byte read */

static void look_at(const struct captured *c)
{
    for (size_t i = 0; i < c->frame_len; i++)
        sum += c->frame[i];
    assert(c->frame_wire_len >= c->frame_len && c->nsec < 1000 && c->time >= 0);
    assert(memchr(c->comment, 0, 65536));
    if (!c->bytes)
        return;
    assert(c->bytes >= c->frame && c->bytes + c->len <= c->frame + c->frame_len);
    assert(c->len > 0 && c->wire_len >= c->len && c->bytes[0] >> 4 == 4);
}

static void read_all(const char *path)
{
    char why[PACKET_FILE_WHY] = "";
    struct captured c;
    struct packet_file *f = packet_file_open(path, why);
    if (!f) {
        assert(why[0] && !strchr(why, '\n'));
        return;
    }
    int got;
    for (uint64_t n = 1; (got = packet_file_next(f, &c, why)) > 0; n++) {
        assert(c.number == n);
        look_at(&c);
    }
    assert(got == 0 || why[0]);
    packet_file_close(f);
}

void fuzz_capture(const uint8_t *bytes, size_t len)
{
    char path[FUZZ_PATH];
    int fd = fuzz_file(bytes, len, path);
    read_all(path);
    close(fd);
}
