/* The services on a real stack, a client on another, one wire between them, in virtual time: RFC 862 to 867,
 * RFC 9112 9, CERT CA-1996-01. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../apps/chargen.h"
#include "../../apps/httpd.h"
#include "../../apps/server.h"
#include "pair.h"

#define CLIENT_ROOM (8u << 20)
#define FILE_SIZE   3000001

struct world {
    struct pair *pair; /* 0: the client's stack, 1: the services' */
    struct loop loop;  /* of the services: its clock and deadlines, no device */
    struct services *services;
    char *log;
    size_t log_len;
    FILE *log_file;
    bool stopped;
};

/* One connection of the client: sends what it was given, keeps what comes. */
struct client {
    struct sock *sock;
    struct world *world;
    const uint8_t *out;
    size_t out_len, out_at;
    bool finish; /* half-close when all is sent */
    bool deaf;   /* does not read */
    bool ended;  /* the server's FIN was read */
    int error;   /* or this happened */
    size_t in_len;
    uint8_t in[CLIENT_ROOM];
};

/* --- the world --- */

static struct world *world_tuned(const char *www, void (*tune)(struct stack_config *, int))
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->pair = pair_new(1, tune);
    w->loop.stack = &w->pair->stack[1];
    w->loop.now = w->pair->now;
    wheel_init(&w->loop.deadlines, w->pair->now);
    w->log_file = open_memstream(&w->log, &w->log_len);
    assert_non_null(w->log_file);
    struct service_config config;
    service_config_init(&config);
    config.port[SERVICE_DISCARD].port = 9009; /* one that was moved */
    config.www = www;
    config.access_log = w->log_file;
    assert_int_equal(services_start(&w->loop, w->loop.stack, &config, &w->services), 0);
    return w;
}

static struct world *world_new(const char *www)
{
    return world_tuned(www, NULL);
}

static void world_free(struct world *w)
{
    services_stop(w->services);
    pair_free(w->pair); /* asserts that both stacks gave back all memory */
    assert_true(wheel_due(&w->loop.deadlines) == NEVER);
    fclose(w->log_file);
    free(w->log);
    free(w);
}

static const char *log_text(struct world *w)
{
    fflush(w->log_file);
    return w->log ? w->log : "";
}

static void client_serve(struct client *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = sock_send(c->sock, c->out + c->out_at, c->out_len - c->out_at, 0);
        if (n <= 0)
            break;
        c->out_at += (size_t)n;
    }
    if (c->finish && c->out_at == c->out_len && sock_shutdown(c->sock, SOCK_SHUT_WRITE) == 0)
        c->finish = false;
    while (!c->deaf && !c->ended && !c->error) {
        assert_true(c->in_len < CLIENT_ROOM);
        ssize_t n = sock_recv(c->sock, c->in + c->in_len, CLIENT_ROOM - c->in_len, 0);
        if (n == -EAGAIN)
            return;
        c->ended = n == 0;
        c->error = n < 0 ? (int)-n : 0;
        c->in_len += n > 0 ? (size_t)n : 0;
    }
}

static void serve_all(struct world *w)
{
    unsigned events;
    w->loop.now = w->pair->now;
    for (struct timer *t; (t = wheel_expired(&w->loop.deadlines, w->loop.now)) != NULL;) {
        struct deadline *d = (struct deadline *)t;
        d->passed(d);
    }
    for (struct sock *s; (s = stack_ready(&w->pair->stack[1], &events)) != NULL;) {
        struct task *task = sock_user(s);
        if (task)
            task->run(task, s, events);
    }
    for (struct sock *s; (s = stack_ready(&w->pair->stack[0], &events)) != NULL;) {
        struct client *c = sock_user(s);
        if (c)
            client_serve(c);
    }
}

static void run(struct world *w, usec duration)
{
    usec until = w->pair->now + duration;
    for (;;) {
        serve_all(w);
        usec due = wheel_due(&w->loop.deadlines);
        usec stop = due < until ? due : until;
        if (pair_step(w->pair, stop))
            continue;
        w->pair->now = stop;
        if (stop == until)
            return;
    }
}

