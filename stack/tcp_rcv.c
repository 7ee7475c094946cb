/* The receiving half of a connection. */
#include "tcp_rcv.h"

#include <assert.h>

static uint32_t receive_bound(const struct tcp_conn *c)
{
    return c->sock ? c->sock->receive_buffer : c->tcp->core->config.tcp_receive_buffer;
}

bool rcv_acceptable(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    int64_t left = c->rcv.nxt, right = c->rcv.adv;
    int64_t first = seg->seq, last = seg->seq + seg->len - 1;
    if (seg->len == 0)
        return left == right ? first == left : left <= first && first < right;
    return (left <= first && first < right) || (left <= last && last < right);
}

/* The right edge that the free space would allow. */
static int64_t edge_possible(const struct tcp_conn *c)
{
    int64_t used = c->rcv.nxt > c->rcv.q.head ? c->rcv.nxt - c->rcv.q.head : 0, bound = receive_bound(c);
    int64_t space = bound > used ? bound - used : 0;
    if (space > TCP_WINDOW_MAX)
        space = TCP_WINDOW_MAX;
    return c->rcv.nxt + space;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void rcv_offer(struct tcp_conn *c)
{
    int64_t edge = edge_possible(c), step = smaller(receive_bound(c) / 2, c->snd.mss);
    if (edge - c->rcv.adv >= step) /* RFC 9293 3.8.6.2.2 */
        c->rcv.adv = edge;
}

bool rcv_update_due(const struct tcp_conn *c)
{
    int64_t step = smaller(receive_bound(c) / 2, 2 * (int64_t)c->snd.mss);
    return edge_possible(c) - c->rcv.adv >= step;
}

uint16_t rcv_window_field(const struct tcp_conn *c)
{
    return (uint16_t)smaller(rcv_wnd(c), TCP_WINDOW_MAX);
}

/* Text that nobody will read: acknowledged and gone. */
static void discard(struct tcp_conn *c, int64_t end)
{
    if (end > c->rcv.nxt)
        c->rcv.nxt = end;
    c->rcv.q.head = c->rcv.q.tail = c->rcv.nxt;
    if (c->rcv.held.count == 0)
        ring_free(&c->rcv.q, c->tcp->core);
}

static enum drop store(struct tcp_conn *c, int64_t from, const uint8_t *bytes, int64_t end)
{
    struct core *core = c->tcp->core;
    if (!ring_reserve(&c->rcv.q, core, (uint32_t)(end - c->rcv.q.head)))
        return DROP_NO_MEMORY;
    if (from > c->rcv.nxt) {
        if (!ranges_add(&c->rcv.held, core, from, end, TCP_RANGES_MAX))
            return DROP_TCP_RING_FULL;
        core_count(core, COUNT_TCP_OUT_OF_ORDER);
        ring_store(&c->rcv.q, from, bytes, (size_t)(end - from));
        return DROP_NONE;
    }
    ring_store(&c->rcv.q, from, bytes, (size_t)(end - from));
    c->rcv.nxt = ranges_absorb(&c->rcv.held, core, end);
    c->rcv.q.tail = c->rcv.nxt;
    return DROP_NONE;
}

enum drop rcv_text(struct tcp_conn *c, int64_t position, struct span text)
{
    int64_t from = position, end = position + (int64_t)text.len, edge = c->rcv.adv;
    if (c->rcv.fin && c->rcv.fin < edge)
        edge = c->rcv.fin;
    if (from < c->rcv.nxt)
        from = c->rcv.nxt;
    if (end > edge)
        end = edge;
    if (from >= end)
        return position + (int64_t)text.len <= c->rcv.nxt ? DROP_TCP_TEXT_DUPLICATE : DROP_TCP_TEXT_AFTER_FIN;
    if (c->rcv.shut && from == c->rcv.nxt) {
        discard(c, ranges_absorb(&c->rcv.held, c->tcp->core, end));
        return DROP_NONE;
    }
    return store(c, from, text.at + (from - position), end);
}

void rcv_owe_ack(struct tcp_conn *c, uint32_t text_len, bool at_once)
{
    const struct stack_config *config = &c->tcp->core->config;
    if (text_len > c->rcv.full && text_len <= c->snd.mss)
        c->rcv.full = (uint16_t)text_len;
    /* RFC 9293 3.8.6.3, RFC 5681 4.2: at least every second full-sized segment. */
    if (at_once || config->tcp_delayed_ack == 0 || c->rcv.nxt - c->rcv.acked >= 2 * (int64_t)c->rcv.full)
        c->rcv.ack_now = true;
    else if (!tcb_timer_on(c, TCP_TIMER_DELAYED_ACK))
        tcb_timer_start(c, TCP_TIMER_DELAYED_ACK, c->tcp->core->now + config->tcp_delayed_ack);
}

size_t rcv_read(struct tcp_conn *c, void *bytes, size_t len, bool peek)
{
    struct ring *q = &c->rcv.q;
    size_t n = rcv_unread(c);
    if (len < n)
        n = len;
    ring_load(q, q->head, bytes, n);
    if (peek || n == 0)
        return n;
    q->head += (int64_t)n;
    if (q->head == q->tail && c->rcv.held.count == 0)
        ring_free(q, c->tcp->core);
    return n;
}
