/* Messages of the control socket: what is cut from a stream, what is refused, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../apps/control_client.h"
#include "../../apps/control_frame.h"

static size_t put_message(uint8_t *to, uint32_t type, uint32_t length)
{
    struct control_header h = {type, length};
    memcpy(to, &h, sizeof h);
    memset(to + sizeof h, 'x', length);
    return sizeof h + length;
}

static void a_message_is_cut_where_it_ends(void **state)
{
    (void)state;
    uint8_t bytes[200];
    struct control_message m;
    size_t n = put_message(bytes, CONTROL_DATA, 100);
    size_t second = put_message(bytes + n, CONTROL_EOF, 0);
    assert_int_equal(control_cut(bytes, n + second, &m), n);
    assert_int_equal(m.type, CONTROL_DATA);
    assert_int_equal(m.length, 100);
    assert_ptr_equal(m.body, bytes + sizeof(struct control_header));
    assert_int_equal(control_cut(bytes + n, second, &m), second);
    assert_int_equal(m.type, CONTROL_EOF);
}

static void a_truncated_message_waits_for_the_rest(void **state)
{
    (void)state;
    uint8_t bytes[200];
    struct control_message m;
    size_t n = put_message(bytes, CONTROL_DATA, 100);
    for (size_t have = 0; have < n; have++)
        assert_int_equal(control_cut(bytes, have, &m), 0);
    assert_int_equal(control_cut(bytes, n, &m), n);
}

static void an_unknown_type_is_refused_before_its_body_comes(void **state)
{
    (void)state;
    static const uint32_t types[] = {0, CONTROL_TYPES, 77, UINT32_MAX};
    struct control_message m;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct control_header h = {types[i], 0};
        assert_int_equal(control_cut((uint8_t *)&h, sizeof h, &m), -EPROTO);
    }
}

static void a_body_of_the_wrong_length_is_refused_before_it_comes(void **state)
{
    (void)state;
    static const struct control_header wrong[] = {
        {CONTROL_HELLO, 0},
        {CONTROL_HELLO, sizeof(struct control_hello) - 1},
        {CONTROL_HELLO, sizeof(struct control_hello) + 1},
        {CONTROL_NETSTAT, 1},
        {CONTROL_ROW, sizeof(struct sock_info) + 1},
        {CONTROL_NAMESPACE, 4},
        {CONTROL_DOWN, 1},
        {CONTROL_OPEN, sizeof(struct control_open) - 1},
        {CONTROL_OPENED, 0},
        {CONTROL_DATA, CONTROL_BODY_MAX + 1},
        {CONTROL_DATA, UINT32_MAX},
        {CONTROL_EOF, 1},
        {CONTROL_ERROR, sizeof(struct control_error) - 1},
        {CONTROL_END, UINT32_MAX},
    };
    struct control_message m;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(control_cut((const uint8_t *)&wrong[i], sizeof wrong[i], &m), -EPROTO);
}

/* --- the inbox --- */

struct fixture {
    int fd[2];
    struct control_inbox in;
    struct control_queue queue;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    *state = f;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, f->fd);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->fd[0]);
    close(f->fd[1]);
    control_queue_free(&f->queue);
    free(f);
    return 0;
}

static void messages_that_come_byte_by_byte_are_the_same_messages(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[300];
    struct control_message m;
    size_t n = put_message(bytes, CONTROL_DATA, 200);
    n += put_message(bytes + n, CONTROL_DATA, 0);
    n += put_message(bytes + n, CONTROL_END, 0);
    size_t seen = 0, length[3] = {0};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(write(f->fd[0], bytes + i, 1), 1);
        assert_int_equal(control_inbox_read(&f->in, f->fd[1]), 1);
        while (control_inbox_peek(&f->in, &m) == 1) {
            assert_true(seen < 3);
            length[seen++] = m.length;
            control_inbox_drop(&f->in);
        }
    }
    assert_int_equal(seen, 3);
    assert_int_equal(length[0], 200);
    assert_int_equal(length[1], 0);
    assert_int_equal(length[2], 0);
}