static struct client *client_new(struct world *w, uint16_t port, const void *out, size_t len, bool finish)
{
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    *c = (struct client){.world = w, .out = out, .out_len = len, .finish = finish};
    assert_int_equal(sock_open(&w->pair->stack[0], SOCK_TCP, &c->sock), 0);
    sock_set_user(c->sock, c);
    assert_int_equal(sock_connect(c->sock, (struct endpoint){IP_ADDR(10, 0, 0, 2), port}), -EINPROGRESS);
    return c;
}

static void client_free(struct client *c)
{
    sock_close(c->sock);
    free(c);
}

static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return bytes;
}

/* --- echo, discard, daytime, chargen over TCP --- */

static void echo_returns_all_and_then_closes(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    uint8_t *bytes = pattern(1000000);
    struct client *c = client_new(w, 7, bytes, 1000000, true);
    run(w, SEC(60));
    assert_int_equal(c->in_len, 1000000);
    assert_memory_equal(c->in, bytes, 1000000);
    assert_true(c->ended);
    assert_int_equal(c->error, 0);
    client_free(c);
    run(w, SEC(100));
    free(bytes);
    world_free(w);
}

static void echo_does_not_read_on_while_nobody_takes_its_answer(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    const size_t len = 6000000;
    uint8_t *bytes = pattern(len);
    struct client *c = client_new(w, 7, bytes, len, true);
    c->deaf = true;
    run(w, SEC(60));
    size_t taken = c->out_at;
    assert_true(taken < len); /* buffers are full: its own, and the two of each stack */
    run(w, SEC(60));
    assert_int_equal(c->out_at, taken);
    c->deaf = false;
    client_serve(c);
    run(w, SEC(300));
    assert_int_equal(c->in_len, len);
    assert_memory_equal(c->in, bytes, len);
    assert_true(c->ended);
    client_free(c);
    free(bytes);
    world_free(w);
}

static void echo_returns_urgent_bytes_in_line(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = client_new(w, 7, "abc", 3, false);
    run(w, SEC(1));
    assert_int_equal(sock_send(c->sock, "def!", 4, SOCK_OOB), 4);
    run(w, SEC(1));
    assert_int_equal(sock_send(c->sock, "ghi", 3, 0), 3);
    run(w, SEC(1));
    assert_int_equal(c->in_len, 10);
    assert_memory_equal(c->in, "abcdef!ghi", 10);
    client_free(c);
    world_free(w);
}

static void discard_takes_all_and_answers_with_its_fin(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    uint8_t *bytes = pattern(500000);
    struct client *c = client_new(w, 9009, bytes, 500000, true);
    run(w, SEC(60));
    assert_int_equal(c->out_at, 500000);
    assert_int_equal(c->in_len, 0);
    assert_true(c->ended);
    client_free(c);
    free(bytes);
    world_free(w);
}

static void assert_is_daytime(const uint8_t *bytes, size_t len)
{
    char text[128] = "", day[16], month[16], zone[8];
    int date, year, hour, minute, second;
    assert_true(len < sizeof text);
    memcpy(text, bytes, len);
    assert_int_equal(sscanf(text, "%15[A-Za-z], %15[A-Za-z] %d, %d %d:%d:%d-%7s", day, month, &date, &year,
                            &hour, &minute, &second, zone),
                     8);
    assert_string_equal(zone, "UTC");
    assert_string_equal(text + len - 2, "\r\n");
}

static void daytime_tells_the_time_and_closes_whatever_was_sent(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *quiet = client_new(w, 13, "", 0, false),
                  *loud = client_new(w, 13, "what time is it?", 16, false);
    run(w, SEC(1));
    assert_is_daytime(quiet->in, quiet->in_len);
    assert_is_daytime(loud->in, loud->in_len);
    assert_true(quiet->ended && loud->ended);
    assert_int_equal(loud->error, 0); /* no reset destroyed it */
    run(w, SEC(120));                 /* a client that never closes is not waited for */
    assert_int_equal(stack_open_connections(&w->pair->stack[1]), 0);
    client_free(quiet);
    client_free(loud);
    world_free(w);
}

