/* TIME-WAIT records, RFC 9293 3.6 and 3.10.7.4; RFC 1337. */
#include "tcp_timewait.h"
#include "tcp_reply.h"
#include "tcp_timestamps.h"

struct endpoint timewait_local(const struct tcp *tcp, const struct tcp_timewait *tw)
{
    return (struct endpoint){tcp->core->config.addr, tw->local_port};
}

struct endpoint timewait_remote(const struct tcp_timewait *tw)
{
    return (struct endpoint){tw->remote_addr, tw->remote_port};
}

static void state_event(struct tcp *tcp, const struct tcp_timewait *tw, enum rule why)
{
    if (!core_observed(tcp->core))
        return;
    struct event e = {.kind = EVENT_STATE,
                      .connection = tw->id,
                      .protocol = IP_TCP,
                      .local = timewait_local(tcp, tw),
                      .remote = timewait_remote(tw),
                      .rule = why,
                      .u.change = {TCP_TIME_WAIT, TCP_CLOSED}};
    core_emit(tcp->core, &e);
}

static void timer_event(struct tcp *tcp, const struct tcp_timewait *tw, enum event_kind kind, enum rule why)
{
    if (!core_observed(tcp->core))
        return;
    struct event e = {.kind = kind,
                      .connection = tw->id,
                      .protocol = IP_TCP,
                      .local = timewait_local(tcp, tw),
                      .remote = timewait_remote(tw),
                      .state = TCP_TIME_WAIT,
                      .rule = why,
                      .u.timer = {TCP_TIMER_TIME_WAIT, tw->due}};
    core_emit(tcp->core, &e);
}

/* The wheel holds one timer for all: the oldest record's. */
static void arm(struct tcp *tcp)
{
    const struct tcp_timewait *oldest = timewaits_by_age(&tcp->timewaits, NULL);
    if (oldest)
        timer_start(&tcp->core->wheel, &tcp->tw_timer, oldest->due);
    else
        timer_stop(&tcp->core->wheel, &tcp->tw_timer);
}

static void begin(struct tcp *tcp, struct tcp_timewait *tw, enum rule why)
{
    tw->due = tcp->core->now + 2 * tcp->core->config.tcp_msl;
    timer_event(tcp, tw, EVENT_TIMER_SET, why);
    arm(tcp);
}

void timewait_restart(struct tcp *tcp, struct tcp_timewait *tw)
{
    timewaits_renew(&tcp->timewaits, tw);
    begin(tcp, tw, RULE_TIME_WAIT_FIN);
}

void timewait_delete(struct tcp *tcp, struct tcp_timewait *tw, enum rule why)
{
    state_event(tcp, tw, why);
    timewaits_remove(&tcp->timewaits, tcp->core, tw);
    arm(tcp);
}

bool timewait_enter(struct tcp_conn *c)
{
    struct tcp *tcp = c->tcp;
    struct core *core = tcp->core;
    if (tcp->timewaits.count > 0 && tcp->timewaits.count >= core->config.tcp_timewait_max) {
        core_count(core, COUNT_TCP_TIME_WAIT_OVERFLOW);
        timewait_delete(tcp, timewaits_by_age(&tcp->timewaits, NULL), RULE_NONE);
    }
    struct tcp_timewait *tw = timewaits_add(&tcp->timewaits, core, tcb_hash(core, c->local, c->remote));
    if (!tw) {
        core_count(core, COUNT_TCP_TIME_WAIT_OVERFLOW);
        return false;
    }
    tw->remote_addr = c->remote.addr;
    tw->local_port = c->local.port;
    tw->remote_port = c->remote.port;
    tw->rcv_nxt = seq_wrap(c->rcv.nxt, c->irs);
    tw->snd_nxt = seq_wrap(c->snd.nxt, c->iss);
    tw->id = c->id;
    tw->ts_recent = c->ts_ok ? c->rcv.ts_recent | !c->rcv.ts_recent : 0; /* 0 means: no timestamps here */
    core_count(core, COUNT_TCP_TIME_WAITS);
    begin(tcp, tw, RULE_TIME_WAIT);
    return true;
}

struct tcp_timewait *timewait_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote)
{
    const struct timewaits *all = &tcp->timewaits;
    if (all->count == 0)
        return NULL;
    uint32_t hash = tcb_hash(tcp->core, local, remote);
    for (struct tcp_timewait *tw = NULL; (tw = timewaits_hashed(all, hash, tw));)
        if (tw->local_port == local.port && tw->remote_port == remote.port && tw->remote_addr == remote.addr)
            return tw;
    return NULL;
}

