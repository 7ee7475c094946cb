/* Prints a connection as a ladder diagram. RFC 9293 3.5 draws them lying down.
 *
 * Owns the picture: which event belongs to which arrow, which runs are folded, which column holds what.
 * demo.c calls it; ladder_log.c made the records. */
#include "ladder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../stack/seq.h"

#define STATES_MAX  3 /* that one segment can lead us through: SYN-RECEIVED, ESTABLISHED, CLOSE-WAIT */
#define MOVES       (TCP_SYN | TCP_FIN | TCP_RST) /* segments of ours that change our state */
#define TIME_COLUMN 10                            /* columns: milliseconds and a blank */
#define SIDE_COLUMN 13                            /* a state and a blank */
#define FOLD_HEAD   4                             /* segments shown before a fold, and behind it */
#define FOLD_TAIL   2

/* One rung: a segment with what it changed, or a change that no segment brought. */
struct rung {
    const struct ladder_record *record;
    int64_t seq, ack;
    enum tcp_state ours[STATES_MAX], peer;
    unsigned ours_count;
    bool peer_changed;
};

struct ladder {
    FILE *out;
    const struct ladder_style *style;
    struct rung *rungs;
    size_t count;
    const struct ladder_record *pending[STATES_MAX]; /* state changes that wait for their segment */
    unsigned pending_count;
    struct endpoint local, remote;
    enum tcp_state first_state;
    uint32_t iss, irs;
    int64_t last_seq, last_ack; /* of what we sent */
    bool has_state;
};

static bool is_segment(const struct ladder_record *r)
{
    return r->kind == EVENT_SEGMENT_IN || r->kind == EVENT_SEGMENT_OUT;
}

/* --- from records to rungs --- */

static struct rung *add_rung(struct ladder *l, const struct ladder_record *r)
{
    struct rung *rung = &l->rungs[l->count++];
    *rung = (struct rung){.record = r, .seq = r->seq, .ack = r->ack};
    return rung;
}

static void add_state(struct rung *rung, uint8_t state)
{
    if (rung->ours_count < STATES_MAX)
        rung->ours[rung->ours_count++] = (enum tcp_state)state;
}

/* Changes that no segment explains (a call, a timer) stand on a rung of their own. */
static void flush_pending(struct ladder *l)
{
    for (unsigned i = 0; i < l->pending_count; i++)
        add_state(add_rung(l, l->pending[i]), l->pending[i]->to);
    l->pending_count = 0;
}

static bool takes_pending(const struct ladder_record *r)
{
    return (r->flags & TCP_SYN) || (r->kind == EVENT_SEGMENT_OUT && (r->flags & MOVES));
}

/* A close changes our state first, then its FIN leaves: one rung. */
static void take_pending(struct ladder *l, struct rung *rung)
{
    for (unsigned i = 0; i < l->pending_count; i++)
        add_state(rung, l->pending[i]->to);
    l->pending_count = 0;
}

/* A RST, and what TIME-WAIT sends and receives, have no connection: their numbers are the wire's. */
static void relate(struct ladder *l, struct rung *rung)
{
    const struct ladder_record *r = rung->record;
    bool out = r->kind == EVENT_SEGMENT_OUT;
    if (r->connection != 0) {
        l->iss = out ? r->wire_seq - (uint32_t)r->seq : l->iss;
        l->irs = out ? l->irs : r->wire_seq - (uint32_t)r->seq;
    } else if (out) {
        rung->seq = seq_unwrap((struct wireseq){r->wire_seq}, l->iss, l->last_seq);
        rung->ack = seq_unwrap((struct wireseq){r->wire_ack}, l->irs, l->last_ack);
    } else {
        rung->seq = seq_unwrap((struct wireseq){r->wire_seq}, l->irs, l->last_ack);
        rung->ack = seq_unwrap((struct wireseq){r->wire_ack}, l->iss, l->last_seq);
    }
    if (out) {
        l->last_seq = rung->seq + r->len;
        l->last_ack = rung->ack;
    }
}

