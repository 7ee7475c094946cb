/* A capture of any contents, replayed from either side: whatever it says, the stack's invariants hold, the
 * comparison comes to an end, and no frame is judged twice. */
#include "../../apps/replay.h"
#include "file.h"
#include "targets.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#define FRAMES_MAX 64 /* more of them show nothing new and take long */

static void check(const struct replay_flow *f)
{
    size_t judged = 0, out = 0;
    for (int v = 0; v < 3; v++)
        judged += f->verdicts[v];
    for (size_t i = 0; i < f->count; i++) {
        assert(f->step[i].match < (int)f->sent_count);
        out += f->step[i].out && !f->step[i].ignored;
    }
    assert(judged >= out);
}

static void replay_as(const char *path, uint32_t addr)
{
    static const struct replay_options options = {.annotate = true};
    char why[REPLAY_WHY] = "";
    struct replay r = {0};
    const char *reason;
    if (replay_load(&r.capture, path, why) && r.capture.count <= FRAMES_MAX) {
        r.addr = addr ? addr : replay_guess(&r.capture, &reason);
        bool good = replay_flows(&r);
        assert(good);
        for (size_t i = 0; i < r.count; i++) {
            replay_plan(&r.flow[i]);
            if (!r.flow[i].skipped && replay_run(&r.flow[i], r.addr, &options)) {
                replay_compare(&r.flow[i]);
                check(&r.flow[i]);
            }
            replay_comment(&r.flow[i]);
        }
    }
    replay_free(&r);
}

void fuzz_replay(const uint8_t *bytes, size_t len)
{
    char path[FUZZ_PATH];
    int fd = fuzz_file(bytes, len, path);
    replay_as(path, 0);
    replay_as(path, IP_ADDR(10, 7, 0, 1));
    close(fd);
}