static void an_inbox_holds_the_largest_message_and_reads_no_further(void **state)
{
    struct fixture *f = *state;
    struct control_message m;
    uint8_t *bytes = malloc(CONTROL_MESSAGE_MAX);
    assert_non_null(bytes);
    put_message(bytes, CONTROL_DATA, CONTROL_BODY_MAX);
    assert_int_equal(write(f->fd[0], bytes, CONTROL_MESSAGE_MAX), CONTROL_MESSAGE_MAX);
    assert_int_equal(write(f->fd[0], bytes, 100), 100);
    ssize_t n = 1, sum = 0;
    while ((n = control_inbox_read(&f->in, f->fd[1])) > 0)
        sum += n;
    assert_int_equal(n, -EAGAIN);
    assert_int_equal(sum, CONTROL_MESSAGE_MAX);
    assert_int_equal(control_inbox_peek(&f->in, &m), 1);
    assert_int_equal(m.length, CONTROL_BODY_MAX);
    control_inbox_drop(&f->in);
    assert_int_equal(control_inbox_read(&f->in, f->fd[1]), 100);
    assert_int_equal(control_inbox_peek(&f->in, &m), 0);
    free(bytes);
}

static void an_inbox_tells_the_end_from_silence(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(control_inbox_read(&f->in, f->fd[1]), -EAGAIN);
    shutdown(f->fd[0], SHUT_WR);
    assert_int_equal(control_inbox_read(&f->in, f->fd[1]), 0);
}

/* --- the queue --- */

static void a_queue_survives_a_reader_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    uint8_t body[1000];
    struct control_message m;
    unsigned put = 0, got = 0;
    memset(body, 7, sizeof body);
    while (control_queue_flush(&f->queue, f->fd[0]) == 0) {
        assert_int_equal(control_queue_put(&f->queue, CONTROL_DATA, body, put % 1000, 1 << 20), 0);
        put++;
    }
    assert_false(control_queue_empty(&f->queue));
    while (got < put) {
        assert_true(control_inbox_read(&f->in, f->fd[1]) > 0);
        while (control_inbox_peek(&f->in, &m) == 1) {
            assert_int_equal(m.length, got % 1000);
            got++;
            control_inbox_drop(&f->in);
        }
        int r = control_queue_flush(&f->queue, f->fd[0]);
        assert_true(r == 0 || r == -EAGAIN);
    }
    assert_true(control_queue_empty(&f->queue));
}

static void a_queue_stops_at_its_limit(void **state)
{
    struct fixture *f = *state;
    uint8_t body[100] = {0};
    size_t one = sizeof(struct control_header) + sizeof body;
    assert_int_equal(control_queue_put(&f->queue, CONTROL_DATA, body, sizeof body, 2 * one), 0);
    assert_int_equal(control_queue_put(&f->queue, CONTROL_DATA, body, sizeof body, 2 * one), 0);
    assert_int_equal(control_queue_put(&f->queue, CONTROL_EOF, NULL, 0, 2 * one), -ENOBUFS);
    assert_int_equal(control_queue_put(&f->queue, CONTROL_DATA, body, CONTROL_BODY_MAX + 1, SIZE_MAX),
                     -ENOBUFS);
    assert_int_equal(control_queue_flush(&f->queue, f->fd[0]), 0);
    assert_int_equal(control_queue_put(&f->queue, CONTROL_EOF, NULL, 0, 2 * one), 0);
}

static void a_body_made_in_place_is_queued_by_its_commit(void **state)
{
    struct fixture *f = *state;
    struct control_message m;
    uint8_t *body = control_queue_reserve(&f->queue);
    assert_non_null(body);
    assert_true(control_queue_empty(&f->queue));
    memcpy(body, "hello", 5);
    control_queue_commit(&f->queue, CONTROL_DATA, 5);
    assert_int_equal(control_queue_flush(&f->queue, f->fd[0]), 0);
    assert_true(control_inbox_read(&f->in, f->fd[1]) > 0);
    assert_int_equal(control_inbox_peek(&f->in, &m), 1);
    assert_int_equal(m.length, 5);
    assert_memory_equal(m.body, "hello", 5);
}

