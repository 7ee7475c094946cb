/* The user's calls, RFC 9293 3.10.1 to 3.10.6. */
#include "tcp_user.h"
#include "tcp_listen.h"
#include "tcp_loss.h"
#include "tcp_options.h"
#include "tcp_rcv.h"
#include "tcp_rest.h"
#include "tcp_snd.h"
#include "tcp_state.h"
#include "tcp_timer.h"
#include "tcp_timewait.h"

#include <errno.h>

void tcp_attach(struct tcp_conn *c, struct sock *s)
{
    c->sock = s;
    s->conn = c;
    options_of_owner(c);
    if (c->in_table)
        tcb_mark(c); /* it joins the line of those awake when it has had its turn */
}

int tcp_open(struct tcp *tcp, struct sock *s)
{
    if (tcb_find(tcp, s->local, s->remote) || rest_find(tcp, s->local, s->remote) ||
        timewait_find(tcp, s->local, s->remote))
        return -EADDRINUSE;
    if (tcp->open >= tcp->core->config.tcp_connections_max ||
        peers_full(&tcp->peers, tcp->core, s->remote.addr))
        return -EADDRNOTAVAIL;
    struct tcp_conn *c = tcb_new(tcp, s->local, s->remote);
    if (!c || !tcb_insert(c)) {
        core_free(tcp->core, c, sizeof *c);
        return -ENOBUFS;
    }
    c->iss = tcp_iss(tcp->core, s->local, s->remote);
    options_begin(c);
    c->snd.mss =
        options_send_mss(&tcp->core->config, tcp->core->config.mtu, 0, false); /* until the SYN says more */
    c->snd.wnd = 1;                                                            /* room for the SYN */
    c->rcv.full = c->snd.mss;
    tcp_attach(c, s);
    cc_init(&c->cc, &tcp->core->config, c->snd.mss);
    rcv_offer(c);
    core_count(tcp->core, COUNT_TCP_ACTIVE_OPENS);
    tcp_set_state(c, TCP_SYN_SENT, RULE_OPEN_ACTIVE);
    tcb_mark(c);
    return 0;
}

/* 3.10.2: "connection closing". In SYN-SENT and SYN-RECEIVED: "queue the data for transmission after entering
 * ESTABLISHED". */
static bool may_send(const struct tcp_conn *c)
{
    return !c->snd.fin && c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT;
}

int tcp_lend(struct tcp_conn *c, const struct loan *loan)
{
    if (!may_send(c))
        return -EPIPE;
    if (c->snd.una == c->snd.nxt)
        loss_restart_after_idle(c);
    int error = snd_lend(c, loan);
    if (!error)
        tcb_mark(c);
    return error;
}

int64_t tcp_send(struct tcp_conn *c, const void *bytes, size_t len, bool urgent)
{
    if (!may_send(c))
        return -EPIPE;
    if (c->snd.una == c->snd.nxt)
        loss_restart_after_idle(c);
    int64_t n = snd_write(c, bytes, len);
    if (n < 0)
        return -ENOBUFS;
    if (n == 0 && len > 0)
        return -EAGAIN;
    if (urgent && n == (int64_t)len && n > 0)
        c->snd.up = c->snd.q.tail; /* RFC 6093 3: points behind the urgent byte */
    tcb_mark(c);
    return n;
}

/* There is room again: tell the peer, it may be waiting. An ACK that is owed at once will tell it, and keeps
 * its own reason. */
static void window_opened(struct tcp_conn *c)
{
    if (!c->in_table || !rcv_update_due(c))
        return;
    if (!c->rcv.ack_now)
        rcv_ack_now(c, RULE_WINDOW_UPDATE);
    tcb_mark(c);
}

