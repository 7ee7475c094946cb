/* Timeouts, RFC 9293 3.10.8: one small function for each timer. */
#include "tcp_timer.h"
#include "tcp_loss.h"
#include "tcp_options.h"
#include "tcp_rcv.h"
#include "tcp_snd.h"
#include "tcp_state.h"

#include <errno.h>

static const struct stack_config *config_of(const struct tcp_conn *c)
{
    return &c->tcp->core->config;
}

/* R2, RFC 9293 3.8.3: the peer has owed us an answer for too long. RULE_NONE: it has not. */
static enum rule out_of_patience(const struct tcp_conn *c)
{
    bool syn = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
    usec limit = syn ? config_of(c)->tcp_r2_syn : config_of(c)->tcp_r2;
    if (c->tcp->core->now - c->snd.progress >= limit)
        return RULE_R2;
    return snd_user_timeout(c) ? RULE_USER_TIMEOUT : RULE_NONE;
}

static bool gave_up(struct tcp_conn *c)
{
    enum rule why = out_of_patience(c);
    if (why == RULE_NONE)
        return false;
    core_count(c->tcp->core, COUNT_TCP_GAVE_UP);
    /* RFC 5461 4.1: an ICMP error that came meanwhile says why better than "timed out". */
    tcp_reset(c, c->soft_error ? c->soft_error : ETIMEDOUT, why);
    return true;
}

/* RFC 2923 2.1: large segments that time out again and again may meet a link too small for them whose ICMP
 * never arrives. Half the size tells, down to what every host takes (RFC 9293 3.7.1), options included. */
static void suspect_path(struct tcp_conn *c)
{
    uint16_t least = options_send_mss(config_of(c), TCP_BLACK_HOLE_MTU, UINT16_MAX, c->ts_ok);
    if (!config_of(c)->tcp_path_mtu_probe || c->snd.retries < TCP_BLACK_HOLE_RETRIES || c->snd.una == 0 ||
        c->snd.mss <= least || flight_at(c->snd.flight, 0)->len <= least)
        return;
    uint16_t half = c->snd.mss / 2;
    c->snd.mss = c->cc.mss = half > least ? half : least;
    core_count(c->tcp->core, COUNT_TCP_BLACK_HOLES);
    loss_window_event(c, RULE_BLACK_HOLE, "smaller segments");
}

/* RFC 6298 5.4 to 5.7. R1 (RFC 9293 3.8.3 SHLD-9) asks to tell the IP layer: there is one link here and
 * nothing it could try instead; netstat shows the retries. */
static void on_retransmit(struct tcp_conn *c)
{
    if (gave_up(c))
        return;
    if (c->snd.flight) { /* none: there was no memory for our SYN's record; it is tried again */
        suspect_path(c);
        loss_on_timeout(c);
    }
    rtt_back_off(&c->rtt, config_of(c));
    if (c->snd.retries < UINT8_MAX)
        c->snd.retries++;
    if (c->snd.una == 0) /* it is the SYN that has no answer */
        c->syn_resent += c->syn_resent < UINT8_MAX;
    tcb_timer_start(c, TCP_TIMER_RETRANSMIT, c->tcp->core->now + snd_patience(c, c->rtt.rto));
    tcb_mark(c);
}

/* RFC 9293 3.8.6.1: ask again, each time later; or send what silly-window avoidance held back. */
static void on_persist(struct tcp_conn *c)
{
    if (c->snd.wnd > 0) {
        c->snd.override_now = true;
        tcb_mark(c);
        return;
    }
    if (gave_up(c))
        return;
    if (c->snd.retries < UINT8_MAX)
        c->snd.retries++;
    usec wait = (usec)c->rtt.rto << (c->snd.retries < 16 ? c->snd.retries : 16);
    if (wait > config_of(c)->tcp_persist_max)
        wait = config_of(c)->tcp_persist_max;
    c->snd.probe_now = true;
    tcb_timer_start(c, TCP_TIMER_PERSIST, c->tcp->core->now + snd_patience(c, wait));
    tcb_mark(c);
}

