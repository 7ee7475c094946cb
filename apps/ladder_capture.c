/* Reads a capture into a ladder: which conversation a segment belongs to, who stands on the left, what the
 * comments of an annotated one say. ladder_command.c calls. */
#include "ladder_capture.h"

#include <stdlib.h>
#include <string.h>
#include "ladder_peek.h"

/* --- the stack's view, as a comment --- */

struct comment {
    bool present;
    uint32_t addr; /* whose view */
    bool received;
    struct {
        enum tcp_state from, to;
    } change[4];
    unsigned changes;
    bool retransmitted;
    char drop[LADDER_TEXT];
};

static bool read_state(const char *text, size_t len, enum tcp_state *out)
{
    for (unsigned i = 0; i < TCP_STATES; i++) {
        const char *name = tcp_state_name((enum tcp_state)i);
        if (strlen(name) == len && memcmp(name, text, len) == 0) {
            *out = (enum tcp_state)i;
            return true;
        }
    }
    return false;
}

static void read_change(struct comment *c, const char *text)
{
    const char *arrow = strstr(text, " -> ");
    enum tcp_state from, to;
    if (!arrow || c->changes == 4 || !read_state(text, (size_t)(arrow - text), &from) ||
        !read_state(arrow + 4, strlen(arrow + 4), &to))
        return;
    c->change[c->changes].from = from;
    c->change[c->changes++].to = to;
}

static void read_view(struct comment *c, const char *text)
{
    unsigned a[4];
    char way[16];
    if (sscanf(text, "%3u.%3u.%3u.%3u %15[a-z]", &a[0], &a[1], &a[2], &a[3], way) != 5)
        return;
    c->addr = IP_ADDR(a[0] & 255, a[1] & 255, a[2] & 255, a[3] & 255);
    c->received = strcmp(way, "received") == 0;
    c->present = c->received || strcmp(way, "sent") == 0;
}

static void read_line(struct comment *c, const char *line)
{
    if (strncmp(line, "view: ", 6) == 0)
        read_view(c, line + 6);
    else if (strncmp(line, "state: ", 7) == 0)
        read_change(c, line + 7);
    else if (strcmp(line, "segment: retransmitted") == 0)
        c->retransmitted = true;
    else if (strncmp(line, "drop: ", 6) == 0)
        snprintf(c->drop, sizeof c->drop, "dropped: %.*s", (int)strcspn(line + 6, "("), line + 6);
}

static void read_comment(struct comment *c, const char *text)
{
    char line[256];
    *c = (struct comment){0};
    while (*text) {
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
        read_line(c, line);
        text += len + (text[len] == '\n');
    }
    if (!c->present)
        *c = (struct comment){0};
}

/* --- conversations --- */

/* The active opener stands on the left; when its SYN was not seen, the end with the higher port. An
 * annotating stack stands on the right. */
static bool source_is_left(const struct ladder_peek *p, const struct comment *c)
{
    if (c->present)
        return c->received;
    if (p->header.flags & TCP_SYN)
        return !(p->header.flags & TCP_ACK);
    return p->source.port > p->destination.port;
}

