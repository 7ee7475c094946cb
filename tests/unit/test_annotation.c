/* The stack's view as a comment: what belongs to a packet that came, and to one that left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../apps/annotation.h"
#include "../../stack/stack.h"
#include "../../apps/heap.h"

#define US   IP_ADDR(10, 7, 0, 2)
#define PEER IP_ADDR(10, 7, 0, 1)

struct world {
    struct stack stack;
    struct annotation annotation;
    struct sock *listener, *s;
    usec now;
    uint32_t iss; /* the stack's, once a segment showed it */
    char text[ANNOTATION_TEXT];
};

static int start(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct stack_config c;
    stack_config_init(&c);
    c.addr = US;
    c.memory = heap_memory;
    c.tcp_timestamps = false;
    c.observe = annotation_see;
    c.observe_context = &w->annotation;
    w->now = SEC(1);
    annotation_init(&w->annotation, &w->stack);
    *state = w;
    return stack_init(&w->stack, &c, w->now);
}

static int stop(void **state)
{
    struct world *w = *state;
    stack_free(&w->stack);
    free(w);
    return 0;
}

/* A segment of the peer's: positions; its initial sequence number is 1000. */
static const char *came(struct world *w, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack,
                        uint32_t len)
{
    uint8_t bytes[2000] = {0}, *head = bytes + IP_HEADER_MIN;
    struct tcp_header h = {.source = 40000, .destination = port, .flags = flags, .window = 5000};
    h.seq.n = 1000 + seq;
    h.ack.n = flags & TCP_ACK ? w->iss + ack : 0;
    h.options.mss = flags & TCP_SYN ? 1000 : 0;
    size_t head_len = tcp_write(&h, head);
    struct span text[2] = {{head + head_len, len}, {NULL, 0}};
    tcp_checksum(head, head_len, text, 2, PEER, US);
    struct ip_fields ip = {.src = PEER, .dst = US, .protocol = IP_TCP, .ttl = 64};
    ip_fill(bytes, &ip, head_len + len);
    annotation_incoming(&w->annotation, bytes, IP_HEADER_MIN + head_len + len);
    stack_input(&w->stack, w->now, bytes, IP_HEADER_MIN + head_len + len);
    strcpy(w->text, annotation_done(&w->annotation));
    return w->text;
}

/* The comment of the next frame that leaves; NULL: none does. */
static const char *left(struct world *w)
{
    struct frame f;
    struct ip_packet p;
    struct tcp_header h;
    uint8_t bytes[2000];
    if (!stack_output(&w->stack, w->now, &f))
        return NULL;
    annotation_outgoing(&w->annotation, &f);
    size_t len = frame_gather(&f, bytes, sizeof bytes);
    if (ip_parse(bytes, len, &p) == DROP_NONE && tcp_parse(&p, &h) == DROP_NONE && h.flags & TCP_SYN)
        w->iss = h.seq.n;
    strcpy(w->text, annotation_done(&w->annotation));
    return w->text;
}

static void has(const char *text, const char *line)
{
    assert_non_null(text);
    size_t len = strlen(line);
    for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (strncmp(at, line, len) == 0)
            return;
    fail_msg("no line begins with '%s' in:\n%s", line, text);
}

static void lacks(const char *text, const char *words)
{
    assert_non_null(text);
    if (strstr(text, words))
        fail_msg("'%s' is in:\n%s", words, text);
}

static void open_connection(struct world *w)
{
    assert_int_equal(sock_open(&w->stack, SOCK_TCP, &w->listener), 0);
    assert_int_equal(sock_bind(w->listener, (struct endpoint){US, 80}), 0);
    assert_int_equal(sock_listen(w->listener, 1), 0);
    came(w, 80, TCP_SYN, 0, 0, 0);
    left(w);
    came(w, 80, TCP_ACK, 1, 1, 0);
    assert_int_equal(sock_accept(w->listener, &w->s, NULL), 0);
}

static void a_handshake_tells_each_change_of_state(void **state)
{
    struct world *w = *state;
    sock_open(&w->stack, SOCK_TCP, &w->listener);
    sock_bind(w->listener, (struct endpoint){US, 80});
    sock_listen(w->listener, 1);
    const char *text = came(w, 80, TCP_SYN, 0, 0, 0);
    has(text, "view: 10.7.0.2 received, connection #1");
    has(text, "state: LISTEN -> SYN-RECEIVED\nrule: RFC 9293 3.10.7.2");
    has(text, "rcv: NXT 0 -> 1");
    text = left(w);
    has(text, "view: 10.7.0.2 sent, connection #1");
    has(text, "state: SYN-RECEIVED\n");
    has(text, "snd: UNA 0, NXT 0 -> 1");
    has(text, "timer: retransmit in 1000.000 ms");
    text = came(w, 80, TCP_ACK, 1, 1, 0);
    has(text, "state: SYN-RECEIVED -> ESTABLISHED\nrule: RFC 9293 3.10.7.4 fifth");
    has(text, "snd: UNA 0 -> 1");
    has(text, "timer: retransmit off");
    lacks(text, "LISTEN");
}

