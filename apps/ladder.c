/* A log as a ladder, and a ladder that grows as records come: model, rows and text put together. See
 * ladder.h.
 *
 * demo.c, the laboratory and ladder_command.c call. */
#include "ladder.h"

#include <stdlib.h>
#include "ladder_drawing.h"

/* --- a whole log --- */

static bool has_two_sides(const struct record_log *log)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire);
    for (unsigned i = 1; i < count; i++)
        if (log->record[i].side != log->record[0].side)
            return true;
    return false;
}

static void take(struct ladder_drawing *d, const struct record_log *log, const struct ladder_style *style)
{
    ladder_drawing_init(d, has_two_sides(log) ? LADDER_OF_BOTH : LADDER_OF_ONE);
    ladder_drawing_log(d, log, style);
}

bool ladder_print(FILE *out, const struct record_log *log, uint32_t connection,
                  const struct ladder_style *style)
{
    struct ladder_drawing d;
    take(&d, log, style);
    unsigned only = connection ? ladder_drawing_find(&d, connection) : 0;
    bool ok = (only || !connection) && ladder_drawing_text(out, &d, only, style);
    ladder_drawing_free(&d);
    return ok;
}

bool ladder_svg(FILE *out, const struct record_log *log, uint32_t connection,
                const struct ladder_style *style, const char *title)
{
    struct ladder_drawing d;
    take(&d, log, style);
    unsigned only = connection ? ladder_drawing_find(&d, connection) : 0;
    bool ok = (only || !connection) && ladder_drawing_svg(out, &d, only, style, title);
    ladder_drawing_free(&d);
    return ok;
}

uint32_t ladder_find(const struct record_log *log, uint16_t port)
{
    unsigned count = atomic_load_explicit(&log->count, memory_order_acquire);
    while (count-- > 0) {
        const struct event *e = &log->record[count].event;
        if (e->connection != 0 && e->local.port == port && e->kind <= EVENT_SEGMENT_OUT)
            return e->connection;
    }
    return 0;
}

struct event ladder_lost(usec now, const uint8_t *datagram, size_t len)
{
    return (struct event){.time = now, .kind = EVENT_DROP, .u.drop = {DROP_NONE, datagram, len}};
}

/* --- records as they come --- */

struct ladder_stream {
    struct ladder_model model;
    struct ladder_rows rows;
    struct ladder_text text;
    uint32_t connection; /* the chosen one; 0: all */
    uint16_t port;
    bool has_head;
};

static void print_row(void *context, const struct ladder_row *row)
{
    ladder_text_row(context, row);
}

static bool is_chosen(const struct ladder_stream *s, unsigned conversation)
{
    if (!conversation)
        return !s->connection && !s->port;
    const struct ladder_conversation *c = ladder_conversation_at(&s->model, conversation);
    bool has_port = !s->port || c->way[0].end.port == s->port || c->way[1].end.port == s->port;
    return has_port && (!s->connection || ladder_model_tag(&s->model, conversation) == s->connection);
}

/* The first conversation is in the head; each further one gets a heading, and from then on all are tagged. */
static void announce(struct ladder_stream *s, unsigned conversation)
{
    static const enum tcp_state *unknown[2];
    struct ladder_conversation *c = ladder_conversation_at(&s->model, conversation);
    bool is_first = !s->has_head;
    if (c->announced)
        return;
    c->announced = true;
    ladder_rows_flush(&s->rows);
    if (is_first)
        ladder_text_head(&s->text, c, unknown);
    s->has_head = true;
    s->text.many |= !is_first;
    if (s->text.many)
        ladder_text_heading(&s->text, ladder_model_tag(&s->model, conversation), c);
}

static void stream_step(void *context, const struct ladder_step *step)
{
    struct ladder_stream *s = context;
    if (step->kind != LADDER_SAYS && !is_chosen(s, step->conversation))
        return;
    if (step->conversation)
        announce(s, step->conversation);
    if (s->has_head || step->kind == LADDER_SAYS)
        ladder_rows_step(&s->rows, step);
}

struct ladder_stream *ladder_stream_open(FILE *out, bool both, const struct ladder_style *style)
{
    struct ladder_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    ladder_model_init(&s->model, both, false);
    s->model.sink = stream_step;
    s->model.context = s;
    ladder_text_init(&s->text, out, both ? LADDER_OF_BOTH : LADDER_OF_ONE, style);
    ladder_rows_init(&s->rows, &s->model);
    s->rows.explain = style->explain;
    s->rows.sink = print_row;
    s->rows.context = &s->text;
    return s;
}

void ladder_stream_choose(struct ladder_stream *s, uint32_t connection, uint16_t port)
{
    s->connection = connection;
    s->port = port;
}

void ladder_stream_add(struct ladder_stream *s, const struct record *r)
{
    ladder_model_add(&s->model, r);
}

void ladder_stream_remark(struct ladder_stream *s, usec at, const char *text)
{
    struct ladder_step step = {.time = at, .kind = LADDER_SAYS};
    snprintf(step.text, sizeof step.text, "%s", text);
    ladder_model_step(&s->model, &step);
}

void ladder_stream_flush(struct ladder_stream *s)
{
    ladder_rows_end(&s->rows);
    ladder_text_flush(&s->text);
    fflush(s->text.out);
}

void ladder_stream_close(struct ladder_stream *s)
{
    if (!s)
        return;
    ladder_stream_flush(s);
    ladder_model_free(&s->model);
    free(s);
}
