/* What the device allows: the least TCP that a kernel accepts, with no protocol behind it.
 *
 *     limit [offload]
 *
 * Echo, discard and chargen (ports 7, 9, 19) for one connection at a time on a TUN device of its own. It
 * sends well-formed segments and pays for their checksums unless the device does; it acknowledges every 16th
 * segment, a super-segment at once, and the last when the queue is empty. No timers, no reassembly, no
 * options but MSS and window scale: it stands and falls with a device that loses nothing. Says "ready".
 * Called by bench.py. */
#include "bench.h"
#include "device.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#define MSS        1460
#define SUPER      (44 * MSS) /* as many whole segments as one datagram holds */
#define SCALE      7
#define WINDOW     (1u << 20)
#define ACK_EVERY  16
#define READ_MAX   64 /* frames before output has its turn */
#define FRAME_MAX  (65536 + sizeof(struct virtio_net_hdr))
#define HEADER_LEN (sizeof(struct iphdr) + sizeof(struct tcphdr))

struct conn {
    uint16_t peer_port, port; /* network order */
    uint32_t una, nxt, rcv_nxt, wnd;
    uint8_t shift;
    bool open, fin;
    unsigned owed; /* segments not yet acknowledged */
};

static struct conn conn;
static int device;
static bool offload;
static uint8_t text[SUPER];

struct head {
    struct virtio_net_hdr virtio;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t options[8];
} __attribute__((packed));

static uint64_t pseudo_header(size_t tcp_len)
{
    return htonl(DEVICE_KERNEL) + (uint64_t)htonl(DEVICE_OURS) + htons(IPPROTO_TCP) +
           htons((uint16_t)tcp_len);
}

/* The device finishes what the pseudo-header's sum begins, and cuts what is longer than one segment. */
static void leave_to_device(struct head *h, uint32_t len)
{
    h->virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h->virtio.csum_start = sizeof h->ip;
    h->virtio.csum_offset = offsetof(struct tcphdr, check);
    if (len > MSS) {
        h->virtio.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        h->virtio.gso_size = MSS;
        h->virtio.hdr_len = HEADER_LEN;
    }
}

static void send_segment(bool syn, bool fin, const uint8_t *at, uint32_t len)
{
    static uint16_t id;
    uint32_t options = syn ? 8 : 0, tcp_len = (uint32_t)sizeof(struct tcphdr) + options + len;
    struct head h = {.ip = {.version = 4,
                            .ihl = 5,
                            .tot_len = htons((uint16_t)(sizeof h.ip + tcp_len)),
                            .id = htons(id++),
                            .frag_off = htons(IP_DF),
                            .ttl = 64,
                            .protocol = IPPROTO_TCP,
                            .saddr = htonl(DEVICE_OURS),
                            .daddr = htonl(DEVICE_KERNEL)},
                     .tcp = {.source = conn.port,
                             .dest = conn.peer_port,
                             .seq = htonl(conn.nxt),
                             .ack_seq = htonl(conn.rcv_nxt),
                             .doff = 5 + options / 4,
                             .syn = syn,
                             .fin = fin,
                             .ack = 1,
                             .psh = len > 0,
                             .window = htons(syn ? 65535 : WINDOW >> SCALE)},
                     .options = {2, 4, MSS >> 8, MSS & 255, 1, 3, 3, SCALE}};
    h.ip.check = (uint16_t)~device_fold(device_sum(&h.ip, sizeof h.ip, 0));
    uint64_t sum = pseudo_header(tcp_len);
    if (offload && len > 0) {
        leave_to_device(&h, len);
        h.tcp.check = device_fold(sum);
    } else {
        sum = device_sum(&h.tcp, (uint32_t)sizeof h.tcp + options, sum);
        h.tcp.check = (uint16_t)~device_fold(device_sum(at, len, sum));
    }
    size_t virtio = offload ? sizeof h.virtio : 0;
    struct iovec part[2] = {{(uint8_t *)&h.ip - virtio, virtio + HEADER_LEN + options}, {(void *)at, len}};
    if (writev(device, part, len ? 2 : 1) < 0)
        fail("write: %s", strerror(errno));
    conn.nxt += len + syn + fin;
    conn.owed = 0;
}

