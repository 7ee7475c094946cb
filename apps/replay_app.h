/* The application of a replayed side: it is told what the capture's had done by now, and does the same through the
 * socket calls, as far as our stack lets it. Used by replay_run.c. */
#ifndef GLASS_REPLAY_APP_H
#define GLASS_REPLAY_APP_H

#include "replay.h"

#define REPLAY_SOCKETS 64 /* UDP ports and echo identifiers of one conversation */

struct replay_app {
    struct stack *stack;
    const struct replay_flow *flow;
    struct sock *listener, *s;
    int life; /* whose connection `s` is */
    int64_t wrote, have_read;             /* positions */
    int64_t write_to, read_to;            /* where the capture's stood by now */
    uint32_t bound;                       /* of the receive buffer; 0: as it is */
    uint32_t buffer, margin;              /* it was bounded by this last; by how much ours is larger */
    bool close, closed;
    struct sock *datagram[REPLAY_SOCKETS]; /* UDP and ping sockets */
    unsigned datagrams;
};

void replay_app_init(struct replay_app *a, struct stack *stack, const struct replay_flow *flow);

/* What step `s` says the application did; `before`: before the frame left. */
void replay_app_told(struct replay_app *a, const struct replay_step *s);
void replay_app_expecting(struct replay_app *a, const struct replay_step *s); /* before it arrives */

/* Two full segments more of receive buffer: enough for the window to move (RFC 9293 3.8.6.2.2). */
void replay_app_widen(struct replay_app *a);

/* Does what is due and possible now. */
void replay_app_work(struct replay_app *a);

/* A UDP datagram or an echo request, whole. */
void replay_app_datagram(struct replay_app *a, uint8_t protocol, struct endpoint from, struct endpoint to,
                         struct span text);
void replay_app_expect(struct replay_app *a, uint8_t protocol, struct endpoint local);

/* What step `at` of the conversation sent, unless the stack sends it by itself; and the sockets that take what comes. */
void replay_send_datagram(struct replay_app *a, const struct replay_flow *f, size_t at);
void replay_expect_datagrams(struct replay_app *a, struct replay_flow *f);

#endif
