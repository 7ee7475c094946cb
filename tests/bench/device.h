/* The TUN device of the reference programs: 10.7.0.1/24 is the kernel's end, they play 10.7.0.2, as glass does.
 * Made by plain system calls, so that nothing of what is measured is shared. */
#ifndef GLASS_BENCH_DEVICE_H
#define GLASS_BENCH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define DEVICE_KERNEL 0x0a070001u
#define DEVICE_OURS   0x0a070002u
#define DEVICE_MTU    1500

/* An open, non-blocking descriptor, up and with its address; with `offload` each frame has a virtio-net header and
 * may be a super-segment. Ends the program when it cannot. */
int device_make(bool offload);

/* The sum of RFC 1071 over bytes in memory order, not yet folded; and folded. */
uint64_t device_sum(const void *bytes, uint32_t len, uint64_t sum);
uint16_t device_fold(uint64_t sum);

#endif
