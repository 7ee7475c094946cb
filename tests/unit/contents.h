/* What a file holds, for tests that compare it byte by byte. */
#ifndef TEST_CONTENTS_H
#define TEST_CONTENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

/* Its first bytes, no more than `room`: how many. */
static inline size_t contents(const char *path, uint8_t *to, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, room, f);
    fclose(f);
    return n;
}

#endif
