/* What the measuring programs share: a clock, the end with one line, arguments. */
#ifndef GLASS_BENCH_H
#define GLASS_BENCH_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double seconds_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

/* A number from least to most, or the end. */
static inline double number(const char *text, double least, double most)
{
    char *end;
    double n = strtod(text, &end);
    if (end == text || *end || !(n >= least && n <= most)) {
        fprintf(stderr, "'%s' is not a number from %g to %g\n", text, least, most);
        exit(2);
    }
    return n;
}

#endif
