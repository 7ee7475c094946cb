/* All of one stack's TCP. */
#include "tcp.h"
#include "tcp_flight.h"
#include "tcp_rest.h"
#include "tcp_state.h"
#include "tcp_timer.h"
#include "tcp_timewait.h"

void tcp_init(struct tcp *tcp, struct core *core, struct outbox *outbox, struct ports *ports)
{
    *tcp = (struct tcp){.core = core, .outbox = outbox, .ports = ports};
    tcp->out_last = &tcp->out_first;
    tcp->line_last = &tcp->line_first;
}

void tcp_timer_expired(struct tcp *tcp, struct timer *t)
{
    if (t == &tcp->tw_timer)
        timewait_expire(tcp);
    else if (((struct tcp_alarm *)t)->of_rest)
        rest_alarm(tcp, t);
    else
        tcp_timer_run(CONN_OF_TIMER(t));
}

void tcp_free(struct tcp *tcp)
{
    struct table_node *n;
    while ((n = table_walk(&tcp->conns, NULL))) {
        struct tcp_conn *c = CONN_OF_NODE(n);
        tcp_end(c, 0, RULE_NONE);
        tcb_release(c);
    }
    rest_free(tcp);
    timewait_free(tcp);
    flight_free_spares(tcp);
    table_free(&tcp->peers, tcp->core);
    table_free(&tcp->conns, tcp->core);
}
