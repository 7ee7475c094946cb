/* Writes what the capturing host saw.
 *
 * Owns the files. Called by lab_command.c. */
#include "stage_pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tun/capture.h"
#include "stage_readme.h"

int stage_pcap_write(const struct stage *st, const char *path)
{
    struct capture c;
    int error =
        capture_open(&c, path, STAGE_EPOCH - SEC(1)); /* the laboratory's clock begins at one second */
    if (error < 0)
        return error;
    for (size_t i = 0; i < st->seen_count; i++) {
        struct iovec part = {st->seen[i].bytes, st->seen[i].len};
        capture_packet(&c, st->seen[i].time, &part, 1);
    }
    return capture_close(&c);
}

static bool open_in(const char *directory, const char *name, FILE **file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    *file = fopen(path, "we");
    if (!*file)
        fprintf(stderr, "glass lab: %s: %s\n", path, strerror(errno));
    return *file;
}

static bool one(const char *directory, const struct scenario *s, FILE *readme, FILE *expected)
{
    char path[4096];
    struct stage_sink sink;
    struct stage_readme *r = stage_readme_new(readme, s, &sink);
    struct stage *st = r ? stage_play(s, &sink) : NULL;
    int error = -ENOMEM;
    snprintf(path, sizeof path, "%s/%s.pcap", directory, s->name);
    if (st) {
        error = stage_pcap_write(st, path);
        fprintf(expected, "%s: %s\n", s->name, s->analysis && *s->analysis ? s->analysis : "nothing");
    }
    if (error < 0)
        fprintf(stderr, "glass lab: %s: %s\n", path, strerror(-error));
    else if (st->failures)
        fprintf(stderr, "glass lab: %s: %s\n", s->name, st->failure[0]);
    bool good = error == 0 && st->failures == 0;
    if (st)
        stage_free(st);
    stage_readme_free(r);
    return good;
}

/* False when the file is not wholly written. */
static bool close_file(FILE *file)
{
    bool bad = ferror(file);
    return fclose(file) == 0 && !bad;
}

int stage_pcap_all(const char *directory)
{
    FILE *readme, *expected = NULL;
    bool good = open_in(directory, "README.md", &readme);
    if (good && !open_in(directory, "expected.txt", &expected)) {
        fclose(readme);
        good = false;
    }
    if (!good)
        return EXIT_FAILURE;
    stage_readme_head(readme);
    for (size_t g = 0; g < scenario_group_count; g++) {
        stage_readme_group(readme, scenario_groups[g]);
        for (size_t i = 0; i < scenario_groups[g]->count; i++)
            good &= one(directory, &scenario_groups[g]->scenario[i], readme, expected);
    }
    good &= close_file(readme);
    good &= close_file(expected);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
