/* Prints a scenario while it is played, or act by act. No RFC: the rules come with the events.
 *
 * Owns the text around the ladder. Called by the engine through struct stage_sink, set up by lab_command.c.
 */
#include "stage_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/ip_wire.h"
#include "ladder.h"

#define WIDTH 80
#define FOLD  40 /* plain segments in a row; a lesson is to be seen */

/* Words, broken at WIDTH columns, each line after `indent` blanks. */
static void paragraph(FILE *out, const char *text, int indent)
{
    int column = 0;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (column && column + 1 + word > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        fprintf(out, "%*s%.*s", column ? 1 : indent, "", word, text);
        column += (column ? 1 : indent) + word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

static void heading(const struct stage_show *show, const char *text)
{
    fprintf(show->out, show->colour ? "\033[1m%s\033[0m\n\n" : "%s\n\n", text);
}

void stage_show_title(struct stage_show *show, const struct scenario *s)
{
    heading(show, s->title);
    paragraph(show->out, s->text, 0);
    fputc('\n', show->out);
}

static struct ladder_style style_of(const struct stage_show *show, const struct stage *st)
{
    return (struct ladder_style){.width = WIDTH,
                                 .fold = show->step ? 0 : FOLD,
                                 .colour = show->colour,
                                 .explain = show->explain,
                                 .absolute = st->scenario->absolute,
                                 .name = {"left", "right"}};
}

static void begin(void *context, const struct stage *st)
{
    struct stage_show *show = context;
    struct ladder_style style = style_of(show, st);
    if (st->act_title) {
        char title[STAGE_LINE];
        snprintf(title, sizeof title, "%s%u. %s", st->act > 1 ? "\n" : "", st->act, st->act_title);
        heading(show, title);
        paragraph(show->out, st->act_text, 0);
        fputc('\n', show->out);
    }
    if (!show->step)
        return;
    show->drawing = open_memstream(&show->drawn, &show->drawn_len);
    show->ladder = show->drawing ? ladder_stream_open(show->drawing, true, &style) : NULL;
    show->failed |= !show->ladder;
}

/* Enter goes on; so does the end of the input, from then on without waiting. */
static void wait_for_enter(struct stage_show *show)
{
    int c;
    while (show->keys && (c = getc(show->keys)) != '\n')
        if (c == EOF)
            show->keys = NULL;
}

/* What has been drawn since the last time; not every event draws something. */
static bool print_drawn(struct stage_show *show)
{
    fflush(show->drawing);
    if (show->drawn_len == 0)
        return false;
    fwrite(show->drawn, 1, show->drawn_len, show->out);
    fflush(show->out);
    rewind(show->drawing);
    return true;
}

static void step(struct stage_show *show)
{
    ladder_stream_flush(show->ladder);
    if (print_drawn(show))
        wait_for_enter(show);
}

static uint32_t address_at(const uint8_t *at)
{
    return (uint32_t)peek16(at) << 16 | peek16(at + 2);
}

/* Whether it is about one of a crowd; a dropped packet says itself between whom it was. */
static bool is_crowd(const struct stage *st, const struct record *r)
{
    uint32_t a = r->event.remote.addr, b = a;
    if (r->packet_len >= IP_HEADER_MIN) {
        a = address_at(r->packet + 12);
        b = address_at(r->packet + 16);
    }
    return st->crowd_last &&
           ((a >= st->crowd_first && a <= st->crowd_last) || (b >= st->crowd_first && b <= st->crowd_last));
}

static void record(void *context, const struct stage *st, unsigned i)
{
    struct stage_show *show = context;
    if (!show->ladder)
        return;
    if (is_crowd(st, &st->log->record[i]))
        return;
    ladder_stream_add(show->ladder, &st->log->record[i]);
    step(show);
}

static void note(void *context, const struct stage *st, unsigned i)
{
    struct stage_show *show = context;
    if (!show->ladder)
        return;
    ladder_stream_remark(show->ladder, st->now, st->note[i].text);
    step(show);
}

static void close_drawing(struct stage_show *show)
{
    ladder_stream_close(show->ladder);
    show->ladder = NULL;
    if (!show->drawing)
        return;
    print_drawn(show);
    fclose(show->drawing);
    free(show->drawn);
    show->drawing = NULL;
}

/* --- a whole act --- */

/* An act as it is drawn: without the crowd. */
struct drawn_act {
    struct record_log *log;
    struct ladder_remark remark[STAGE_NOTES];
    struct ladder_style style;
};

static bool select_records(const struct stage_show *show, const struct stage *st, struct drawn_act *act)
{
    unsigned count = atomic_load(&st->log->count), note = 0, kept = 0;
    act->style = style_of(show, st);
    act->style.remark = act->remark;
    act->style.remarks = st->notes;
    act->log = malloc(record_log_size(count));
    if (!act->log)
        return false;
    record_log_init(act->log, count);
    for (unsigned i = 0; i <= count; i++) {
        for (; note < st->notes && st->note[note].before <= i; note++)
            act->remark[note] = (struct ladder_remark){kept, st->note[note].at, st->note[note].text};
        if (i < count && !is_crowd(st, &st->log->record[i]))
            act->log->record[kept++] = st->log->record[i];
    }
    atomic_store(&act->log->count, kept);
    return true;
}

static void told(const struct stage_show *show, const struct stage *st)
{
    fprintf(show->out, "\nWhat each application was told:\n");
    for (unsigned i = 0; i < st->apps; i++) {
        const struct stage_app *a = &st->app[i];
        for (unsigned k = 0; k < a->facts || k == 0; k++) {
            char text[STAGE_LINE];
            stage_fact_text(a, k, text, sizeof text);
            fprintf(show->out, "  %-5s %s%s\n", k ? "" : stage_side_name(a->side),
                    k ? "             " : "application: ", text);
        }
    }
    for (unsigned side = LEFT; side <= RIGHT; side++)
        if (stage_listener_text(st, side))
            fprintf(show->out, "  %-5s application: %s\n", stage_side_name(side),
                    stage_listener_text(st, side));
}

/* "x.svg", or "x-2.svg" for the second act. */
static void picture_name(const struct stage_show *show, const struct stage *st, char *to, size_t room)
{
    const char *end = strrchr(show->svg, '.');
    int stem = end && end != show->svg && !strchr(end, '/') ? (int)(end - show->svg) : (int)strlen(show->svg);
    if (st->act)
        snprintf(to, room, "%.*s-%u%s", stem, show->svg, st->act, show->svg + stem);
    else
        snprintf(to, room, "%s", show->svg);
}

static void draw_picture(struct stage_show *show, const struct stage *st, const struct drawn_act *act)
{
    char path[4096];
    picture_name(show, st, path, sizeof path);
    FILE *out = fopen(path, "we");
    bool good =
        out && ladder_svg(out, act->log, 0, &act->style, st->act ? st->act_title : st->scenario->title);
    int error = errno;
    if (out)
        good = fclose(out) == 0 && good;
    if (good)
        return;
    fflush(show->out);
    fprintf(stderr, "glass lab: %s: %s\n", path, error ? strerror(error) : "cannot be drawn");
    show->failed = true;
}

static void end(void *context, const struct stage *st)
{
    struct stage_show *show = context;
    struct drawn_act act;
    close_drawing(show);
    if (select_records(show, st, &act)) {
        if (!show->step)
            ladder_print(show->out, act.log, 0, &act.style);
        if (show->svg && !show->failed)
            draw_picture(show, st, &act);
        free(act.log);
    } else {
        show->failed = true;
    }
    told(show, st);
}

void stage_show_sink(struct stage_show *show, struct stage_sink *sink)
{
    *sink = (struct stage_sink){.context = show, .begin = begin, .record = record, .note = note, .end = end};
}

bool stage_show_end(struct stage_show *show)
{
    return !show->failed;
}