static void reply(struct tcp *tcp, const struct tcp_timewait *tw, enum rule rule)
{
    struct endpoint local = timewait_local(tcp, tw), remote = timewait_remote(tw);
    struct tcp_header h = {.source = local.port,
                           .destination = remote.port,
                           .seq = tw->snd_nxt,
                           .ack = tw->rcv_nxt,
                           .flags = TCP_ACK};
    if (tw->ts_recent) {
        h.options.has_timestamps = true;
        h.options.ts_value = ts_clock_of(tcp->core, local, remote);
        h.options.ts_echo = tw->ts_recent;
    }
    tcp_reply_header(tcp, local, remote, &h, rule);
}

static void acknowledge(struct tcp *tcp, const struct tcp_timewait *tw, enum rule rule)
{
    if (challenge_stack(tcp)) /* two ends in TIME-WAIT that disagree must not talk for ever */
        reply(tcp, tw, rule);
}

/* Where timestamps will be used they decide, and the number only between equals (RFC 6191 2). */
static bool syn_is_newer(const struct tcp *tcp, const struct tcp_timewait *tw, const struct tcp_header *h)
{
    int32_t ahead = seq_distance(h->seq, tw->rcv_nxt);
    if (!tcp->core->config.tcp_timestamps || !h->options.has_timestamps)
        return ahead > 0;
    int32_t later = (int32_t)(h->options.ts_value - tw->ts_recent);
    return tw->ts_recent == 0 || later > 0 || (later == 0 && ahead > 0);
}

bool timewait_reopens(const struct tcp *tcp, const struct tcp_timewait *tw, const struct tcp_header *h)
{
    return (h->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && syn_is_newer(tcp, tw, h);
}

enum drop timewait_input(struct tcp *tcp, struct tcp_timewait *tw, const struct tcp_header *h,
                         enum rule *rule)
{
    int32_t ahead = seq_distance(h->seq, tw->rcv_nxt);
    bool acks_all = seq_distance(h->ack, tw->snd_nxt) == 0;
    if (h->flags & TCP_RST) { /* RFC 1337 3 (F1): an old RST must not let old segments in */
        *rule = RULE_TIME_WAIT_RST;
        return DROP_TCP_TIME_WAIT;
    }
    if (h->flags & TCP_SYN) { /* RFC 5961 4.2 */
        acknowledge(tcp, tw, RULE_SYN_CHALLENGE);
        return DROP_TCP_SYN_IN_WINDOW;
    }
    if (h->flags & TCP_FIN && h->flags & TCP_ACK && ahead + (int32_t)tcp_seq_len(h) == 0 && acks_all) {
        *rule = RULE_TIME_WAIT_FIN;
        timewait_restart(tcp, tw); /* the peer missed our last ACK */
        reply(tcp, tw, *rule);
        return DROP_TCP_TIME_WAIT;
    }
    if (ahead != 0 || h->text.len > 0) { /* RCV.WND is 0: only an empty segment at RCV.NXT is acceptable */
        *rule = RULE_NOT_ACCEPTABLE;
        acknowledge(tcp, tw, *rule);
        return DROP_TCP_TIME_WAIT;
    }
    if (!(h->flags & TCP_ACK))
        return DROP_TCP_NO_ACK;
    if (!acks_all) { /* RFC 5961 5.2 */
        *rule = RULE_ACK_RANGE;
        acknowledge(tcp, tw, *rule);
    }
    return DROP_TCP_TIME_WAIT;
}

void timewait_expire(struct tcp *tcp)
{
    struct tcp_timewait *tw;
    while ((tw = timewaits_by_age(&tcp->timewaits, NULL)) && tw->due <= tcp->core->now) {
        timer_event(tcp, tw, EVENT_TIMER_FIRED, RULE_TIME_WAIT_2MSL);
        timewait_delete(tcp, tw, RULE_TIME_WAIT_2MSL);
    }
}

void timewait_free(struct tcp *tcp)
{
    struct tcp_timewait *tw;
    while ((tw = timewaits_by_age(&tcp->timewaits, NULL)))
        timewait_delete(tcp, tw, RULE_NONE);
}
