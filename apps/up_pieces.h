/* Everything that a running stack consists of, and what the files of `glass up` share.
 *
 *     up.c          says where the stack is, and runs it
 *     up_pieces.c   builds the pieces and takes them down
 *     up_closing.c  what makes it close, in order
 *
 * Each calls only those below it. */
#ifndef GLASS_UP_PIECES_H
#define GLASS_UP_PIECES_H

#include "../tun/capture.h"
#include "../tun/lab.h"
#include "../tun/link.h"
#include "../tun/soft_offload.h"
#include "../tun/tun.h"
#include "annotation.h"
#include "control_path.h"
#include "control_server.h"
#include "observers.h"
#include "trace_text.h"
#include "up.h"

/* Each piece knows how to be taken down whether or not it was built: descriptors begin as -1. */
struct up {
    struct up_config config;
    struct control_listener listener;
    struct capture capture;
    struct lab lab;
    struct device device;
    struct link link; /* before the device, with --link; otherwise, when it has no offload, ... */
    struct soft_offload soft_offload;
    struct device *way; /* what the loop reads and writes: one of these three */
    struct stack stack;
    struct observers observers; /* of the stack; see observers.h for how to join */
    struct observer trace;      /* --trace */
    struct trace_style trace_style;
    struct observer asked;        /* config.observe */
    struct annotation annotation; /* --pcap FILE.pcapng */
    struct observer annotator;
    struct loop loop;
    struct services *services;
    struct control_server server;
    struct watch signals;
    struct deadline patience;
    usec started;
    FILE *out; /* what people read; standard error when the capture is on standard output */
    bool has_stack, has_loop, has_server;
    bool closing, finished;
    int status; /* the program's, as far as it is known */
};

/* --- up_pieces.c --- */

/* Builds every piece; false after one line on standard error, with what was built left for up_take_down. */
bool up_build(struct up *up);
void up_take_down(struct up *up);

/* "glass up: WHAT" on standard error, with the reason of a negative errno value. -1. */
int up_say(const char *what);
int up_say_error(const char *what, int error);

/* --- up_closing.c --- */

/* Services and clients are closed in order, and peers have some time to finish; harmless when it has begun already. */
void up_begin_closing(struct up *up);

/* For `signals`: the first Ctrl-C closes in order, the second at once. */
void up_signal_came(struct watch *watch, uint32_t events);

/* For `patience`: peers had their time. */
void up_patience_ended(struct deadline *patience);

#endif