/* A source sends as much as the peer's window takes, in whole units. */
static void output(void)
{
    uint32_t unit = offload ? SUPER : MSS;
    while (conn.port == htons(19) && conn.open && !conn.fin) {
        uint32_t flight = conn.nxt - conn.una, room = conn.wnd > flight ? conn.wnd - flight : 0;
        if (room == 0 || (room < unit && flight > 0))
            return;
        send_segment(false, false, text, room < unit ? room : unit);
    }
}

static void opened(const struct tcphdr *tcp)
{
    const uint8_t *o = (const uint8_t *)(tcp + 1), *end = (const uint8_t *)tcp + tcp->doff * 4;
    conn = (struct conn){.peer_port = tcp->source,
                         .port = tcp->dest,
                         .rcv_nxt = ntohl(tcp->seq) + 1,
                         .una = 1000,
                         .nxt = 1000,
                         .wnd = ntohs(tcp->window)};
    while (o + 1 < end && *o != 0) {
        if (*o == 3)
            conn.shift = o[2];
        o += *o == 1 || o[1] == 0 ? 1 : o[1];
    }
    send_segment(true, false, NULL, 0);
}

static void take_text(const uint8_t *at, uint32_t len, uint32_t seq)
{
    if (seq != conn.rcv_nxt) {
        send_segment(false, false, NULL, 0);
        return;
    }
    conn.rcv_nxt += len;
    conn.owed += len > MSS ? ACK_EVERY : 1;
    if (conn.port == htons(7))
        send_segment(false, false, at, len);
    else if (conn.owed >= ACK_EVERY)
        send_segment(false, false, NULL, 0);
}

static void segment(const struct tcphdr *tcp, uint32_t tcp_len)
{
    uint32_t header = tcp->doff * 4u, len = tcp_len - header, seq = ntohl(tcp->seq),
             ack = ntohl(tcp->ack_seq);
    if (tcp->syn) {
        opened(tcp);
        return;
    }
    if (tcp->source != conn.peer_port || tcp->dest != conn.port)
        return;
    if (tcp->rst)
        conn.open = false;
    else {
        conn.wnd = (uint32_t)ntohs(tcp->window) << conn.shift;
        if ((int32_t)(ack - conn.una) > 0) {
            conn.una = ack;
            conn.open = true;
        }
        if (len > 0)
            take_text((const uint8_t *)tcp + header, len, seq);
        if (tcp->fin && seq + len == conn.rcv_nxt && !conn.fin) {
            conn.rcv_nxt++;
            conn.fin = true;
            send_segment(false, true, NULL, 0);
        }
    }
}

/* Who has no offload looks at every checksum; else the device vouches for what has none yet. */
static void input(const uint8_t *frame, size_t len)
{
    const struct virtio_net_hdr *virtio = (const void *)frame;
    size_t skip = offload ? sizeof *virtio : 0;
    const struct iphdr *ip = (const void *)(frame + skip);
    if (len < skip + HEADER_LEN || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
        return;
    const struct tcphdr *tcp = (const void *)(ip + 1);
    uint32_t tcp_len = ntohs(ip->tot_len) - (uint32_t)sizeof *ip;
    bool vouched = offload && virtio->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
    if (len < skip + sizeof *ip + tcp_len || tcp_len < tcp->doff * 4u)
        return;
    if (!vouched && device_fold(device_sum(tcp, tcp_len, pseudo_header(tcp_len))) != 0xffff)
        fail("a segment with a wrong checksum");
    segment(tcp, tcp_len);
}

int main(int argc, char **argv)
{
    static uint8_t frame[FRAME_MAX];
    offload = argc == 2 && strcmp(argv[1], "offload") == 0;
    if (argc > 2 || (argc == 2 && !offload)) {
        fputs("usage: limit [offload]\n", stderr);
        return 2;
    }
    device = device_make(offload);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssize_t n = 0;
        for (int i = 0; i < READ_MAX && (n = read(device, frame, sizeof frame)) > 0; i++)
            input(frame, (size_t)n);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            fail("read: %s", strerror(errno));
        output();
        if (n > 0)
            continue;
        if (conn.owed && conn.open)
            send_segment(false, false, NULL, 0);
        else
            poll(&(struct pollfd){device, POLLIN, 0}, 1, -1);
    }
}