static void add_segment(struct ladder *l, const struct ladder_record *r)
{
    if (!takes_pending(r) && r->kind == EVENT_SEGMENT_IN)
        flush_pending(l);
    struct rung *rung = add_rung(l, r);
    relate(l, rung);
    if (takes_pending(r))
        take_pending(l, rung);
}

/* `before` is the record before this one, NULL at the start. */
static void add_change(struct ladder *l, const struct ladder_record *r, const struct ladder_record *before)
{
    bool has_cause = before && (before->kind == EVENT_SEGMENT_IN || before->kind == EVENT_STATE ||
                                before->kind == EVENT_TIMER_FIRED ||
                                (before->kind == EVENT_SEGMENT_OUT && (before->flags & MOVES)));
    bool is_new_listener =
        !l->has_state && r->to == TCP_LISTEN; /* a passive open's connection begins there */
    if (!l->has_state)
        l->first_state = (enum tcp_state)(is_new_listener ? r->to : r->from);
    l->has_state = true;
    if (is_new_listener)
        return;
    if (has_cause && l->pending_count == 0 && l->count > 0)
        add_state(&l->rungs[l->count - 1], r->to);
    else if (l->pending_count < STATES_MAX)
        l->pending[l->pending_count++] = r;
}

static bool is_worth_a_rung(enum tcp_timer timer)
{
    return timer != TCP_TIMER_DELAYED_ACK;
}

