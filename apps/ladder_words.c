/* The words of a ladder: flags, numbers, options. Text and picture share them. */
#include "ladder_words.h"

#include <stdarg.h>
#include <string.h>

void ladder_flags_text(uint8_t flags, char to[40])
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {
        {TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
        {TCP_URG, "URG"}, {TCP_ACK, "ACK"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"},
    };
    to[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag) {
            strcat(to, to[0] ? "," : "");
            strcat(to, names[i].name);
        }
    if (to[0] == '\0')
        strcpy(to, "none");
}

void ladder_numbers_text(const struct ladder_segment *s, const struct ladder_style *style, char seq[32],
                         char ack[32])
{
    bool on_wire = style->absolute || !s->is_relative;
    snprintf(seq, 32, "seq %lld", on_wire ? (long long)s->wire_seq : (long long)s->seq);
    ack[0] = '\0';
    if (s->flags & TCP_ACK)
        snprintf(ack, 32, "ack %lld", on_wire ? (long long)s->wire_ack : (long long)s->ack);
}

__attribute__((format(printf, 4, 5))) static size_t add(char *to, size_t room, size_t at, const char *format,
                                                        ...)
{
    va_list args;
    if (at > 0 && at + 2 < room) {
        memcpy(to + at, ", ", 3);
        at += 2;
    }
    va_start(args, format);
    int n = vsnprintf(to + at, room - at, format, args);
    va_end(args);
    return n > 0 && at + (size_t)n < room ? at + (size_t)n : room - 1;
}

static size_t add_sack(const struct ladder_segment *s, const struct ladder_style *style, char *to,
                       size_t room, size_t at)
{
    for (unsigned i = 0; i < s->options.sack_count; i++) {
        struct wireseq left = s->options.sack[i].left, right = s->options.sack[i].right;
        long long base = style->absolute || !s->is_relative ? (long long)s->wire_ack : (long long)s->ack;
        at = add(to, room, at, "sack %lld:%lld", base + (int32_t)(left.n - s->wire_ack),
                 base + (int32_t)(right.n - s->wire_ack));
    }
    return at;
}

void ladder_options_text(const struct ladder_segment *s, const struct ladder_style *style, char *to,
                         size_t room)
{
    const struct tcp_options *o = &s->options;
    size_t at = 0;
    to[0] = '\0';
    if (o->mss)
        at = add(to, room, at, "mss %u", o->mss);
    if (o->has_window_scale)
        at = add(to, room, at, "wscale %u", o->window_scale);
    if (o->sack_permitted)
        at = add(to, room, at, "sackOK");
    if (o->has_timestamps && style->explain)
        at = add(to, room, at, "ts %u/%u", o->ts_value, o->ts_echo);
    else if (o->has_timestamps && (s->flags & TCP_SYN))
        at = add(to, room, at, "ts");
    add_sack(s, style, to, room, at);
}

const char *ladder_segment_word(const struct ladder_segment *s)
{
    if (s->copy)
        return "a copy";
    if (s->again)
        return "again";
    if (s->probe)
        return "probe";
    if (s->late)
        return "late";
    return s->gap ? "gap" : "";
}

void ladder_tally_add(struct ladder_tally *tally, const struct ladder_row *row)
{
    if (row->part == ROW_ARRIVE)
        return; /* counted when it left */
    tally->data += row->segment.len > 0;
    tally->acks += row->segment.len == 0;
    tally->bytes += row->segment.len;
}

void ladder_tally_text(const struct ladder_tally *tally, unsigned from, size_t columns, char to[96])
{
    const char *mark = from == LADDER_RIGHT ? "<--" : "-->";
    unsigned long long bytes = tally->bytes;
    to[0] = '\0';
    if (tally->data > 0 &&
        snprintf(to, 96, "%s ... %u data segments, %llu bytes", mark, tally->data, bytes) > (int)columns)
        snprintf(to, 96, "%s %u segments, %llu bytes", mark, tally->data, bytes);
    else if (tally->data == 0 && tally->acks > 0)
        snprintf(to, 96, "%s ... %u ACKs", mark, tally->acks);
}

void ladder_tag_text(const struct ladder_row *row, bool many, char to[16])
{
    to[0] = '\0';
    if (many && row->conversation)
        snprintf(to, 16, "#%u ", row->tag);
}

void ladder_note_text(const struct ladder_note *note, const struct ladder_row *row, bool many,
                      char to[LADDER_TEXT + 16])
{
    char tag[16];
    ladder_tag_text(row, many && *note->text && row->part == ROW_NO_SEGMENT, tag);
    snprintf(to, LADDER_TEXT + 16, "%s%s", tag, note->text);
}
