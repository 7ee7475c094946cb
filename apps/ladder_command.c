/* `glass ladder`: a connection as a sequence diagram, of a running stack or of a capture.
 *
 * Owns the arguments and the files; ladder_live.c follows a stack. Called by main.c. */
#include "ladder_command.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "../stack/event_text.h"
#include "commands.h"
#include "control_path.h"
#include "ladder_capture.h"
#include "trace_text.h"

#define WIDTH_MAX 1000

static const char help[] =
    "usage: glass ladder [--live] [--name NAME] [OPTION]...\n"
    "       glass ladder FILE [OPTION]...\n"
    "\n"
    "Draws TCP connections as sequence diagrams: time runs down in milliseconds, an arrow for\n"
    "each segment, the states of both ends in the margins where they change. A state in\n"
    "parentheses is inferred from the segments; one without is what a stack said.\n"
    "\n"
    "  --live            a running stack, on the right, until Ctrl-C; what it is without FILE\n"
    "  FILE              a capture, pcap or pcapng (\"-\": standard input), on any link; one made\n"
    "                    by glass annotate or glass up --pcap FILE.pcapng has its stack's states\n"
    "  --list            the connections of FILE, a line each, and nothing else\n"
    "  --connection N    only the one with this number, as --list or glass trace shows it\n"
    "  --port PORT       only those with this port at one end: a number, echo, http ...\n"
    "  --svg FILE        a picture instead, for light and dark: the connection that was chosen,\n"
    "                    or the first; with --live all that were seen, written at the end\n"
    "  --explain         below each arrow the rule that decided; calls and congestion windows\n"
    "                    too (where a stack tells of them)\n"
    "  --absolute        sequence numbers as on the wire; otherwise each side's SYN is 0\n"
    "  --fold N          a run of more than N plain segments is counted only; 0: never (12)\n"
    "  --width N         columns, from 80 (those of the terminal, or 80)\n"
    "  --unicode         lines and arrows as characters; --ascii: never. By default on a\n"
    "                    terminal whose locale has UTF-8\n"
    "  --color=WHEN      auto (on a terminal, unless NO_COLOR is set), always or never\n"
    "  --name NAME       the stack called NAME (glass)\n"
    "  -h, --help        this text\n"
    "\n"
    "  |--- SYN --------->|  sent, and arrived before anything else happened\n"
    "  |--- SYN ----- ... |  arrives on a later row:   | ... SYN seq 0 -->|\n"
    "  |--- SYN ----X     |  lost; (X): it seems so, for it was sent again\n"
    "  | ??? RST -------->|  arrived, but the other end did not send it\n"
    "  again, late, gap     sent before; fills a gap; what comes before it was not seen\n"
    "  probe                a keep-alive or window probe: one before what is next\n"
    "\n"
    "Exit status: 0; 1 when the file is damaged or not a capture, when there is no such stack,\n"
    "or nothing to draw; 2 when an argument is wrong.\n";

enum option_code {
    OPTION_LIVE = 256,
    OPTION_LIST,
    OPTION_CONNECTION,
    OPTION_PORT,
    OPTION_SVG,
    OPTION_EXPLAIN,
    OPTION_ABSOLUTE,
    OPTION_FOLD,
    OPTION_WIDTH,
    OPTION_UNICODE,
    OPTION_ASCII,
    OPTION_COLOR,
};

static const struct option longs[] = {
    {"live", no_argument, NULL, OPTION_LIVE},
    {"list", no_argument, NULL, OPTION_LIST},
    {"connection", required_argument, NULL, OPTION_CONNECTION},
    {"port", required_argument, NULL, OPTION_PORT},
    {"svg", required_argument, NULL, OPTION_SVG},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"absolute", no_argument, NULL, OPTION_ABSOLUTE},
    {"fold", required_argument, NULL, OPTION_FOLD},
    {"width", required_argument, NULL, OPTION_WIDTH},
    {"unicode", no_argument, NULL, OPTION_UNICODE},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"color", optional_argument, NULL, OPTION_COLOR},
    {"colour", optional_argument, NULL, OPTION_COLOR},
    ARG_NAME_OPTION,
    ARG_HELP_OPTION,
    ARG_END_OF_TABLE,
};

/* --- arguments --- */

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < LADDER_WIDTH)
        return LADDER_WIDTH;
    return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static bool terminal_has_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int number(const char *command, const char *option, const char *text, int64_t min, int64_t max,
                  int64_t *out)
{
    if (arg_number(text, min, max, out))
        return 0;
    return arg_error(command, "%s: '%s' is not a number from %lld to %lld", option, text, (long long)min,
                     (long long)max);
}

