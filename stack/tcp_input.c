/* SEGMENT ARRIVES, RFC 9293 3.10.7, with the checks of RFC 5961.
 *
 * CLOSED (3.10.7.1) is tcp_reply.c, LISTEN (3.10.7.2) tcp_listen.c, SYN-SENT (3.10.7.3) and all other states
 * (3.10.7.4) are here: the RFC's checks in the RFC's order, each a function. `false` means "done with this
 * segment". */
#include "tcp_input.h"
#include "tcp_cookie.h"
#include "tcp_ecn.h"
#include "tcp_loss.h"
#include "tcp_options.h"
#include "tcp_rack.h"
#include "tcp_rcv.h"
#include "tcp_reply.h"
#include "tcp_rest.h"
#include "tcp_snd.h"
#include "tcp_state.h"
#include "tcp_timer.h"
#include "tcp_timestamps.h"
#include "tcp_timewait.h"

#include <assert.h>
#include <errno.h>

static bool drop(struct tcp_conn *c, const struct tcp_segment *seg, enum drop why)
{
    tcb_drop(c, why, seg->packet->header.at, seg->packet->header.len + seg->packet->body.len);
    return false;
}

/* The same where another rule than the reason's usual one decides. */
static bool drop_as(struct tcp_conn *c, const struct tcp_segment *seg, enum drop why, enum rule rule)
{
    struct event e = tcb_event(c, EVENT_DROP);
    e.rule = rule;
    core_drop_event(c->tcp->core, &e, why, seg->packet->header.at,
                    seg->packet->header.len + seg->packet->body.len);
    return false;
}

/* "If an incoming segment is not acceptable, an acknowledgment should be sent in reply": always to one that
 * has text or a FIN, since its sender waits; to an empty one only so often, or two ends that disagree would
 * never stop. */
static bool drop_and_ack(struct tcp_conn *c, const struct tcp_segment *seg, enum drop why)
{
    bool waits = seg->text.len > 0 || seg->flags & TCP_FIN;
    if (c->rcv.dup_acks_owed < UINT16_MAX && (waits || challenge_connection(c)))
        rcv_duplicate_ack(c, drop_rule(why));
    return drop(c, seg, why);
}

/* The challenge ACK of RFC 5961, limited for the connection and for the stack (7). */
static bool drop_and_challenge(struct tcp_conn *c, const struct tcp_segment *seg, enum drop why)
{
    if (c->rcv.dup_acks_owed < UINT16_MAX && challenge_connection(c) && challenge_stack(c->tcp))
        rcv_duplicate_ack(c, drop_rule(why));
    return drop(c, seg, why);
}

/* The handshake is complete on our side. */
static void established(struct tcp_conn *c, enum rule why)
{
    if (c->syn_resent && c->rtt.srtt == 0 && c->rtt.rto < TCP_RTO_AFTER_SYN_LOSS)
        c->rtt.rto = (uint32_t)TCP_RTO_AFTER_SYN_LOSS; /* RFC 6298 5.7 */
    if (c->syn_resent >
        1) /* RFC 5681 3.1, RFC 6928 2: a path that lost it more than once gets a gentle start */
        c->cc.cwnd = c->snd.mss;
    tcp_set_state(c, TCP_ESTABLISHED, why);
    loss_window_event(c, c->syn_resent > 1 ? RULE_INITIAL_WINDOW_LOSS : RULE_INITIAL_WINDOW,
                      "initial window");
    tcp_keepalive_arm(c);
    if (c->listener)
        listen_queue_open(c);
    if (c->snd.fin) /* the user closed before there was a connection to close */
        tcp_set_state(c, TCP_FIN_WAIT_1, RULE_CLOSE_CALL);
}

/* SND.UNA moves: everything that follows from it but the question of what is lost. */
static void new_ack(struct tcp_conn *c, int64_t ack)
{
    snd_acknowledged(c, ack);
    c->snd.retries = 0;
    c->snd.progress = c->tcp->core->now;
    if (c->snd.recovery != RECOVERY_FAST ||
        !c->snd.partial)                         /* RFC 6298 5.3; RFC 6582 3.2: the first partial ACK */
        tcb_timer_stop(c, TCP_TIMER_RETRANSMIT); /* snd_arm starts it again for what is left */
    c->snd.partial = c->snd.recovery == RECOVERY_FAST && !c->sack_ok;
    sock_signal(c->sock);
}

