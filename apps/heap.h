/* The C library's heap as a stack's memory hooks: for every stack that is not a test of what happens without memory. */
#ifndef GLASS_HEAP_H
#define GLASS_HEAP_H

#include "../stack/config.h"

extern const struct stack_memory heap_memory;

#endif
