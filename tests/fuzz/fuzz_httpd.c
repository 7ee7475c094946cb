/* Whole requests to the HTTP server over TCP, cut and pipelined as the input says, by a client that may be
 * slow, half close or reset: RFC 9112 9. What the server holds when the client is gone is nothing.
 *
 * Input: a byte of settings, then steps: an operation, for some of them a length and bytes of the request. */
#include "../../apps/httpd.h"
#include "targets.h"
#include "world.h"

#include <assert.h>

#define PORT    80
#define CLIENTS 2
#define ROUNDS  64 /* exchanges over the wire in one turn */

static struct {
    struct world w[2]; /* the server's stack, the client's */
    struct loop loop;  /* of the server: its clock and deadlines, no device */
    struct httpd httpd;
    struct server server;
    uint8_t scratch[SERVER_SCRATCH];
    struct sock *client[CLIENTS];
    unsigned carried;
} y;

static void carry(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len)
{
    (void)p;
    y.carried++;
    world_input(w == &y.w[0] ? &y.w[1] : &y.w[0], bytes, len);
}

static void serve(struct world *w, struct sock *s, unsigned events)
{
    (void)w;
    struct task *task = sock_user(s);
    if (task)
        task->run(task, s, events);
}

static void settle(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        y.carried = 0;
        world_settle(&y.w[0]);
        world_settle(&y.w[1]);
        if (y.carried == 0 && stack_due(&y.w[0].stack) > y.loop.now)
            return;
    }
}

static void pass(usec time)
{
    settle();
    y.w[0].now = y.w[1].now = y.loop.now += time;
    for (struct timer *t; (t = wheel_expired(&y.loop.deadlines, y.loop.now));) {
        struct deadline *d = (struct deadline *)t;
        d->passed(d);
    }
    settle();
}

static void connect_client(struct sock **s)
{
    if (sock_open(&y.w[1].stack, SOCK_TCP, s) == 0)
        sock_connect(*s, (struct endpoint){WORLD_US, PORT});
}

static void send_bytes(struct sock *s, size_t len, struct reader *in)
{
    if (len > reader_left(in))
        len = reader_left(in);
    sock_send(s, get_bytes(in, len), len, 0);
}

static void send_text(struct sock *s, const char *text)
{
    sock_send(s, text, strlen(text), 0);
}

static void read_some(struct sock *s, uint8_t how)
{
    static uint8_t room[65536];
    for (int i = 0; i <= (how & 15); i++)
        if (sock_recv(s, room, how & 0x10 ? 100 : sizeof room, 0) <= 0)
            return;
}

static void let_go(struct sock **s, uint8_t how)
{
    if (how & 1)
        sock_shutdown(*s, SOCK_SHUT_WRITE);
    else if (how & 2)
        sock_abort(*s);
    else
        sock_close(*s);
    if (!(how & 1))
        *s = NULL;
}

static void step(struct reader *in)
{
    uint8_t op = get8(in);
    struct sock **s = &y.client[op >> 7];
    if (!*s)
        connect_client(s);
    switch (op & 7) {
    case 0:
    case 1:
        send_bytes(*s, get8(in), in);
        break;
    case 2:
        send_text(*s, op & 8 ? "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                             : "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        break;
    case 3:
        send_text(*s, op & 8 ? "\r\n" : "HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        break;
    case 4:
        read_some(*s, get8(in));
        break;
    case 5:
        let_go(s, get8(in));
        break;
    default:
        pass(MSEC(1) << (op >> 3 & 15));
        break;
    }
    settle();
}

static void start(uint8_t settings)
{
    struct reader none = no_input();
    struct stack_config config;
    y.loop = (struct loop){.stack = &y.w[0].stack, .now = SEC(1)};
    wheel_init(&y.loop.deadlines, SEC(1));
    for (int i = 0; i < 2; i++) {
        world_config(&config, &none);
        config.addr = i ? WORLD_PEER : WORLD_US;
        config.tcp_receive_buffer = settings & 1 ? 2000 : 1u << 16; /* the server meets a full window */
        config.tcp_delayed_ack = 0;
        config.memory_limit = settings & 2 && i == 0 ? 20000 : 8u << 20;
        world_start(&y.w[i], &config);
        y.w[i].sent = carry;
    }
    y.w[0].told = serve;
    int error = httpd_open(&y.httpd, NULL, NULL);
    y.server = (struct server){.loop = &y.loop, .scratch = y.scratch, .context = &y.httpd};
    error = error ? error : server_start(&y.server, &y.w[0].stack, &http_program, PORT);
    assert(!error);
}

static void end(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (y.client[i])
            sock_abort(y.client[i]);
        y.client[i] = NULL;
    }
    pass(0); /* the resets arrive, and the server lets go of what it held */
    for (int i = 0; i < 4; i++)
        pass(HTTPD_STALL_TIME);
    assert(y.server.count == 0 && y.httpd.pages == 0);
    server_stop(&y.server);
    httpd_close(&y.httpd);
    for (int i = 0; i < 2; i++) {
        y.w[i].sent = NULL;
        world_end(&y.w[i]);
    }
    assert(wheel_due(&y.loop.deadlines) == NEVER);
}

void fuzz_httpd(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    start(get8(&in));
    while (reader_left(&in) > 0)
        step(&in);
    end();
}