/* --- 3.10.7.3: SYN-SENT --- */

static bool syn_sent_ack(struct tcp_conn *c, const struct tcp_segment *seg) /* first */
{
    if (!(seg->flags & TCP_ACK) || (c->snd.una < seg->ack && seg->ack <= c->snd.nxt))
        return true;
    tcp_reply_rst(c->tcp, seg->packet, seg->header, RULE_SYN_SENT_ACK);
    return drop(c, seg, DROP_TCP_SYN_SENT_ACK);
}

static bool syn_sent_rst(struct tcp_conn *c, const struct tcp_segment *seg) /* second */
{
    if (!(seg->flags & TCP_RST))
        return true;
    if (!(seg->flags & TCP_ACK))
        return drop(c, seg, DROP_TCP_SYN_SENT_RST);
    tcp_end(c, ECONNREFUSED, RULE_SYN_SENT_RST);
    return false;
}

static void syn_sent_syn(struct tcp_conn *c, struct tcp_segment *seg) /* fourth */
{
    const struct tcp_header *h = seg->header;
    c->irs = h->seq.n;
    c->heard = c->tcp->core->now;
    c->rcv.nxt = 1;
    c->rcv.adv += 1;
    options_agree(c, h);
    c->rcv.full = c->snd.mss < TCP_MSS_DEFAULT ? c->snd.mss : TCP_MSS_DEFAULT;
    options_of_owner(c);
    cc_init(&c->cc, &c->tcp->core->config, c->snd.mss);
    seg->seq = 0;
    seg->up = h->urgent;
    c->snd.wnd = c->snd.max_wnd = seg->wnd;
    c->snd.wl1 = seg->seq;
    c->snd.wl2 = seg->flags & TCP_ACK ? seg->ack : 0;
    if (!(seg->flags & TCP_ACK)) {
        tcp_set_state(c, TCP_SYN_RECEIVED, RULE_SYN_SENT_SYN);
        loss_resend_all(c, RULE_SYN_SENT_SYN); /* our SYN again, now as <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
        rcv_ack_now(c, RULE_HANDSHAKE_ACK);    /* and if an ACK of it comes first: at least this */
        return;
    }
    int64_t una = c->snd.una;
    new_ack(c, seg->ack);
    loss_on_ack(c, seg, una, false);
    established(c, RULE_SYN_SENT_SYN_ACK);
    rcv_ack_now(c, RULE_HANDSHAKE_ACK);
}

/* --- 3.10.7.4: other states --- */

/* The peer's SYN again, in SYN-RECEIVED. True: the segment goes on, without its SYN. */
static bool syn_again(struct tcp_conn *c, struct tcp_segment *seg)
{
    options_syn_again(c, seg->header);
    if (!(seg->flags & TCP_ACK)) {
        loss_resend_all(c, RULE_SYN_AGAIN); /* it missed our SYN,ACK */
        return drop_as(c, seg, DROP_TCP_SEQUENCE, RULE_SYN_AGAIN);
    }
    seg->flags &= (uint8_t)~TCP_SYN; /* figure 7, line 6: the other half of a simultaneous open */
    seg->seq += 1;
    seg->len -= 1;
    return true;
}

/* "If the RCV.WND is zero, ... special allowance should be made to accept valid ACKs, URGs, and RSTs." */
static bool zero_window_allowance(struct tcp_conn *c, struct tcp_segment *seg)
{
    if (rcv_wnd(c) > 0 || seg->seq != c->rcv.nxt || seg->flags & TCP_SYN)
        return false;
    if (!(seg->flags & TCP_RST)) {
        rcv_duplicate_ack(c, RULE_NOT_ACCEPTABLE);
        drop(c, seg, DROP_TCP_SEQUENCE);
    }
    seg->text.len = 0;
    seg->flags &= (uint8_t)~TCP_FIN;
    return true;
}