static bool same_endpoint(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

/* A record of this connection, or a segment without one between the same ends, once it had begun. */
static bool belongs(const struct ladder *l, const struct ladder_record *r, uint32_t connection)
{
    if (r->connection != 0 || !is_segment(r))
        return r->connection == connection;
    return l->count > 0 && same_endpoint(r->local, l->local) && same_endpoint(r->remote, l->remote);
}

static void collect(struct ladder *l, const struct ladder_log *log, unsigned count, uint32_t connection)
{
    const struct ladder_record *before = NULL;
    for (unsigned i = 0; i < count; i++) {
        const struct ladder_record *r = &log->record[i];
        if (!belongs(l, r, connection))
            continue;
        if (is_segment(r)) {
            l->local = r->local;
            l->remote = r->remote;
            add_segment(l, r);
        } else if (r->kind == EVENT_STATE) {
            add_change(l, r, before);
        } else if (r->kind == EVENT_TIMER_FIRED && is_worth_a_rung((enum tcp_timer)r->timer)) {
            flush_pending(l);
            add_rung(l, r);
        }
        before = r;
    }
    flush_pending(l);
}

static void infer_peer(struct ladder *l)
{
    struct ladder_peer peer;
    ladder_peer_init(&peer);
    for (size_t i = 0; i < l->count; i++) {
        struct rung *rung = &l->rungs[i];
        const struct ladder_record *r = rung->record;
        struct ladder_peer was = peer;
        if (r->kind == EVENT_SEGMENT_IN)
            ladder_peer_sent(&peer, r->flags, rung->seq, r->len, rung->ack);
        else if (r->kind == EVENT_SEGMENT_OUT)
            ladder_peer_got(&peer, r->flags, rung->seq, r->len, rung->ack);
        rung->peer = peer.state;
        rung->peer_changed = peer.known && (!was.known || was.state != peer.state);
    }
}

/* --- from rungs to text --- */

enum colour { DIM = 2, BOLD = 1, RED = 31, GREEN = 32, YELLOW = 33, CYAN = 36 };

static void paint(const struct ladder *l, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void paint(const struct ladder *l, enum colour colour, const char *format, ...)
{
    va_list list;
    if (l->style->colour)
        fprintf(l->out, "\033[%dm", colour);
    va_start(list, format);
    vfprintf(l->out, format, list);
    va_end(list);
    if (l->style->colour)
        fputs("\033[0m", l->out);
}

static int span_columns(const struct ladder *l)
{
    return (int)l->style->width - TIME_COLUMN - 2 * SIDE_COLUMN - 2;
}

static usec start_of(const struct ladder *l)
{
    return l->rungs[0].record->time;
}

/* What stands left of the span: the time (or none) and the peer's state (or NULL). */
static void left_margin(const struct ladder *l, const struct ladder_record *timed, const char *peer)
{
    if (timed)
        paint(l, DIM, "%*.3f ", TIME_COLUMN - 1, (double)(timed->time - start_of(l)) / 1000);
    else
        fprintf(l->out, "%*s", TIME_COLUMN, "");
    paint(l, CYAN, "%-*s", SIDE_COLUMN, peer ? peer : "");
    fputc('|', l->out);
}

static void right_margin(const struct ladder *l, const char *ours)
{
    fputc('|', l->out);
    if (ours)
        paint(l, BOLD, " %s", ours);
    fputc('\n', l->out);
}

/* A line without an arrow. */
static void text_line(const struct ladder *l, const struct ladder_record *timed, const char *text,
                      const char *ours)
{
    left_margin(l, timed, NULL);
    fprintf(l->out, "%-*s", span_columns(l), text);
    right_margin(l, ours);
}

static const char *our_state(const struct rung *rung, unsigned i)
{
    return i < rung->ours_count ? tcp_state_name(rung->ours[i]) : NULL;
}

static void flags_text(uint8_t flags, char to[40])
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {
        {TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
        {TCP_URG, "URG"}, {TCP_ACK, "ACK"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"},
    };
    to[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag) {
            strcat(to, to[0] ? "," : "");
            strcat(to, names[i].name);
        }
    if (to[0] == '\0')
        strcpy(to, "none");
}

static enum colour flags_colour(const struct ladder_record *r)
{
    if ((r->flags & TCP_RST) || r->retransmitted)
        return RED;
    return r->flags & (TCP_SYN | TCP_FIN) ? YELLOW : GREEN;
}

static void dashes(const struct ladder *l, int count)
{
    for (int i = 0; i < count; i++)
        fputc('-', l->out);
}

/* "--- PSH,ACK  len 75 ------------->" or "<-- SYN,ACK ----------". */
static void arrow(const struct ladder *l, const struct ladder_record *r)
{
    char flags[40], label[80];
    bool right = r->kind == EVENT_SEGMENT_IN;
    flags_text(r->flags, flags);
    int len = snprintf(label, sizeof label, " %s", flags);
    if (r->len > 0)
        len += snprintf(label + len, sizeof label - (size_t)len, "  len %u", r->len);
    len += snprintf(label + len, sizeof label - (size_t)len, "%s ", r->retransmitted ? "  again" : "");
    fputs(right ? "---" : "<--", l->out);
    paint(l, flags_colour(r), "%s", label);
    dashes(l, span_columns(l) - 3 - len - (right ? 1 : 0));
    fputs(right ? ">" : "", l->out);
}

static void print_segment(const struct ladder *l, const struct rung *rung)
{
    char seq[32], ack[32] = "", numbers[96];
    const struct ladder_record *r = rung->record;
    left_margin(l, r, rung->peer_changed ? tcp_state_name(rung->peer) : NULL);
    arrow(l, r);
    right_margin(l, our_state(rung, 0));
    snprintf(seq, sizeof seq, "seq %lld", (long long)rung->seq);
    if (r->flags & TCP_ACK)
        snprintf(ack, sizeof ack, "ack %lld", (long long)rung->ack);
    snprintf(numbers, sizeof numbers, "    %-12s %-12s win %u", seq, ack, r->window);
    text_line(l, NULL, numbers, our_state(rung, 1));
    for (unsigned i = 2; i < rung->ours_count; i++)
        text_line(l, NULL, "", our_state(rung, i));
}

static void print_rung(const struct ladder *l, const struct rung *rung)
{
    char text[64];
    if (is_segment(rung->record)) {
        print_segment(l, rung);
    } else if (rung->record->kind == EVENT_TIMER_FIRED) {
        int len = snprintf(text, sizeof text, "the %s timer went off ",
                           tcp_timer_name((enum tcp_timer)rung->record->timer));
        left_margin(l, rung->record, NULL);
        fprintf(l->out, "%*s", span_columns(l) - len, "");
        paint(l, RED, "%s", text);
        right_margin(l, our_state(rung, 0));
    } else {
        text_line(l, rung->record, "", our_state(rung, 0));
    }
}

/* --- folding --- */

/* A segment that only carries on: nothing a student has not just seen. */
static bool is_plain(const struct rung *rung)
{
    const struct ladder_record *r = rung->record;
    return is_segment(r) && !(r->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)) && !r->retransmitted &&
           rung->ours_count == 0 && !rung->peer_changed;
}

static size_t plain_run(const struct ladder *l, size_t from)
{
    size_t n = 0;
    while (from + n < l->count && is_plain(&l->rungs[from + n]))
        n++;
    return n;
}

/* Counts what goes one way in a fold, and says it. */
static void fold_line(const struct ladder *l, size_t from, size_t n, enum event_kind way)
{
    char text[96];
    size_t data = 0, acks = 0;
    uint64_t bytes = 0;
    for (size_t i = from; i < from + n; i++) {
        const struct ladder_record *r = l->rungs[i].record;
        if (r->kind != way)
            continue;
        bytes += r->len;
        data += r->len > 0;
        acks += r->len == 0;
    }
    const char *mark = way == EVENT_SEGMENT_OUT ? "<--" : "-->";
    if (data > 0)
        snprintf(text, sizeof text, "%s ... %zu data segments, %llu bytes", mark, data,
                 (unsigned long long)bytes);
    else
        snprintf(text, sizeof text, "%s ... %zu ACKs", mark, acks);
    if (data + acks == 0)
        return;
    left_margin(l, NULL, NULL);
    paint(l, DIM, "%-*s", span_columns(l), text);
    right_margin(l, NULL);
}

static void print_run(const struct ladder *l, size_t from, size_t n)
{
    bool folds = l->style->fold > 0 && n > l->style->fold && n > FOLD_HEAD + FOLD_TAIL + 1;
    size_t head = folds ? FOLD_HEAD : n, tail = folds ? FOLD_TAIL : 0;
    for (size_t i = 0; i < head; i++)
        print_rung(l, &l->rungs[from + i]);
    if (folds) {
        fold_line(l, from + head, n - head - tail, EVENT_SEGMENT_OUT);
        fold_line(l, from + head, n - head - tail, EVENT_SEGMENT_IN);
    }
    for (size_t i = n - tail; i < n; i++)
        print_rung(l, &l->rungs[from + i]);
}

static void endpoint_text(struct endpoint e, char to[24])
{
    snprintf(to, 24, "%u.%u.%u.%u:%u", e.addr >> 24, e.addr >> 16 & 255, e.addr >> 8 & 255, e.addr & 255,
             e.port);
}

static void print_head(const struct ladder *l)
{
    char local[24], remote[24];
    int width = (int)l->style->width;
    endpoint_text(l->local, local);
    endpoint_text(l->remote, remote);
    int middle = width - TIME_COLUMN - (int)strlen(local);
    fprintf(l->out, "%*s%-*s%s\n", TIME_COLUMN, "", middle, remote, local);
    middle = width - TIME_COLUMN - (int)strlen("this stack");
    paint(l, DIM, "%*s %-*sthis stack", TIME_COLUMN - 1, "ms", middle, "the peer, inferred");
    fputc('\n', l->out);
    text_line(l, NULL, "", l->has_state ? tcp_state_name(l->first_state) : NULL);
}

static void print_all(const struct ladder *l)
{
    print_head(l);
    for (size_t i = 0; i < l->count;) {
        size_t n = plain_run(l, i);
        if (n > 0)
            print_run(l, i, n);
        else
            print_rung(l, &l->rungs[i++]);
        i += n;
    }
}

bool ladder_print(FILE *out, const struct ladder_log *log, uint32_t connection,
                  const struct ladder_style *style)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire);
    struct ladder_style wide = *style;
    struct ladder l = {.out = out, .style = &wide};
    if (wide.width < LADDER_WIDTH)
        wide.width = LADDER_WIDTH;
    /* A record makes at most one rung. */
    l.rungs = calloc(count ? count : 1, sizeof *l.rungs);
    if (!l.rungs)
        return false;
    collect(&l, log, count, connection);
    infer_peer(&l);
    if (l.count > 0)
        print_all(&l);
    free(l.rungs);
    return l.count > 0;
}