int64_t tcp_receive(struct tcp_conn *c, void *bytes, size_t len, bool peek)
{
    if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
        return -EAGAIN; /* text of a SYN waits: it may be forged, RFC 9293 3.5 */
    size_t n = rcv_read(c, bytes, len, peek);
    if (n > 0) {
        window_opened(c);
        rest_read(c);
        return (int64_t)n;
    }
    if (len == 0)
        return 0;
    if (c->rcv.shut || rcv_fin_taken(c) || c->state == TCP_CLOSED)
        return 0; /* 3.10.3: "connection closing" */
    return -EAGAIN;
}

void tcp_shut_read(struct tcp_conn *c)
{
    c->rcv.shut = true;
    c->rcv.q.head = c->rcv.q.tail;
    if (c->rcv.held.count == 0)
        ring_free(&c->rcv.q, c->tcp->core);
    window_opened(c);
}

int tcp_close(struct tcp_conn *c)
{
    switch (c->state) {
    case TCP_SYN_RECEIVED: /* only after a simultaneous open does a user hold one */
    case TCP_ESTABLISHED:
        c->snd.fin = true;
        if (c->state == TCP_SYN_RECEIVED && sendq_len(&c->snd.q) > 0)
            return 0; /* "queue for processing after entering ESTABLISHED": tcp_input.c, established */
        tcp_set_state(c, TCP_FIN_WAIT_1, RULE_CLOSE_CALL);
        tcb_mark(c);
        return 0;
    case TCP_CLOSE_WAIT: /* LAST-ACK is entered when the FIN leaves, tcp_output.c */
        c->snd.fin = true;
        tcb_mark(c);
        return 0;
    case TCP_SYN_SENT:
    case TCP_CLOSED:
        return -ENOTCONN;
    default:
        return 0; /* closed already */
    }
}

/* RFC 9293 3.6.1: the peer would believe that its data was read. */
static bool loses_data(const struct tcp_conn *c)
{
    return rcv_unread(c) > 0 && !c->rcv.shut;
}

void tcp_abort(struct tcp_conn *c)
{
    c->sock = NULL;
    c->orphan = true;
    if (c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT) {
        /* 3.10.5: CLOSING, LAST-ACK and TIME-WAIT just end; the peer has all it will get. */
        if (c->state == TCP_CLOSING || c->state == TCP_LAST_ACK)
            tcp_end(c, 0, RULE_ABORT_CALL);
        else
            tcp_reset(c, 0, RULE_ABORT_CALL);
    }
    tcb_release(c);
}

void tcp_detach(struct tcp_conn *c)
{
    if (c->sock && c->sock->linger == 0 && c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT) {
        tcp_abort(c); /* SO_LINGER with no time: BSD's way to ask for a RST */
        return;
    }
    c->sock = NULL;
    c->orphan = true;
    tcp_keepalive_arm(c);
    if (c->state == TCP_SYN_SENT)
        tcp_end(c, 0, RULE_CLOSE_EARLY);
    else if (c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT && loses_data(c))
        tcp_reset(c, 0, RULE_CLOSE_UNREAD);
    else if (c->state != TCP_CLOSED)
        tcp_close(c);
    if (c->state == TCP_FIN_WAIT_2)
        tcb_timer_start(c, TCP_TIMER_FIN_WAIT_2, c->tcp->core->now + c->tcp->core->config.tcp_fin_wait_2);
    tcb_release(c);
}

unsigned tcp_events(const struct tcp_conn *c)
{
    unsigned events = 0;
    bool over = c->state == TCP_CLOSED;
    bool synchronized = c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECEIVED;
    if (synchronized && (rcv_unread(c) > 0 || rcv_fin_taken(c) || over || c->rcv.shut))
        events |= SOCK_READABLE;
    if (rcv_fin_taken(c) || over)
        events |= SOCK_HANGUP;
    bool open = c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT;
    if (over || (open && (c->snd.fin || snd_room(c) > 0)) || c->state == TCP_TIME_WAIT)
        events |= SOCK_WRITABLE; /* at least to learn that it is over */
    if (c->sock && c->sock->urgent)
        events |= SOCK_URGENT;
    return events;
}
