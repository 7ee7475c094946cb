/* malloc and free behind the core's two hooks. Used by up_pieces.c, replay_run.c and the tests. */
#include "heap.h"

#include <stdlib.h>

static void *allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void release(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    free(at);
}

const struct stack_memory heap_memory = {allocate, release, NULL};