static void a_call_belongs_to_the_packet_that_leaves_because_of_it(void **state)
{
    struct world *w = *state;
    open_connection(w);
    sock_recv(w->s, &(char){0}, 1, 0);
    sock_send(w->s, "hello", 5, 0);
    const char *text = came(w, 80, TCP_ACK, 1, 1, 100); /* between the call and its segment */
    lacks(text, "sock_send");
    has(text, "rcv: NXT 1 -> 101");
    text = left(w);
    has(text, "call: sock_send = 5");
    lacks(text, "EAGAIN");
    has(text, "snd: UNA 1, NXT 1 -> 6");
}

static void a_timer_that_fired_is_told_with_the_retransmission(void **state)
{
    struct world *w = *state;
    open_connection(w);
    sock_send(w->s, "hello", 5, 0);
    left(w);
    w->now += SEC(2);
    stack_time(&w->stack, w->now);
    const char *text = left(w);
    has(text, "segment: retransmitted");
    has(text, "timer: retransmit fired");
    has(text, "cwnd: ");
    assert_non_null(strstr(text, "(timeout)"));
}

static void a_drop_says_why(void **state)
{
    struct world *w = *state;
    open_connection(w);
    const char *text = came(w, 80, TCP_ACK, 1000000, 1, 10);
    has(text, "state: ESTABLISHED\n");
    has(text, "drop: outside the receive window (TCP_SEQUENCE)");
    lacks(text, "NXT 1 ->");
}

static void a_reply_without_connection_has_its_rule(void **state)
{
    struct world *w = *state;
    const char *text = came(w, 99, TCP_SYN, 0, 0, 0);
    has(text, "view: 10.7.0.2 received, no connection");
    has(text, "drop: no connection and no listener (TCP_NO_CONNECTION)");
    lacks(text, "state:");
    text = left(w);
    has(text, "view: 10.7.0.2 sent, no connection");
    has(text, "rule: RFC 9293 3.10.7.1");
}

static void two_connections_are_kept_apart(void **state)
{
    struct world *w = *state;
    struct sock *other;
    open_connection(w);
    sock_open(&w->stack, SOCK_TCP, &other);
    sock_connect(other, (struct endpoint){PEER, 7});
    sock_send(w->s, "hello", 5, 0);
    const char *first = left(w);
    bool syn_first = strstr(first, "SYN-SENT") != NULL;
    if (syn_first)
        lacks(first, "sock_send");
    else
        lacks(first, "sock_connect");
    const char *second = left(w);
    has(second, syn_first ? "call: sock_send = 5" : "state: CLOSED -> SYN-SENT");
}

static void broken_packets_are_no_trouble(void **state)
{
    struct world *w = *state;
    uint8_t bytes[64] = {0x4f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 64, IP_TCP};
    for (size_t len = 0; len <= sizeof bytes; len++) {
        annotation_incoming(&w->annotation, bytes, len);
        stack_input(&w->stack, w->now, bytes, len);
        has(annotation_done(&w->annotation), "view: 10.7.0.2 received, no connection");
    }
}

/* Events that no packet follows make room for new ones. */
static void what_waits_is_bounded(void **state)
{
    struct world *w = *state;
    open_connection(w);
    for (int i = 0; i < 10 * ANNOTATION_WAITING; i++)
        sock_setopt(w->s, SOCK_OPT_NODELAY, i % 2);
    sock_send(w->s, "x", 1, 0);
    has(left(w), "call: sock_send = 1");
    assert_true(w->annotation.waiting_count < ANNOTATION_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handshake_tells_each_change_of_state, start, stop),
        cmocka_unit_test_setup_teardown(a_call_belongs_to_the_packet_that_leaves_because_of_it, start, stop),
        cmocka_unit_test_setup_teardown(a_timer_that_fired_is_told_with_the_retransmission, start, stop),
        cmocka_unit_test_setup_teardown(a_drop_says_why, start, stop),
        cmocka_unit_test_setup_teardown(a_reply_without_connection_has_its_rule, start, stop),
        cmocka_unit_test_setup_teardown(two_connections_are_kept_apart, start, stop),
        cmocka_unit_test_setup_teardown(broken_packets_are_no_trouble, start, stop),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