/* Both ends asked about a closed window at once, and both bytes were taken: now each one's ACKs stand one
 * byte behind what the other holds (snd_ack_position), and neither would ever learn that its probe arrived.
 */
static bool probes_crossed(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!c->snd.probing || seg->len > 0 || seg->flags & TCP_RST || seg->seq != c->rcv.nxt - 1 ||
        seg->ack <= c->snd.una || seg->ack > c->snd.nxt)
        return false;
    rcv_duplicate_ack(c, RULE_NOT_ACCEPTABLE);
    return true;
}

/* Whether this is the peer's SYN once more: alone, or with the ACK of a simultaneous open, which a listener's
 * connection has no part in. */
static bool is_syn_again(const struct tcp_conn *c, const struct tcp_segment *seg)
{
    return c->state == TCP_SYN_RECEIVED && seg->flags & TCP_SYN && seg->seq == 0 && !(seg->flags & TCP_RST) &&
           !(seg->flags & TCP_ACK && c->passive);
}

/* First: the sequence number. */
static bool step_seq(struct tcp_conn *c, struct tcp_segment *seg)
{
    if (is_syn_again(c, seg))
        return syn_again(c, seg);
    if (rcv_acceptable(c, seg) || zero_window_allowance(c, seg) || probes_crossed(c, seg))
        return true;
    if (seg->flags & TCP_RST)
        return drop_as(c, seg, DROP_TCP_SEQUENCE, RULE_RST_OUTSIDE);
    if (seg->text.len > 0)
        rcv_note_duplicate(c, seg_text(seg), seg_text(seg) + (int64_t)seg->text.len);
    return drop_and_ack(c, seg, DROP_TCP_SEQUENCE);
}

/* Before the first: PAWS and the timestamp to echo, RFC 7323 5.3, R1 to R3. */
static bool step_timestamp(struct tcp_conn *c, struct tcp_segment *seg)
{
    bool rst = seg->flags & TCP_RST;
    if (!c->ts_ok || rst)
        return true;
    if (!seg->header->options.has_timestamps) /* RFC 7323 3.2 */
        return seg->flags & TCP_SYN ? true : drop(c, seg, DROP_TCP_NO_TIMESTAMP);
    if (ts_is_old(c, seg))
        return drop_and_ack(c, seg, DROP_TCP_PAWS);
    return true;
}

/* Second: RST. RFC 5961 3.2: only at RCV.NXT exactly. */
static bool step_rst(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!(seg->flags & TCP_RST))
        return true;
    if (seg->seq != c->rcv.nxt)
        return drop_and_challenge(c, seg, DROP_TCP_RST_INEXACT);
    switch (c->state) {
    case TCP_SYN_RECEIVED:
        if (!c->passive) {
            tcp_end(c, ECONNREFUSED, RULE_SYN_RECEIVED_RST);
            return false;
        }
        drop(c, seg, DROP_TCP_SYN_RECEIVED_RST);
        tcp_set_state(c, TCP_LISTEN, RULE_SYN_RECEIVED_RST);
        tcp_set_state(c, TCP_CLOSED, RULE_SYN_RECEIVED_RST);
        return false;
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        tcp_end(c, 0, RULE_RST_EXACT);
        return false;
    default:
        tcp_end(c, ECONNRESET, RULE_RST_EXACT);
        return false;
    }
}

/* Third, the security check, is omitted: IPv4 security labels are not used here. */

/* Fourth: SYN. RFC 5961 4.2: a challenge ACK lets a peer that restarted answer with a RST. */
static bool step_syn(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!(seg->flags & TCP_SYN))
        return true;
    if (c->state == TCP_SYN_RECEIVED && c->passive) {
        drop_as(c, seg, DROP_TCP_SYN_RECEIVED_RST, RULE_SYN_RECEIVED_SYN);
        tcp_set_state(c, TCP_LISTEN, RULE_SYN_RECEIVED_SYN);
        tcp_set_state(c, TCP_CLOSED, RULE_SYN_RECEIVED_SYN);
        return false;
    }
    return drop_and_challenge(c, seg, DROP_TCP_SYN_IN_WINDOW);
}