static int set_color(const char *command, struct ladder_style *style, const char *when)
{
    if (!when || strcmp(when, "always") == 0)
        style->colour = true;
    else if (strcmp(when, "never") == 0)
        style->colour = false;
    else if (strcmp(when, "auto") != 0)
        return arg_error(command, "--color: '%s' is neither auto nor always nor never", when);
    return 0;
}

static int set_number(const char *command, struct ladder_asked *a, int code)
{
    int64_t n = 0;
    int status = 0;
    if (code == OPTION_CONNECTION)
        return number(command, "--connection", optarg, 1, UINT32_MAX, &a->connection);
    if (code == OPTION_FOLD) {
        status = number(command, "--fold", optarg, 0, LADDER_FOLD_MAX, &n);
        a->style.fold = (unsigned)n;
    } else if (code == OPTION_WIDTH) {
        status = number(command, "--width", optarg, LADDER_WIDTH, WIDTH_MAX, &n);
        a->style.width = (unsigned)n;
    } else if (!arg_port(optarg, &a->port)) {
        return arg_error(command, "--port: '%s' is no port", optarg);
    }
    return status;
}

static int set_option(const char *command, struct ladder_asked *a, int code)
{
    switch (code) {
    case OPTION_LIVE:
        a->live = true;
        return 0;
    case OPTION_LIST:
        a->list = true;
        return 0;
    case OPTION_SVG:
        a->svg = optarg;
        return *optarg ? 0 : arg_error(command, "--svg: the name of a file is needed");
    case OPTION_EXPLAIN:
        a->style.explain = true;
        return 0;
    case OPTION_ABSOLUTE:
        a->style.absolute = true;
        return 0;
    case OPTION_UNICODE:
    case OPTION_ASCII:
        a->style.unicode = code == OPTION_UNICODE;
        return 0;
    case OPTION_COLOR:
        return set_color(command, &a->style, optarg);
    default:
        return set_number(command, a, code);
    }
}

static int check_together(const char *command, const struct ladder_asked *a)
{
    if (a->file && a->live)
        return arg_error(command, "either --live or a FILE");
    if (a->file && a->common.stack)
        return arg_error(command, "--name is for a running stack, not for a FILE");
    if (!a->file && a->list)
        return arg_error(command, "--list needs a FILE");
    if (a->list && a->svg)
        return arg_error(command, "either --list or --svg");
    if (a->list && a->style.explain)
        return arg_error(command, "either --list or --explain");
    return -1;
}

/* -1: go on; otherwise the exit status. */
static int read_arguments(struct ladder_asked *a, int argc, char **argv)
{
    int status = 0;
    for (int code; (code = arg_next(argc, argv, "", longs, &a->common, &status)) != -1;) {
        if (code == -2)
            return status;
        status = set_option(argv[0], a, code);
        if (status != 0)
            return status;
    }
    a->file = argv[optind];
    if (a->file && !*a->file)
        return arg_error(argv[0], "FILE: a name is needed");
    if (a->file && argv[optind + 1])
        return arg_error(argv[0], "one FILE at a time: unexpected argument: %s", argv[optind + 1]);
    return check_together(argv[0], a);
}

/* --- what is meant --- */

unsigned ladder_asked_next(const struct ladder_asked *a, const struct ladder_drawing *d, unsigned last)
{
    for (unsigned i = last + 1; i <= d->model.conversations; i++) {
        const struct ladder_conversation *c = ladder_conversation_at(&d->model, i);
        bool has_port = !a->port || c->way[0].end.port == a->port || c->way[1].end.port == a->port;
        bool is_it = !a->connection || ladder_model_tag(&d->model, i) == (uint32_t)a->connection;
        if (has_port && is_it)
            return i;
    }
    return 0;
}

static int nothing(const struct ladder_asked *a, const struct ladder_drawing *d)
{
    unsigned n = d->model.conversations;
    if (n == 0)
        fprintf(stderr, "glass ladder: %s: no TCP segments in it\n", a->file);
    else if (a->connection)
        fprintf(stderr, "glass ladder: %s: no connection %lld%s: it has %u (see --list)\n", a->file,
                (long long)a->connection, a->port ? " with that port" : "", n);
    else
        fprintf(stderr, "glass ladder: %s: no connection with port %u (see --list)\n", a->file, a->port);
    return EXIT_FAILURE;
}

