/* glass annotate: a capture with our stack's view as a comment beside each packet, for Wireshark. The view is
 * that of a replay. Owns the arguments and the file that is written; the work is in replay_*.c. Called by
 * main.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../stack/event_text.h"
#include "../tun/pcapng.h"
#include "args.h"
#include "commands.h"
#include "packet_file.h"
#include "replay_args.h"

#define LINKS_MAX 64 /* kinds of link in one capture */
#define SNAP      0  /* of an interface: no bound */

static const char help[] =
    "usage: glass annotate FILE -o FILE.pcapng [--as ADDRESS]\n"
    "\n"
    "Replays a capture (see glass replay) and writes it again as pcapng, each frame with the stack's view as "
    "its\n"
    "comment: state before and after, the rule that decided, what moved, timers, drops. Wireshark shows it "
    "with the\n"
    "packet, tshark as frame.comment. Frames of other hosts pass unchanged, and so do comments that were "
    "there.\n"
    "\n"
    "  -o, --output FILE  what to write; '-' is standard output\n"
    "  --as ADDRESS       whose view (10.7.0.2 if it is there, else the first connection's server)\n"
    "  --tcp NAME=VALUE   a setting of the stack (see glass up --tcp help); may be repeated\n"
    "  -h, --help         this\n";

struct annotate {
    struct replay replay;
    struct replay_args args;
    const char *to;
    FILE *out;
    unsigned link[LINKS_MAX];
    unsigned links;
    size_t told; /* frames of the replay that were written */
    char *text;  /* of one comment */
    size_t text_room;
    uint64_t commented;
};

static bool replay_each(struct annotate *a)
{
    const struct replay_options options = {
        .tcp = a->args.tcp, .tcp_count = a->args.tcp_count, .annotate = true};
    for (size_t i = 0; i < a->replay.count; i++) {
        struct replay_flow *f = &a->replay.flow[i];
        replay_plan(f);
        if (!f->skipped && !replay_run(f, a->replay.addr, &options))
            return false;
        if (!f->skipped)
            replay_compare(f);
        replay_comment(f);
    }
    return true;
}

/* --- writing --- */

/* The number of the interface with that kind of link, described when it is first met; -1: too many, or not
 * written. */
static int interface_of(struct annotate *a, unsigned link)
{
    for (unsigned i = 0; i < a->links; i++)
        if (a->link[i] == link)
            return (int)i;
    if (a->links == LINKS_MAX || !pcapng_interface(a->out, (uint16_t)link, SNAP, PCAPNG_NANOSECONDS))
        return -1;
    a->link[a->links] = link;
    return (int)a->links++;
}

/* The comment that was there, and ours below it. */
static const char *joined(struct annotate *a, const char *old, const char *ours)
{
    size_t need = strlen(old) + strlen(ours) + 2;
    if (!*old || !*ours)
        return *old ? old : ours;
    if (need > a->text_room) {
        char *more = realloc(a->text, need);
        if (!more)
            return old;
        a->text = more;
        a->text_room = need;
    }
    snprintf(a->text, need, "%s\n%s", old, ours);
    return a->text;
}

static const char *view_of(struct annotate *a, uint64_t number)
{
    const struct replay_capture *c = &a->replay.capture;
    while (a->told < c->count && c->frame[a->told].number < number)
        a->told++;
    if (a->told == c->count || c->frame[a->told].number != number || !c->frame[a->told].comment)
        return "";
    a->commented++;
    return c->frame[a->told].comment;
}

static bool write_frame(struct annotate *a, const struct captured *p)
{
    int interface = interface_of(a, p->link);
    struct iovec part = {(void *)p->frame, p->frame_len};
    struct pcapng_packet packet = {
        .interface = (uint32_t)interface,
        .time = (uint64_t)p->time * 1000 + p->nsec,
        .part = &part,
        .count = 1,
        .kept = p->frame_len,
        .wire_len = p->frame_wire_len,
        .comment = joined(a, p->comment, view_of(a, p->number)),
    };
    return interface >= 0 && pcapng_packet(a->out, &packet);
}

static bool write_frames(struct annotate *a)
{
    char why[PACKET_FILE_WHY];
    struct captured p;
    struct packet_file *file = packet_file_open(a->args.path, why);
    bool good = file && pcapng_section(a->out);
    while (good && packet_file_next(file, &p, why) > 0)
        good = write_frame(a, &p);
    packet_file_close(file);
    return good;
}

static int cannot_write(const struct annotate *a)
{
    fprintf(stderr, "glass annotate: cannot write %s: %s\n", a->to, strerror(errno));
    clearerr(stdout); /* reported, when it was that */
    return EXIT_FAILURE;
}

/* The result is there whole or not at all: a file that was there is replaced only when all is known. */
static int write_all(struct annotate *a)
{
    bool standard = strcmp(a->to, "-") == 0;
    a->out = standard ? stdout : fopen(a->to, "wb");
    if (!a->out)
        return cannot_write(a);
    bool good = write_frames(a);
    int error = good ? 0 : errno;
    if ((standard ? fflush(a->out) : fclose(a->out)) != 0 && good) {
        error = errno;
        good = false;
    }
    errno = error;
    return good ? EXIT_SUCCESS : cannot_write(a);
}

static int annotate(struct annotate *a)
{
    char addr[24];
    int status = replay_open(&a->replay, &a->args, "glass annotate");
    if (status)
        return status;
    if (!replay_each(a)) {
        fputs("glass annotate: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    status = write_all(a);
    if (status)
        return status;
    endpoint_text((struct endpoint){a->replay.addr, 0}, addr, sizeof addr);
    fprintf(strcmp(a->to, "-") == 0 ? stderr : stdout,
            "glass annotate: %s: %llu of %llu frames with the view of %s (%s)\n", a->to,
            (unsigned long long)a->commented, (unsigned long long)a->replay.capture.frames, addr,
            a->args.reason);
    return EXIT_SUCCESS;
}

enum { OPTION_AS = 1, OPTION_TCP };

static bool take_option(struct annotate *a, int code)
{
    switch (code) {
    case 'o':
        a->to = optarg;
        return true;
    case OPTION_AS:
        return replay_arg_as(&a->args, "glass annotate", optarg);
    default:
        return replay_arg_tcp(&a->args, "glass annotate", optarg);
    }
}

/* Also under another name. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Both files are opened at once, so they must differ; and the capture is read twice. */
static int check(const struct annotate *a)
{
    if (!a->to || !*a->to)
        return arg_error("glass annotate", "where to? -o FILE.pcapng");
    if (strcmp(a->args.path, "-") == 0)
        return arg_error("glass annotate", "a capture on standard input cannot be read twice: name a file");
    if (same_file(a->args.path, a->to))
        return arg_error("glass annotate", "-o: %s is the capture itself", a->to);
    return 0;
}

int cmd_annotate(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"as", required_argument, NULL, OPTION_AS},
                                            {"tcp", required_argument, NULL, OPTION_TCP},
                                            ARG_HELP_OPTION,
                                            ARG_END_OF_TABLE};
    struct arg_common common = {.help = help};
    struct annotate a = {0};
    int code, status;
    while ((code = arg_next(argc, argv, "o:", options, &common, &status)) >= 0)
        if (!take_option(&a, code))
            return EXIT_USAGE;
    if (code == -2)
        return status;
    if (!replay_arg_file(&a.args, "glass annotate", argc - optind, argv + optind))
        return EXIT_USAGE;
    status = check(&a);
    if (status == 0)
        status = annotate(&a);
    replay_free(&a.replay);
    free(a.text);
    return status;
}