static bool ack_syn_received(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!(c->snd.una < seg->ack && seg->ack <= c->snd.nxt)) {
        tcp_reply_rst(c->tcp, seg->packet, seg->header, RULE_SYN_RECEIVED_BAD_ACK);
        return drop_as(c, seg, DROP_TCP_ACK_TOO_NEW, RULE_SYN_RECEIVED_BAD_ACK);
    }
    c->snd.wnd = c->snd.max_wnd = seg->wnd;
    c->snd.wl1 = seg->seq;
    c->snd.wl2 = seg->ack;
    established(c, RULE_SYN_RECEIVED_ACK);
    return true;
}

/* A duplicate ACK in the sense of RFC 5681 2. */
static bool is_duplicate_ack(const struct tcp_conn *c, const struct tcp_segment *seg, bool window_changed)
{
    return seg->ack == c->snd.una && c->snd.una < c->snd.nxt && seg->len == 0 && !window_changed &&
           c->snd.wnd > 0;
}

/* The peer answers though its window is closed, or has just opened it; `was`: SND.WND before this segment. */
static void closed_window(struct tcp_conn *c, uint32_t was)
{
    if (c->snd.wnd == 0) {
        if (!c->orphan) /* RFC 9293 3.8.6.1: no end while probes are answered; RFC 6429: nobody would miss an
                           orphan */
            c->snd.progress = c->tcp->core->now;
        return;
    }
    if (was > 0)
        return;
    c->snd.probing = false;
    c->snd.retries = 0;
    tcb_timer_stop(c, TCP_TIMER_PERSIST);
    if (c->snd.una == c->snd.nxt)
        return;
    loss_resend_all(
        c, RULE_WINDOW_REOPENED); /* a probe's byte that was not taken, or what the window closed over */
    rtt_restore(&c->rtt, &c->tcp->core->config);
    tcb_timer_stop(c, TCP_TIMER_RETRANSMIT);
}

static void ack_established(struct tcp_conn *c, const struct tcp_segment *seg)
{
    int64_t una = c->snd.una;
    if (seg->ack < una) /* "it can be ignored"; but a D-SACK may come this way */
        return;
    bool duplicate_if_unchanged = is_duplicate_ack(c, seg, false);
    uint32_t window = c->snd.wnd;
    if (seg->ack > una)
        new_ack(c, seg->ack);
    bool changed = snd_update_window(c, seg);
    loss_on_ack(c, seg, una, duplicate_if_unchanged && !changed);
    if (ecn_echoed(c, seg)) {
        core_count(c->tcp->core, COUNT_TCP_ECN_MARKS);
        if (loss_on_congestion_mark(c, RULE_ECN, "congestion mark"))
            c->snd.cwr_owed = true;
    }
    closed_window(c, window);
    tlp_arm(c);
}

/* What an ACK of our FIN means in each state. */
static bool ack_of_fin(struct tcp_conn *c)
{
    if (!snd_fin_acked(c))
        return true;
    switch (c->state) {
    case TCP_FIN_WAIT_1:
        tcp_set_state(c, TCP_FIN_WAIT_2, RULE_FIN_ACKED);
        if (c->orphan)
            tcb_timer_start(c, TCP_TIMER_FIN_WAIT_2, c->tcp->core->now + c->tcp->core->config.tcp_fin_wait_2);
        return true;
    case TCP_CLOSING:
        tcp_set_state(c, TCP_TIME_WAIT, RULE_FIN_ACKED);
        return false;
    case TCP_LAST_ACK:
        tcp_end(c, 0, RULE_LAST_ACK_ACKED);
        return false;
    default:
        return true;
    }
}

