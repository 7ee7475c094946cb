/* glass replay: a capture once more, with our stack in the place of one side, and what it would have sent
 * beside what was sent. Owns the arguments and the report; the work is in replay_*.c. Called by main.c. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stack/event_text.h"
#include "args.h"
#include "commands.h"
#include "ladder.h"
#include "replay.h"
#include "replay_args.h"
#include "trace_text.h"

#define LADDER_ROOM 65536 /* events of one conversation */

static const char help[] =
    "usage: glass replay FILE [--as ADDRESS] [--trace] [--ladder] [--all]\n"
    "\n"
    "Plays a capture again with this stack in the place of one of its hosts: the peer's frames come in at "
    "the\n"
    "capture's times, the application does what the capture's did, and what the stack sends is compared with "
    "what\n"
    "the capture holds. FILE is a pcap or pcapng file; '-' is standard input.\n"
    "\n"
    "  --as ADDRESS       whose place the stack takes (10.7.0.2 if it is there, else the first connection's "
    "server)\n"
    "  --trace            every event of the stack on the way\n"
    "  --explain          with --trace or --ladder: the rule that decided\n"
    "  --ladder           the conversation as a ladder, as our stack sees it\n"
    "  --all              side by side also what is identical or equivalent\n"
    "  --tcp NAME=VALUE   a setting of the stack (see glass up --tcp help); may be repeated\n"
    "  -h, --help         this\n"
    "\n"
    "Identical: the same segment. Equivalent: the same bytes and acknowledgments, cut or timed otherwise, as "
    "the RFCs\n"
    "leave it to each TCP. Different: something else; the rule that ours follows is named.\n"
    "Exit status: 0 nothing is different, 1 something is, or the file is damaged, 2 bad arguments.\n";

struct report {
    struct replay replay;
    struct replay_args args;
    bool trace, ladder, all, explain;
    struct trace_style style;
    struct record_log *log;
    size_t verdicts[3], skipped;
};

static void see(void *context, const struct event *e)
{
    struct report *r = context;
    if (r->trace)
        trace_text_print(stdout, e, &r->style);
    if (r->log)
        record_log_observe(r->log, e);
}

static void draw(struct report *r)
{
    struct ladder_style style = {.width = LADDER_WIDTH, .fold = LADDER_FOLD, .explain = r->explain};
    style.colour = trace_text_colour(stdout);
    if (atomic_load(&r->log->count) > 0)
        ladder_print(stdout, r->log, 0, &style);
}

static bool replay_one(struct report *r, struct replay_flow *f, unsigned number)
{
    replay_plan(f);
    if (f->skipped) {
        r->skipped++;
        replay_show(stdout, f, number, r->all);
        return true;
    }
    r->style = (struct trace_style){
        .started = f->plan.clock, .explain = r->explain, .colour = trace_text_colour(stdout)};
    if (r->log)
        record_log_init(r->log, LADDER_ROOM);
    const struct replay_options options = {
        .tcp = r->args.tcp, .tcp_count = r->args.tcp_count, .observe = see, .context = r};
    if (!replay_run(f, r->replay.addr, &options))
        return false;
    replay_compare(f);
    if (r->log)
        draw(r);
    replay_show(stdout, f, number, r->all);
    for (int v = 0; v < 3; v++)
        r->verdicts[v] += f->verdicts[v];
    return true;
}

static int conclude(const struct report *r)
{
    const size_t *v = r->verdicts;
    if (r->skipped == r->replay.count) {
        fprintf(stderr, "glass replay: %s: nothing of it can be replayed: %s\n", r->args.path,
                r->replay.flow[0].skipped);
        return EXIT_FAILURE;
    }
    if (v[REPLAY_DIFFERENT])
        printf("different: %zu of what was sent (%zu identical, %zu equivalent)\n", v[REPLAY_DIFFERENT],
               v[REPLAY_IDENTICAL], v[REPLAY_EQUIVALENT]);
    else if (v[REPLAY_EQUIVALENT])
        printf("equivalent: %zu frames are identical, %zu otherwise cut or timed\n", v[REPLAY_IDENTICAL],
               v[REPLAY_EQUIVALENT]);
    else
        printf("same: all %zu frames\n", v[REPLAY_IDENTICAL]);
    return v[REPLAY_DIFFERENT] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int replay_all(struct report *r)
{
    int status = replay_open(&r->replay, &r->args, "glass replay");
    if (status)
        return status;
    char addr[24];
    endpoint_text((struct endpoint){r->replay.addr, 0}, addr, sizeof addr);
    printf("glass replay: %s as %s (%s)\n", r->args.path, addr, r->args.reason);
    for (size_t i = 0; i < r->replay.count; i++)
        if (!replay_one(r, &r->replay.flow[i], (unsigned)i + 1)) {
            fputs("glass replay: out of memory\n", stderr);
            return EXIT_FAILURE;
        }
    return conclude(r);
}

enum { OPTION_AS = 1, OPTION_TRACE, OPTION_LADDER, OPTION_ALL, OPTION_EXPLAIN, OPTION_TCP };

static bool take_option(struct report *r, int code)
{
    switch (code) {
    case OPTION_AS:
        return replay_arg_as(&r->args, "glass replay", optarg);
    case OPTION_TCP:
        return replay_arg_tcp(&r->args, "glass replay", optarg);
    case OPTION_TRACE:
        r->trace = true;
        return true;
    case OPTION_LADDER:
        r->ladder = true;
        return true;
    case OPTION_EXPLAIN:
        r->explain = true;
        return true;
    default:
        r->all = true;
        return true;
    }
}

int cmd_replay(int argc, char **argv)
{
    static const struct option options[] = {{"as", required_argument, NULL, OPTION_AS},
                                            {"trace", no_argument, NULL, OPTION_TRACE},
                                            {"ladder", no_argument, NULL, OPTION_LADDER},
                                            {"all", no_argument, NULL, OPTION_ALL},
                                            {"explain", no_argument, NULL, OPTION_EXPLAIN},
                                            {"tcp", required_argument, NULL, OPTION_TCP},
                                            ARG_HELP_OPTION,
                                            ARG_END_OF_TABLE};
    struct arg_common common = {.help = help};
    struct report r = {0};
    int code, status;
    while ((code = arg_next(argc, argv, "", options, &common, &status)) >= 0)
        if (!take_option(&r, code))
            return EXIT_USAGE;
    if (code == -2)
        return status;
    if (!replay_arg_file(&r.args, "glass replay", argc - optind, argv + optind))
        return EXIT_USAGE;
    if (r.explain && !r.trace && !r.ladder)
        return arg_error("glass replay", "--explain belongs to --trace or --ladder");
    if (r.ladder && !(r.log = malloc(record_log_size(LADDER_ROOM)))) {
        fputs("glass replay: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    status = replay_all(&r);
    replay_free(&r.replay);
    free(r.log);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("glass replay: cannot write the report\n", stderr);
        clearerr(stdout); /* reported */
        status = EXIT_FAILURE;
    }
    return status;
}
