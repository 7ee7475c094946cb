/* The other reference: echo, discard and chargen (ports 7, 9, 19) on lwIP, on the same kind of TUN device as
 * glass.
 *
 * Debian's liblwip as it is compiled: window and send buffer 64 KB, MSS 1460, checksums in software, no SACK.
 * Its raw interface in one thread without its tcpip thread, which is the fastest way it has. What comes in
 * waits in buffers of its own length: those of its pool are shorter than its headers say. Says "ready".
 * Called by bench.py. */
#include "bench.h"
#include "device.h"

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <poll.h>
#include <unistd.h>

#define READ_MAX  64 /* frames before timers have their turn */
#define FRAME_MAX 2048

static int device;
static uint8_t text[TCP_SND_BUF];

/* A frame that the device has no room for is lost, as on a wire. */
static err_t frame_out(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif, (void)to;
    if (p->next == NULL)
        return write(device, p->payload, p->len) < 0 ? ERR_BUF : ERR_OK;
    uint8_t frame[FRAME_MAX];
    uint16_t len = pbuf_copy_partial(p, frame, sizeof frame, 0);
    return write(device, frame, len) < 0 ? ERR_BUF : ERR_OK;
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 't';
    netif->name[1] = 'n';
    netif->mtu = DEVICE_MTU;
    netif->output = frame_out;
    return ERR_OK;
}

static err_t end(struct tcp_pcb *pcb)
{
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static err_t discard_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)arg, (void)error;
    if (!p)
        return end(pcb);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

/* One byte at a time is what it is measured with: what does not fit is refused and comes again. */
static err_t echo_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)arg, (void)error;
    if (!p)
        return end(pcb);
    if (tcp_sndbuf(pcb) < p->tot_len)
        return ERR_MEM;
    for (struct pbuf *part = p; part; part = part->next)
        if (tcp_write(pcb, part->payload, part->len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            return ERR_MEM;
    tcp_output(pcb);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t generate(void *arg, struct tcp_pcb *pcb, uint16_t acked)
{
    (void)arg, (void)acked;
    for (uint16_t room; (room = tcp_sndbuf(pcb)) >= TCP_MSS;)
        if (tcp_write(pcb, text, room / TCP_MSS * TCP_MSS, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
    tcp_output(pcb);
    return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    if (error != ERR_OK || !pcb)
        return ERR_VAL;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, pcb->local_port == 7 ? echo_received : discard_received);
    if (pcb->local_port != 19)
        return ERR_OK;
    tcp_sent(pcb, generate);
    return generate(arg, pcb, 0);
}

static void listen_at(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new();
    if (!pcb || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK || !(pcb = tcp_listen(pcb)))
        fail("lwIP does not listen at %u", port);
    tcp_accept(pcb, accepted);
}

static void frame_in(struct netif *netif, const uint8_t *frame, uint16_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);
    if (!p)
        return;
    pbuf_take(p, frame, len);
    if (netif->input(p, netif) != ERR_OK)
        pbuf_free(p);
}

int main(void)
{
    static uint8_t frame[FRAME_MAX];
    static struct netif netif;
    ip4_addr_t ours = {lwip_htonl(DEVICE_OURS)}, mask = {lwip_htonl(0xffffff00)},
               gateway = {lwip_htonl(DEVICE_KERNEL)};
    device = device_make(false);
    lwip_init();
    if (!netif_add(&netif, &ours, &mask, &gateway, NULL, set_up, ip4_input))
        fail("lwIP takes no device");
    netif_set_default(&netif);
    netif_set_link_up(&netif);
    netif_set_up(&netif);
    listen_at(7);
    listen_at(9);
    listen_at(19);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssize_t n = 0;
        for (int i = 0; i < READ_MAX && (n = read(device, frame, sizeof frame)) > 0; i++)
            frame_in(&netif, frame, (uint16_t)n);
        sys_check_timeouts();
        if (n > 0)
            continue;
        uint32_t due = sys_timeouts_sleeptime();
        poll(&(struct pollfd){device, POLLIN, 0}, 1, due > 1000 ? 1000 : (int)due);
    }
}
