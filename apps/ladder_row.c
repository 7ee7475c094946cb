/* From steps to rows: an arrow with the states that it changed and the remarks about it, or one of these
 * alone.
 *
 * Whether a change of state belongs to the row before it (a segment or a timer brought it) or to the segment
 * behind it (a call did, and its SYN or FIN follows) is decided here. ladder_text.c prints rows. */
#include "ladder_row.h"

#include <string.h>
#include "ladder_words.h"

#define MOVES   (TCP_SYN | TCP_FIN | TCP_RST) /* segments whose sender's state changes with them */
#define AT_ONCE MSEC(1)                       /* a state that waits longer for its segment stands alone */

void ladder_rows_init(struct ladder_rows *rows, const struct ladder_model *model)
{
    memset(rows, 0, sizeof *rows);
    rows->model = model;
}

void ladder_rows_flush(struct ladder_rows *rows)
{
    if (!rows->is_open)
        return;
    rows->is_open = false;
    if (rows->row.part == ROW_DEPART) /* what is known of it by now */
        rows->row.segment = *ladder_segment_at(rows->model, rows->row.which);
    rows->sink(rows->context, &rows->row);
}

static void open_row(struct ladder_rows *rows, unsigned conversation)
{
    ladder_rows_flush(rows);
    rows->is_open = true;
    rows->row = (struct ladder_row){.time = {NEVER, NEVER}, .conversation = conversation};
    rows->row.tag = ladder_model_tag(rows->model, conversation);
    rows->cause[0] = rows->cause[1] = NEVER;
    rows->sends[0] = rows->sends[1] = false;
}

/* --- what hangs on a row --- */

/* Whether a rule is news: a timer, its window and its segment have the same one. */
static bool is_news(struct ladder_rows *rows, const struct ladder_step *step)
{
    bool is_said = rows->said[step->side].rule == step->rule && rows->said[step->side].time == step->time;
    rows->said[step->side].rule = step->rule;
    rows->said[step->side].time = step->time;
    return rows->explain && step->rule != RULE_NONE && !is_said;
}

static void put_note(struct ladder_rows *rows, const struct ladder_step *step, const char *text,
                     enum rule rule)
{
    if (rows->row.notes == ROW_NOTES) {
        usec time[2] = {rows->row.time[0], rows->row.time[1]};
        open_row(rows, step->conversation);
        rows->row.time[step->side] = time[step->side];
    }
    struct ladder_note *note = &rows->row.note[rows->row.notes++];
    *note = (struct ladder_note){.side = step->side, .kind = step->kind, .rule = RULE_NONE};
    note->alarm = step->kind == LADDER_TIMER || step->kind == LADDER_DROP ||
                  (step->kind == LADDER_CALL && step->matters);
    memcpy(note->text, text, sizeof note->text);
    note->rule = rule;
}

static void add_note(struct ladder_rows *rows, const struct ladder_step *step)
{
    put_note(rows, step, step->text, is_news(rows, step) ? step->rule : RULE_NONE);
}

static void explain(struct ladder_rows *rows, const struct ladder_step *step)
{
    static const char no_text[LADDER_TEXT];
    if (step->rule != RULE_NONE && is_news(rows, step))
        put_note(rows, step, no_text, step->rule);
}

static void add_state(struct ladder_rows *rows, const struct ladder_step *step)
{
    struct ladder_row *row = &rows->row;
    if (row->states[step->side] == ROW_STATES) {
        open_row(rows, step->conversation);
        row->time[step->side] = step->time;
    }
    unsigned n = row->states[step->side]++;
    row->state[step->side][n].state = step->state;
    row->state[step->side][n].inferred = step->inferred;
    explain(rows, step);
}

/* --- changes that no segment explains yet --- */

static void take_pending(struct ladder_rows *rows, unsigned side)
{
    for (unsigned i = 0; i < rows->pendings[side]; i++)
        add_state(rows, &rows->pending[side][i]);
    rows->pendings[side] = 0;
}

