/* glass doctor: whether this machine has what glass needs, one line a thing, and what to do about what it
 * lacks.
 *
 * Owns the list of things and their words. A laboratory is not guessed at but made, in a child process that
 * ends with it. Called by main.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tun/lab.h"
#include "../tun/tun.h"
#include "args.h"
#include "commands.h"
#include "control_client.h"
#include "control_find.h"
#include "demo_tool.h"
#include "names.h"

#define CAP_NET_ADMIN_BIT 12
#define OFFLOAD_USO       0x60ul /* TUN_F_USO4 and TUN_F_USO6, of Linux 6.2: older headers lack them */

enum verdict {
    OK,
    NOTE,    /* glass works without it */
    MISSING, /* glass needs it */
};

static const char help[] =
    "usage: glass doctor\n"
    "\n"
    "Checks what glass needs and says of each thing whether it is there ('ok'), can be\n"
    "done without ('note') or is needed ('MISSING'), and what to do about it: the TUN\n"
    "driver, namespaces for the laboratory, rights, tools, running stacks. Exit status 0\n"
    "when all that is needed is there, 1 when not.\n"
    "\n"
    "  -h, --help  this text\n"
    "\n"
    "Environment: GLASS_TUN names another node than /dev/net/tun.\n";

/* Set by any line that is MISSING; the exit status depends on it. */
struct doctor {
    bool missing;
    bool node; /* the TUN node opens */
};

static void say(struct doctor *d, enum verdict verdict, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(struct doctor *d, enum verdict verdict, const char *what, const char *format, ...)
{
    static const char *const word[] = {[OK] = "ok", [NOTE] = "note", [MISSING] = "MISSING"};
    va_list list;
    d->missing |= verdict == MISSING;
    printf("%-8s %-17s ", word[verdict], what);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
}

/* --- what the kernel gives --- */

static void check_node(struct doctor *d)
{
    char reason[DEVICE_REASON_MAX];
    const char *set = getenv("GLASS_TUN");
    int fd = tun_node_open(reason);
    d->node = fd >= 0;
    if (d->node)
        close(fd);
    say(d, d->node ? OK : MISSING, "TUN node", d->node ? "%s opens%s" : "%s%s", d->node ? tun_path() : reason,
        set && *set ? " (GLASS_TUN names it)" : "");
}

/* What a child found out. */
struct finding {
    int error; /* 0, or a negative errno value */
    char reason[DEVICE_REASON_MAX > LAB_REASON_MAX ? DEVICE_REASON_MAX : LAB_REASON_MAX];
    bool device; /* it came as far as the device */
    unsigned features;
    bool checksum, tso, uso;
};

/* Runs `find` in a process of its own, whose namespaces end with it. */
static void in_child(void (*find)(struct finding *f), struct finding *f)
{
    int ends[2], status = 0;
    *f = (struct finding){.error = -ECHILD, .reason = "the process that tried it died"};
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        struct finding found = {0};
        find(&found);
        ssize_t n = write(ends[1], &found, sizeof found);
        _exit(n == (ssize_t)sizeof found ? 0 : 1);
    }
    close(ends[1]);
    struct finding found;
    ssize_t n = child > 0 ? read(ends[0], &found, sizeof found) : -1;
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    if (n == (ssize_t)sizeof found)
        *f = found;
}

static void try_user_namespace(struct finding *f)
{
    f->error = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

/* The offloads that the driver takes (Linux Documentation/networking/tuntap.rst). */
static void try_offloads(const struct device *device, struct finding *f)
{
    const unsigned long tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, uso = TUN_F_CSUM | OFFLOAD_USO;
    if (ioctl(device->fd, TUNGETFEATURES, &f->features) < 0)
        f->features = 0;
    f->checksum = ioctl(device->fd, TUNSETOFFLOAD, (unsigned long)TUN_F_CSUM) == 0;
    f->tso = ioctl(device->fd, TUNSETOFFLOAD, tso) == 0;
    f->uso = ioctl(device->fd, TUNSETOFFLOAD, uso) == 0;
}

/* The whole of what `glass up` does with the kernel. */
static void try_laboratory(struct finding *f)
{
    const struct device_config config = {.name = "glass0", .addr = 0x0a070001, .prefix = 24, .mtu = 1500};
    struct device device;
    struct lab lab;
    f->error = lab_enter(&lab, f->reason);
    if (f->error < 0)
        return;
    f->device = true;
    f->error = device_open(&device, &config, f->reason);
    if (f->error == 0) {
        try_offloads(&device, f);
        device_close(&device);
    }
    lab_close(&lab);
}

/* A setting of /proc/sys, "-" where this kernel has none. */
static void setting(const char *path, char *to, size_t room)
{
    FILE *f = fopen(path, "re");
    snprintf(to, room, "-");
    if (!f)
        return;
    if (fgets(to, (int)room, f))
        to[strcspn(to, "\n")] = '\0';
    fclose(f);
}

static void check_user_namespaces(struct doctor *d)
{
    struct finding f;
    char clone[16], most[16], apparmor[16], settings[160];
    setting("/proc/sys/kernel/unprivileged_userns_clone", clone, sizeof clone);
    setting("/proc/sys/user/max_user_namespaces", most, sizeof most);
    setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", apparmor, sizeof apparmor);
    snprintf(settings, sizeof settings,
             "kernel.unprivileged_userns_clone %s, user.max_user_namespaces %s, AppArmor's restriction %s",
             clone, most, apparmor);
    in_child(try_user_namespace, &f);
    if (f.error == 0)
        say(d, OK, "user namespaces", "this user can make them (%s)", settings);
    else if (geteuid() == 0)
        say(d, NOTE, "user namespaces", "cannot be made: %s. Root does not need them (%s)",
            strerror(-f.error), settings);
    else
        say(d, MISSING, "user namespaces", "cannot be made: %s; the next line says what to do (%s)",
            strerror(-f.error), settings);
}

static void say_offloads(struct doctor *d, const struct finding *f)
{
    say(d, f->tso ? OK : NOTE, "TUN offloads",
        "checksum %s, TCP segmentation %s, UDP segmentation %s, %s, %s", f->checksum ? "yes" : "no",
        f->tso ? "yes" : "no", f->uso ? "yes" : "no (Linux 6.2 has it)",
        f->features & IFF_VNET_HDR ? "virtio headers" : "no virtio headers",
        f->features & IFF_MULTI_QUEUE ? "several queues" : "one queue");
}

static void check_laboratory(struct doctor *d)
{
    struct finding f;
    in_child(try_laboratory, &f);
    if (f.error == 0) {
        say(d, OK, "laboratory", "a network namespace with a TUN device can be made");
        say_offloads(d, &f);
    } else if (f.device && !d->node) {
        say(d, OK, "laboratory", "a network namespace can be made; the TUN node is what it lacks");
    } else {
        say(d, MISSING, "laboratory", "%s", f.reason);
    }
}

static bool has_net_admin(void)
{
    char line[128];
    unsigned long long effective = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "CapEff: %llx", &effective) == 1)
            break;
    if (f)
        fclose(f);
    return effective >> CAP_NET_ADMIN_BIT & 1;
}

