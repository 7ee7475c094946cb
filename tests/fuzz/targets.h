/* The fuzz targets: each takes any bytes, plays what they say and asserts that all invariants hold. Linked into
 * libFuzzer by entry.c, and without it by replay.c. */
#ifndef FUZZ_TARGETS_H
#define FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGETS(X)                                                                                      \
    X(datagram) /* raw datagrams to a stack that has a socket in every state */                              \
    X(segment)  /* a peer that knows the protocol, and mutates its segments */                               \
    X(fragment) /* fragments of datagrams, in any order, overlapping */                                      \
    X(icmp)     /* ICMP errors that quote what was really sent */                                            \
    X(http)     /* request heads, paths, ranges, chunks */                                                   \
    X(httpd)    /* whole requests to the HTTP server, over TCP */                                            \
    X(options)  /* TCP headers and options */                                                                \
    X(join)     /* a device's segments, joined and cut again */                                             \
    X(capture)  /* capture files, pcap and pcapng */                                                         \
    X(trace)    /* a datagram as the trace shows it */                                                       \
    X(ladder)   /* ladders of capture files and of records */                                                \
    X(replay)   /* captures, replayed */                                                                     \
    X(calls)    /* socket calls on two stacks, a bad wire and failing memory between them */

#define X(name) void fuzz_##name(const uint8_t *bytes, size_t len);
FUZZ_TARGETS(X)
#undef X

#endif
