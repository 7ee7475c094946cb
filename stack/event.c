/* The names behind event.h's enumerations. */
#include "event.h"

const char *drop_name(enum drop why)
{
#define X(name, text, rule) #name,
    static const char *const table[DROP_COUNT] = {DROP_REASONS(X)};
#undef X
    return table[why];
}

const char *drop_text(enum drop why)
{
#define X(name, text, rule) text,
    static const char *const table[DROP_COUNT] = {DROP_REASONS(X)};
#undef X
    return table[why];
}

enum rule drop_rule(enum drop why)
{
#define X(name, text, rule) RULE_##rule,
    static const uint8_t table[DROP_COUNT] = {DROP_REASONS(X)};
#undef X
    return (enum rule)table[why];
}

const char *counter_name(enum counter which)
{
#define X(name, text) #name,
    static const char *const table[COUNTER_COUNT] = {COUNTERS(X)};
#undef X
    return table[which];
}

const char *counter_text(enum counter which)
{
#define X(name, text) text,
    static const char *const table[COUNTER_COUNT] = {COUNTERS(X)};
#undef X
    return table[which];
}

const char *tcp_state_name(enum tcp_state s)
{
    static const char *const table[TCP_STATES] = {
        [TCP_CLOSED] = "CLOSED",           [TCP_LISTEN] = "LISTEN",
        [TCP_SYN_SENT] = "SYN-SENT",       [TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [TCP_ESTABLISHED] = "ESTABLISHED", [TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [TCP_CLOSING] = "CLOSING",         [TCP_LAST_ACK] = "LAST-ACK",
        [TCP_TIME_WAIT] = "TIME-WAIT",
    };
    return table[s];
}

const char *tcp_timer_name(enum tcp_timer t)
{
    static const char *const table[TCP_TIMERS + 1] = {
        [TCP_TIMER_RETRANSMIT] = "retransmit",   [TCP_TIMER_PERSIST] = "persist",
        [TCP_TIMER_DELAYED_ACK] = "delayed-ack", [TCP_TIMER_KEEPALIVE] = "keepalive",
        [TCP_TIMER_FIN_WAIT_2] = "fin-wait-2",   [TCP_TIMER_REORDER] = "reorder",
        [TCP_TIMER_TAIL_LOSS] = "tail-loss",     [TCP_TIMER_TIME_WAIT] = "time-wait",
    };
    return table[t];
}
