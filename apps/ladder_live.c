/* `glass ladder --live`: follows a running stack and draws what it does as it does it.
 *
 * Owns the waiting; trace_stream.c brings the events. Called by ladder_command.c. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "ladder_command.h"
#include "trace_stream.h"

#define PAUSE 200 /* milliseconds of silence after which rows that wait are shown */

struct live {
    const struct ladder_asked *asked;
    struct trace_stream events;
    struct ladder_stream *ladder;  /* NULL: a picture at the end instead */
    struct ladder_drawing drawing; /* for --svg */
    bool shown;                    /* nothing waits */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    interrupted = signal_number;
}

/* No SA_RESTART: a write that nobody reads ends, too. The second Ctrl-C is the kernel's business. */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

/* A signal comes while we sleep, never between the look and the sleep. */
static void wait_for_news(struct live *l)
{
    struct pollfd fd = {.fd = l->events.fd, .events = POLLIN};
    struct timespec pause = {.tv_nsec = PAUSE * 1000000L};
    sigset_t ours, before;
    int ready = 1;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    if (!interrupted)
        ready = ppoll(&fd, 1, l->shown ? NULL : &pause, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (ready == 0 && l->ladder)
        ladder_stream_flush(l->ladder);
    l->shown |= ready == 0;
}

static void take(struct live *l, enum trace_news news)
{
    char text[96];
    if (news == TRACE_EVENT && l->ladder) {
        ladder_stream_add(l->ladder, &l->events.record);
        l->shown = false;
    } else if (news == TRACE_EVENT) {
        ladder_model_add(&l->drawing.model, &l->events.record);
    } else if (l->ladder) {
        snprintf(text, sizeof text, "%llu events are missing here: they came too fast",
                 (unsigned long long)l->events.lost);
        ladder_stream_remark(l->ladder, NEVER, text);
    }
}

static int follow(struct live *l)
{
    const char *name = l->asked->common.stack;
    while (!interrupted && !ferror(stdout)) {
        enum trace_news news = trace_stream_next(&l->events);
        if (news == TRACE_END)
            return EXIT_SUCCESS;
        if (news == TRACE_GONE) {
            fprintf(stderr, "glass ladder: the stack named %s is gone without a word\n", name);
            return EXIT_FAILURE;
        }
        if (news == TRACE_NOTHING)
            wait_for_news(l);
        else
            take(l, news);
    }
    return EXIT_SUCCESS;
}

static int picture(struct live *l)
{
    const struct ladder_asked *a = l->asked;
    ladder_model_end(&l->drawing.model);
    unsigned first = ladder_asked_next(a, &l->drawing, 0), only = first;
    if (first && ladder_asked_next(a, &l->drawing, first) && !a->connection && !a->port)
        only = 0; /* all that was seen, in one */
    if (first)
        return ladder_write_svg(a, &l->drawing, only, "TCP connections of a running stack");
    fprintf(stderr, "glass ladder: nothing was seen, and no picture drawn\n");
    return EXIT_FAILURE;
}

static int follow_for_text(struct live *l)
{
    struct ladder_style style = l->asked->style;
    style.tags = !l->asked->connection;
    l->ladder = ladder_stream_open(stdout, false, &style);
    if (!l->ladder) {
        fprintf(stderr, "glass ladder: no memory\n");
        return EXIT_FAILURE;
    }
    ladder_stream_choose(l->ladder, (uint32_t)l->asked->connection, l->asked->port);
    int status = follow(l);
    ladder_stream_close(l->ladder);
    return status;
}

static int follow_for_picture(struct live *l)
{
    ladder_drawing_init(&l->drawing, LADDER_OF_ONE);
    int status = follow(l);
    if (status == EXIT_SUCCESS)
        status = picture(l);
    ladder_drawing_free(&l->drawing);
    return status;
}

int ladder_live(const struct ladder_asked *asked)
{
    static struct live l;
    l = (struct live){.asked = asked, .shown = true};
    catch_signals();
    if (trace_stream_open(&l.events, asked->common.stack) != 0)
        return EXIT_FAILURE;
    fprintf(stderr, "glass ladder: following the stack named %s, Ctrl-C ends it\n", asked->common.stack);
    int status = asked->svg ? follow_for_picture(&l) : follow_for_text(&l);
    trace_stream_close(&l.events);
    return status;
}