static void on_delayed_ack(struct tcp_conn *c)
{
    core_count(c->tcp->core, COUNT_TCP_DELAYED_ACKS);
    rcv_ack_now(c, RULE_ACK_ALONE);
    tcb_mark(c);
}

/* RFC 9293 3.8.4. What waits for an ACK is watched by the retransmission timer instead. */
static void on_keepalive(struct tcp_conn *c)
{
    const struct stack_config *config = config_of(c);
    usec now = c->tcp->core->now, idle = now - c->heard;
    if (idle < config->tcp_keepalive_idle || c->snd.una < c->snd.nxt) {
        c->keepalive_sent = 0;
        usec next = c->heard + config->tcp_keepalive_idle;
        tcb_timer_start(c, TCP_TIMER_KEEPALIVE, next > now ? next : now + config->tcp_keepalive_interval);
        return;
    }
    if (c->keepalive_sent >= config->tcp_keepalive_probes) {
        tcp_reset(c, ETIMEDOUT, RULE_KEEPALIVE_DEAD);
        return;
    }
    c->keepalive_sent++;
    c->snd.keepalive_now = true;
    tcb_timer_start(c, TCP_TIMER_KEEPALIVE, now + config->tcp_keepalive_interval);
    tcb_mark(c);
}

static void on_reorder(struct tcp_conn *c)
{
    loss_on_reorder_timer(c);
    tcb_mark(c);
}

/* RFC 8985 7.3: the retransmission timer starts anew behind the probe. */
static void on_tail_loss(struct tcp_conn *c)
{
    c->snd.tlp_now = true;
    tcb_timer_stop(c, TCP_TIMER_RETRANSMIT);
    tcb_timer_start(c, TCP_TIMER_RETRANSMIT, c->tcp->core->now + c->rtt.rto);
    tcb_mark(c);
}

static void on_fin_wait_2(struct tcp_conn *c)
{
    tcp_end(c, 0, RULE_FIN_WAIT_2_TIMEOUT);
}

/* What decides when it is not the timer's ordinary rule: the end of patience. */
static enum rule last_rule(const struct tcp_conn *c, enum tcp_timer which)
{
    bool asks = which == TCP_TIMER_RETRANSMIT || (which == TCP_TIMER_PERSIST && c->snd.wnd == 0);
    return asks ? out_of_patience(c) : RULE_NONE;
}

static void fire(struct tcp_conn *c, enum tcp_timer which)
{
    static void (*const expired[TCP_TIMERS])(struct tcp_conn *) = {
        [TCP_TIMER_RETRANSMIT] = on_retransmit,   [TCP_TIMER_PERSIST] = on_persist,
        [TCP_TIMER_DELAYED_ACK] = on_delayed_ack, [TCP_TIMER_KEEPALIVE] = on_keepalive,
        [TCP_TIMER_FIN_WAIT_2] = on_fin_wait_2,   [TCP_TIMER_REORDER] = on_reorder,
        [TCP_TIMER_TAIL_LOSS] = on_tail_loss,
    };
    c->due[which] = NEVER;
    tcb_timer_event(c, which, EVENT_TIMER_FIRED, last_rule(c, which));
    expired[which](c);
}

void tcp_timer_run(struct tcp_conn *c)
{
    enum tcp_timer which;
    usec due;
    while ((due = tcb_timer_earliest(c, &which)) <= c->tcp->core->now)
        fire(c, which);
    if (due != NEVER)
        timer_start(&c->tcp->core->wheel, &c->alarm.timer, due);
    tcb_check(c);
    tcb_release(c);
}

void tcp_keepalive_arm(struct tcp_conn *c)
{
    bool wanted = c->sock && c->sock->keepalive && tcp_synchronized(c) && c->state != TCP_TIME_WAIT;
    c->keepalive_sent = 0;
    if (wanted)
        tcb_timer_start(c, TCP_TIMER_KEEPALIVE, c->heard + config_of(c)->tcp_keepalive_idle);
    else
        tcb_timer_stop(c, TCP_TIMER_KEEPALIVE);
}
