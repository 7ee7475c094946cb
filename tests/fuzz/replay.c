/* Plays the corpus through every target, without libFuzzer: so that each file is a test with any compiler.
 *
 *     replay FOLDER          every file of FOLDER/NAME through target NAME
 *     replay NAME FILE...    these files through target NAME
 *
 * A finding ends the program where it happens; the last line printed names the file. */
#include "targets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

struct target {
    const char *name;
    void (*play)(const uint8_t *bytes, size_t len);
};

#define X(name) {#name, fuzz_##name},
static const struct target targets[] = {FUZZ_TARGETS(X)};
#undef X

static int failed, passed;

static void fail(const char *path, const char *why)
{
    printf("%s: %s\n", path, why);
    failed++;
}

/* In memory of exactly its size, so that a sanitizer sees a read beyond the end. */
static void play_file(const struct target *t, const char *path)
{
    printf("%s\n", path);
    FILE *file = fopen(path, "rb");
    uint8_t *room = malloc(INPUT_MAX);
    size_t len = file && room ? fread(room, 1, INPUT_MAX, file) : 0;
    uint8_t *bytes = malloc(len ? len : 1);
    if (file && room && bytes) {
        memcpy(bytes, room, len);
        t->play(bytes, len);
        passed++;
    } else {
        fail(path, "cannot be read");
    }
    free(room);
    free(bytes);
    if (file)
        fclose(file);
}

/* Every target has a corpus: a folder that is missing or empty proves nothing. */
static void play_folder(const struct target *t, const char *corpus)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", corpus, t->name);
    DIR *folder = opendir(path);
    int before = passed + failed;
    for (struct dirent *e; folder && (e = readdir(folder));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", corpus, t->name, e->d_name);
        play_file(t, path);
    }
    if (folder)
        closedir(folder);
    if (passed + failed == before)
        fail(t->name, "has no corpus");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (argc == 2)
            play_folder(&targets[i], argv[1]);
        for (int k = 2; k < argc && strcmp(argv[1], targets[i].name) == 0; k++)
            play_file(&targets[i], argv[k]);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
