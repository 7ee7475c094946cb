/* The next segment of a connection: choose, fill. RFC 9293 3.10.2, 3.8.
 *
 * In this order: duplicate ACKs owed, what is lost, what is new, a probe, a plain ACK. Anything that carries
 * an ACK settles the delayed one. */
#include "tcp_output.h"
#include "tcp_ecn.h"
#include "tcp_loss.h"
#include "tcp_options.h"
#include "tcp_rack.h"
#include "tcp_rcv.h"
#include "tcp_rest.h"
#include "tcp_snd.h"
#include "tcp_state.h"

#include <assert.h>

/* A segment that was chosen: it takes [left, left + len) of the sequence space. */
struct choice {
    int64_t left;
    uint32_t len;
    bool resent;
    enum rule rule; /* why it leaves */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How much of a lost transmission may leave again at once: a segment, or as many as the congestion window has
 * room for and the device cuts. */
static int64_t resend_unit(const struct tcp_conn *c)
{
    int64_t room = (int64_t)c->cc.cwnd - flight_pipe(c), unit = smaller(snd_unit(c), room);
    return unit > c->snd.mss && c->snd.wnd > 0 ? unit - unit % c->snd.mss : c->snd.mss;
}

/* How much of it fits the peer's window, too. The first outstanding byte may always go: into a window that
 * closed it is the probe. */
static uint32_t resend_len(const struct tcp_conn *c, const struct sent *s)
{
    int64_t len = smaller(s->len, resend_unit(c) + (s->left == 0 ? 1 : 0));
    if (s->left > c->snd.una)
        len = smaller(len, snd_edge(c) - s->left);
    else if (tcp_synchronized(c) && c->snd.wnd > 0)
        len = smaller(len, c->snd.wnd);
    return len > 0 ? (uint32_t)snd_fits(c, s->left, len) : 0;
}

/* A short last transmission takes new text along, as the byte of a probe does when the window has opened
 * (RFC 9293 3.8.1: repacketization). */
static void fill_up(struct tcp_conn *c, struct sent *s)
{
    if (s->left == 0 || s->left + s->len != c->snd.nxt || s->len >= c->snd.mss || c->snd.probe_now)
        return;
    int64_t right = smaller(smaller(s->left + c->snd.mss, snd_edge(c)), c->snd.q.tail + (c->snd.fin ? 1 : 0));
    uint32_t whole = right > s->left ? (uint32_t)snd_fits(c, s->left, right - s->left) : 0;
    if (whole <= s->len)
        return;
    if (c->snd.rescue_now || flight_pipe(c) + whole <= c->cc.cwnd)
        flight_extend(c, s, whole - s->len);
}

static bool choose_resend(struct tcp_conn *c, struct choice *out)
{
    struct sent *s = flight_next_lost(c);
    if (!s || (c->snd.probing && !c->snd.probe_now))
        return false;
    fill_up(c, s);
    uint32_t len = resend_len(c, s);
    if (len == 0 || (!c->snd.rescue_now && flight_pipe(c) + len > c->cc.cwnd))
        return false;
    *out = (struct choice){s->left, len, true, (enum rule)c->snd.resend_rule};
    flight_resent(c, s, len);
    c->snd.rescue_now = false;
    core_count(c->tcp->core, COUNT_TCP_RETRANS);
    c->snd.resent_total++;
    return true;
}

static bool choose_unsent(struct tcp_conn *c, uint32_t len, enum rule rule, struct choice *out)
{
    if (!flight_reserve(c))
        return false;
    *out = (struct choice){.left = c->snd.nxt, .len = len, .rule = rule};
    flight_sent(c, len);
    return true;
}

/* Our SYN, alone or with an ACK: it is sent once here, then it is outstanding like any other. */
static bool choose_syn(struct tcp_conn *c, struct choice *out)
{
    if (c->snd.nxt > 0)
        return false;
    c->snd.progress = c->tcp->core->now;
    return choose_unsent(c, 1, c->state == TCP_SYN_SENT ? RULE_OPEN_ACTIVE : RULE_SYN_ACK, out);
}

static bool choose_new(struct tcp_conn *c, struct choice *out)
{
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
        return false;
    enum rule rule;
    uint32_t len = snd_new(c, &rule);
    if (len == 0 && snd_window_full(c))
        c->snd.limited_at = c->snd.nxt;
    if (len == 0)
        return false;
    if (c->snd.una == c->snd.nxt)
        c->snd.progress = c->tcp->core->now;
    if (!choose_unsent(c, len, rule, out))
        return false;
    c->snd.override_now = false;
    c->snd.sent_at = c->tcp->core->now;
    return true;
}

/* RFC 9293 3.8.6.1: one octet of new data beyond the closed window, the same one each time. Never one that
 * was acknowledged: some peers do not answer those. */
static bool choose_probe(struct tcp_conn *c, struct choice *out)
{
    if (!c->snd.probe_now)
        return false;
    c->snd.probe_now = false;
    if (c->snd.una < c->snd.nxt) {
        loss_resend_all(c, RULE_ZERO_WINDOW_PROBE);
        c->snd.probe_now = true;
        bool chosen = choose_resend(c, out);
        c->snd.probe_now = false;
        core_count(c->tcp->core, COUNT_TCP_PROBES);
        return chosen;
    }
    if (c->snd.wnd > 0 || !snd_pending(c) || !choose_unsent(c, 1, RULE_ZERO_WINDOW_PROBE, out))
        return false;
    core_count(c->tcp->core, COUNT_TCP_PROBES);
    c->snd.probing = true;
    return true;
}

/* RFC 8985 7.3: new data if there is some and the peer's window takes it, otherwise the last segment again;
 * in a recovery the first, which is the one that is missed. */
static bool choose_tail_probe(struct tcp_conn *c, struct choice *out)
{
    bool asked = c->snd.tlp_now;
    c->snd.tlp_now = false;
    if (!asked || !tlp_wanted(c))
        return false;
    int64_t fresh =
        smaller(smaller(snd_edge(c), c->snd.q.tail + (c->snd.fin ? 1 : 0)) - c->snd.nxt, c->snd.mss);
    bool resend = fresh <= 0;
    if (!resend && !choose_unsent(c, (uint32_t)snd_fits(c, c->snd.nxt, fresh), RULE_TAIL_LOSS_PROBE, out))
        return false;
    if (resend) {
        struct sent *again =
            c->snd.recovery == RECOVERY_NONE ? flight_last_segment(c) : flight_first_segment(c);
        if (!again)
            return false;
        uint32_t len = again->len;
        flight_mark_lost(c->snd.flight, again);
        *out = (struct choice){again->left, len, true, RULE_TAIL_LOSS_PROBE};
        flight_resent(c, again, len);
        core_count(c->tcp->core, COUNT_TCP_RETRANS);
        c->snd.resent_total++;
    }
    c->snd.flight->tlp_end = c->snd.nxt;
    c->snd.flight->tlp_is_resend = resend;
    core_count(c->tcp->core, COUNT_TCP_TAIL_PROBES);
    return true;
}

/* RFC 9293 3.8.4: <SEQ=SND.NXT-1> with nothing in it; the peer must answer what is not in its window. */
static bool choose_keepalive(struct tcp_conn *c, struct choice *out)
{
    if (!c->snd.keepalive_now)
        return false;
    c->snd.keepalive_now = false;
    core_count(c->tcp->core, COUNT_TCP_KEEPALIVES);
    *out = (struct choice){.left = c->snd.nxt - 1, .rule = RULE_KEEPALIVE};
    return true;
}

/* A plain ACK: one for each duplicate that is owed, one for all progress together (RFC 9293 MUST-58,
 * MUST-59). */
static bool choose_ack(struct tcp_conn *c, struct choice *out)
{
    if (!c->rcv.ack_now)
        return false;
    *out = (struct choice){.left = snd_ack_position(c), .rule = (enum rule)c->rcv.ack_rule};
    return true;
}

static bool choose_duplicate_ack(struct tcp_conn *c, struct choice *out)
{
    if (c->rcv.dup_acks_owed == 0)
        return false;
    if (c->rcv.acked == c->rcv.nxt) /* otherwise this one tells of progress, and the duplicates follow */
        c->rcv.dup_acks_owed--;
    *out = (struct choice){.left = snd_ack_position(c), .rule = (enum rule)c->rcv.dup_rule};
    return true;
}

static bool choose(struct tcp_conn *c, struct choice *out)
{
    if (c->state == TCP_SYN_SENT || c->snd.nxt == 0)
        return choose_syn(c, out) || choose_resend(c, out);
    return choose_duplicate_ack(c, out) || choose_probe(c, out) || choose_tail_probe(c, out) ||
           choose_resend(c, out) || choose_new(c, out) || choose_keepalive(c, out) || choose_ack(c, out);
}

static uint8_t flags_of(const struct tcp_conn *c, const struct choice *ch)
{
    int64_t right = ch->left + ch->len;
    uint8_t flags = c->state == TCP_SYN_SENT ? 0 : TCP_ACK;
    if (ch->len == 0)
        return flags;
    if (ch->left == 0)
        flags |= TCP_SYN;
    if (c->snd.fin && right > snd_fin(c))
        flags |= TCP_FIN;
    if (right >= c->snd.q.tail && right > 1 &&
        c->snd.q.tail > ch->left) /* RFC 9293 3.9.1.2 MUST-60: last of the queue */
        flags |= TCP_PSH;
    if (c->snd.up > ch->left)
        flags |= TCP_URG;
    return flags;
}

/* What may carry ECN's bits: neither a retransmission nor a probe, RFC 3168 6.1.5, 6.1.6. */
static bool is_new_text(const struct tcp_conn *c, const struct choice *ch, size_t text)
{
    return text > 0 && !ch->resent && !c->snd.probing;
}

/* What options and text may take together: the MSS and the timestamp that came off it, no more than the peer
 * or the path takes (RFC 6691 2). */
static size_t segment_room(const struct tcp_conn *c)
{
    return c->snd.mss + (c->ts_ok ? TIMESTAMPS_LEN : 0);
}

static struct tcp_header header_of(struct tcp_conn *c, const struct choice *ch, size_t text)
{
    struct tcp_header h = {
        .source = c->local.port,
        .destination = c->remote.port,
        .seq = seq_wrap(ch->left, c->iss),
        .flags = flags_of(c, ch),
    };
    h.window = rcv_window_field(c, h.flags & TCP_SYN);
    if (h.flags & TCP_ACK)
        h.ack = seq_wrap(c->rcv.nxt, c->irs);
    if (h.flags & TCP_SYN) {
        options_of_syn(c, &h.options);
        h.flags |= options_ecn_flags(c);
    } else {
        options_of_segment(c, &h.options, segment_room(c) - (text < c->snd.mss ? text : c->snd.mss));
        h.flags |= ecn_flags(c, is_new_text(c, ch, text));
    }
    if (h.flags & TCP_URG)
        h.urgent = (uint16_t)smaller(c->snd.up - ch->left, UINT16_MAX);
    return h;
}

static void segment_event(const struct tcp_conn *c, const struct choice *ch, const struct tcp_header *h,
                          size_t len)
{
    if (!core_observed(c->tcp->core))
        return;
    struct event e = tcb_event(c, EVENT_SEGMENT_OUT);
    e.rule = ch->rule;
    e.u.segment.header = h;
    e.u.segment.seq = ch->left;
    e.u.segment.ack = h->flags & TCP_ACK ? c->rcv.nxt : 0;
    e.u.segment.len = (uint32_t)len;
    e.u.segment.window = (uint32_t)h->window << (h->flags & TCP_SYN ? 0 : c->rcv.shift);
    e.u.segment.retransmitted = ch->resent;
    core_emit(c->tcp->core, &e);
}

/* What leaves with every segment: the window's new edge, and our word on all that came. */
static void settle_acks(struct tcp_conn *c)
{
    c->rcv.acked = c->rcv.nxt;
    c->rcv.ack_now = false;
    tcb_timer_stop(c, TCP_TIMER_DELAYED_ACK);
}

/* The checksum, ours or the device's, and where a super-segment is to be cut. */
static void sum(const struct tcp_conn *c, struct frame *f, size_t head_len, size_t text)
{
    uint8_t *head = f->head + IP_HEADER_MIN;
    if (text > c->snd.mss)
        f->offload.segment_size = c->snd.mss;
    if (!c->tcp->core->config.device_sums) {
        tcp_checksum(head, head_len, f->body, FRAME_SPANS, c->local.addr, c->remote.addr);
        return;
    }
    tcp_checksum_begin(head, head_len + text, c->local.addr, c->remote.addr);
    f->offload.checksum_start = IP_HEADER_MIN;
    f->offload.checksum_at = IP_HEADER_MIN + TCP_CHECKSUM_AT;
}

static void fill(struct tcp_conn *c, const struct choice *ch, struct frame *f)
{
    int64_t from = ch->left > 1 ? ch->left : 1, to = smaller(ch->left + ch->len, c->snd.q.tail);
    size_t text = to > from ? (size_t)(to - from) : 0;
    rcv_offer(c);
    struct tcp_header h = header_of(c, ch, text);
    *f = (struct frame){0};
    size_t covered = sendq_spans(&c->snd.q, from, text, f->body);
    assert(covered == text); /* it was chosen so: snd_fits */
    uint8_t *head = f->head + IP_HEADER_MIN;
    size_t head_len = tcp_write(&h, head);
    sum(c, f, head_len, text);
    struct ip_fields ip = {
        .src = c->local.addr,
        .dst = c->remote.addr,
        .protocol = IP_TCP,
        .ttl = tcb_owner(c) ? tcb_owner(c)->ttl : c->tcp->core->config.ttl,
        .tos = (uint8_t)((tcb_owner(c) ? tcb_owner(c)->tos : 0) | ecn_codepoint(c, is_new_text(c, ch, text))),
        .dont_fragment = true, /* RFC 6864 4.1: atomic, so the identification means nothing */
    };
    ip_fill(f->head, &ip, head_len + text);
    f->head_len = IP_HEADER_MIN + head_len;
    core_count(c->tcp->core, COUNT_TCP_OUT);
    core_count(c->tcp->core, COUNT_IP_OUT);
    segment_event(c, ch, &h, text);
    settle_acks(c);
}

/* RFC 9293 3.10.4: in CLOSE-WAIT the state changes when the FIN is sent. */
static void fin_left(struct tcp_conn *c)
{
    if (c->state == TCP_CLOSE_WAIT && snd_fin_sent(c))
        tcp_set_state(c, TCP_LAST_ACK, RULE_CLOSE_CALL);
}

/* Whether there is anything that might leave after this segment: what each part of choose() asks for. */
static bool has_more(const struct tcp_conn *c)
{
    const struct tcp_snd *s = &c->snd;
    bool asked = s->probe_now || s->tlp_now || s->keepalive_now || c->rcv.ack_now || c->rcv.dup_acks_owed > 0;
    return asked || snd_pending(c) || (s->flight && s->flight->lost > 0);
}

bool tcp_output(struct tcp *tcp, struct frame *frame)
{
    struct tcp_conn *c;
    while ((c = tcp->out_first)) {
        tcb_unmark(c);
        struct choice ch;
        bool chosen = choose(c, &ch);
        if (chosen)
            fill(c, &ch, frame);
        fin_left(c);
        bool more = chosen && has_more(c);
        if (!more) /* leave that once, not at some later time */
            c->snd.rescue_now = c->snd.override_now = false;
        snd_arm(c);
        if (chosen && ch.len > 0)
            tlp_arm(c);
        if (more)
            tcb_mark(c); /* at the end of the line: connections take turns */
        tcb_check(c);
        if (!more)
            rest_settled(c);
        if (chosen)
            return true;
    }
    return false;
}