static void a_queue_whose_reader_left_says_so(void **state)
{
    struct fixture *f = *state;
    close(f->fd[1]);
    f->fd[1] = -1;
    assert_int_equal(control_queue_put(&f->queue, CONTROL_EOF, NULL, 0, 1000), 0);
    assert_int_equal(control_queue_flush(&f->queue, f->fd[0]), -EPIPE);
}

/* --- the blocking calls of the clients --- */

static void a_client_receives_what_it_sent(void **state)
{
    struct fixture *f = *state;
    struct control_open open = {.type = SOCK_UDP, .remote = {0x0a070001, 53}}, back;
    struct control_header h;
    assert_int_equal(control_send(f->fd[0], CONTROL_OPEN, &open, sizeof open), 0);
    assert_int_equal(control_receive(f->fd[1], &h, &back, sizeof back, NULL), 0);
    assert_int_equal(h.type, CONTROL_OPEN);
    assert_int_equal(back.remote.port, 53);
    assert_int_equal(control_send(f->fd[0], CONTROL_OPEN, &open, 1), -EMSGSIZE);
}

static void a_client_refuses_nonsense_and_notices_the_end(void **state)
{
    struct fixture *f = *state;
    struct control_header h = {CONTROL_DATA, 9};
    char body[4];
    assert_int_equal(control_send(f->fd[0], CONTROL_DATA, "too long", 9), 0);
    assert_int_equal(control_receive(f->fd[1], &h, body, sizeof body, NULL), -EMSGSIZE);
    assert_int_equal(read(f->fd[1], (char[9]){0}, 9), 9);
    h = (struct control_header){CONTROL_TYPES, 0};
    assert_int_equal(write(f->fd[0], &h, sizeof h), sizeof h);
    assert_int_equal(control_receive(f->fd[1], &h, body, sizeof body, NULL), -EPROTO);
    shutdown(f->fd[0], SHUT_WR);
    assert_int_equal(control_receive(f->fd[1], &h, body, sizeof body, NULL), -ECONNRESET);
}

/* Sends CONTROL_END with `count` copies of a descriptor. */
static void send_descriptors(int to, int fd, int count)
{
    struct control_header h = {CONTROL_END, 0};
    struct iovec part = {&h, sizeof h};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    for (int i = 0; i < count; i++)
        memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof fd, &fd, sizeof fd);
    assert_int_equal(sendmsg(to, &message, 0), sizeof h);
}

static void descriptors_are_taken_or_closed_but_never_leak(void **state)
{
    struct fixture *f = *state;
    struct control_header h;
    int fds[2], pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    send_descriptors(f->fd[0], pipe_fd[1], 3); /* one too many */
    send_descriptors(f->fd[0], pipe_fd[1], 1); /* wanted by nobody */
    close(pipe_fd[1]);
    assert_int_equal(control_receive(f->fd[1], &h, NULL, 0, fds), 0);
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    assert_int_equal(control_receive(f->fd[1], &h, NULL, 0, NULL), 0);
    close(fds[0]);
    close(fds[1]);
    char byte;
    assert_int_equal(read(pipe_fd[0], &byte, 1), 0); /* the end: no writer is left */
    close(pipe_fd[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_cut_where_it_ends),
        cmocka_unit_test(a_truncated_message_waits_for_the_rest),
        cmocka_unit_test(an_unknown_type_is_refused_before_its_body_comes),
        cmocka_unit_test(a_body_of_the_wrong_length_is_refused_before_it_comes),
        cmocka_unit_test_setup_teardown(messages_that_come_byte_by_byte_are_the_same_messages, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_inbox_holds_the_largest_message_and_reads_no_further, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_inbox_tells_the_end_from_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_survives_a_reader_that_does_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_stops_at_its_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_made_in_place_is_queued_by_its_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_whose_reader_left_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_receives_what_it_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_refuses_nonsense_and_notices_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_are_taken_or_closed_but_never_leak, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
