/* The retransmission queue: a record for each transmission that is not yet acknowledged, in order of position.
 *
 * It knows what is outstanding, sacked and believed lost, not why. tcp_sack.c and tcp_rack.c mark, tcp_loss.c decides,
 * tcp_output.c sends. It exists only while something is outstanding. */
#ifndef GLASS_TCP_FLIGHT_H
#define GLASS_TCP_FLIGHT_H

#include "tcp_segment.h"

/* What one ACK delivered. */
struct delivery {
    uint32_t bytes;      /* newly acknowledged or sacked */
    uint32_t acked;      /* of these, by SND.UNA */
    usec sent_at;        /* when the newest transmission among them left that was on the wire but once; NEVER: none */
    bool duplicate;      /* a D-SACK came along */
    bool sacked;         /* a SACK block told something new */
    bool resent;         /* something among them had been sent again */
};

/* Room to record one more transmission (allocates). False: do not send now. */
bool flight_reserve(struct tcp_conn *c);

/* [SND.NXT, SND.NXT + len) leaves for the first time; SND.NXT advances. After flight_reserve. */
void flight_sent(struct tcp_conn *c, uint32_t len);

/* Adds `len` new bytes to a lost transmission that is the last one, so that both leave in one segment; SND.NXT
 * advances. */
void flight_extend(struct tcp_conn *c, struct sent *s, uint32_t len);

/* The first `len` bytes of a lost transmission leave again. Without memory to split its record all of it counts as sent;
 * what was not is found lost again. */
void flight_resent(struct tcp_conn *c, struct sent *s, uint32_t len);

/* SND.UNA moved: forgets the records below it. */
void flight_acked(struct tcp_conn *c, struct delivery *d);

/* [left, right) arrived, says a SACK block; records are split at its ends. */
void flight_sacked(struct tcp_conn *c, int64_t left, int64_t right, struct delivery *d);

/* The first transmission that is believed lost and still to be sent again, or NULL. */
struct sent *flight_next_lost(const struct tcp_conn *c);

/* The last one, whatever is known of it, or NULL. */
struct sent *flight_last(const struct tcp_conn *c);

/* The first and the last segment that are outstanding: records of super-segments are split for them. NULL: nothing is
 * outstanding, or there is no memory. */
struct sent *flight_first_segment(struct tcp_conn *c);
struct sent *flight_last_segment(struct tcp_conn *c);

void flight_mark_lost(struct flight *f, struct sent *s);
void flight_mark_older_lost(struct tcp_conn *c, usec time); /* what left before, and is not sacked */
void flight_forget_sacks(struct tcp_conn *c);  /* RFC 2018 8: the receiver may have thrown them away */

/* Bytes believed to be in the network, RFC 6675 4 "pipe": outstanding, less sacked, less lost; without SACK less a
 * segment for each duplicate ACK, which says that one has arrived (RFC 5681's inflation of cwnd from the other side). */
uint32_t flight_pipe(const struct tcp_conn *c);

/* Where the record that covers `position` stands in the array, or count. */
uint16_t flight_index(const struct flight *f, int64_t position);

/* Gives the memory back: when nothing is outstanding, or at the connection's end. */
void flight_free(struct tcp_conn *c);
void flight_free_spares(struct tcp *tcp);

static inline struct sent *flight_at(const struct flight *f, uint16_t i)
{
    return &f->at[f->first + i];
}

#endif