static void flush_pending(struct ladder_rows *rows, unsigned side)
{
    unsigned n = rows->pendings[side];
    rows->pendings[side] = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct ladder_step *step = &rows->pending[side][i];
        open_row(rows, step->conversation);
        rows->row.time[side] = step->time;
        add_state(rows, step);
    }
}

static void flush_all_pending(struct ladder_rows *rows)
{
    flush_pending(rows, LADDER_LEFT);
    flush_pending(rows, LADDER_RIGHT);
}

static void flush_late(struct ladder_rows *rows, usec now)
{
    for (unsigned side = 0; side < 2; side++)
        if (rows->pendings[side] && now - rows->pending[side][0].time > AT_ONCE)
            flush_pending(rows, side);
}

static bool is_by_call(enum rule rule)
{
    return rule == RULE_OPEN_ACTIVE || rule == RULE_OPEN_PASSIVE || rule == RULE_CLOSE_CALL ||
           rule == RULE_CLOSE_EARLY || rule == RULE_ABORT_CALL || rule == RULE_CLOSE_UNREAD;
}

static void step_state(struct ladder_rows *rows, const struct ladder_step *step)
{
    unsigned side = step->side;
    bool belongs = rows->is_open && rows->row.conversation == step->conversation &&
                   rows->cause[side] == step->time && rows->pendings[side] == 0 &&
                   (rows->sends[side] || !is_by_call(step->rule));
    if (step->inferred && rows->is_open) {
        add_state(rows, step);
    } else if (belongs) {
        add_state(rows, step);
    } else {
        if (rows->pendings[side] == ROW_STATES ||
            (rows->pendings[side] && rows->pending[side][0].conversation != step->conversation))
            flush_pending(rows, side);
        rows->pending[side][rows->pendings[side]++] = *step;
    }
}

/* --- segments --- */

static bool waits_for(const struct ladder_rows *rows, unsigned side, const struct ladder_segment *s)
{
    return rows->pendings[side] && rows->pending[side][0].conversation == s->conversation;
}

static void open_segment(struct ladder_rows *rows, const struct ladder_step *step, enum ladder_part part)
{
    const struct ladder_segment *s = ladder_segment_at(rows->model, step->segment);
    open_row(rows, s->conversation);
    rows->row.part = part;
    rows->row.segment = *s;
    rows->row.which = step->segment;
}

/* `side` sent it: the states that waited for it, and what it may still bring. */
static void let_go(struct ladder_rows *rows, const struct ladder_step *step, unsigned side)
{
    const struct ladder_segment *s = &rows->row.segment;
    rows->row.time[side] = step->time;
    if (s->flags & MOVES) {
        rows->cause[side] = step->time;
        rows->sends[side] = true;
        if (waits_for(rows, side, s))
            take_pending(rows, side);
    }
    explain(rows, step);
}

static void land(struct ladder_rows *rows, const struct ladder_step *step, unsigned side)
{
    rows->row.time[side] = rows->cause[side] = step->time;
    rows->sends[side] = false;
    if ((rows->row.segment.flags & TCP_SYN) && waits_for(rows, side, &rows->row.segment))
        take_pending(rows, side);
}

/* A change that waits and that this segment is not what it waited for. */
static void before_arrival(struct ladder_rows *rows, const struct ladder_step *step, unsigned side)
{
    const struct ladder_segment *s = ladder_segment_at(rows->model, step->segment);
    if (rows->pendings[side] && !((s->flags & TCP_SYN) && waits_for(rows, side, s)))
        flush_pending(rows, side);
}

static void step_passes(struct ladder_rows *rows, const struct ladder_step *step)
{
    unsigned from = step->side;
    before_arrival(rows, step, !from);
    open_segment(rows, step, ROW_WHOLE);
    let_go(rows, step, from);
    land(rows, step, !from);
    if (!(rows->row.segment.flags & MOVES))
        rows->cause[from] = NEVER;
    if (from == LADDER_RIGHT && !rows->model->both)
        rows->cause[LADDER_LEFT] = NEVER;
}

static void step_departs(struct ladder_rows *rows, const struct ladder_step *step)
{
    open_segment(rows, step, ROW_DEPART);
    let_go(rows, step, step->side);
}

