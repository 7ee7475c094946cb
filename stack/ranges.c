/* A sorted set of ranges, as an array: there are few, and RFC 2018 wants them in order. */
#include "ranges.h"

#include <assert.h>
#include <string.h>

#define RANGES_FIRST_ROOM 4

static bool make_room(struct ranges *r, struct core *core, uint16_t max)
{
    if (r->count < r->room)
        return true;
    uint16_t room = r->room ? (uint16_t)(r->room * 2) : RANGES_FIRST_ROOM;
    if (room > max)
        room = max;
    if (room <= r->count)
        return false;
    struct range *at = core_alloc(core, room * sizeof *at);
    if (!at)
        return false;
    if (r->count)
        memcpy(at, r->at, r->count * sizeof *at);
    core_free(core, r->at, r->room * sizeof *at);
    r->at = at;
    r->room = room;
    return true;
}

static void cut(struct ranges *r, uint16_t from, uint16_t to)
{
    memmove(r->at + from, r->at + to, (size_t)(r->count - to) * sizeof *r->at);
    r->count = (uint16_t)(r->count - (to - from));
}

bool ranges_add(struct ranges *r, struct core *core, int64_t left, int64_t right, uint16_t max)
{
    assert(left < right);
    uint16_t from = 0;
    while (from < r->count && r->at[from].right < left)
        from++;
    uint16_t to = from; /* [from, to) touch the new one */
    while (to < r->count && r->at[to].left <= right)
        to++;
    if (from < to) {
        struct range joined = {left, right, ++r->stamp};
        if (r->at[from].left < left)
            joined.left = r->at[from].left;
        if (r->at[to - 1].right > right)
            joined.right = r->at[to - 1].right;
        r->at[from] = joined;
        cut(r, (uint16_t)(from + 1), to);
        return true;
    }
    if (!make_room(r, core, max))
        return false;
    memmove(r->at + from + 1, r->at + from, (size_t)(r->count - from) * sizeof *r->at);
    r->at[from] = (struct range){left, right, ++r->stamp};
    r->count++;
    return true;
}

int64_t ranges_absorb(struct ranges *r, struct core *core, int64_t position)
{
    uint16_t below = 0;
    int64_t reached = position;
    while (below < r->count && r->at[below].left <= position) {
        if (r->at[below].right > reached)
            reached = r->at[below].right;
        below++;
    }
    if (below)
        cut(r, 0, below);
    if (r->count == 0)
        ranges_free(r, core);
    return reached;
}

const struct range *ranges_newest(const struct ranges *r, uint32_t before)
{
    const struct range *newest = NULL;
    for (uint16_t i = 0; i < r->count; i++)
        if (r->at[i].stamp < before && (!newest || r->at[i].stamp > newest->stamp))
            newest = &r->at[i];
    return newest;
}

void ranges_free(struct ranges *r, struct core *core)
{
    core_free(core, r->at, r->room * sizeof *r->at);
    *r = (struct ranges){0};
}
