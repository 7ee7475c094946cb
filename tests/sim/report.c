/* What a run looked like, and what all runs went through. */
#include "sim.h"
#include "../../stack/event_text.h"
#include "../../stack/tcp_state.h"

#include <stdio.h>

#define COLUMN 88

static bool worth_a_line(const struct event *e)
{
    return e->kind != EVENT_TIMER_SET && e->kind != EVENT_RTT;
}

void ladder(struct sim *sim, unsigned column, const struct event *e)
{
    char line[256];
    (void)sim;
    if (!worth_a_line(e))
        return;
    event_text(e, line, sizeof line);
    printf("%c %*s%s\n", "AB"[column], column ? COLUMN : 0, "", line);
}

void totals_add(struct totals *t, const struct sim *sim)
{
    t->runs++;
    t->steps += sim->steps;
    t->packets += sim->packets;
    t->bytes += sim->bytes;
    for (int i = 0; i < TCP_STATES * TCP_STATES; i++)
        t->arrows[i / TCP_STATES][i % TCP_STATES] += sim->arrows[i / TCP_STATES][i % TCP_STATES];
}

void totals_join(struct totals *t, const struct totals *other)
{
    t->runs += other->runs;
    t->steps += other->steps;
    t->packets += other->packets;
    t->bytes += other->bytes;
    for (int i = 0; i < TCP_STATES * TCP_STATES; i++)
        t->arrows[i / TCP_STATES][i % TCP_STATES] += other->arrows[i / TCP_STATES][i % TCP_STATES];
}

unsigned totals_print(const struct totals *t, double seconds)
{
    unsigned missing = 0, all = 0;
    printf("%llu runs, %llu steps, %llu packets, %.1f MB read in %.1f s\n", (unsigned long long)t->runs,
           (unsigned long long)t->steps, (unsigned long long)t->packets, (double)t->bytes / 1e6, seconds);
    printf("transitions of RFC 9293 taken:\n");
    for (int from = 0; from < TCP_STATES; from++) {
        for (int to = 0; to < TCP_STATES; to++) {
            uint32_t n = t->arrows[from][to];
            if (!tcp_may_change((enum tcp_state)from, (enum tcp_state)to))
                continue;
            all++;
            missing += n == 0;
            printf("  %-12s -> %-12s %10u%s\n", tcp_state_name((enum tcp_state)from),
                   tcp_state_name((enum tcp_state)to), n, n ? "" : "  never");
        }
    }
    printf("%u of %u transitions\n", all - missing, all);
    return missing;
}