static void chargen_streams_the_pattern_until_the_peer_closes(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = client_new(w, 19, "stop", 4, false);
    run(w, MSEC(100));
    assert_true(c->in_len > 2 * CHARGEN_PERIOD);
    uint8_t expected[CHARGEN_PERIOD];
    chargen_fill(expected, sizeof expected, 0);
    for (size_t i = 0; i < c->in_len; i++)
        assert_int_equal(c->in[i], expected[i % CHARGEN_PERIOD]);
    assert_false(c->ended);
    assert_int_equal(sock_shutdown(c->sock, SOCK_SHUT_WRITE), 0);
    run(w, SEC(5));
    assert_true(c->ended);
    client_free(c);
    world_free(w);
}

static void chargen_lines_are_those_of_the_rfc(void **state)
{
    (void)state;
    uint8_t bytes[3 * CHARGEN_LINE];
    chargen_fill(bytes, sizeof bytes, 0);
    assert_memory_equal(bytes,
                        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n", 74);
    assert_memory_equal(bytes + 74,
                        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n", 74);
    uint8_t part[10];
    chargen_fill(part, sizeof part, 70);
    assert_memory_equal(part, bytes + 70, sizeof part);
    chargen_fill(part, sizeof part, CHARGEN_PERIOD);
    assert_memory_equal(part, bytes, sizeof part);
}

static void a_stream_to_a_deaf_peer_holds_one_small_buffer(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = client_new(w, 19, "", 0, false);
    c->deaf = true;
    run(w, SEC(30));
    assert_true(stack_core(&w->pair->stack[1])->memory_used < (256u << 10));
    client_free(c);
    world_free(w);
}

/* --- UDP --- */

static struct sock *udp_socket(struct world *w, uint16_t port)
{
    struct sock *s;
    assert_int_equal(sock_open(&w->pair->stack[0], SOCK_UDP, &s), 0);
    assert_int_equal(sock_bind(s, (struct endpoint){0, port}), 0);
    return s;
}

/* The answer's length to a datagram from `from` to `to`, or -EAGAIN: none came. */
static ssize_t ask_udp(struct world *w, uint16_t from, uint16_t to, const void *bytes, size_t len,
                       void *answer)
{
    struct sock *s = udp_socket(w, from);
    struct endpoint server = {IP_ADDR(10, 0, 0, 2), to}, sender;
    assert_int_equal(sock_sendto(s, bytes, len, 0, server), len);
    run(w, SEC(1));
    ssize_t n = sock_recvfrom(s, answer, 65536, 0, &sender);
    if (n >= 0)
        assert_int_equal(sender.port, to);
    sock_close(s);
    return n;
}

static void udp_echo_returns_datagrams_of_every_size(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    static uint8_t answer[65536];
    uint8_t *bytes = pattern(65507);
    static const size_t sizes[] = {0, 1, 1472, 1473, 9000, 65507};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(ask_udp(w, 50000, 7, bytes, sizes[i], answer), sizes[i]);
        assert_memory_equal(answer, bytes, sizes[i]);
    }
    free(bytes);
    world_free(w);
}

static void udp_services_do_not_speak_to_services(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    static uint8_t answer[65536];
    static const uint16_t targets[] = {7, 13, 19}, silent[] = {7, 13, 19, 53, 123, 1023, 9009},
                          answered[] = {1024, 9010, 65535};
    for (size_t t = 0; t < 3; t++) {
        for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
            assert_int_equal(ask_udp(w, silent[i], targets[t], "x", 1, answer), -EAGAIN);
        for (size_t i = 0; i < sizeof answered / sizeof answered[0]; i++)
            assert_true(ask_udp(w, answered[i], targets[t], "x", 1, answer) > 0);
    }
    world_free(w);
}

static void udp_answers_are_no_amplifier(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    static uint8_t answer[65536], bytes[2000];
    for (size_t len = 0; len < 2000; len += len < 20 ? 1 : 330) {
        ssize_t n = ask_udp(w, 50000, 19, bytes, len, answer);
        assert_true(n > 0 && n <= CHARGEN_LINE);
        assert_true((size_t)n + 28 <= 3 * (len + 28));
        assert_memory_equal(answer + n - 2, "\r\n", 2);
    }
    ssize_t n = ask_udp(w, 50000, 13, "", 0, answer);
    assert_is_daytime(answer, (size_t)n);
    assert_true(n + 28 <= 3 * 28);
    assert_int_equal(ask_udp(w, 50000, 9009, "x", 1, answer), -EAGAIN);
    world_free(w);
}

/* --- HTTP --- */

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    static char name[64];
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir;
    snprintf(name, sizeof name, "%.40s/glass-serve-XXXXXX", base);
    folder = mkdtemp(name);
    assert_non_null(folder);
    char path[128];
    snprintf(path, sizeof path, "%s/big", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    uint8_t *bytes = pattern(FILE_SIZE);
    assert_int_equal(fwrite(bytes, 1, FILE_SIZE, f), FILE_SIZE);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/big", folder);
    return remove(path) || rmdir(folder);
}

static struct client *http_client(struct world *w, const char *request, bool finish)
{
    return client_new(w, 80, request, strlen(request), finish);
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void a_request_is_answered_and_the_connection_kept(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = http_client(w, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false);
    run(w, SEC(1));
    assert_memory_equal(c->in, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr((char *)c->in, "served by <b>glasstack</b>"));
    assert_false(c->ended);
    assert_int_equal(count(log_text(w), "\n"), 1);
    assert_non_null(strstr(log_text(w), "10.0.0.1 - - ["));
    assert_non_null(strstr(log_text(w), "\"GET / HTTP/1.1\" 200 "));
    client_free(c);
    world_free(w);
}

static void half_closed_client_gets_its_response_whole(void **state)
{
    (void)state;
    struct world *w = world_new(folder);
    struct client *c = http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", true);
    run(w, SEC(60));
    uint8_t *bytes = pattern(FILE_SIZE);
    assert_true(c->ended && c->in_len > FILE_SIZE);
    assert_memory_equal(c->in + c->in_len - FILE_SIZE, bytes, FILE_SIZE);
    assert_non_null(strstr(log_text(w), " 200 3000001 "));
    free(bytes);
    client_free(c);
    world_free(w);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct world *w = world_new(folder);
    static char requests[100 * 64];
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(requests + len, "GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-%d\r\n\r\n",
                               i, i);
    struct client *c = http_client(w, requests, true);
    run(w, SEC(30));
    uint8_t *bytes = pattern(100);
    const char *at = (char *)c->in;
    for (int i = 0; i < 100; i++) {
        char range[64];
        snprintf(range, sizeof range, "Content-Range: bytes %d-%d/3000001\r\n", i, i);
        at = strstr(at, range);
        assert_non_null(at);
        at = strstr(at, "\r\n\r\n");
        assert_non_null(at);
        assert_int_equal((uint8_t)at[4], bytes[i]);
        at += 5;
    }
    assert_true(c->ended && at == (char *)c->in + c->in_len);
    free(bytes);
    client_free(c);
    world_free(w);
}

static void bodies_are_skipped_and_never_taken_for_requests(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 29\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\nA",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1d;e\r\nGET /x HTTP/1.1\r\nHost: "
        "x\r\n\r\nA\r\n0\r\nT: t\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_new(NULL);
        char text[512];
        snprintf(text, sizeof text, "%sHEAD /after HTTP/1.1\r\nHost: x\r\n\r\n", bodies[i]);
        struct client *c = http_client(w, text, true);
        run(w, SEC(5));
        assert_int_equal(count((char *)c->in, "HTTP/1.1 "), 2);
        assert_int_equal(count(log_text(w), "\n"), 2);
        assert_non_null(strstr(log_text(w), "\"HEAD /after HTTP/1.1\" 404 0"));
        client_free(c);
        world_free(w);
    }
}

static void bad_request_gets_its_status_and_an_orderly_end(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    static char text[200000] = "BAD\r\n";
    memset(text + 5, 'x', sizeof text - 6); /* much more that nobody reads */
    struct client *c = http_client(w, text, true);
    run(w, SEC(5));
    assert_memory_equal(c->in, "HTTP/1.1 400 Bad Request\r\n", 26);
    assert_true(c->ended);
    assert_int_equal(c->error, 0);
    assert_non_null(strstr(log_text(w), "\"BAD\" 400 "));
    struct client *next = http_client(w, "GET / HTTP/1.0\r\n\r\n", false);
    run(w, SEC(5));
    assert_memory_equal(next->in, "HTTP/1.1 200 OK\r\n", 17);
    assert_true(next->ended);
    client_free(c);
    client_free(next);
    world_free(w);
}

static void incomplete_request_gets_400_at_its_end(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = http_client(w, "GET / HTTP/1.1\r\nHost", true);
    run(w, SEC(5));
    assert_memory_equal(c->in, "HTTP/1.1 400 ", 13);
    assert_true(c->ended);
    client_free(c);
    world_free(w);
}

static void dawdling_client_gets_408(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = http_client(w, "GET / HTTP/1.1\r\n", false);
    for (int i = 0; i < 9; i++) { /* a byte now and then does not help */
        run(w, SEC(1));
        assert_int_equal(sock_send(c->sock, "A", 1, 0), 1);
        assert_int_equal(c->in_len, 0);
    }
    run(w, SEC(2));
    assert_memory_equal(c->in, "HTTP/1.1 408 Request Timeout\r\n", 30);
    assert_true(c->ended);
    assert_non_null(strstr(log_text(w), "\"GET / HTTP/1.1\" 408 "));
    run(w, SEC(120));
    assert_int_equal(stack_open_connections(&w->pair->stack[1]), 0);
    client_free(c);
    world_free(w);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *fresh = http_client(w, "", false),
                  *used = http_client(w, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", false);
    run(w, SEC(29));
    assert_false(fresh->ended || used->ended);
    size_t len = used->in_len;
    run(w, SEC(2));
    assert_true(fresh->ended && used->ended);
    assert_int_equal(fresh->in_len, 0);
    assert_int_equal(used->in_len, len);
    assert_int_equal(count(log_text(w), "\n"), 1);
    client_free(fresh);
    client_free(used);
    world_free(w);
}

/* Buffers of one size, so that what a deaf or slow client leaves untaken does not depend on the measured
 * rate. */
static void fixed_buffers(struct stack_config *c, int which)
{
    (void)which;
    c->tcp_autotune = false;
    c->tcp_send_buffer = 1u << 20;
}

static void deaf_client_is_given_up_but_a_slow_one_is_not(void **state)
{
    (void)state;
    struct world *w = world_tuned(folder, fixed_buffers);
    struct client *deaf = http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", false);
    struct client *slow = http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", false);
    deaf->deaf = slow->deaf = true;
    for (int i = 0; i < 10; i++) {
        run(w, SEC(60));
        slow->deaf = false;
        client_serve(slow);
        slow->deaf = true;
    }
    assert_int_equal(count(log_text(w), "\n"), 1); /* the deaf one's, with what it got */
    assert_int_equal(stack_open_connections(&w->pair->stack[1]), 1);
    slow->deaf = false;
    client_serve(slow);
    run(w, SEC(60));
    assert_true(slow->in_len > FILE_SIZE);
    client_free(deaf);
    client_free(slow);
    world_free(w);
}

static void many_connections_at_once_are_served(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct sock *socks[300];
    for (int i = 0; i < 300; i++) {
        assert_int_equal(sock_open(&w->pair->stack[0], SOCK_TCP, &socks[i]), 0);
        assert_int_equal(sock_connect(socks[i], (struct endpoint){IP_ADDR(10, 0, 0, 2), 80}), -EINPROGRESS);
    }
    run(w, SEC(1));
    for (int i = 0; i < 300; i++)
        assert_int_equal(sock_send(socks[i], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    run(w, SEC(5));
    for (int i = 0; i < 300; i++) {
        char head[16];
        assert_int_equal(sock_recv(socks[i], head, 15, 0), 15);
        assert_memory_equal(head, "HTTP/1.1 200 OK", 15);
        sock_abort(socks[i]);
    }
    world_free(w);
}

static void services_can_be_stopped_in_mid_flight(void **state)
{
    (void)state;
    struct world *w = world_new(folder);
    struct client *c[5] = {http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", false),
                           http_client(w, "GET /", false), client_new(w, 19, "", 0, false),
                           client_new(w, 7, "abc", 3, false), client_new(w, 13, "", 0, false)};
    run(w, MSEC(45));
    services_stop(w->services);
    w->services = NULL;
    run(w, SEC(10));
    for (int i = 0; i < 5; i++) {
        assert_true(c[i]->ended || c[i]->error);
        client_free(c[i]);
    }
    world_free(w);
}

static void a_second_start_on_the_same_ports_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct service_config config;
    struct services *second = NULL;
    service_config_init(&config);
    size_t before = stack_core(w->loop.stack)->memory_used;
    config.port[SERVICE_ECHO].port = 0; /* so that some can start before one cannot */
    config.port[SERVICE_DISCARD].port = 9;
    assert_int_equal(services_start(&w->loop, w->loop.stack, &config, &second), -EADDRINUSE);
    assert_null(second);
    config.www = "/nowhere/at/all";
    assert_int_equal(services_start(&w->loop, w->loop.stack, &config, &second), -ENOENT);
    assert_true(stack_core(w->loop.stack)->memory_used <= before);
    world_free(w);
}

static void every_failed_allocation_ends_in_something_named(void **state)
{
    (void)state;
    int answered = 0;
    for (long fail = 1; fail < 80; fail++) {
        struct world *w = world_new(folder);
        struct client *echo = client_new(w, 7, "abc", 3, true);
        struct client *http = http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", true);
        w->pair->fail_at = w->pair->allocations + fail;
        run(w, SEC(200));
        answered += echo->in_len == 3 && http->in_len > FILE_SIZE;
        client_free(echo);
        client_free(http);
        run(w, SEC(100));
        assert_int_equal(stack_open_connections(&w->pair->stack[1]), 0);
        world_free(w);
    }
    assert_true(answered > 0 && answered < 79); /* some failures hurt, some could be borne */
}

static void lossy(struct stack_config *config, int which)
{
    (void)which;
    config->tcp_receive_buffer = 20000;
}

static void a_file_survives_a_bad_link(void **state)
{
    (void)state;
    struct world *w = world_tuned(folder, lossy);
    w->pair->loss = 20;
    w->pair->reorder = 50;
    w->pair->duplicate = 20;
    struct client *c = http_client(w, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false);
    run(w, SEC(600));
    uint8_t *bytes = pattern(FILE_SIZE);
    assert_true(c->ended && c->in_len > FILE_SIZE);
    assert_memory_equal(c->in + c->in_len - FILE_SIZE, bytes, FILE_SIZE);
    free(bytes);
    client_free(c);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_returns_all_and_then_closes),
        cmocka_unit_test(echo_does_not_read_on_while_nobody_takes_its_answer),
        cmocka_unit_test(echo_returns_urgent_bytes_in_line),
        cmocka_unit_test(discard_takes_all_and_answers_with_its_fin),
        cmocka_unit_test(daytime_tells_the_time_and_closes_whatever_was_sent),
        cmocka_unit_test(chargen_streams_the_pattern_until_the_peer_closes),
        cmocka_unit_test(chargen_lines_are_those_of_the_rfc),
        cmocka_unit_test(a_stream_to_a_deaf_peer_holds_one_small_buffer),
        cmocka_unit_test(udp_echo_returns_datagrams_of_every_size),
        cmocka_unit_test(udp_services_do_not_speak_to_services),
        cmocka_unit_test(udp_answers_are_no_amplifier),
        cmocka_unit_test(a_request_is_answered_and_the_connection_kept),
        cmocka_unit_test(half_closed_client_gets_its_response_whole),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(bodies_are_skipped_and_never_taken_for_requests),
        cmocka_unit_test(bad_request_gets_its_status_and_an_orderly_end),
        cmocka_unit_test(incomplete_request_gets_400_at_its_end),
        cmocka_unit_test(dawdling_client_gets_408),
        cmocka_unit_test(idle_connections_are_closed_without_a_word),
        cmocka_unit_test(deaf_client_is_given_up_but_a_slow_one_is_not),
        cmocka_unit_test(many_connections_at_once_are_served),
        cmocka_unit_test(services_can_be_stopped_in_mid_flight),
        cmocka_unit_test(a_second_start_on_the_same_ports_is_refused_and_leaves_nothing),
        cmocka_unit_test(every_failed_allocation_ends_in_something_named),
        cmocka_unit_test(a_file_survives_a_bad_link),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
