/* The receiving half of a connection. */
#include "tcp_rcv.h"

#include <assert.h>

bool rcv_acceptable(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    int64_t left = c->rcv.nxt, right = c->rcv.adv;
    int64_t first = seg->seq, last = seg->seq + seg->len - 1;
    if (seg->len ==
        0) /* at the right edge, too: there stands a sender that filled the window, RFC 9293 A.2 */
        return left <= first &&
               (first < right || (first == right && !(seg->flags & TCP_RST)) || left == first);
    return (left <= first && first < right) || (left <= last && last < right);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The right edge that the free space would allow. With a scaled window the field is rounded up, so that the
 * edge never seems to move back (RFC 7323 2.4); what that adds at most is kept free. */
static int64_t edge_possible(const struct tcp_conn *c)
{
    int64_t used = c->rcv.nxt > c->rcv.q.head ? c->rcv.nxt - c->rcv.q.head : 0;
    int64_t space = c->rcv.bound - used - ((1 << c->rcv.shift) - 1);
    return c->rcv.nxt + (space > 0 ? smaller(space, (int64_t)TCP_WINDOW_MAX << c->rcv.shift) : 0);
}

void rcv_offer(struct tcp_conn *c)
{
    int64_t edge = edge_possible(c), step = smaller(c->rcv.bound / 2, c->snd.mss);
    if (edge - c->rcv.adv >= step) /* RFC 9293 3.8.6.2.2 */
        c->rcv.adv = edge;
}

bool rcv_update_due(const struct tcp_conn *c)
{
    int64_t step = smaller(c->rcv.bound / 2, 2 * (int64_t)c->snd.mss);
    return edge_possible(c) - c->rcv.adv >= step;
}

uint16_t rcv_window_field(struct tcp_conn *c, bool syn)
{
    if (syn) /* RFC 7323 2.2: the window of a SYN is never scaled */
        return (uint16_t)smaller(rcv_wnd(c), TCP_WINDOW_MAX);
    int64_t unit = 1 << c->rcv.shift, units = (rcv_wnd(c) + unit - 1) / unit;
    /* 2.4: byte by byte, rounding up would open the window beyond the buffer; then it seems to shrink by less
     * than a unit, and what was offered is still taken. */
    if (c->rcv.nxt + units * unit > c->rcv.q.head + c->rcv.bound)
        units = rcv_wnd(c) / unit;
    units = smaller(units, TCP_WINDOW_MAX);
    if (c->rcv.nxt + (units << c->rcv.shift) > c->rcv.adv)
        c->rcv.adv = c->rcv.nxt + (units << c->rcv.shift);
    return (uint16_t)units;
}

/* Dynamic right-sizing: the reader took, within one round trip, more than half of what the buffer holds;
 * twice that lets the peer go on doubling. */
static void measure_rate(struct tcp_conn *c)
{
    const struct stack_config *config = &c->tcp->core->config;
    usec now = c->tcp->core->now, round = c->rtt.srtt ? c->rtt.srtt : MSEC(100);
    if (now - c->rcv.rate_since < round)
        return;
    int64_t taken = c->rcv.q.head - c->rcv.rate_from;
    c->rcv.rate_from = c->rcv.q.head;
    c->rcv.rate_since = now;
    bool fixed = c->sock && c->sock->receive_buffer_fixed;
    if (!config->tcp_autotune || fixed || 2 * taken <= c->rcv.bound)
        return;
    c->rcv.bound = (uint32_t)smaller(2 * (int64_t)c->rcv.bound, config->tcp_receive_buffer_max);
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
    if (!ring_reserve(&c->rcv.q, core, (uint32_t)(end - c->rcv.q.head), c->rcv.bound))
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

void rcv_note_duplicate(struct tcp_conn *c, int64_t left, int64_t right)
{
    if (!c->sack_ok)
        return;
    if (left < c->rcv.nxt) {
        c->rcv.duplicate = (struct range){.left = left, .right = smaller(right, c->rcv.nxt)};
        return;
    }
    for (uint16_t i = 0; i < c->rcv.held.count; i++) {
        const struct range *r = &c->rcv.held.at[i];
        if (left < r->right && r->left < right) {
            c->rcv.duplicate =
                (struct range){.left = left > r->left ? left : r->left, .right = smaller(right, r->right)};
            return;
        }
    }
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
    rcv_note_duplicate(c, position, position + (int64_t)text.len);
    if (from >= end)
        return position + (int64_t)text.len <= c->rcv.nxt ? DROP_TCP_TEXT_DUPLICATE : DROP_TCP_TEXT_AFTER_FIN;
    if (c->rcv.shut && from == c->rcv.nxt) {
        discard(c, ranges_absorb(&c->rcv.held, c->tcp->core, end));
        return DROP_NONE;
    }
    return store(c, from, text.at + (from - position), end);
}

void rcv_owe_ack(struct tcp_conn *c, uint32_t segment, bool at_once)
{
    const struct stack_config *config = &c->tcp->core->config;
    if (segment > c->rcv.full && segment <= c->snd.mss)
        c->rcv.full = (uint16_t)segment;
    /* RFC 9293 3.8.6.3, RFC 5681 4.2: at least every second full-sized segment. */
    if (at_once || config->tcp_delayed_ack == 0 || c->rcv.nxt - c->rcv.acked >= 2 * (int64_t)c->rcv.full)
        rcv_ack_now(c, at_once                        ? RULE_ACK_HOLE_FILLED
                       : config->tcp_delayed_ack == 0 ? RULE_ACK_AT_ONCE
                                                      : RULE_ACK_EVERY_SECOND);
    else if (!tcb_timer_on(c, TCP_TIMER_DELAYED_ACK))
        tcb_timer_start(c, TCP_TIMER_DELAYED_ACK, c->tcp->core->now + config->tcp_delayed_ack);
}

size_t rcv_read(struct tcp_conn *c, void *bytes, size_t len, bool peek)
{
    struct ring *q = &c->rcv.q;
    size_t n = rcv_unread(c);
    if (len < n)
        n = len;
    if (bytes)
        ring_load(q, q->head, bytes, n);
    if (peek || n == 0)
        return n;
    q->head += (int64_t)n;
    measure_rate(c);
    if (q->head == q->tail && c->rcv.held.count == 0)
        ring_free(q, c->tcp->core);
    return n;
}