/* tshark's rule: a SYN with another sequence number begins another conversation between the same ends. */
static bool begins_anew(const struct ladder_way *way, const struct ladder_peek *p)
{
    return (p->header.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && way->has_isn && way->isn != p->header.seq.n;
}

static unsigned conversation_of(struct ladder_model *m, const struct ladder_peek *p, const struct comment *c,
                                unsigned *from)
{
    for (*from = 0; *from < 2; ++*from) {
        unsigned number = ladder_model_find(m, *from, p->source, p->destination, 0, false);
        if (!number)
            continue;
        if (!begins_anew(&ladder_conversation_at(m, number)->way[*from], p))
            return number;
        break;
    }
    *from = source_is_left(p, c) ? LADDER_LEFT : LADDER_RIGHT;
    return ladder_model_begin(m, *from, p->source, p->destination);
}

/* --- segments --- */

/* RFC 7323 2.2: the scale counts when both SYNs offer one, and not in them. */
static void scale_window(struct ladder_conversation *c, struct ladder_segment *s)
{
    struct ladder_way *way = &c->way[s->from], *back = &c->way[!s->from];
    if (s->flags & TCP_SYN) {
        way->offers_shift = s->options.has_window_scale;
        way->shift = s->options.window_scale < 15 ? s->options.window_scale : 14;
    } else if (way->offers_shift && back->offers_shift) {
        s->window <<= way->shift;
    }
}

static void state_steps(struct ladder_model *m, const struct ladder_segment *s, const struct comment *c,
                        usec now)
{
    for (unsigned i = 0; i < c->changes; i++)
        ladder_model_step(m, &(struct ladder_step){.time = now,
                                                   .kind = LADDER_STATE,
                                                   .side = LADDER_RIGHT,
                                                   .conversation = s->conversation,
                                                   .from = c->change[i].from,
                                                   .state = c->change[i].to});
}

static void drop_step(struct ladder_model *m, const struct ladder_segment *s, const struct comment *c,
                      usec now)
{
    struct ladder_step step = {.time = now,
                               .kind = LADDER_DROP,
                               .side = LADDER_RIGHT,
                               .conversation = s->conversation,
                               .matters = true};
    memcpy(step.text, c->drop, sizeof step.text);
    if (*c->drop)
        ladder_model_step(m, &step);
}

static void add_segment(struct ladder_drawing *d, const struct ladder_peek *p, const struct comment *c,
                        usec now)
{
    struct ladder_model *m = &d->model;
    unsigned from;
    struct ladder_segment s = {.sent = now, .arrived = now, .fate = LADDER_ARRIVED};
    s.conversation = conversation_of(m, p, c, &from);
    s.from = from;
    if (!s.conversation)
        return;
    struct ladder_conversation *talk = ladder_conversation_at(m, s.conversation);
    ladder_segment_header(&s, &p->header, p->len);
    scale_window(talk, &s);
    ladder_model_relate(talk, &s);
    ladder_model_follow(talk, &s, true);
    s.again |= c->retransmitted;
    struct ladder_step step = {
        .time = now, .kind = LADDER_PASSES, .side = from, .conversation = s.conversation};
    step.segment = ladder_model_keep(m, &s);
    if (m->bad)
        return;
    talk->annotated |= c->present;
    if (c->present && !c->received) /* it changed before the segment left */
        state_steps(m, &s, c, now);
    ladder_model_step(m, &step);
    if (c->present && c->received)
        state_steps(m, &s, c, now);
    drop_step(m, &s, c, now);
    ladder_model_infer(m, &s, LADDER_LEFT, now);
    if (!talk->annotated)
        ladder_model_infer(m, &s, LADDER_RIGHT, now);
}

enum ladder_capture_end ladder_capture_read(struct ladder_drawing *d, const char *path, char *why)
{
    struct captured packet;
    struct ladder_peek peek;
    struct comment *comment = malloc(sizeof *comment);
    struct packet_file *file = packet_file_open(path, why);
    int more = 1;
    if (!file || !comment) {
        if (file)
            snprintf(why, PACKET_FILE_WHY, "no memory");
        free(comment);
        packet_file_close(file);
        return LADDER_CAPTURE_CLOSED;
    }
    while (d->model.segments < LADDER_CAPTURE_MAX && (more = packet_file_next(file, &packet, why)) > 0) {
        if (!packet.bytes || !ladder_peek(packet.bytes, packet.len, &peek))
            continue;
        read_comment(comment, packet.comment);
        add_segment(d, &peek, comment, packet.time);
    }
    packet_file_close(file);
    free(comment);
    ladder_model_end(&d->model);
    return more > 0 ? LADDER_CAPTURE_FULL : more < 0 ? LADDER_CAPTURE_DAMAGED : LADDER_CAPTURE_WHOLE;
}
