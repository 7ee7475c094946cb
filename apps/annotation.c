/* Gathers the events between packets and gives each packet those that belong to it.
 *
 * Two lists of records: what happens while a packet is looked at is that packet's; everything else waits for
 * the next packet of its connection to leave (a timer that fired, a call, a reply that the stack made and not
 * sent yet). Owned by `glass up` (up_pieces.c) and annotate.c; called by loop.c through capture_view, and as
 * an observer. */
#include "annotation.h"

#include <errno.h>
#include <string.h>

#include "../stack/tcp_rcv.h"
#include "annotation_text.h"

static void view_incoming(struct capture_view *view, const uint8_t *datagram, size_t len)
{
    annotation_incoming((struct annotation *)view, datagram, len);
}

static void view_outgoing(struct capture_view *view, const struct frame *frame)
{
    annotation_outgoing((struct annotation *)view, frame);
}

static const char *view_done(struct capture_view *view)
{
    return annotation_done((struct annotation *)view);
}

void annotation_init(struct annotation *a, const struct stack *stack)
{
    memset(a, 0, sizeof *a);
    a->view = (struct capture_view){view_incoming, view_outgoing, view_done};
    a->stack = stack;
}

/* --- the two lists --- */

static void wait_for_packet(struct annotation *a, const struct event *e)
{
    if (a->waiting_count == ANNOTATION_WAITING)
        memmove(a->waiting, a->waiting + 1, sizeof *a->waiting * --a->waiting_count);
    record_take(&a->waiting[a->waiting_count++], e, 0);
}

/* Replies are announced when they are made, and leave later. */
static bool leaves_later(const struct event *e)
{
    return e->kind == EVENT_SEGMENT_OUT || e->kind == EVENT_DATAGRAM_OUT;
}

/* A call that found nothing to do. */
static bool is_idle(const struct event *e)
{
    return e->kind == EVENT_CALL && e->u.call.result == -EAGAIN;
}

void annotation_see(void *annotation, const struct event *e)
{
    struct annotation *a = annotation;
    if (is_idle(e))
        return;
    if (!a->receiving || leaves_later(e)) {
        if (e->connection || leaves_later(e))
            wait_for_packet(a, e);
    } else if (a->now_count < ANNOTATION_NOW) {
        record_take(&a->now[a->now_count++], e, 0);
    }
}

/* --- whose packet it is --- */

struct ends {
    uint8_t protocol;
    struct endpoint src, dst;
    uint8_t flags; /* of a TCP segment */
    uint32_t seq;
};

/* As far as its headers say; a broken packet has the ends 0. */
static struct ends ends_of(const uint8_t *datagram, size_t len)
{
    struct ends e = {0};
    struct reader r = reader_of(datagram, len);
    size_t head_len = (get8(&r) & 15u) * 4u;
    get_bytes(&r, 5);
    uint16_t fragment = get16(&r);
    get8(&r);
    e.protocol = get8(&r);
    get16(&r);
    e.src.addr = get32(&r);
    e.dst.addr = get32(&r);
    if (r.bad || head_len < IP_HEADER_MIN || head_len > len || (fragment & 0x1fff))
        return e;
    r = reader_of(datagram + head_len, len - head_len);
    if (e.protocol != IP_TCP)
        return e;
    e.src.port = get16(&r);
    e.dst.port = get16(&r);
    e.seq = get32(&r);
    get32(&r);
    get8(&r);
    e.flags = get8(&r);
    return e;
}

