/* A client of the control socket as its server sees it, and what the files that serve it share.
 *
 *     control.c           clients come and go, their messages are read, their deadlines kept
 *     control_requests.c  what each request does
 *     control_relay.c     the relay between a client and its stack socket
 *     control_serving.c   what is said to a client, and what it is waited for
 *
 * Each calls only those below it. control.c alone frees a client, when the others have returned. */
#ifndef GLASS_CONTROL_SERVING_H
#define GLASS_CONTROL_SERVING_H

#include "control_frame.h"
#include "control_server.h"
#include "control_trace.h"

#define REQUEST_TIME SEC(10) /* to say what it wants, and again to read the answer */

enum client_state {
    CLIENT_HELLO,      /* has not said hello */
    CLIENT_REQUEST,    /* has not said what it wants */
    CLIENT_CONNECTING, /* its stack socket is opening */
    CLIENT_RELAY,      /* its stack socket is open */
    CLIENT_TRACE,      /* watches the stack until one of the two ends */
    CLIENT_DOWN,       /* waits for the stack to be gone */
    CLIENT_LAST,       /* leaves once its queue is empty */
};

struct control_client {
    struct watch watch; /* first member */
    struct task task;
    struct deadline deadline;
    struct control_server *server;
    struct control_client *next, **link;
    enum client_state state;
    pid_t pid;
    enum sock_type type;
    struct sock *sock;        /* NULL: none */
    bool said_eof, heard_eof; /* CONTROL_EOF went to the client; came from it */
    bool stalled;             /* the stack does not take the first message of the inbox */
    size_t taken;             /* bytes of that message that the stack has taken */
    struct control_trace trace;
    struct control_queue queue;
    struct control_inbox inbox;
};

/* --- control_requests.c --- */

/* A message of a client that is no relay (yet): does what it asks for, in CLIENT_HELLO and CLIENT_REQUEST. */
void control_request(struct control_client *c, const struct control_message *m);

/* --- control_relay.c --- */

/* Opens the client's stack socket and connects it: CLIENT_CONNECTING, then CLIENT_RELAY. A failure is told and ends the
 * client. */
void control_relay_open(struct control_client *c, enum sock_type type, struct endpoint remote);

/* News of the socket in CLIENT_CONNECTING: it is open, or never will be. */
void control_relay_answered(struct control_client *c, unsigned events);

/* A message in CLIENT_RELAY. True when it is done with; false: it has to wait for the stack. */
bool control_relay_message(struct control_client *c, const struct control_message *m);

/* Writes the client's queue out and, in CLIENT_RELAY, refills it from the stack: reads on only when the client has
 * taken what there was. Ends with an empty queue and nothing to read, or with a queue that waits for room: whoever makes
 * one or the other wakes us. The client is gone when false. */
bool control_relay_pull(struct control_client *c);

/* The socket has an error, and nobody receives any more who would notice. */
void control_relay_lost(struct control_client *c);

/* --- control_serving.c --- */

/* Queues one message; false when the client has too much waiting, or there is no memory. */
bool client_say(struct control_client *c, enum control_type type, const void *body, size_t length);

/* CONTROL_ERROR: `error` is a positive errno value. */
void client_say_error(struct control_client *c, int error, const char *text);

/* The rest of this client's life is reading what is queued for it. After a relay it may take its time: those are the
 * last bytes of a stream. */
void client_leave(struct control_client *c);

/* An error, and no more. */
void client_refuse(struct control_client *c, int error, const char *text);

/* Refused for what it sent; its connection is reset. */
void client_misbehaved(struct control_client *c);

/* Whether its state allows for messages from it, and whether they are read now. */
bool client_serves_input(const struct control_client *c);
bool client_is_read(const struct control_client *c);

/* Tells the loop what to wait for: always the client's going away; its messages unless one is stuck; room when something
 * waits. 0 or a negative errno value. */
int client_watch(struct control_client *c);

#endif
