/* The control server, with a real stack and a real loop in this process; what it is told to connect to is the
 * stack's own address, so no device is needed. Clients are plain Unix sockets, well-behaved and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../apps/control_client.h"
#include "../../apps/control_frame.h"
#include "../../apps/control_server.h"
#include "../../stack/ip_wire.h"
#include "../../tun/tun.h"
#include "../../apps/heap.h"

#define OURS  IP_ADDR(10, 7, 0, 2)
#define PORT  4000
#define TURNS 20000 /* bound of every wait: each turn is at most a millisecond */

struct fixture {
    struct device device;
    struct stack stack;
    struct loop loop;
    struct control_server server;
    int listen_fd, net_ns_fd, downs;
    struct sockaddr_un addr;
    socklen_t addr_len;
    struct task task;      /* of the sockets below */
    struct sock *listener; /* TCP, PORT */
    struct sock *accepted; /* the last connection to it */
    struct sock *udp;      /* PORT */
};

/* The C library's, with a fault: a client may take what fills its socket at any moment, also between two
 * calls of the server. */
static bool every_other_send_finds_it_full;

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    static unsigned count;
    if (every_other_send_finds_it_full && count++ % 2 == 0) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

static ssize_t no_read(struct device *device, uint8_t *to, size_t room, struct offload *offload)
{
    (void)offload;
    (void)device;
    (void)to;
    (void)room;
    return -EAGAIN;
}

static ssize_t no_write(struct device *device, const struct iovec *part, int count,
                        const struct offload *offload)
{
    (void)offload;
    (void)device;
    ssize_t n = 0;
    for (int i = 0; i < count; i++)
        n += (ssize_t)part[i].iov_len;
    return n; /* nobody is there */
}

static void asked_down(void *context)
{
    struct fixture *x = context;
    x->downs++;
    control_server_stop(&x->server);
}

static void run_task(struct task *task, struct sock *s, unsigned events)
{
    struct fixture *x = (struct fixture *)((char *)task - offsetof(struct fixture, task));
    (void)events;
    if (s == x->listener && !x->accepted)
        sock_accept(s, &x->accepted, NULL);
}

/* An abstract address: no file is left behind. */
static int open_listener(struct fixture *x)
{
    static int count;
    x->addr.sun_family = AF_UNIX;
    int len = snprintf(x->addr.sun_path + 1, sizeof x->addr.sun_path - 1, "glass-test-%d-%d", (int)getpid(),
                       count++);
    x->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    x->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(x->listen_fd, (struct sockaddr *)&x->addr, x->addr_len) < 0)
        return -1;
    return listen(x->listen_fd, 512);
}

static int setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct stack_config config;
    assert_non_null(x);
    *state = x;
    stack_config_init(&config);
    config.addr = OURS;
    config.prefix = 24;
    config.memory = heap_memory;
    config.tcp_msl = MSEC(1);
    x->device =
        (struct device){.fd = eventfd(0, EFD_NONBLOCK), .mtu = 1500, .read = no_read, .write = no_write};
    x->net_ns_fd = open("/proc/self/ns/net", O_RDONLY);
    x->task.run = run_task;
    if (open_listener(x) < 0 || stack_init(&x->stack, &config, clock_now()) < 0 ||
        loop_init(&x->loop, &x->stack, &x->device, NULL) < 0)
        return -1;
    assert_int_equal(sock_open(&x->stack, SOCK_TCP, &x->listener), 0);
    assert_int_equal(sock_bind(x->listener, (struct endpoint){0, PORT}), 0);
    assert_int_equal(sock_listen(x->listener, 4), 0);
    sock_set_user(x->listener, &x->task);
    assert_int_equal(sock_open(&x->stack, SOCK_UDP, &x->udp), 0);
    assert_int_equal(sock_bind(x->udp, (struct endpoint){0, PORT}), 0);
    return control_server_start(&x->server, &x->loop, &x->stack, x->listen_fd, -1, x->net_ns_fd, asked_down,
                                x);
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    control_server_stop(&x->server);
    control_server_free(&x->server);
    assert_null(x->server.clients);
    if (x->accepted)
        sock_abort(x->accepted);
    sock_close(x->listener);
    sock_close(x->udp);
    stack_free(&x->stack);
    size_t leaked = stack_core(&x->stack)->memory_used;
    loop_free(&x->loop);
    close(x->device.fd);
    close(x->listen_fd);
    close(x->net_ns_fd);
    free(x);
    return leaked == 0 ? 0 : -1;
}