static bool same_end(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

static bool is_of(const struct event *e, struct endpoint local, struct endpoint remote)
{
    return same_end(e->local, local) && same_end(e->remote, remote);
}

/* The first event that announced this very packet. */
static int find_announced(const struct annotation *a, const struct ends *p)
{
    for (unsigned i = 0; i < a->waiting_count; i++) {
        const struct record *r = &a->waiting[i];
        const struct event *e = &r->event;
        if (e->kind == EVENT_SEGMENT_OUT && p->protocol == IP_TCP && is_of(e, p->src, p->dst) &&
            r->header.seq.n == p->seq && r->header.flags == p->flags)
            return (int)i;
        if (e->kind == EVENT_DATAGRAM_OUT && e->protocol == p->protocol && e->remote.addr == p->dst.addr)
            return (int)i;
    }
    return -1;
}

/* Moves what belongs to the packet that leaves from the waiting to the present list: its own announcement
 * and, of its connection, everything but the announcements of packets that come later. */
static void take_waiting(struct annotation *a, int announced)
{
    uint32_t connection = announced < 0 ? 0 : a->waiting[announced].event.connection;
    unsigned kept = 0;
    a->now_count = 0;
    for (unsigned i = 0; i < a->waiting_count; i++) {
        const struct event *e = &a->waiting[i].event;
        bool taken = (int)i == announced || (connection && e->connection == connection && !leaves_later(e));
        if (taken && a->now_count == ANNOTATION_NOW) /* the latest say most */
            memmove(a->now, a->now + 1, sizeof *a->now * --a->now_count);
        if (taken)
            a->now[a->now_count++] = a->waiting[i];
        if (!taken)
            a->waiting[kept++] = a->waiting[i];
    }
    a->waiting_count = kept;
}

/* --- what is known of a connection --- */

static struct annotation_values *known(struct annotation *a, uint32_t connection)
{
    return &a->known[connection % ANNOTATION_KNOWN];
}

static struct annotation_values values_of(const struct tcp_conn *c)
{
    return (struct annotation_values){.connection = c->id,
                                      .state = (enum tcp_state)c->state,
                                      .una = c->snd.una,
                                      .snd_nxt = c->snd.nxt,
                                      .rcv_nxt = c->rcv.nxt,
                                      .snd_wnd = c->snd.wnd,
                                      .rcv_wnd = rcv_wnd(c),
                                      .cwnd = c->cc.cwnd};
}

/* Of a connection that is new, all that it has moved from 0. */
static const struct annotation_values *before_of(struct annotation *a, uint32_t connection)
{
    static const struct annotation_values nothing;
    const struct annotation_values *v = known(a, connection);
    return v->connection == connection ? v : &nothing;
}

static uint32_t connection_of(const struct annotation *a)
{
    for (unsigned i = 0; i < a->now_count; i++)
        if (a->now[i].event.connection && is_of(&a->now[i].event, a->local, a->remote))
            return a->now[i].event.connection;
    return 0;
}

static enum tcp_state last_state(const struct annotation *a, uint32_t connection)
{
    for (unsigned i = a->now_count; i-- > 0;)
        if (a->now[i].event.connection == connection)
            return a->now[i].event.state;
    return TCP_CLOSED;
}

static void write_text(struct annotation *a, bool received)
{
    const struct tcp_conn *c = tcb_find(&a->stack->tcp, a->local, a->remote);
    uint32_t connection = connection_of(a);
    if (c && c->id != connection)
        c = NULL;
    struct annotation_facts facts = {
        .events = a->now,
        .count = a->now_count,
        .addr = a->stack->core.config.addr,
        .received = received,
        .connection = connection,
        .state = last_state(a, connection),
        .c = c,
        .before = before_of(a, connection),
    };
    struct annotation_lines lines = {.at = a->text, .len = a->text_len, .room = sizeof a->text};
    annotation_write(&lines, &facts);
    a->text_len = lines.len;
    if (c)
        *known(a, connection) = values_of(c);
}

void annotation_incoming(struct annotation *a, const uint8_t *datagram, size_t len)
{
    struct ends p = ends_of(datagram, len);
    a->local = p.dst;
    a->remote = p.src;
    a->now_count = 0;
    a->receiving = true;
    const struct tcp_conn *c = p.protocol == IP_TCP ? tcb_find(&a->stack->tcp, a->local, a->remote) : NULL;
    if (c)
        *known(a, c->id) = values_of(c);
}

/* The headers alone: of a reply the transport's stands in the body. */
static struct ends ends_of_frame(const struct frame *f)
{
    uint8_t head[FRAME_HEAD_MAX + FRAME_HEAD_MAX];
    struct writer w = writer_of(head, sizeof head);
    size_t more = f->body[0].len < FRAME_HEAD_MAX ? f->body[0].len : FRAME_HEAD_MAX;
    put_bytes(&w, f->head, f->head_len);
    put_bytes(&w, f->body[0].at, more);
    return ends_of(head, f->head_len + more);
}

void annotation_outgoing(struct annotation *a, const struct frame *frame)
{
    struct ends p = ends_of_frame(frame);
    a->local = p.src;
    a->remote = p.dst;
    take_waiting(a, find_announced(a, &p));
    write_text(a, false);
}

const char *annotation_done(struct annotation *a)
{
    if (a->receiving)
        write_text(a, true);
    a->receiving = false;
    a->now_count = 0;
    a->text[a->text_len] = '\0';
    a->text_len = 0;
    return a->text;
}
