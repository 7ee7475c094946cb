/* The socket options: set and read. */
#include "socket_call.h"
#include "tcp_options.h"
#include "tcp_timer.h"
#include "tcp_timewait.h"

#include <errno.h>

/* A buffer that its owner sized is no longer tuned. */
static int set_buffer(struct sock *s, uint32_t *which, bool *fixed, int64_t value)
{
    if (value < 1 || value > INT32_MAX)
        return -EINVAL;
    struct tcp_conn *c = sock_conn(s);
    if (!c && s->resting)
        return -ENOBUFS;
    *which = (uint32_t)value;
    *fixed = true;
    if (c)
        options_of_owner(c);
    sock_signal(s); /* there may be room now */
    return 0;
}

static int set_max_segment(struct sock *s, int64_t value)
{
    if (value < TCP_MSS_MIN || value > UINT16_MAX)
        return -EINVAL;
    struct tcp_conn *c = sock_conn(s);
    if (!c && s->resting)
        return -ENOBUFS;
    s->max_segment = (uint16_t)value;
    if (c)
        options_of_owner(c);
    return 0;
}

/* Those that hold a number within bounds. */
static int set_number(struct sock *s, enum sock_option option, int64_t value)
{
    switch (option) {
    case SOCK_OPT_OWNER:
        if (value < 0 || value > UINT32_MAX)
            return -EINVAL;
        s->owner = (uint32_t)value;
        return 0;
    case SOCK_OPT_REUSE_ADDRESS:
        s->reuse_address = value != 0;
        return 0;
    case SOCK_OPT_SEND_BUFFER:
        return set_buffer(s, &s->send_buffer, &s->send_buffer_fixed, value);
    case SOCK_OPT_RECEIVE_BUFFER:
        return set_buffer(s, &s->receive_buffer, &s->receive_buffer_fixed, value);
    case SOCK_OPT_TTL:
        if (value < 1 || value > 255)
            return -EINVAL;
        s->ttl = (uint8_t)value;
        return 0;
    case SOCK_OPT_TOS:
        if (value < 0 || value > 255)
            return -EINVAL;
        s->tos = (uint8_t)(value & ~3); /* the ECN bits are the stack's, RFC 3168 5 */
        return 0;
    case SOCK_OPT_MAX_SEGMENT:
        return set_max_segment(s, value);
    case SOCK_OPT_LINGER:
        if (value < -1 || value > INT32_MAX)
            return -EINVAL;
        s->linger = (int32_t)value;
        return 0;
    case SOCK_OPT_USER_TIMEOUT:
        if (value < 0 || value > UINT32_MAX)
            return -EINVAL;
        s->user_timeout = (uint32_t)value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_setopt(struct sock *s, enum sock_option option, int64_t value)
{
    if (option == SOCK_OPT_REUSE_ADDRESS || option == SOCK_OPT_OWNER) /* the connection does not care */
        return set_number(s, option, value);
    struct tcp_conn *c = sock_conn(s);
    if (!c && s->resting)
        return -ENOBUFS;
    switch (option) {
    case SOCK_OPT_KEEPALIVE:
        s->keepalive = value != 0;
        if (c)
            tcp_keepalive_arm(c);
        return 0;
    case SOCK_OPT_NODELAY:
        s->nodelay = value != 0;
        break;
    case SOCK_OPT_CORK:
        s->corked = value != 0;
        break;
    default:
        return set_number(s, option, value);
    }
    if (c && c->in_table)
        tcb_mark(c); /* what Nagle or the cork held back may go now */
    return 0;
}

/* What only a TCP connection can say. */
static int get_tcp(const struct sock *s, enum sock_option option, int64_t *value)
{
    if (option == SOCK_OPT_STATE && s->resting) {
        *value = TCP_ESTABLISHED;
        return 0;
    }
    const struct tcp_conn *c = sock_conn(s);
    switch (option) {
    case SOCK_OPT_STATE:
        *value = s->listening ? TCP_LISTEN : c ? c->state : TCP_CLOSED;
        if (*value == TCP_TIME_WAIT && !timewait_find(c->tcp, c->local, c->remote))
            *value = TCP_CLOSED; /* the record, which is what waits, is gone */
        return 0;
    case SOCK_OPT_MAX_SEGMENT:
        *value = c ? c->snd.mss : s->max_segment;
        return 0;
    case SOCK_OPT_SOFT_ERROR:
        *value = c ? c->soft_error : 0;
        return 0;
    case SOCK_OPT_AT_MARK:
        *value = c && c->rcv.up && c->rcv.up == c->rcv.q.head;
        return 0;
    case SOCK_OPT_UNSENT:
        *value = c ? sendq_len(&c->snd.q) : 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_getopt(struct sock *s, enum sock_option option, int64_t *value)
{
    switch (option) {
    case SOCK_OPT_ERROR:
        *value = sock_take_error(s);
        return 0;
    case SOCK_OPT_OWNER:
        *value = s->owner;
        return 0;
    case SOCK_OPT_NODELAY:
        *value = s->nodelay;
        return 0;
    case SOCK_OPT_CORK:
        *value = s->corked;
        return 0;
    case SOCK_OPT_KEEPALIVE:
        *value = s->keepalive;
        return 0;
    case SOCK_OPT_TOS:
        *value = s->tos;
        return 0;
    case SOCK_OPT_REUSE_ADDRESS:
        *value = s->reuse_address;
        return 0;
    case SOCK_OPT_LINGER:
        *value = s->linger;
        return 0;
    case SOCK_OPT_USER_TIMEOUT:
        *value = s->user_timeout;
        return 0;
    case SOCK_OPT_SEND_BUFFER:
        *value = sock_conn(s) ? s->conn->snd.bound : s->send_buffer;
        return 0;
    case SOCK_OPT_RECEIVE_BUFFER:
        *value = sock_conn(s) ? s->conn->rcv.bound : s->receive_buffer;
        return 0;
    case SOCK_OPT_TTL:
        *value = s->ttl;
        return 0;
    default:
        break;
    }
    if (s->type == SOCK_TCP)
        return get_tcp(s, option, value);
    if (option != SOCK_OPT_UNSENT)
        return -ENOPROTOOPT;
    *value = s->dgram->unsent;
    return 0;
}
