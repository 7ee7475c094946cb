/* The arguments of `glass up`. Called by up.c. */
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "control_path.h"
#include "tcp_settings.h"
#include "up.h"

#define COMMAND      "glass up"
#define ADDR_DEFAULT 0x0a070002u /* 10.7.0.2 */
#define TUN_DEFAULT  "glass0"

static const char help[] =
    "usage: glass up [OPTION]...\n"
    "\n"
    "Starts a TCP/IP stack in an isolated laboratory of its own and runs it until Ctrl-C or 'glass down'.\n"
    "Reach it with 'glass exec -- curl http://10.7.0.2/'.\n"
    "\n"
    "  --name NAME              what the other commands call it (glass)\n"
    "  --ip A/LEN               its address and network (10.7.0.2/24); the kernel has the first other "
    "address\n"
    "  --tun NAME               name of the TUN device (glass0)\n"
    "  --host                   no laboratory: make the device in this network namespace (needs "
    "CAP_NET_ADMIN),\n"
    "                           or use the TUN device NAME as it is when it exists\n"
    "  --mtu N                  largest datagram of the link in bytes, 68 to 65535 (1500)\n"
    "  --www DIR                share this folder over http\n"
    "  --service NAME=PORT|off  move or switch off echo, discard, daytime, chargen or http; may be repeated\n"
    "  --pcap FILE              write every datagram to a capture file (FILE.pcapng: with the stack's view\n"
    "                           of each packet as its comment); '-' is standard output:\n"
    "                           glass up --pcap - | wireshark -k -i -\n"
    "  --offload on|off         leave cutting into segments and checksums to the device, where it can (on; "
    "with\n"
    "                           --link off: a wire carries single segments); captures then show giant "
    "packets\n"
    "  --link FAULTS            a bad link, each way: loss=1%,delay=20ms,jitter=5ms,reorder=0.5%,dup=0.1%,\n"
    "                           corrupt=0.1%,rate=10mbit,queue=64,burst=3,ecn,seed=1; all may be left out.\n"
    "                           delay and jitter are one way; queue counts datagrams before the rate;\n"
    "                           burst is how many are lost in a row. A capture is taken on the stack's side\n"
    "  --tcp OPTION=VALUE,...   change TCP: sack=off,congestion=reno; '--tcp help' lists what there is\n"
    "  --trace                  print every event of the stack, one line each\n"
    "  --step-clock WHEN        the stack's clock stands still while a debugger holds the program: auto (as\n"
    "                           soon as one is there), on (whatever stops it) or off\n"
    "  -h, --help               this text\n"
    "\n"
    "Environment: GLASS_TUN names another node than /dev/net/tun; XDG_RUNTIME_DIR holds the control "
    "socket.\n";

enum option_code {
    OPTION_NAME = 256,
    OPTION_IP,
    OPTION_TUN,
    OPTION_HOST,
    OPTION_MTU,
    OPTION_WWW,
    OPTION_SERVICE,
    OPTION_PCAP,
    OPTION_OFFLOAD,
    OPTION_LINK,
    OPTION_TCP,
    OPTION_TRACE,
    OPTION_STEP_CLOCK,
    OPTION_HELP,
};