static void turn(struct fixture *x)
{
    assert_int_equal(loop_turn(&x->loop, clock_now() + MSEC(1)), 0);
}

static void turns(struct fixture *x, int n)
{
    for (int i = 0; i < n; i++)
        turn(x);
}

/* --- a client --- */

struct client {
    int fd;
    struct control_inbox in;
};

static void client_connect(struct fixture *x, struct client *c)
{
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&x->addr, x->addr_len), 0);
}

static void client_send(struct client *c, enum control_type type, const void *body, size_t len)
{
    assert_int_equal(control_send(c->fd, type, body, len), 0);
}

/* The next message; type 0 at the end of the connection. */
static struct control_message client_next(struct fixture *x, struct client *c)
{
    static struct control_inbox copy; /* the message lies here until the next call */
    struct control_message m = {0};
    for (int i = 0; i < TURNS; i++) {
        if (control_inbox_peek(&c->in, &m) == 1) {
            memcpy(&copy, &c->in, sizeof copy);
            m.body = copy.bytes + (m.body - c->in.bytes);
            control_inbox_drop(&c->in);
            return m;
        }
        turn(x);
        ssize_t n = control_inbox_read(&c->in, c->fd);
        if (n == 0 || n == -ECONNRESET)
            return (struct control_message){0};
    }
    fail_msg("no message came");
    return m;
}

static void client_hello(struct fixture *x, struct client *c)
{
    struct control_hello hello = {.version = CONTROL_VERSION, .pid = 1}, answer;
    client_connect(x, c);
    client_send(c, CONTROL_HELLO, &hello, sizeof hello);
    struct control_message m = client_next(x, c);
    assert_int_equal(m.type, CONTROL_HELLO);
    memcpy(&answer, m.body, sizeof answer);
    assert_int_equal(answer.version, CONTROL_VERSION);
    assert_int_equal(answer.pid, getpid());
    assert_int_equal(answer.addr.addr, OURS);
}

static struct control_message client_open(struct fixture *x, struct client *c, enum sock_type type,
                                          uint16_t port)
{
    struct control_open open = {.type = (uint8_t)type, .remote = {OURS, port}};
    client_hello(x, c);
    client_send(c, CONTROL_OPEN, &open, sizeof open);
    return client_next(x, c);
}

static int error_of(struct control_message m)
{
    struct control_error e;
    assert_int_equal(m.type, CONTROL_ERROR);
    memcpy(&e, m.body, sizeof e);
    assert_true(memchr(e.text, 0, sizeof e.text) != NULL);
    return e.error;
}

static void assert_refused(struct fixture *x, struct client *c, int error)
{
    assert_int_equal(error_of(client_next(x, c)), error);
    assert_int_equal(client_next(x, c).type, 0);
    close(c->fd);
}

static void wait_accepted(struct fixture *x)
{
    for (int i = 0; i < TURNS && !x->accepted; i++)
        turn(x);
    assert_non_null(x->accepted);
}

/* What the peer of a relay receives next: a count, 0 at its end, or an error. */
static ssize_t peer_receive(struct fixture *x, void *to, size_t room)
{
    for (int i = 0; i < TURNS; i++) {
        ssize_t n = sock_recv(x->accepted, to, room, 0);
        if (n != -EAGAIN)
            return n;
        turn(x);
    }
    return -EAGAIN;
}

/* --- requests --- */

static void the_table_comes_row_by_row(void **state)
{
    struct fixture *x = *state;
    struct client c;
    struct control_message m;
    struct sock_info row;
    int rows = 0, listeners = 0;
    client_hello(x, &c);
    client_send(&c, CONTROL_NETSTAT, NULL, 0);
    while ((m = client_next(x, &c)).type == CONTROL_ROW) {
        memcpy(&row, m.body, sizeof row);
        assert_int_equal(row.local.port, PORT);
        listeners += row.protocol == IP_TCP && row.state == TCP_LISTEN;
        rows++;
    }
    assert_int_equal(m.type, CONTROL_END);
    assert_int_equal(rows, 2);
    assert_int_equal(listeners, 1);
    assert_int_equal(client_next(x, &c).type, 0);
    close(c.fd);
}

