/* Offload for a device that has none: the stack makes and takes super-segments, the device single ones (segment.h). What
 * travels is the same.
 *
 * While somebody watches, a capture or an observer, the stack makes each segment itself and gets each as it came:
 * then the loop says so in device.watched, and nothing is cut or joined. The checksums are made here all the same. */
#ifndef GLASS_SOFT_OFFLOAD_H
#define GLASS_SOFT_OFFLOAD_H

#include "tun.h"

struct soft_offload {
    struct device device; /* first: what the loop reads and writes */
    struct device *inner;
    uint8_t *segment;  /* one that leaves */
    uint8_t *aside;    /* one that was read and did not continue what came before it: it is the next ... */
    ssize_t aside_len; /* ... or the error that was read, negative; 0: none */
};

/* Stands before `inner`, which must be open, without offload. 0 or -ENOMEM. */
int soft_offload_open(struct soft_offload *soft, struct device *inner);

/* One that was never opened is allowed. */
void soft_offload_close(struct soft_offload *soft);

#endif
