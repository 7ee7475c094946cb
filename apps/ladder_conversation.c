/* The conversations of a ladder: between which ends, and by which number people know them.
 *
 * A model that keeps all has room for many; one that follows a stack forgets the oldest. ladder_model.c
 * calls. */
#include <stdlib.h>
#include "ladder_model.h"

#define CONVERSATIONS_MAX  65536 /* of a model that keeps all */
#define CONVERSATIONS_KEPT 1024  /* of one that does not: a power of two times 16 */

static bool same_endpoint(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

struct ladder_conversation *ladder_conversation_at(const struct ladder_model *m, unsigned number)
{
    return &m->conversation[m->keeps ? number - 1 : (number - 1) % CONVERSATIONS_KEPT];
}

/* The oldest that is still known. */
static unsigned oldest(const struct ladder_model *m)
{
    return m->keeps || m->conversations <= CONVERSATIONS_KEPT ? 1 : m->conversations - CONVERSATIONS_KEPT + 1;
}

static bool make_room(struct ladder_model *m)
{
    unsigned room = m->conversation_room ? m->conversation_room * 2 : 16;
    if (m->conversations < m->conversation_room || (!m->keeps && m->conversation_room == CONVERSATIONS_KEPT))
        return true;
    struct ladder_conversation *at = realloc(m->conversation, room * sizeof *at);
    if (!at) {
        m->bad = true;
        return false;
    }
    m->conversation = at;
    m->conversation_room = room;
    return true;
}

unsigned ladder_model_begin(struct ladder_model *m, unsigned side, struct endpoint here,
                            struct endpoint there)
{
    if ((m->keeps && m->conversations == CONVERSATIONS_MAX) || !make_room(m))
        return 0;
    struct ladder_conversation *c = ladder_conversation_at(m, ++m->conversations);
    *c = (struct ladder_conversation){0};
    c->way[side].end = here;
    c->way[!side].end = there;
    ladder_peer_init(&c->way[0].seen);
    ladder_peer_init(&c->way[1].seen);
    return m->conversations;
}

unsigned ladder_model_find(struct ladder_model *m, unsigned side, struct endpoint here, struct endpoint there,
                           uint32_t connection, bool may_add)
{
    for (unsigned i = m->conversations; i >= oldest(m) && i > 0; i--) {
        struct ladder_way *way = &ladder_conversation_at(m, i)->way[side];
        if (!same_endpoint(way->end, here) ||
            !same_endpoint(ladder_conversation_at(m, i)->way[!side].end, there))
            continue;
        bool another = !m->both && connection && way->connection && connection != way->connection;
        if (another)
            continue;
        if (connection)
            way->connection = connection;
        return i;
    }
    unsigned number = may_add ? ladder_model_begin(m, side, here, there) : 0;
    if (number)
        ladder_conversation_at(m, number)->way[side].connection = connection;
    return number;
}

unsigned ladder_model_tag(const struct ladder_model *m, unsigned conversation)
{
    uint32_t own =
        m->both || !conversation ? 0 : ladder_conversation_at(m, conversation)->way[LADDER_RIGHT].connection;
    return own ? own : conversation;
}
