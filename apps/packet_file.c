/* Opens captures and takes them apart frame by frame: pcap by libpcap, pcapng by pcapng_file.c, links by
 * packet_link.c. Called by whatever reads captures (ladder, replay, annotate). */
#include "packet_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packet_link.h"
#include "pcapng_file.h"

#define PCAPNG_FIRST_BYTE 0x0a /* of a section header; no pcap magic begins so */

struct packet_file {
    pcap_t *pcap; /* a pcap file; it owns the FILE */
    FILE *file;   /* a pcapng file */
    struct pcapng_file pcapng;
    uint64_t number;
};

/* Also refuses a directory, which opens like a file. */
static FILE *open_stream(const char *path, int *first)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    *first = getc(file);
    if (*first == EOF && ferror(file)) {
        int error = errno;
        fclose(file);
        errno = error;
        return NULL;
    }
    ungetc(*first, file);
    return file;
}

static struct packet_file *refuse(struct packet_file *f)
{
    packet_file_close(f);
    return NULL;
}

static bool open_pcap(struct packet_file *f, FILE *file, char *why)
{
    char text[PCAP_ERRBUF_SIZE];
    f->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
    if (!f->pcap) {
        fclose(file);
        snprintf(why, PACKET_FILE_WHY, "not a capture: %.200s", text);
        return false;
    }
    unsigned link = link_of_dlt(pcap_datalink(f->pcap));
    if (link_is_known(link))
        return true;
    const char *name = pcap_datalink_val_to_name((int)link);
    snprintf(why, PACKET_FILE_WHY,
             "its link type is %u (%s); IPv4, Ethernet, Linux cooked and loopback are understood", link,
             name ? name : "unknown");
    return false;
}

struct packet_file *packet_file_open(const char *path, char *why)
{
    int first = EOF;
    FILE *file = open_stream(path, &first);
    if (!file) {
        snprintf(why, PACKET_FILE_WHY, "%s", strerror(errno));
        return NULL;
    }
    struct packet_file *f = calloc(1, sizeof *f);
    if (!f || first == EOF) {
        snprintf(why, PACKET_FILE_WHY, "%s", f ? "it is empty" : strerror(ENOMEM));
        fclose(file);
        free(f);
        return NULL;
    }
    if (first == PCAPNG_FIRST_BYTE) {
        f->file = file;
        pcapng_init(&f->pcapng, file);
        return f;
    }
    return open_pcap(f, file, why) ? f : refuse(f);
}

static int next_of_pcap(struct packet_file *f, struct captured *out, char *why)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    int got = pcap_next_ex(f->pcap, &head, &bytes);
    if (got == PCAP_ERROR_BREAK)
        return 0;
    if (got != 1) {
        snprintf(why, PACKET_FILE_WHY, "%.200s", pcap_geterr(f->pcap));
        return -1;
    }
    unsigned nsec = head->ts.tv_usec < 0 || head->ts.tv_usec > 999999999 ? 0 : (unsigned)head->ts.tv_usec;
    out->time = SEC(head->ts.tv_sec < 0 ? 0 : (usec)head->ts.tv_sec) + nsec / 1000;
    out->nsec = nsec % 1000;
    out->frame = bytes;
    out->frame_len = head->caplen;
    out->frame_wire_len = head->len > head->caplen ? head->len : head->caplen;
    out->link = link_of_dlt(pcap_datalink(f->pcap));
    out->comment = "";
    return 1;
}

int packet_file_next(struct packet_file *f, struct captured *out, char *why)
{
    char cause[PACKET_FILE_WHY];
    int got = f->pcap ? next_of_pcap(f, out, cause) : pcapng_next(&f->pcapng, out, cause);
    if (got == 0)
        return 0;
    if (got < 0) {
        snprintf(why, PACKET_FILE_WHY, "damaged after frame %llu: %.200s", (unsigned long long)f->number,
                 cause);
        return -1;
    }
    out->number = ++f->number;
    struct span datagram = link_datagram(out->link, out->frame, out->frame_len);
    out->bytes = datagram.at;
    out->len = datagram.len;
    out->wire_len =
        datagram.at ? link_wire_len(datagram, (size_t)(datagram.at - out->frame), out->frame_wire_len) : 0;
    return 1;
}

void packet_file_close(struct packet_file *f)
{
    if (!f)
        return;
    if (f->pcap)
        pcap_close(f->pcap);
    if (f->file)
        fclose(f->file);
    pcapng_free(&f->pcapng);
    free(f);
}
