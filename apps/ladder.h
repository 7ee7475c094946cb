/* A connection as a ladder diagram (RFC 9293 3.5, figures 6 to 12, turned upright): time runs down, one end
 * on the left, one on the right, an arrow for each segment.
 *
 *     |--- SYN --------------->|   sent, and arrived before anything else happened
 *     |--- SYN ----------- ... |   still on its way while something else happened ...
 *     | ... SYN -------------->|   ... and here it arrives
 *     |--- SYN ---------X      |   lost on the way; (X): it seems lost, for it was sent again
 *     | ??? RST -------------->|   arrived, but the other end did not send it
 *
 * Drawn from the records of one stack (it stands on the right; the peer's states are inferred, and in
 * parentheses), from those of both (a laboratory: everything is known), or from a capture (ladder_capture.h).
 */
#ifndef GLASS_LADDER_H
#define GLASS_LADDER_H

#include <stdio.h>
#include "record.h"

/* A sentence between two records, across the whole width. */
struct ladder_remark {
    unsigned before; /* the record with that index */
    usec at;
    const char *text; /* at most LADDER_REMARK_MAX bytes are shown */
};

#define LADDER_REMARK_MAX 191

struct ladder_style {
    unsigned width; /* columns, at least LADDER_WIDTH */
    unsigned fold;  /* a longer run of plain segments is folded; 0: never */
    bool colour;
    bool explain;  /* the rule under what it decided, every call, every change of the congestion window */
    bool unicode;  /* lines and arrows are UTF-8 */
    bool absolute; /* sequence numbers as on the wire */
    bool tags;     /* "#2" at everything, even when only one connection is known so far */
    const char *name[2]; /* what stands above the left and the right end; NULL: what is known of it */
    const struct ladder_remark *remark; /* for a whole log, in the order of `before` */
    unsigned remarks;
};

#define LADDER_WIDTH 80
#define LADDER_FOLD  12

/* The whole log as one ladder, or only one conversation of it: of one stack's log the stack's own number, of
 * two stacks' log counted from 1 as the conversations begin; 0: all of them, told apart by "#2" when there
 * are several. False when memory is short or there is nothing to draw. */
bool ladder_print(FILE *out, const struct record_log *log, uint32_t connection,
                  const struct ladder_style *style);

/* The same as a picture: standalone SVG 1.1 with one style sheet for light and dark. `title` may be NULL. */
bool ladder_svg(FILE *out, const struct record_log *log, uint32_t connection,
                const struct ladder_style *style, const char *title);

/* The stack's number of the latest connection to its `port` that has a segment in the log; 0: none. */
uint32_t ladder_find(const struct record_log *log, uint16_t port);

/* What whoever plays the wire adds to the log, with the sender's side, when it loses a datagram: a segment
 * then is drawn as lost for certain, and at once. Without, one that never arrives is. */
struct event ladder_lost(usec now, const uint8_t *datagram, size_t len);

/* A ladder that grows while it happens: records in, rows out as soon as they are finished. */
struct ladder_stream;

/* `both`: records of two stacks will come. NULL: memory is short. */
struct ladder_stream *ladder_stream_open(FILE *out, bool both, const struct ladder_style *style);
/* Only the conversation with that number, or those with that port at one end; 0: whatever it is. */
void ladder_stream_choose(struct ladder_stream *s, uint32_t connection, uint16_t port);
void ladder_stream_add(struct ladder_stream *s, const struct record *r);

void ladder_stream_remark(struct ladder_stream *s, usec at, const char *text);

/* Writes the rows that wait for what comes next, as when nothing has come for a while. What is then on its
 * way arrives on a row of its own. */
void ladder_stream_flush(struct ladder_stream *s);
void ladder_stream_close(struct ladder_stream *s); /* flushes; NULL is fine */

/* The peer's state, as far as segments tell. */
struct ladder_peer {
    enum tcp_state state;
    bool known;
    int64_t fin, our_fin; /* positions of its FIN and of ours, -1: not sent */
};

void ladder_peer_init(struct ladder_peer *peer);
void ladder_peer_sent(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack);
void ladder_peer_got(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack);

#endif