static void every_counter_is_told(void **state)
{
    struct fixture *x = *state;
    struct client c;
    struct control_message m;
    struct control_stats stats;
    const struct core *core = stack_core(&x->stack);
    const uint8_t nonsense[] = {0x60, 0, 0, 0};
    stack_input(&x->stack, loop_now(&x->loop), nonsense, sizeof nonsense);
    client_hello(x, &c);
    client_send(&c, CONTROL_COUNTERS, NULL, 0);
    m = client_next(x, &c);
    assert_int_equal(m.type, CONTROL_STATS);
    memcpy(&stats, m.body, sizeof stats);
    assert_int_equal(stats.counter[COUNT_IP_IN], 1);
    assert_int_equal(stats.dropped[DROP_IP_SHORT], 1);
    assert_memory_equal(stats.counter, core->counter, sizeof stats.counter);
    assert_memory_equal(stats.dropped, core->dropped, sizeof stats.dropped);
    assert_int_equal(stats.memory_used, core->memory_used);
    assert_int_equal(stats.memory_limit, core->config.memory_limit);
    assert_int_equal(stats.established, 0);
    assert_int_equal(stats.has_link, 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_END);
    assert_int_equal(client_next(x, &c).type, 0);
    close(c.fd);
}

static void the_namespace_comes_as_a_descriptor(void **state)
{
    struct fixture *x = *state;
    struct client c;
    struct control_header h;
    struct stat ours, theirs;
    int fds[2];
    client_hello(x, &c);
    client_send(&c, CONTROL_NAMESPACE, NULL, 0);
    turns(x, 3);
    assert_int_equal(control_receive(c.fd, &h, NULL, 0, fds), 0);
    assert_int_equal(h.type, CONTROL_END);
    assert_true(fds[0] >= 0 && fds[1] == -1);
    assert_int_equal(fstat(fds[0], &theirs), 0);
    assert_int_equal(fstat(x->net_ns_fd, &ours), 0);
    assert_int_equal(ours.st_ino, theirs.st_ino);
    close(fds[0]);
    close(c.fd);
}

static void down_is_answered_when_all_is_closed(void **state)
{
    struct fixture *x = *state;
    struct client asks, relays;
    assert_int_equal(client_open(x, &relays, SOCK_TCP, PORT).type, CONTROL_OPENED);
    client_hello(x, &asks);
    client_send(&asks, CONTROL_DOWN, NULL, 0);
    for (int i = 0; i < TURNS && x->downs == 0; i++)
        turn(x);
    assert_int_equal(x->downs, 1);
    assert_int_equal(error_of(client_next(x, &relays)), ESHUTDOWN);
    turns(x, 5);
    assert_int_equal(control_inbox_read(&asks.in, asks.fd), -EAGAIN); /* not yet */
    control_server_free(&x->server);
    assert_int_equal(client_next(x, &asks).type, CONTROL_END);
    close(asks.fd);
    close(relays.fd);
}

/* --- misbehaviour --- */

static void a_client_that_makes_no_sense_is_told_and_dropped(void **state)
{
    struct fixture *x = *state;
    struct client c;
    static const uint8_t garbage[64] = {0xff, 0xff, 0xff};
    client_connect(x, &c);
    assert_int_equal(write(c.fd, garbage, sizeof garbage), sizeof garbage);
    assert_refused(x, &c, EPROTO);

    client_connect(x, &c);
    client_send(&c, CONTROL_NETSTAT, NULL, 0); /* without a hello */
    assert_refused(x, &c, EPROTO);

    client_hello(x, &c);
    client_send(&c, CONTROL_DATA, "x", 1); /* without an open */
    assert_refused(x, &c, EPROTO);

    struct control_hello old = {.version = CONTROL_VERSION + 1};
    client_connect(x, &c);
    client_send(&c, CONTROL_HELLO, &old, sizeof old);
    assert_refused(x, &c, EPROTO);
}

static void data_after_the_end_of_data_is_misbehaviour(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    client_send(&c, CONTROL_EOF, NULL, 0);
    client_send(&c, CONTROL_DATA, "x", 1);
    assert_refused(x, &c, EPROTO);
}