/* --- files --- */

static void heading(const struct ladder_drawing *d, unsigned number, char to[160])
{
    char left[24], right[24];
    const struct ladder_conversation *c = ladder_conversation_at(&d->model, number);
    endpoint_text(c->way[0].end, left, sizeof left);
    endpoint_text(c->way[1].end, right, sizeof right);
    snprintf(to, 160, "#%u  %s with %s: %llu segments, %llu bytes", number, left, right,
             (unsigned long long)c->segments, (unsigned long long)c->bytes);
}

int ladder_write_svg(const struct ladder_asked *a, struct ladder_drawing *d, unsigned only, const char *title)
{
    FILE *out = fopen(a->svg, "we");
    if (!out) {
        fprintf(stderr, "glass ladder: %s: %s\n", a->svg, strerror(errno));
        return EXIT_FAILURE;
    }
    bool drawn = ladder_drawing_svg(out, d, only, &a->style, title);
    bool written = !ferror(out);
    written = fclose(out) == 0 && written;
    if (!drawn)
        fprintf(stderr, "glass ladder: %s: too much for one picture (see --connection, --fold)\n", a->svg);
    else if (!written)
        fprintf(stderr, "glass ladder: %s: cannot write: %s\n", a->svg, strerror(errno));
    return drawn && written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int draw_svg(const struct ladder_asked *a, struct ladder_drawing *d, unsigned first)
{
    char title[160];
    unsigned another = ladder_asked_next(a, d, first);
    heading(d, first, title);
    if (another)
        fprintf(stderr,
                "glass ladder: this is #%u, the first of several connections (see --list, --connection)\n",
                first);
    return ladder_write_svg(a, d, first, title);
}

static int draw_text(const struct ladder_asked *a, struct ladder_drawing *d, unsigned first)
{
    char title[160];
    bool several = ladder_asked_next(a, d, first) != 0;
    for (unsigned i = first; i; i = ladder_asked_next(a, d, i)) {
        heading(d, i, title);
        if (several || a->list)
            printf("%s%s\n", i == first || a->list ? "" : "\n", title);
        d->says[LADDER_RIGHT] = ladder_conversation_at(&d->model, i)->annotated ? "annotated" : NULL;
        if (!a->list && !ladder_drawing_text(stdout, d, i, &a->style)) {
            fprintf(stderr, "glass ladder: no memory\n");
            return EXIT_FAILURE;
        }
        if (ferror(stdout))
            break;
    }
    return EXIT_SUCCESS;
}

static int draw_file(const struct ladder_asked *a)
{
    char why[PACKET_FILE_WHY];
    struct ladder_drawing d;
    int status = EXIT_FAILURE;
    ladder_drawing_init(&d, LADDER_OF_WIRE);
    enum ladder_capture_end end = ladder_capture_read(&d, a->file, why);
    unsigned first = ladder_asked_next(a, &d, 0);
    if (d.bad || d.model.bad)
        fprintf(stderr, "glass ladder: %s: no memory for so many segments\n", a->file);
    else if (first && a->svg)
        status = draw_svg(a, &d, first);
    else if (first)
        status = draw_text(a, &d, first);
    else if (end == LADDER_CAPTURE_WHOLE || end == LADDER_CAPTURE_FULL)
        status = nothing(a, &d);
    ladder_drawing_free(&d);
    if (end == LADDER_CAPTURE_FULL)
        fprintf(stderr, "glass ladder: %s: only its first %u segments were read\n", a->file,
                LADDER_CAPTURE_MAX);
    else if (end != LADDER_CAPTURE_WHOLE)
        fprintf(stderr, "glass ladder: %s: %s\n", a->file, why);
    return end == LADDER_CAPTURE_WHOLE ? status : EXIT_FAILURE;
}

int cmd_ladder(int argc, char **argv)
{
    struct ladder_asked asked = {
        .common = {help, NULL, NULL},
        .style = {.width = terminal_width(), .fold = LADDER_FOLD, .unicode = terminal_has_utf8()},
    };
    asked.style.colour = trace_text_colour(stdout);
    int status = read_arguments(&asked, argc, argv);
    if (status >= 0)
        return status;
    if (!asked.svg && !asked.list)
        arg_say_narrow(argv[0], LADDER_WIDTH);
    if (asked.file)
        return draw_file(&asked);
    if (!asked.common.stack)
        asked.common.stack = CONTROL_NAME_DEFAULT;
    return ladder_live(&asked);
}