/* Fifth: the ACK field. */
static bool step_ack(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!(seg->flags & TCP_ACK))
        return drop(c, seg, DROP_TCP_NO_ACK);
    if (c->state == TCP_SYN_RECEIVED && !ack_syn_received(c, seg))
        return false;
    if (seg->ack > c->snd.nxt) /* RFC 5961 5.2: neither it nor its text is believed */
        return drop_and_challenge(c, seg, DROP_TCP_ACK_TOO_NEW);
    if (seg->ack < c->snd.una - c->snd.max_wnd)
        return drop_and_challenge(c, seg, DROP_TCP_ACK_TOO_OLD);
    c->heard = c->tcp->core->now;
    c->keepalive_sent = 0;
    ts_remember(c, seg);
    ecn_received(c, seg);
    ack_established(c, seg);
    return ack_of_fin(c);
}

/* The states in which the peer may still send text. */
static bool may_receive(const struct tcp_conn *c)
{
    return c->state == TCP_ESTABLISHED || c->state == TCP_FIN_WAIT_1 || c->state == TCP_FIN_WAIT_2;
}

/* Sixth: URG, RFC 6093: signalled once for a continuous sequence of urgent data, which stays in line. */
static void step_urg(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!(seg->flags & TCP_URG) || !may_receive(c) || seg->up <= c->rcv.up || seg->up <= c->rcv.q.head)
        return;
    bool in_urgent_mode = c->rcv.up > c->rcv.q.head;
    c->rcv.up = seg->up;
    if (!in_urgent_mode && c->sock)
        c->sock->urgent = true;
    sock_signal(c->sock);
}

/* Text for a connection whose owner has let go: RFC 9293 3.6.1, the peer must not believe that it is read. */
static bool text_after_close(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (!c->orphan || seg_text(seg) + (int64_t)seg->text.len <= c->rcv.nxt)
        return false;
    drop(c, seg, DROP_TCP_TEXT_CLOSED);
    tcp_reset(c, 0, RULE_CLOSE_UNREAD);
    return true;
}

/* Seventh: the text. */
static bool step_text(struct tcp_conn *c, const struct tcp_segment *seg)
{
    if (seg->text.len == 0)
        return true;
    if (!may_receive(c)) { /* "this should not occur, since a FIN has been received" */
        drop(c, seg, DROP_TCP_TEXT_AFTER_FIN);
        return true;
    }
    if (text_after_close(c, seg))
        return false;
    int64_t nxt = c->rcv.nxt;
    bool had_hole = c->rcv.held.count > 0;
    enum drop why = rcv_text(c, seg_text(seg), seg->text);
    if (why != DROP_NONE)
        drop(c, seg, why);
    if (c->rcv.nxt > nxt) {
        c->rcv.dup_acks_owed = 0; /* the hole they told of is filled: with a new number they would mislead */
        rcv_owe_ack(c, seg_largest(seg), had_hole);
        sock_signal(c->sock);
    } else { /* RFC 5681 4.2: each tells the sender of an arrival; a SACK block tells of all at once */
        rcv_duplicate_acks(c, c->sack_ok ? 1 : seg_count(seg),
                           drop_rule(why) ? drop_rule(why) : RULE_ACK_OUT_OF_ORDER);
    }
    return true;
}

static void fin_taken(struct tcp_conn *c)
{
    c->rcv.nxt += 1;
    c->rcv.dup_acks_owed = 0; /* old text that came with it: one ACK says it all (RFC 5681 4.2) */
    rcv_ack_now(c, RULE_ACK_FIN);
    sock_signal(c->sock);
    switch (c->state) {
    case TCP_ESTABLISHED:
        tcp_set_state(c, TCP_CLOSE_WAIT, RULE_FIN_RECEIVED);
        break;
    case TCP_FIN_WAIT_1: /* our own FIN is not acknowledged, or step five had moved on to FIN-WAIT-2 */
        tcp_set_state(c, TCP_CLOSING, RULE_FIN_RECEIVED);
        break;
    case TCP_FIN_WAIT_2:
        tcp_set_state(c, TCP_TIME_WAIT, RULE_FIN_RECEIVED);
        break;
    default:
        break;
    }
}

