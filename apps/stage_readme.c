/* Reads a capture in words: each packet, what it did at either end, and the rule that decided.
 *
 * Owns the text of pcaps/README.md. stage_pcap.c calls; the engine hands over each act when it ends. */
#include "stage_readme.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../stack/event_text.h"
#include "../stack/ip_wire.h"

#define FLOWS 64
#define WIDTH 118
#define ITEM  4096 /* bytes of one paragraph */

/* Where one direction of a connection began. */
struct flow {
    struct endpoint from, to;
    uint32_t isn;
};

struct stage_readme {
    FILE *out;
    struct flow flow[FLOWS];
    unsigned flows;
    size_t done;           /* packets that stand there already */
    enum rule said;        /* last, of this packet */
    bool told[RULE_COUNT]; /* the sentence stands there; a rule that decides again is only named */
    char item[ITEM];       /* the paragraph at work */
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct stage_readme *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(r->item + r->len, ITEM - r->len, format, list);
    va_end(list);
    if (n > 0)
        r->len = r->len + (size_t)n < ITEM ? r->len + (size_t)n : ITEM - 1;
}

/* Writes the paragraph, its lines broken; the second and later ones begin with `indent` blanks. */
static void put_item(struct stage_readme *r, int indent)
{
    int column = 0;
    for (const char *text = r->item; *text;) {
        int word = (int)strcspn(text, " ");
        bool fresh = column == 0;
        if (!fresh && column + 1 + word > WIDTH) {
            fprintf(r->out, "\n%*s", indent, "");
            column = indent;
            fresh = true;
        }
        fprintf(r->out, "%s%.*s", fresh ? "" : " ", word, text);
        column += !fresh + word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', r->out);
    r->item[r->len = 0] = '\0';
}

void stage_readme_head(FILE *out)
{
    fputs("# Reference captures\n\n"
          "One capture for each scenario of `glass lab`, as tcpdump would have written it on one of the two "
          "hosts:\n"
          "left is 10.0.0.1, the client; right is 10.0.0.2, the server; each packet takes 10 ms on its way, "
          "unless\n"
          "the scenario says otherwise. Times count from the beginning, numbers from each side's first, "
          "unless the\n"
          "textbook's numbers are shown.\n\n"
          "`make pcaps` writes the captures and this page; they are the same byte for byte each time, and a "
          "test\n"
          "compares. `glass lab NAME` draws the same conversation as a ladder. `expected.txt` says what "
          "tshark's own\n"
          "analysis (`tcp.analysis.*`) finds in each capture; another test asks it.\n",
          out);
}

void stage_readme_group(FILE *out, const struct scenario_group *group)
{
    fprintf(out, "\n## %s\n", group->title);
}

/* --- numbers --- */

static bool same(struct endpoint a, struct endpoint b)
{
    return a.addr == b.addr && a.port == b.port;
}

static struct flow *find_flow(struct stage_readme *r, struct endpoint from, struct endpoint to)
{
    for (unsigned i = 0; i < r->flows; i++)
        if (same(r->flow[i].from, from) && same(r->flow[i].to, to))
            return &r->flow[i];
    return NULL;
}

/* A SYN begins a direction; a forged one does not change what is known. */
static void learn_isn(struct stage_readme *r, const struct stage_packet *p, struct endpoint from,
                      struct endpoint to, const struct tcp_header *h)
{
    struct flow *f = find_flow(r, from, to);
    if (!(h->flags & TCP_SYN) || (f && p->from == STAGE_NOBODY))
        return;
    if (!f && r->flows < FLOWS)
        f = &r->flow[r->flows++];
    if (f)
        *f = (struct flow){from, to, h->seq.n};
}

/* "1", or "2000" as on the wire where the beginning was not seen. */
static uint32_t number(struct stage_readme *r, const struct stage *st, struct endpoint from,
                       struct endpoint to, uint32_t n)
{
    struct flow *f = st->scenario->absolute ? NULL : find_flow(r, from, to);
    return f ? n - f->isn : n;
}

/* --- what it is --- */

static const char *flag_words(uint8_t flags, char *to, size_t room)
{
    static const struct {
        uint8_t bit;
        const char *word;
    } words[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
                 {TCP_ACK, "ACK"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}, {TCP_URG, "URG"}};
    size_t len = 0;
    to[0] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (flags & words[i].bit && len < room)
            len += (size_t)snprintf(to + len, room - len, "%s%s", len ? "," : "", words[i].word);
    return to;
}

static void put_segment(struct stage_readme *r, const struct stage *st, const struct ip_packet *p,
                        const struct tcp_header *h)
{
    struct endpoint from = {p->src, h->source}, to = {p->dst, h->destination};
    char words[48], options[200];
    say(r, "**%s** SEQ %u", flag_words(h->flags, words, sizeof words), number(r, st, from, to, h->seq.n));
    if (h->flags & TCP_ACK)
        say(r, " ACK %u", number(r, st, to, from, h->ack.n));
    if (h->text.len)
        say(r, ", %zu bytes", h->text.len);
    if (!(h->flags & TCP_RST))
        say(r, ", window %u", h->window);
    if (tcp_options_text(&h->options, options, sizeof options))
        say(r, ", `%s`", options);
    if ((p->tos & 3) == 3)
        say(r, ", marked CE");
}

static const char *who(uint32_t addr)
{
    return addr == STAGE_LEFT     ? "left"
           : addr == STAGE_RIGHT  ? "right"
           : addr == STAGE_ROUTER ? "a router"
                                  : "a stranger";
}

static void put_packet(struct stage_readme *r, const struct stage *st, const struct stage_packet *at)
{
    struct ip_packet p;
    struct tcp_header h;
    if (ip_parse(at->bytes, at->len, &p) != DROP_NONE)
        return;
    say(r, "`%.3f` %s%s to %s: ", (double)(at->time - st->act_start) / 1e6,
        at->from == STAGE_NOBODY && p.protocol == IP_TCP ? "somebody who says he is " : "", who(p.src),
        who(p.dst));
    if (p.protocol == IP_TCP && tcp_parse(&p, &h) == DROP_NONE) {
        learn_isn(r, at, (struct endpoint){p.src, h.source}, (struct endpoint){p.dst, h.destination}, &h);
        put_segment(r, st, &p, &h);
    } else if (p.protocol == IP_ICMP) {
        say(r, "**ICMP** type %u code %u, next hop MTU %u", p.body.at[0], p.body.at[1],
            peek16(p.body.at + 6));
    }
    say(r, ".");
}

/* --- what it did --- */

static void put_rule(struct stage_readme *r, enum rule which)
{
    const struct rule_info *rule = rule_info(which);
    if (which == RULE_NONE || which == r->said)
        return;
    if (!r->told[which])
        say(r, " *%s*", rule->sentence);
    say(r, " (%s %s)", rule->rfc, rule->section);
    r->told[which] = true;
    r->said = which;
}

/* Why it was sent. */
static void put_cause(struct stage_readme *r, const struct record *k)
{
    if (k->event.kind == EVENT_TIMER_FIRED)
        say(r, " The %s end's %s timer has run out.", stage_side_name(k->side),
            tcp_timer_name(k->event.u.timer.which));
    if (k->event.kind != EVENT_SEGMENT_OUT)
        return;
    if (k->event.u.segment.retransmitted)
        say(r, " Sent again.");
    put_rule(r, k->event.rule);
}

static void put_window(struct stage_readme *r, const struct record *k)
{
    if (strcmp(k->word, "initial window") == 0)
        return;
    say(r, " The %s end's congestion window is now %u", stage_side_name(k->side), k->event.u.window.cwnd);
    if (k->event.u.window.ssthresh != UINT32_MAX)
        say(r, ", its threshold %u", k->event.u.window.ssthresh);
    say(r, ".");
    put_rule(r, k->event.rule);
}

static void put_change(struct stage_readme *r, const struct record *k)
{
    const struct event *e = &k->event;
    if (e->kind == EVENT_STATE)
        say(r, " The %s end goes from %s to %s.", stage_side_name(k->side), tcp_state_name(e->u.change.from),
            tcp_state_name(e->u.change.to));
    if (e->kind == EVENT_DROP)
        say(r, " The %s end drops it: %s.", stage_side_name(k->side), drop_text(e->u.drop.why));
    if (e->kind == EVENT_STATE || e->kind == EVENT_DROP)
        put_rule(r, e->rule);
    if (e->kind == EVENT_WINDOW)
        put_window(r, k);
}

static bool arrived(const struct stage *st, const struct stage_packet *p)
{
    unsigned count = atomic_load(&st->log->count);
    for (unsigned i = 0; i < count; i++)
        if (st->packet_of[i] == p->id && st->log->record[i].side != p->from)
            return true;
    return false;
}

static void put_story(struct stage_readme *r, const struct stage *st, const struct stage_packet *p)
{
    unsigned count = atomic_load(&st->log->count);
    r->said = RULE_NONE;
    for (unsigned i = 0; i < count; i++)
        if (st->packet_of[i] == p->id)
            put_cause(r, &st->log->record[i]);
    for (unsigned i = 0; i < count; i++)
        if (st->packet_of[i] == p->id)
            put_change(r, &st->log->record[i]);
    if (p->from == st->scenario->host && !arrived(st, p))
        say(r, " It does not arrive.");
}

static void put_notes(struct stage_readme *r, const struct stage *st, unsigned *note, size_t seen)
{
    for (; *note < st->notes && st->note[*note].seen <= seen; (*note)++) {
        say(r, "   `%.3f` *(%s)*", (double)(st->note[*note].at - st->act_start) / 1e6, st->note[*note].text);
        fputs("\n   ", r->out);
        put_item(r, 3);
        fputc('\n', r->out);
    }
}

static void end(void *context, const struct stage *st)
{
    struct stage_readme *r = context;
    unsigned note = 0;
    if (st->act_title) {
        say(r, "**%s.** %s", st->act_title, st->act_text);
        fputc('\n', r->out);
        put_item(r, 0);
    }
    fputc('\n', r->out);
    for (; r->done < st->seen_count; r->done++) {
        put_notes(r, st, &note, r->done);
        say(r, "%zu. ", r->done + 1);
        put_packet(r, st, &st->seen[r->done]);
        put_story(r, st, &st->seen[r->done]);
        put_item(r, 3);
    }
    put_notes(r, st, &note, r->done);
    fputs("\nWhat each application was told:\n\n", r->out);
    for (unsigned i = 0; i < st->apps; i++) {
        const struct stage_app *a = &st->app[i];
        say(r, "- %s:", stage_side_name(a->side));
        for (unsigned k = 0; k < a->facts || k == 0; k++) {
            char text[STAGE_LINE];
            stage_fact_text(a, k, text, sizeof text);
            say(r, "%s %s", k ? "," : "", text);
        }
        put_item(r, 2);
    }
    for (unsigned side = LEFT; side <= RIGHT; side++)
        if (stage_listener_text(st, side))
            fprintf(r->out, "- %s: %s\n", stage_side_name(side), stage_listener_text(st, side));
}

struct stage_readme *stage_readme_new(FILE *out, const struct scenario *s, struct stage_sink *sink)
{
    struct stage_readme *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->out = out;
    *sink = (struct stage_sink){.context = r, .end = end};
    fprintf(out, "\n### %s.pcap\n\n", s->name);
    say(r, "%s. %s Captured on the %s host.", s->title, s->text, stage_side_name(s->host));
    put_item(r, 0);
    return r;
}

void stage_readme_free(struct stage_readme *r)
{
    free(r);
}
