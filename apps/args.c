/* Reads options, numbers, addresses and ports strictly: what is not wholly one is an error. Called by every
 * command. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "services.h"

#define TITLE "glass" /* with what every command's title begins */

static const char *program = TITLE;

void arg_set_program(const char *argv0)
{
    if (argv0 && *argv0)
        program = argv0;
}

const char *arg_program(void)
{
    return program;
}

const char *arg_hint(char *to, size_t room, const char *command, const char *stack)
{
    bool named = strcmp(stack, CONTROL_NAME_DEFAULT) != 0;
    snprintf(to, room, "%s %s%s%s", program, command, named ? " --name " : "", named ? stack : "");
    return to;
}

int arg_error(const char *command, const char *format, ...)
{
    va_list list;
    bool ours = strncmp(command, TITLE, strlen(TITLE)) == 0;
    fprintf(stderr, "%s: ", command);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, " (see %s%s --help)\n", ours ? program : "", ours ? command + strlen(TITLE) : command);
    return EXIT_USAGE;
}

int arg_end(const char *command, int status)
{
    int error = errno; /* of a write that failed before, when nothing is left to be written */
    if (fflush(stdout) != 0)
        error = errno;
    else if (!ferror(stdout))
        return status;
    fprintf(stderr, "%s: cannot write: %s\n", command, strerror(error ? error : EIO));
    return EXIT_FAILURE;
}

bool arg_escapes(FILE *out)
{
    const char *term = getenv("TERM");
    return isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
}

void arg_say_narrow(const char *command, unsigned needed)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_col < needed)
        fprintf(stderr, "%s: this terminal has %u columns, and lines of %u will wrap\n", command, size.ws_col,
                needed);
}

int arg_wrong_option(char **argv, const struct option *longs, int code)
{
    const char *word =
        argv[optind - 1]; /* a long one; a letter may stand among others, where optind points */
    bool is_long = optopt == 0 || optopt > UINT8_MAX;
    for (; longs->name && longs->val != optopt; longs++)
        ;
    if (code == ':' && (is_long || word[1] == '-'))
        return arg_error(argv[0], "option '%s' requires an argument", word);
    if (code == ':')
        return arg_error(argv[0], "option '-%c' requires an argument", optopt);
    if (longs->name && strncmp(word, "--", 2) == 0)
        return arg_error(argv[0], "option '--%s' takes no argument", longs->name);
    if (is_long)
        return arg_error(argv[0], "unrecognized option '%s'", word);
    return arg_error(argv[0], "unrecognized option '-%c'", optopt);
}

/* The command's options and -h; ':' so that a missing value is told from an unknown option. */
static const char *with_help(const char *shorts, char *to, size_t room)
{
    bool in_order = *shorts == '+';
    snprintf(to, room, "%s:%sh", in_order ? "+" : "", shorts + in_order);
    return to;
}

int arg_next(int argc, char **argv, const char *shorts, const struct option *longs, struct arg_common *common,
             int *status)
{
    char all[64];
    int code;
    *status = EXIT_USAGE;
    opterr = 0;
    while ((code = getopt_long(argc, argv, with_help(shorts, all, sizeof all), longs, NULL)) != -1) {
        if (code == 'h') {
            fputs(common->help, stdout);
            *status = EXIT_SUCCESS;
            return -2;
        }
        if (code == ARG_NAME && !control_name_valid(optarg)) {
            *status = arg_error(argv[0], "--name: '%s' is not the name of a stack", optarg);
            return -2;
        }
        if (code == 'w' && common->wait && !arg_seconds(optarg, common->wait)) {
            *status = arg_error(argv[0], "-w: not a number of seconds: %s", optarg);
            return -2;
        }
        if (code == '?' || code == ':') {
            *status = arg_wrong_option(argv, longs, code);
            return -2;
        }
        if (code == ARG_NAME)
            common->stack = optarg;
        else if (code != 'w' || !common->wait)
            return code;
    }
    return -1;
}

bool arg_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t n = 0;
    if (!*text)
        return false;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || n > (INT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (*at - '0');
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

bool arg_seconds(const char *text, int64_t *out)
{
    char *end;
    if (text[strspn(text, "0123456789.")] != '\0')
        return false; /* strtod alone would take signs, exponents and "nan" */
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || seconds > 86400)
        return false;
    *out = (int64_t)(seconds * 1e6 + 0.5);
    return true;
}

bool arg_addr(const char *text, uint32_t *addr)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *addr = ntohl(in.s_addr);
    return true;
}

void addr_text(uint32_t addr, char to[16])
{
    snprintf(to, 16, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
}

/* RFC 1122 3.2.1.3: not "this network", not loopback, not multicast or reserved. */
static bool is_host_address(uint32_t addr)
{
    uint32_t first = addr >> 24;
    return first != 0 && first != 127 && first < 224;
}

bool arg_cidr(const char *text, uint32_t *addr, uint8_t *prefix)
{
    char host[sizeof "255.255.255.255"];
    const char *slash = strchr(text, '/');
    int64_t length;
    uint32_t a;
    if (!slash || (size_t)(slash - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (!arg_addr(host, &a) || !arg_number(slash + 1, 8, 30, &length) || !is_host_address(a))
        return false;
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - length));
    if ((a & ~mask) == 0 || (a & ~mask) == ~mask) /* the network itself, or its broadcast address */
        return false;
    *addr = a;
    *prefix = (uint8_t)length;
    return true;
}

bool arg_port(const char *text, uint16_t *port)
{
    struct service_config known;
    int64_t n;
    if (arg_number(text, 1, UINT16_MAX, &n)) {
        *port = (uint16_t)n;
        return true;
    }
    service_config_init(&known);
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (strcmp(known.port[i].name, text) == 0) {
            *port = known.port[i].port;
            return true;
        }
    return false;
}