/* Eighth: FIN. One that comes early is remembered as a position. */
static void step_fin(struct tcp_conn *c, const struct tcp_segment *seg)
{
    int64_t fin = seg_text(seg) + (int64_t)seg->text.len;
    bool held_beyond = c->rcv.held.count > 0 && c->rcv.held.at[c->rcv.held.count - 1].right > fin;
    if (seg->flags & TCP_FIN && may_receive(c) && c->rcv.nxt <= fin && !held_beyond) {
        if (c->rcv.fin == 0 && fin < c->rcv.adv)
            c->rcv.fin = fin;
        if (fin > c->rcv.nxt && seg->text.len == 0) /* RFC 5681 4.2, each time: its sender probes with it */
            rcv_duplicate_ack(c, RULE_ACK_OUT_OF_ORDER);
    }
    if (c->rcv.fin && c->rcv.nxt == c->rcv.fin && may_receive(c))
        fin_taken(c);
}

static void arrives_syn_sent(struct tcp_conn *c, struct tcp_segment *seg)
{
    if (!syn_sent_ack(c, seg) || !syn_sent_rst(c, seg))
        return;
    if (!(seg->flags & TCP_SYN)) { /* fifth */
        drop(c, seg, DROP_TCP_SYN_SENT_NEITHER);
        return;
    }
    syn_sent_syn(c, seg);
    if (c->state == TCP_SYN_RECEIVED) { /* text and FIN wait for ESTABLISHED */
        if (seg->text.len > 0)
            rcv_text(c, 1, seg->text);
        return;
    }
    step_urg(c, seg);
    if (step_text(c, seg))
        step_fin(c, seg);
}

static void arrives_otherwise(struct tcp_conn *c, struct tcp_segment *seg)
{
    if (!step_timestamp(c, seg) || !step_seq(c, seg) || !step_rst(c, seg) || !step_syn(c, seg) ||
        !step_ack(c, seg))
        return;
    step_urg(c, seg);
    if (step_text(c, seg))
        step_fin(c, seg);
}

static void segment_arrives(struct tcp_conn *c, const struct ip_packet *p, const struct tcp_header *h)
{
    struct tcp_segment seg = segment_of(c, p, h);
    segment_in_event(c, &seg);
    if (c->state == TCP_SYN_SENT)
        arrives_syn_sent(c, &seg);
    else
        arrives_otherwise(c, &seg);
    if (c->in_table && c->snd.user_mark && snd_user_timeout(c))
        tcp_reset(c, ETIMEDOUT, RULE_USER_TIMEOUT);
    if (tcb_release(c))
        return;
    if (c->in_table) {
        snd_arm(c);
        tcb_mark(c);
    }
    tcb_check(c);
}

/* A SYN begins a new connection where an old one waits: with a number beyond all of the old one's. */
static enum drop reopen(struct tcp_listener *l, struct tcp_timewait *tw, const struct ip_packet *p,
                        const struct tcp_header *h)
{
    struct wireseq after = tw->snd_nxt;
    timewait_delete(l->tcp, tw, RULE_TIME_WAIT_REUSE);
    core_count(l->tcp->core, COUNT_TCP_TIME_WAIT_REUSED);
    return listen_input(l, p, h, &after);
}

/* A segment to a four-tuple that has no connection awake. *rule is set where another one than the reason's
 * usual decides. */
static enum drop no_connection(struct tcp *tcp, const struct ip_packet *p, const struct tcp_header *h,
                               enum rule *rule)
{
    struct endpoint local = {p->dst, h->destination}, remote = {p->src, h->source};
    struct sock *s = port_lookup(tcp->ports, IP_TCP, local.addr, local.port);
    struct tcp_listener *l = s && s->listening ? s->listener : NULL;
    struct tcp_rest *resting = rest_find(tcp, local, remote);
    if (resting) {
        struct tcp_conn *c = rest_wake(tcp, resting);
        if (!c)
            return DROP_NO_MEMORY;
        segment_arrives(c, p, h);
        return DROP_NONE;
    }
    struct tcp_timewait *tw = timewait_find(tcp, local, remote);
    if (tw && l && !listen_queue_full(l) && timewait_reopens(tcp, tw, h))
        return reopen(l, tw, p, h);
    if (tw) {
        segment_stranger_event(tcp, p, h);
        if (l && timewait_reopens(tcp, tw, h))
            return DROP_TCP_BACKLOG; /* TIME-WAIT stays until there is room */
        return timewait_input(tcp, tw, h, rule);
    }
    struct tcp_conn *c = l ? listen_cookie(l, p, h) : NULL;
    if (c) {
        segment_arrives(c, p, h);
        return DROP_NONE;
    }
    if (l && h->flags & TCP_RST)
        *rule = RULE_LISTEN_RST;
    if (l)
        return listen_input(l, p, h, NULL);
    segment_stranger_event(tcp, p, h);
    tcp_reply_rst(tcp, p, h, RULE_NO_CONNECTION); /* 3.10.7.1 */
    return h->flags & TCP_RST ? DROP_TCP_RST_TO_NOTHING : DROP_TCP_NO_CONNECTION;
}

