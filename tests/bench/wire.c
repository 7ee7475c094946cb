/* Two network namespaces of the kernel, joined by the faulty link of tun/link.c: what `glass up --link` puts
 * between the kernel and glass, here between the kernel and itself.
 *
 *     wire FAULTS
 *
 * Makes a namespace with the TUN device wire0 (10.8.0.1), another with wire0 (10.8.0.2), and says where they
 * are: "ready USER NET USER NET", descriptors of this process for nsenter(1), -1 for none. Ends at the end of
 * its input. Its last words are what the link did. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tun/lab.h"
#include "../../tun/link.h"

#define ENDS     2
#define ADDR     0x0a080001u
#define BATCH    256
#define DATAGRAM 65536

struct end {
    struct lab lab;
    struct device device;
    struct link_way to; /* what is on its way to this end */
};

static struct end ends[ENDS];

static int fail(const char *what)
{
    fprintf(stderr, "wire: %s\n", what);
    return -1;
}

static int open_end(struct end *e, int number, const struct link_config *config)
{
    char reason[LAB_REASON_MAX > DEVICE_REASON_MAX ? LAB_REASON_MAX : DEVICE_REASON_MAX];
    struct device_config device = {
        .name = "wire0", .addr = ADDR + (uint32_t)number, .prefix = 24, .mtu = 1500};
    if (lab_enter(&e->lab, reason) < 0 || device_open(&e->device, &device, reason) < 0)
        return fail(reason);
    return link_way_init(&e->to, config, (unsigned)number) < 0 ? fail("no memory") : 0;
}

/* Everything that one end sent goes on its way to the other. False: the device is gone. */
static bool take_in(struct end *from, struct end *to)
{
    static uint8_t space[DEVICE_HEADROOM + DATAGRAM], *const bytes = space + DEVICE_HEADROOM;
    struct offload none;
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = from->device.read(&from->device, bytes, DATAGRAM, &none);
        if (n == -EAGAIN || n == -EINTR)
            return true;
        if (n < 0)
            return false;
        link_give(&to->to, clock_now(), &(struct iovec){bytes, (size_t)n}, 1);
    }
    return true;
}

static void hand_out(struct end *e)
{
    const struct offload none = {0};
    struct link_packet *p;
    while ((p = link_take(&e->to, clock_now()))) {
        e->device.write(&e->device, &(struct iovec){p->bytes, p->len}, 1, &none);
        free(p);
    }
}

static void wait_for(struct pollfd *fds, int count)
{
    usec due = NEVER;
    for (int i = 0; i < ENDS; i++)
        if (link_due(&ends[i].to) < due)
            due = link_due(&ends[i].to);
    usec left = due == NEVER ? SEC(1) : due - clock_now();
    if (left < 0)
        left = 0;
    struct timespec t = {.tv_sec = left / SEC(1), .tv_nsec = left % SEC(1) * 1000};
    ppoll(fds, (nfds_t)count, &t, NULL);
}

static void run(void)
{
    struct pollfd fds[ENDS + 1] = {
        {ends[0].device.fd, POLLIN, 0}, {ends[1].device.fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    char ignored[64];
    for (;;) {
        wait_for(fds, ENDS + 1);
        if (fds[ENDS].revents && read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
            return;
        if (!take_in(&ends[0], &ends[1]) || !take_in(&ends[1], &ends[0]))
            return;
        hand_out(&ends[0]);
        hand_out(&ends[1]);
    }
}

static void report(void)
{
    for (int i = 0; i < ENDS; i++) {
        printf("to 10.8.0.%d:", i + 1);
        for (int c = 0; c < LINK_COUNTER_COUNT; c++)
            printf("%s %llu %s", c ? "," : "", (unsigned long long)ends[i].to.count[c],
                   link_counter_text((enum link_counter)c));
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    struct link_config config;
    char why[160];
    if (argc != 2 || !link_parse(&config, argv[1], why, sizeof why)) {
        fprintf(stderr, "usage: wire FAULTS%s%s\n", argc == 2 ? ": " : "", argc == 2 ? why : "");
        return 2;
    }
    for (int i = 0; i < ENDS; i++)
        if (open_end(&ends[i], i, &config) < 0)
            return EXIT_FAILURE;
    printf("ready %d %d %d %d\n", ends[0].lab.user_fd, ends[0].lab.net_fd, ends[1].lab.user_fd,
           ends[1].lab.net_fd);
    fflush(stdout);
    run();
    report();
    for (int i = 0; i < ENDS; i++) {
        link_way_free(&ends[i].to);
        device_close(&ends[i].device);
        lab_close(&ends[i].lab);
    }
    return 0;
}