static void a_request_in_single_bytes_is_served(void **state)
{
    struct fixture *x = *state;
    struct client c;
    struct {
        struct control_header h;
        struct control_hello hello;
    } bytes = {{CONTROL_HELLO, sizeof bytes.hello}, {.version = CONTROL_VERSION}};
    client_connect(x, &c);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(write(c.fd, (uint8_t *)&bytes + i, 1), 1);
        turns(x, 2);
    }
    assert_int_equal(client_next(x, &c).type, CONTROL_HELLO);
    close(c.fd);
}

static void too_many_clients_are_turned_away_and_the_rest_served(void **state)
{
    struct fixture *x = *state;
    static struct client many[300];
    int served = 0;
    struct control_hello hello = {.version = CONTROL_VERSION};
    for (int i = 0; i < 300; i++) {
        client_connect(x, &many[i]);
        send(many[i].fd, &(struct control_header){CONTROL_HELLO, sizeof hello}, sizeof(struct control_header),
             MSG_NOSIGNAL);
        send(many[i].fd, &hello, sizeof hello, MSG_NOSIGNAL);
    }
    for (int i = 0; i < 300; i++)
        served += client_next(x, &many[i]).type == CONTROL_HELLO;
    assert_int_equal(served, 256);
    for (int i = 0; i < 300; i++)
        close(many[i].fd);
    turns(x, 40);
    assert_null(x->server.clients);
    struct client c;
    client_hello(x, &c);
    close(c.fd);
}

/* --- the relay --- */

static void a_stream_goes_both_ways_and_each_half_closes_alone(void **state)
{
    struct fixture *x = *state;
    struct client c;
    char text[16];
    struct control_message m = client_open(x, &c, SOCK_TCP, PORT);
    struct control_opened opened;
    assert_int_equal(m.type, CONTROL_OPENED);
    memcpy(&opened, m.body, sizeof opened);
    assert_int_equal(opened.local.addr, OURS);
    assert_true(opened.local.port >= 49152);
    assert_int_equal(opened.remote.port, PORT);
    wait_accepted(x);
    client_send(&c, CONTROL_DATA, "question", 8);
    client_send(&c, CONTROL_EOF, NULL, 0);
    assert_int_equal(peer_receive(x, text, sizeof text), 8);
    assert_memory_equal(text, "question", 8);
    assert_int_equal(peer_receive(x, text, sizeof text), 0);
    assert_int_equal(sock_send(x->accepted, "answer", 6, 0), 6);
    m = client_next(x, &c);
    assert_int_equal(m.type, CONTROL_DATA);
    assert_memory_equal(m.body, "answer", 6);
    assert_int_equal(sock_shutdown(x->accepted, SOCK_SHUT_WRITE), 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_EOF);
    assert_int_equal(client_next(x, &c).type, CONTROL_END);
    assert_int_equal(client_next(x, &c).type, 0);
    close(c.fd);
}

static void the_peer_may_close_first(void **state)
{
    struct fixture *x = *state;
    struct client c;
    char text[16];
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    assert_int_equal(sock_shutdown(x->accepted, SOCK_SHUT_WRITE), 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_EOF);
    client_send(&c, CONTROL_DATA, "late", 4);
    client_send(&c, CONTROL_EOF, NULL, 0);
    assert_int_equal(peer_receive(x, text, sizeof text), 4);
    assert_int_equal(peer_receive(x, text, sizeof text), 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_END);
    close(c.fd);
}

static void a_refused_port_is_an_error_with_its_errno(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(error_of(client_open(x, &c, SOCK_TCP, 4001)), ECONNREFUSED);
    assert_int_equal(client_next(x, &c).type, 0);
    close(c.fd);
    assert_int_equal(error_of(client_open(x, &c, SOCK_TCP, 0)), EINVAL);
    close(c.fd);
}

static void a_client_that_vanishes_resets_its_connection(void **state)
{
    struct fixture *x = *state;
    struct client c;
    char text[16];
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    client_send(&c, CONTROL_DATA, "half a", 6);
    assert_int_equal(peer_receive(x, text, sizeof text), 6);
    close(c.fd);
    assert_int_equal(peer_receive(x, text, sizeof text), -ECONNRESET);
    assert_null(x->server.clients);
}