static void drop_stranger(struct tcp *tcp, const struct ip_packet *p, enum drop why, enum rule rule)
{
    struct event e = {.rule = rule};
    core_drop_event(tcp->core, &e, why, p->header.at, p->header.len + p->body.len);
}

void tcp_input(struct tcp *tcp, const struct ip_packet *p)
{
    struct tcp_header h;
    enum rule rule = RULE_NONE;
    core_count(tcp->core, COUNT_TCP_IN);
    enum drop why = p->to_many ? DROP_TCP_BROADCAST : tcp_parse(p, &h); /* RFC 9293 3.9.2.3 MUST-57 */
    if (why == DROP_NONE) {
        struct tcp_conn *c =
            tcb_find(tcp, (struct endpoint){p->dst, h.destination}, (struct endpoint){p->src, h.source});
        if (c) {
            tcp->latest = c;
            segment_arrives(c, p, &h);
            return;
        }
        why = no_connection(tcp, p, &h, &rule);
    }
    if (why != DROP_NONE)
        drop_stranger(tcp, p, why, rule);
}

/* --- ICMP errors, RFC 9293 3.9.2.2, RFC 5461, RFC 5927 --- */

/* RFC 1191 3: the next hop takes no more than this; what is in flight leaves again in smaller segments. An
 * attacker who guessed a sequence number can slow us down to the floor, no further (RFC 5927 7). */
static void path_mtu(struct tcp_conn *c, uint16_t mtu)
{
    uint16_t floor = c->tcp->core->config.tcp_path_mtu_min;
    uint16_t mss = options_send_mss(&c->tcp->core->config, mtu < floor ? floor : mtu, UINT16_MAX, c->ts_ok);
    if (mss >= c->snd.mss)
        return;
    c->snd.mss = c->cc.mss = mss;
    loss_window_event(c, RULE_PATH_MTU, "smaller segments");
    loss_resend_all(c, RULE_PATH_MTU);
    tcb_mark(c);
}

/* Before the handshake a hard error ends the attempt (RFC 5461 4 lets a later one only be noted); what an
 * off-path attacker could send is believed no more than a lost packet. */
static void icmp_believed(struct tcp_conn *c, const struct icmp_error *e)
{
    if (e->next_hop_mtu || e->error == EMSGSIZE) {
        path_mtu(c, e->next_hop_mtu);
        return;
    }
    bool opening = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
    if (opening && e->hard)
        tcp_end(c, e->error, RULE_ICMP_HARD);
    else
        c->soft_error = (int16_t)e->error;
    tcb_release(c);
}

bool tcp_icmp_error(struct tcp *tcp, const struct icmp_error *e)
{
    struct reader r = reader_of(e->quoted.at, e->quoted.len);
    struct endpoint local = {e->src, get16(&r)}, remote = {e->dst, get16(&r)};
    struct wireseq seq = {get32(&r)};
    struct tcp_conn *c = r.bad ? NULL : tcb_find(tcp, local, remote);
    if (!c)
        return false;
    int64_t quoted = seq_unwrap(seq, c->iss, c->snd.una);
    if (quoted < c->snd.una || quoted >= c->snd.nxt)
        return false;
    icmp_believed(c, e);
    return true;
}