static void check_rights(struct doctor *d)
{
    const char *who = geteuid() == 0 ? "root" : "an ordinary user";
    if (has_net_admin())
        say(d, OK, "rights", "%s, with CAP_NET_ADMIN: 'glass up --host' works as well", who);
    else
        say(d, NOTE, "rights", "%s, without CAP_NET_ADMIN: the laboratory needs none, 'glass up --host' does",
            who);
}

/* --- what else is there --- */

/* The folders of PATH, and that of root's tools: Debian has tcpdump there, and ordinary users not in their
 * PATH. */
static bool find_tool(const char *tool, char *to, size_t room)
{
    if (tool_find(tool, to, room))
        return true;
    snprintf(to, room, "/usr/sbin/%s", tool);
    return tool_is_program(to);
}

static void check_tools(struct doctor *d)
{
    static const struct {
        const char *name, *package, *about;
    } tools[] = {
        {"curl", "curl", "fetch pages from the stack; 'glass demo' does"},
        {"ping", "iputils-ping", "ping the stack; 'glass demo' does"},
        {"nc", "netcat-openbsd", "talk to the stack; 'glass demo' does"},
        {"tshark", "tshark", "read captures in a terminal"},
        {"wireshark", "wireshark", "read captures in a window"},
        {"tcpdump", "tcpdump", "watch the link as the kernel sees it"},
        {"gdb", "gdb", "step through the state machine"},
        {"python3", "python3", "a server beside the stack: python3 -m http.server"},
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        if (find_tool(tools[i].name, path, sizeof path))
            say(d, OK, tools[i].name, "%s", path);
        else
            say(d, NOTE, tools[i].name, "not installed: apt-get install %s (to %s)", tools[i].package,
                tools[i].about);
    }
    if (names_has_services())
        say(d, OK, "service names", "/etc/services");
    else
        say(d, NOTE, "service names",
            "no /etc/services: apt-get install netbase (ports are numbers without it)");
}

static void say_stack(struct doctor *d, const struct control_found *found)
{
    struct control_hello hello;
    char text[320], addr[16];
    if (!found->ours) {
        control_found_text(found, text, sizeof text);
        say(d, NOTE, "stack", "%s", text);
        return;
    }
    int fd = control_connect(found->name, &hello); /* which says what is wrong with it */
    if (fd < 0) {
        say(d, NOTE, "stack", "%s runs and does not answer", found->name);
        return;
    }
    close(fd);
    addr_text(hello.addr.addr, addr);
    say(d, OK, "stack", "%s runs as process %d on %s", found->name, hello.pid, addr);
}

static void check_stacks(struct doctor *d)
{
    static struct control_found all[CONTROL_FOUND_MAX];
    size_t count = control_find(all, CONTROL_FOUND_MAX);
    char hint[512];
    for (size_t i = 0; i < count; i++)
        say_stack(d, &all[i]);
    if (count == 0)
        say(d, OK, "stack", "none runs yet; start one with: %s",
            arg_hint(hint, sizeof hint, "up", CONTROL_NAME_DEFAULT));
}

int cmd_doctor(int argc, char **argv)
{
    static const struct option longs[] = {ARG_HELP_OPTION, ARG_END_OF_TABLE};
    struct arg_common common = {.help = help};
    struct doctor d = {0};
    int status;
    if (arg_next(argc, argv, "", longs, &common, &status) == -2)
        return status;
    if (optind < argc)
        return arg_error(argv[0], "unexpected argument: %s", argv[optind]);
    check_node(&d);
    check_user_namespaces(&d);
    check_laboratory(&d);
    check_rights(&d);
    check_tools(&d);
    check_stacks(&d);
    puts(d.missing ? "Something that glass needs is missing." : "All that glass needs is there.");
    return d.missing ? EXIT_FAILURE : EXIT_SUCCESS;
}