static void a_reset_by_the_peer_reaches_the_client(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    sock_abort(x->accepted);
    x->accepted = NULL;
    assert_int_equal(error_of(client_next(x, &c)), ECONNRESET);
    assert_int_equal(client_next(x, &c).type, 0);
    close(c.fd);
}

static void a_reset_after_the_peers_end_reaches_the_client(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    assert_int_equal(sock_shutdown(x->accepted, SOCK_SHUT_WRITE), 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_EOF);
    sock_abort(x->accepted);
    x->accepted = NULL;
    assert_int_equal(error_of(client_next(x, &c)), ECONNRESET);
    close(c.fd);
}

static void a_connection_is_owned_by_the_clients_process(void **state)
{
    struct fixture *x = *state;
    struct client c;
    int64_t owner = 0;
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    for (const struct sock *s = x->stack.socks.first; s; s = s->next)
        if (s->remote.port == PORT)
            owner = s->owner;
    assert_int_equal(owner, getpid());
    close(c.fd);
}

/* Gives the client's socket messages until it takes no more; how many bytes of data went in. */
static size_t flood(struct fixture *x, struct client *c, struct control_queue *q, size_t limit)
{
    static uint8_t piece[32768];
    size_t sent = 0;
    int quiet = 0;
    while (sent < limit && quiet < 20) {
        if (control_queue_empty(q)) {
            for (size_t i = 0; i < sizeof piece; i++)
                piece[i] = (uint8_t)((sent + i) * 31 >> 3);
            assert_int_equal(control_queue_put(q, CONTROL_DATA, piece, sizeof piece, 1 << 20), 0);
            sent += sizeof piece;
        }
        quiet = control_queue_flush(q, c->fd) == 0 ? 0 : quiet + 1;
        turn(x);
    }
    return sent;
}

static void a_peer_that_reads_nothing_holds_the_client_back_and_loses_nothing(void **state)
{
    struct fixture *x = *state;
    struct client c, other;
    struct control_queue q = {0};
    static uint8_t got[32768];
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    size_t sent = flood(x, &c, &q, 64u << 20);
    assert_in_range(sent, 65536, 8u << 20); /* bounded by the buffers on the way */
    client_hello(x, &other);                /* and nobody else waits */
    close(other.fd);
    bool ended = false;
    for (size_t have = 0; have < sent;) {
        control_queue_flush(&q, c.fd);
        if (!ended && control_queue_empty(&q)) {
            assert_int_equal(control_queue_put(&q, CONTROL_EOF, NULL, 0, 1000), 0);
            ended = true;
        }
        ssize_t n = peer_receive(x, got, sizeof got);
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(got[i], (uint8_t)((have + (size_t)i) * 31 >> 3));
        have += (size_t)n;
    }
    control_queue_flush(&q, c.fd);
    assert_int_equal(peer_receive(x, got, sizeof got), 0);
    control_queue_free(&q);
    close(c.fd);
}

/* The peer sends until nothing goes any further; then the client reads to the end. */
static void client_reads_late(struct fixture *x, bool races)
{
    struct client c, other;
    static uint8_t piece[16384];
    size_t sent = 0, have = 0;
    int quiet = 0;
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    while (quiet < 20) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = (uint8_t)((sent + i) * 17 >> 2);
        ssize_t n = sock_send(x->accepted, piece, sizeof piece, 0);
        assert_true(n > 0 || n == -EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        turn(x);
    }
    assert_in_range(sent, 65536, 8u << 20);
    client_hello(x, &other);
    close(other.fd);
    assert_int_equal(sock_shutdown(x->accepted, SOCK_SHUT_WRITE), 0);
    struct control_message m;
    every_other_send_finds_it_full = races;
    while ((m = client_next(x, &c)).type == CONTROL_DATA) {
        for (size_t i = 0; i < m.length; i++)
            assert_int_equal(m.body[i], (uint8_t)((have + i) * 17 >> 2));
        have += m.length;
    }
    every_other_send_finds_it_full = false;
    assert_int_equal(m.type, CONTROL_EOF);
    assert_int_equal(have, sent);
    close(c.fd);
}

static void a_client_that_reads_nothing_holds_the_peer_back_and_loses_nothing(void **state)
{
    client_reads_late(*state, false);
}

static void a_client_that_makes_room_at_any_moment_is_not_forgotten(void **state)
{
    client_reads_late(*state, true);
}

