/* A core for tests of single parts: malloc behind the hooks, and the fail_at-th allocation fails. */
#ifndef GLASS_TEST_MEMORY_H
#define GLASS_TEST_MEMORY_H

#include "../../stack/core.h"

#include <stdlib.h>

static long memory_calls, memory_fail_at;

static inline void *memory_allocate(void *context, size_t size)
{
    (void)context;
    return ++memory_calls == memory_fail_at ? NULL : malloc(size);
}

static inline void memory_release(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    free(at);
}

static inline void memory_core(struct core *core)
{
    struct stack_config config;
    stack_config_init(&config);
    config.memory = (struct stack_memory){memory_allocate, memory_release, NULL};
    memory_calls = memory_fail_at = 0;
    core_init(core, &config, 0);
}

#endif