static void step_arrives(struct ladder_rows *rows, const struct ladder_step *step)
{
    before_arrival(rows, step, step->side);
    bool is_next = rows->is_open && rows->row.part == ROW_DEPART && rows->row.which == step->segment;
    if (is_next)
        rows->row.part = ROW_WHOLE;
    else
        open_segment(rows, step, ROW_ARRIVE);
    rows->row.segment = *ladder_segment_at(rows->model, step->segment);
    land(rows, step, step->side);
}

/* --- all else --- */

/* Of what is at hand: the same end, at the same time. */
static bool hangs_on_row(const struct ladder_rows *rows, const struct ladder_step *step)
{
    return rows->is_open && rows->row.time[step->side] == step->time &&
           (step->conversation == 0 || step->conversation == rows->row.conversation);
}

static void open_note(struct ladder_rows *rows, const struct ladder_step *step)
{
    open_row(rows, step->conversation);
    rows->row.time[step->side] = step->time;
    add_note(rows, step);
}

static void step_timer(struct ladder_rows *rows, const struct ladder_step *step)
{
    flush_pending(rows, step->side);
    open_note(rows, step);
    rows->cause[step->side] = step->time;
}

static void step_call(struct ladder_rows *rows, const struct ladder_step *step)
{
    if (rows->is_open)
        rows->cause[step->side] = NEVER;
    if (step->matters || rows->explain)
        open_note(rows, step);
}

static void step_remark(struct ladder_rows *rows, const struct ladder_step *step)
{
    if (hangs_on_row(rows, step))
        add_note(rows, step);
    else
        open_note(rows, step);
}

/* Of a segment that is not on this row, for what it caused came first, it must be said which. */
static void step_drop(struct ladder_rows *rows, const struct ladder_step *step)
{
    struct ladder_step told = *step;
    char flags[40];
    bool is_here = rows->is_open && rows->row.part != ROW_NO_SEGMENT && rows->row.part != ROW_DEPART &&
                   rows->row.which == step->segment;
    if (!is_here && step->segment != LADDER_NO_SEGMENT) {
        ladder_flags_text(ladder_segment_at(rows->model, step->segment)->flags, flags);
        snprintf(told.text, sizeof told.text, "%s %.140s", flags, step->text);
    }
    step_remark(rows, &told);
}

void ladder_rows_step(struct ladder_rows *rows, const struct ladder_step *step)
{
    if (rows->only && step->conversation && step->conversation != rows->only)
        return;
    flush_late(rows, step->time);
    switch (step->kind) {
    case LADDER_PASSES:
        step_passes(rows, step);
        break;
    case LADDER_DEPARTS:
        step_departs(rows, step);
        break;
    case LADDER_ARRIVES:
        step_arrives(rows, step);
        break;
    case LADDER_STATE:
        step_state(rows, step);
        break;
    case LADDER_TIMER:
        if (step->matters || rows->explain)
            step_timer(rows, step);
        break;
    case LADDER_CALL:
        step_call(rows, step);
        break;
    case LADDER_DROP:
        step_drop(rows, step);
        break;
    case LADDER_REMARK:
        if (step->matters || rows->explain)
            step_remark(rows, step);
        break;
    case LADDER_SAYS:
        open_row(rows, 0);
        add_note(rows, step);
        ladder_rows_flush(rows);
        break;
    case LADDER_NOTHING:
        break;
    }
}

void ladder_rows_end(struct ladder_rows *rows)
{
    flush_all_pending(rows);
    ladder_rows_flush(rows);
}

bool ladder_row_is_plain(const struct ladder_row *row)
{
    const struct ladder_segment *s = &row->segment;
    bool is_quiet = row->states[0] == 0 && row->states[1] == 0 && row->notes == 0;
    return row->part != ROW_NO_SEGMENT && is_quiet && s->fate == LADDER_ARRIVED && !s->again && !s->copy &&
           s->sent != NEVER && !s->gap && !s->late && !s->probe &&
           !(s->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG));
}
