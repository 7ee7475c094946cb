/* glass lab SCENARIO: two stacks on one wire in virtual time, drawn, explained and captured.
 *
 * Owns the command line. The scenarios are in scenarios_*.c, the engine in stage_engine.c, the drawing in
 * stage_show.c, the reading of every capture in stage_readme.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "ladder.h"
#include "stage_engine.h"
#include "stage_pcap.h"
#include "stage_show.h"

struct lab_options {
    struct stage_show show;
    const char *name, *pcap, *pcaps;
    bool no_pcap, list;
};

static void help(void)
{
    puts("usage: glass lab [OPTION]... SCENARIO\n"
         "       glass lab --list\n"
         "\n"
         "Plays two of our stacks against each other in virtual time, draws what happens and why,\n"
         "says what each application was told, and writes SCENARIO.pcap. Exit status 1 when the\n"
         "scenario did not show what it is there to show.\n"
         "\n"
         "  --list           the scenarios, one line each\n"
         "  --step           wait for Enter at each event\n"
         "  --brief          leave the rules out (--explain, the default, names them)\n"
         "  -o, --pcap FILE  where the capture goes (default: SCENARIO.pcap in this directory)\n"
         "  --no-pcap        no capture\n"
         "  --svg FILE       the drawing as a picture, too (one for each act)\n"
         "\n"
         "  |--- SYN --------->|  sent, and arrived before anything else happened\n"
         "  |--- SYN ----- ... |  arrives on a later row:   | ... SYN seq 0 -->|, as a copy does\n"
         "  |--- SYN ----X     |  lost on the way\n"
         "  | ??? RST -------->|  arrived, but the other end never sent it: forged, or a leftover\n"
         "  * ...                what the laboratory does there, or what to look at\n"
         "  again, late, gap     sent before; fills a gap; what comes before it was not seen\n"
         "  probe                a keep-alive or window probe: one before what is next\n"
         "\n"
         "NO_COLOR, when set, leaves the colours out; so does a TERM that is dumb or unset.");
}

static int list(void)
{
    for (size_t g = 0; g < scenario_group_count; g++) {
        printf("%s%s\n", g ? "\n" : "", scenario_groups[g]->title);
        for (size_t i = 0; i < scenario_groups[g]->count; i++)
            printf("  %-24s %s\n", scenario_groups[g]->scenario[i].name,
                   scenario_groups[g]->scenario[i].title);
    }
    return EXIT_SUCCESS;
}

enum { OPT_LIST = 256, OPT_STEP, OPT_EXPLAIN, OPT_BRIEF, OPT_NO_PCAP, OPT_SVG, OPT_PCAPS };

/* -1: go on; otherwise the exit status. */
static int take_option(struct lab_options *o, int c)
{
    switch (c) {
    case 'h':
        help();
        return EXIT_SUCCESS;
    case OPT_LIST:
        o->list = true;
        return -1;
    case OPT_STEP:
        o->show.step = true;
        return -1;
    case OPT_EXPLAIN:
    case OPT_BRIEF:
        o->show.explain = c == OPT_EXPLAIN;
        return -1;
    case OPT_NO_PCAP:
        o->no_pcap = true;
        return -1;
    case OPT_SVG:
        o->show.svg = optarg;
        return -1;
    case OPT_PCAPS:
        o->pcaps = optarg;
        return -1;
    case 'o':
        o->pcap = optarg;
        return -1;
    default:
        return EXIT_USAGE;
    }
}

static int options_read(int argc, char **argv, struct lab_options *o)
{
    static const struct option longs[] = {{"list", no_argument, NULL, OPT_LIST},
                                          {"step", no_argument, NULL, OPT_STEP},
                                          {"explain", no_argument, NULL, OPT_EXPLAIN},
                                          {"brief", no_argument, NULL, OPT_BRIEF},
                                          {"pcap", required_argument, NULL, 'o'},
                                          {"no-pcap", no_argument, NULL, OPT_NO_PCAP},
                                          {"svg", required_argument, NULL, OPT_SVG},
                                          {"pcaps", required_argument, NULL, OPT_PCAPS}, /* for make pcaps */
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":ho:", longs, NULL)) != -1;) {
        int status = c == '?' || c == ':' ? arg_wrong_option(argv, longs, c) : take_option(o, c);
        if (status >= 0)
            return status;
    }
    if (o->pcap && (!*o->pcap || strcmp(o->pcap, "-") == 0))
        return arg_error(argv[0], "-o: the name of a file is needed");
    if (o->show.svg && (!*o->show.svg || strcmp(o->show.svg, "-") == 0))
        return arg_error(argv[0], "--svg: the name of a file is needed");
    if (o->pcap && o->no_pcap)
        return arg_error(argv[0], "either -o or --no-pcap");
    if (o->list && (optind < argc || o->pcap || o->show.svg))
        return arg_error(argv[0], "--list stands alone: it lists the scenarios");
    if (o->list)
        return list();
    if (o->pcaps && optind == argc)
        return -1;
    if (optind == argc)
        return arg_error(argv[0], "which scenario? 'glass lab --list' names them");
    o->name = argv[optind];
    if (optind + 1 < argc)
        return arg_error(argv[0], "unexpected argument: %s", argv[optind + 1]);
    return -1;
}

static int failed(const char *path, int error)
{
    fflush(stdout);
    fprintf(stderr, "glass lab: %s: %s\n", path, strerror(-error));
    return EXIT_FAILURE;
}

static int write_capture(const struct lab_options *o, const struct stage *st)
{
    char path[64];
    snprintf(path, sizeof path, "%s.pcap", st->scenario->name);
    const char *to = o->pcap ? o->pcap : path;
    if (o->no_pcap)
        return EXIT_SUCCESS;
    int error = stage_pcap_write(st, to);
    if (error < 0)
        return failed(to, error);
    if (strcmp(to, "-") != 0)
        printf("\nThe capture, as tcpdump on the %s host sees it: %s\n", stage_side_name(st->scenario->host),
               to);
    return EXIT_SUCCESS;
}

static int play(struct lab_options *o, const struct scenario *s)
{
    struct stage_sink sink;
    stage_show_title(&o->show, s);
    stage_show_sink(&o->show, &sink);
    struct stage *st = stage_play(s, &sink);
    if (!st)
        return failed(s->name, -ENOMEM);
    int status = write_capture(o, st);
    if (!stage_show_end(&o->show))
        status = EXIT_FAILURE;
    for (unsigned i = 0; i < st->failures; i++)
        fprintf(stderr, "glass lab: %s: %s\n", s->name, st->failure[i]);
    if (st->failures)
        status = EXIT_FAILURE;
    stage_free(st);
    return status;
}

int cmd_lab(int argc, char **argv)
{
    struct lab_options o = {.show.explain = true};
    const char *no_color = getenv("NO_COLOR");
    int status = options_read(argc, argv, &o);
    if (status >= 0)
        return status;
    if (o.pcaps)
        return stage_pcap_all(o.pcaps);
    const struct scenario *s = scenario_find(o.name);
    if (!s)
        return arg_error(argv[0], "there is no scenario '%s'; perhaps '%s'?", o.name,
                         scenario_closest(o.name));
    arg_say_narrow(argv[0], LADDER_WIDTH);
    o.show.out = stdout;
    o.show.keys = stdin;
    o.show.colour = arg_escapes(stdout) && !(no_color && *no_color);
    return play(&o, s);
}