static void a_stalled_client_that_vanishes_is_noticed(void **state)
{
    struct fixture *x = *state;
    struct client c;
    struct control_queue q = {0};
    static uint8_t got[65536];
    assert_int_equal(client_open(x, &c, SOCK_TCP, PORT).type, CONTROL_OPENED);
    wait_accepted(x);
    flood(x, &c, &q, 64u << 20);
    control_queue_free(&q);
    close(c.fd);
    turns(x, 5);
    assert_null(x->server.clients);
    ssize_t n;
    while ((n = peer_receive(x, got, sizeof got)) > 0)
        ;
    assert_int_equal(n, -ECONNRESET);
}

static void datagrams_keep_their_boundaries(void **state)
{
    struct fixture *x = *state;
    static const size_t sizes[] = {0, 1, 1472, 1473, 65507, 0};
    static uint8_t body[65507], got[65536];
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_UDP, PORT).type, CONTROL_OPENED);
    memset(body, 'd', sizeof body);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct endpoint from;
        ssize_t n = -EAGAIN;
        client_send(&c, CONTROL_DATA, body, sizes[i]);
        for (int t = 0; t < TURNS && n == -EAGAIN; t++) {
            turn(x);
            n = sock_recvfrom(x->udp, got, sizeof got, 0, &from);
        }
        assert_int_equal(n, sizes[i]);
        assert_int_equal(sock_sendto(x->udp, got, (size_t)n, 0, from), n);
        struct control_message m = client_next(x, &c);
        assert_int_equal(m.type, CONTROL_DATA);
        assert_int_equal(m.length, sizes[i]);
    }
    client_send(&c, CONTROL_DATA, got, 65508);
    assert_int_equal(error_of(client_next(x, &c)), EMSGSIZE); /* and the socket lives on */
    client_send(&c, CONTROL_EOF, NULL, 0);
    assert_int_equal(client_next(x, &c).type, CONTROL_END);
    close(c.fd);
}

static void a_refused_datagram_is_told_and_the_socket_lives_on(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_UDP, 4001).type, CONTROL_OPENED);
    for (int i = 0; i < 2; i++) {
        client_send(&c, CONTROL_DATA, "x", 1);
        assert_int_equal(error_of(client_next(x, &c)), ECONNREFUSED);
    }
    close(c.fd);
}

static void an_echo_comes_back_with_its_number(void **state)
{
    struct fixture *x = *state;
    struct client c;
    assert_int_equal(client_open(x, &c, SOCK_PING, 0).type, CONTROL_OPENED);
    client_send(&c, CONTROL_DATA,
                "\x12\x34"
                "payload",
                9);
    struct control_message m = client_next(x, &c);
    assert_int_equal(m.type, CONTROL_DATA);
    assert_int_equal(m.length, 9);
    assert_memory_equal(m.body,
                        "\x12\x34"
                        "payload",
                        9);
    close(c.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_table_comes_row_by_row),
        TEST(every_counter_is_told),
        TEST(the_namespace_comes_as_a_descriptor),
        TEST(down_is_answered_when_all_is_closed),
        TEST(a_client_that_makes_no_sense_is_told_and_dropped),
        TEST(data_after_the_end_of_data_is_misbehaviour),
        TEST(a_request_in_single_bytes_is_served),
        TEST(too_many_clients_are_turned_away_and_the_rest_served),
        TEST(a_stream_goes_both_ways_and_each_half_closes_alone),
        TEST(the_peer_may_close_first),
        TEST(a_refused_port_is_an_error_with_its_errno),
        TEST(a_client_that_vanishes_resets_its_connection),
        TEST(a_reset_by_the_peer_reaches_the_client),
        TEST(a_reset_after_the_peers_end_reaches_the_client),
        TEST(a_connection_is_owned_by_the_clients_process),
        TEST(a_peer_that_reads_nothing_holds_the_client_back_and_loses_nothing),
        TEST(a_client_that_reads_nothing_holds_the_peer_back_and_loses_nothing),
        TEST(a_client_that_makes_room_at_any_moment_is_not_forgotten),
        TEST(a_stalled_client_that_vanishes_is_noticed),
        TEST(datagrams_keep_their_boundaries),
        TEST(a_refused_datagram_is_told_and_the_socket_lives_on),
        TEST(an_echo_comes_back_with_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
