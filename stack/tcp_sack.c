/* SACK at the sender. */
#include "tcp_sack.h"

static struct range block_of(const struct tcp_conn *c, const struct tcp_sack_block *b)
{
    return (struct range){.left = seq_unwrap(b->left, c->iss, c->snd.una),
                          .right = seq_unwrap(b->right, c->iss, c->snd.una)};
}

/* RFC 2883 4: a first block below the ACK, or inside the second block, reports a duplicate. */
static bool is_duplicate_report(const struct tcp_conn *c, const struct tcp_segment *seg, struct range first)
{
    if (first.right <= seg->ack)
        return true;
    if (seg->header->options.sack_count < 2)
        return false;
    struct range second = block_of(c, &seg->header->options.sack[1]);
    return second.left <= first.left && first.right <= second.right;
}

/* So many retransmissions were needless. */
static void take_back(struct flight *f, uint32_t segments)
{
    f->undo_resent -= segments < f->undo_resent ? segments : f->undo_resent;
}

/* A D-SACK is believed about what this recovery sent again, and no further: RFC 2883 gives no more. */
static void duplicate_reported(struct tcp_conn *c, struct range twice, struct delivery *d)
{
    struct flight *f = c->snd.flight;
    core_count(c->tcp->core, COUNT_TCP_DSACK_IN);
    if (twice.left >= twice.right || twice.right > c->snd.nxt || twice.right - twice.left > c->snd.max_wnd)
        return;
    d->duplicate = true;
    if (f && f->undo_una && twice.left >= f->undo_una && f->undo_resent > 0)
        take_back(f, tcb_segments(c, twice.right - twice.left));
}

void sack_input(struct tcp_conn *c, const struct tcp_segment *seg, struct delivery *d)
{
    const struct tcp_options *o = &seg->header->options;
    if (!c->sack_ok)
        return;
    for (unsigned i = 0; i < o->sack_count; i++) {
        struct range r = block_of(c, &o->sack[i]);
        if (i == 0 && is_duplicate_report(c, seg, r)) {
            duplicate_reported(c, r, d);
            continue;
        }
        if (r.left >= r.right || r.left <= c->snd.una || r.right > c->snd.nxt || !c->snd.flight) {
            core_count(c->tcp->core, COUNT_TCP_SACK_IGNORED);
            continue;
        }
        flight_sacked(c, r.left, r.right, d);
    }
}

/* A transmission is lost when three that left after it, or more than two segments' bytes, have arrived. */
void sack_detect_loss(struct tcp_conn *c)
{
    struct flight *f = c->snd.flight;
    uint32_t above = 0, runs = 0;
    bool in_run = false;
    for (uint16_t i = f ? f->count : 0; i-- > 0;) {
        struct sent *s = flight_at(f, i);
        if (s->sacked) {
            above += s->len;
            runs += !in_run;
        } else if (!s->resent &&
                   (above > (TCP_DUPACK_THRESHOLD - 1u) * c->snd.mss || runs >= TCP_DUPACK_THRESHOLD)) {
            flight_mark_lost(f, s);
        }
        in_run = s->sacked;
    }
}
