/* The isolated laboratory: a network namespace of our own and, without root, a user namespace around it
 * (network_namespaces(7), user_namespaces(7)). The host's network is never touched. */
#ifndef GLASS_LAB_H
#define GLASS_LAB_H

#include <stdbool.h>

#define LAB_REASON_MAX 512

/* Which namespaces this process is in, as descriptors that another process can join. */
struct lab {
    int user_fd, net_fd;
    bool entered; /* it is ours: lab_enter made it */
};

/* The namespaces as they are. 0; or a negative errno value and the reason (LAB_REASON_MAX bytes). */
int lab_here(struct lab *lab, char *reason);

/* Moves this process into a new network namespace with `lo` up. Everything opened before stays where it was.
 * Must be called while there is one thread. As lab_here. */
int lab_enter(struct lab *lab, char *reason);

/* Moves this process into the namespaces that the descriptors stand for (-1: none); those it is in already are
 * left out. As lab_here. */
int lab_join(int user_fd, int net_fd, char *reason);

void lab_close(struct lab *lab);

#endif