static const struct option options[] = {
    {"name", required_argument, NULL, OPTION_NAME},
    {"ip", required_argument, NULL, OPTION_IP},
    {"tun", required_argument, NULL, OPTION_TUN},
    {"host", no_argument, NULL, OPTION_HOST},
    {"mtu", required_argument, NULL, OPTION_MTU},
    {"www", required_argument, NULL, OPTION_WWW},
    {"service", required_argument, NULL, OPTION_SERVICE},
    {"pcap", required_argument, NULL, OPTION_PCAP},
    {"offload", required_argument, NULL, OPTION_OFFLOAD},
    {"link", required_argument, NULL, OPTION_LINK},
    {"tcp", required_argument, NULL, OPTION_TCP},
    {"trace", no_argument, NULL, OPTION_TRACE},
    {"step-clock", required_argument, NULL, OPTION_STEP_CLOCK},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int set_name(struct up_config *c, const char *text)
{
    if (!control_name_valid(text))
        return arg_error(COMMAND, "--name: '%s' is not a name: 1 to %d letters, digits, '.', '_', '-'", text,
                         CONTROL_NAME_MAX);
    c->name = text;
    return 0;
}

static int set_ip(struct up_config *c, const char *text)
{
    if (!arg_cidr(text, &c->addr, &c->prefix))
        return arg_error(COMMAND, "--ip: '%s' is not a host's address and network, such as 10.7.0.2/24",
                         text);
    c->addr_given = true;
    return 0;
}

static int set_tun(struct up_config *c, const char *text)
{
    if (!control_name_valid(text) || strlen(text) >= IFNAMSIZ)
        return arg_error(COMMAND, "--tun: '%s' is not a device name: 1 to %d letters, digits, '.', '_', '-'",
                         text, IFNAMSIZ - 1);
    c->tun = text;
    return 0;
}

static int set_mtu(struct up_config *c, const char *text)
{
    int64_t n;
    if (!arg_number(text, IP_MTU_MIN, IP_MTU_MAX, &n))
        return arg_error(COMMAND, "--mtu: '%s' is not a number from %d to %d", text, IP_MTU_MIN, IP_MTU_MAX);
    c->mtu = (uint32_t)n;
    return 0;
}

static int set_service(struct up_config *c, const char *text)
{
    char why[160];
    if (!service_config_parse(&c->services, text, why, sizeof why))
        return arg_error(COMMAND, "--service: %s", why);
    return 0;
}

static int set_offload(struct up_config *c, const char *text)
{
    c->offload = strcmp(text, "on") == 0;
    if (!c->offload && strcmp(text, "off") != 0)
        return arg_error(COMMAND, "--offload: '%s' is neither on nor off", text);
    c->offload_given = true;
    return 0;
}

/* A link with faults carries single segments: to lose 64 KiB at once teaches nothing about a wire. */
static int settle_offload(struct up_config *c)
{
    if (c->offload && c->has_link && c->offload_given)
        return arg_error(COMMAND, "--offload on does not go with --link: a wire carries single segments");
    c->offload = c->offload_given ? c->offload : !c->has_link;
    return 0;
}

static int set_link(struct up_config *c, const char *text)
{
    char why[160];
    if (!link_parse(&c->link, text, why, sizeof why))
        return arg_error(COMMAND, "--link: %s", why);
    c->has_link = true;
    return 0;
}

/* Only looked at here; up_pieces.c applies it. */
static int set_tcp(struct up_config *c, const char *text)
{
    char why[160];
    struct stack_config config;
    stack_config_init(&config);
    if (c->tcp_count == UP_TCP_MAX)
        return arg_error(COMMAND, "--tcp: given more than %d times: separate its options by commas",
                         UP_TCP_MAX);
    c->tcp[c->tcp_count++] = text;
    for (unsigned i = 0; i < c->tcp_count; i++)
        if (!tcp_settings_parse(&config, c->tcp[i], why, sizeof why))
            return arg_error(COMMAND, "--tcp: %s", why);
    return 0;
}

static void print_tcp_settings(void)
{
    struct stack_config config;
    stack_config_init(&config);
    tcp_settings_print(stdout, &config);
}

static int set_step_clock(struct up_config *c, const char *text)
{
    static const char *const name[] = {
        [CLOCK_STEP_AUTO] = "auto", [CLOCK_STEP_ON] = "on", [CLOCK_STEP_OFF] = "off"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (strcmp(text, name[i]) == 0) {
            c->step_clock = (enum clock_step)i;
            return 0;
        }
    return arg_error(COMMAND, "--step-clock: '%s' is none of auto, on and off", text);
}

static int set_file(const char **to, const char *option, const char *text)
{
    if (!*text)
        return arg_error(COMMAND, "%s: the name is empty", option);
    *to = text;
    return 0;
}

static int set_option(struct up_config *c, int code, const char *text)
{
    switch (code) {
    case OPTION_NAME:
        return set_name(c, text);
    case OPTION_IP:
        return set_ip(c, text);
    case OPTION_TUN:
        return set_tun(c, text);
    case OPTION_MTU:
        return set_mtu(c, text);
    case OPTION_SERVICE:
        return set_service(c, text);
    case OPTION_OFFLOAD:
        return set_offload(c, text);
    case OPTION_WWW:
        return set_file(&c->services.www, "--www", text);
    case OPTION_PCAP:
        return set_file(&c->pcap, "--pcap", text);
    case OPTION_LINK:
        return set_link(c, text);
    case OPTION_TCP:
        return set_tcp(c, text);
    case OPTION_STEP_CLOCK:
        return set_step_clock(c, text);
    case OPTION_HOST:
        c->host = true;
        return 0;
    case OPTION_TRACE:
        c->trace = true;
        return 0;
    default:
        return EXIT_USAGE;
    }
}

bool up_parse(struct up_config *c, int argc, char **argv, int *status)
{
    *c = (struct up_config){
        .name = CONTROL_NAME_DEFAULT, .tun = TUN_DEFAULT, .addr = ADDR_DEFAULT, .prefix = 24};
    service_config_init(&c->services);
    *status = 0;
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (code == OPTION_HELP || code == 'h') {
            fputs(help, stdout);
            return false;
        }
        if (code == OPTION_TCP && strcmp(optarg, "help") == 0) {
            print_tcp_settings();
            return false;
        }
        bool is_wrong = code == '?' || code == ':';
        *status = is_wrong ? arg_wrong_option(argv, options, code) : set_option(c, code, optarg);
        if (*status != 0)
            return false;
    }
    if (optind < argc)
        *status = arg_error(COMMAND, "unexpected argument '%s'", argv[optind]);
    else
        *status = settle_offload(c);
    return *status == 0;
}

uint32_t up_kernel_addr(uint32_t addr, uint8_t prefix)
{
    uint32_t network = addr & (uint32_t)(UINT64_C(0xffffffff) << (32 - prefix));
    return network + 1 != addr ? network + 1 : network + 2;
}
