/* The next segment of a connection: what to send, and its headers. */
#ifndef GLASS_TCP_OUTPUT_H
#define GLASS_TCP_OUTPUT_H

#include "frame.h"
#include "tcb.h"

/* The next segment of the next marked connection; connections take turns. False: none has anything to send now. */
bool tcp_output(struct tcp *tcp, struct frame *frame);

#endif
