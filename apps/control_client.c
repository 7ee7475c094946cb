/* A glass command's end of control.h. No RFC. exec.c, down.c and netstat.c ask with it and wait; relay.c
 * opens a stack socket with it. Here calls block; a dead stack ends them, since the kernel then closes the
 * other end. */
#include "control_client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "control_find.h"
#include "control_frame.h"
#include "control_path.h"

#define HELLO_TIME 5 /* seconds a stack may take to answer; it may be stopped in a debugger */

int control_send(int fd, enum control_type type, const void *body, size_t len)
{
    struct control_header header = {type, (uint32_t)len};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)(uintptr_t)body, len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (!control_length_right(header.type, header.length))
        return -EMSGSIZE;
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        for (int i = 0; i < 2 && n > 0; i++) {
            size_t gone = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + gone;
            parts[i].iov_len -= gone;
            n -= (ssize_t)gone;
        }
    }
    return 0;
}

/* Keeps up to two descriptors of a message in fds, closes all others. */
static void keep_descriptors(struct msghdr *message, int fds[2])
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (fds && fds[0] < 0)
                fds[0] = fd;
            else if (fds && fds[1] < 0)
                fds[1] = fd;
            else
                close(fd);
        }
    }
}

/* Exactly `len` bytes, and the descriptors that come with any of them. */
static int receive_all(int fd, void *to, size_t len, int fds[2])
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } control;
    for (size_t have = 0; have < len;) {
        struct iovec part = {(uint8_t *)to + have, len - have};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control};
        ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ECONNRESET;
        keep_descriptors(&message, fds);
        have += (size_t)n;
    }
    return 0;
}

int control_receive(int fd, struct control_header *header, void *body, size_t room, int fds[2])
{
    if (fds)
        fds[0] = fds[1] = -1;
    int r = receive_all(fd, header, sizeof *header, fds);
    if (r == 0 && !control_length_right(header->type, header->length))
        r = -EPROTO;
    if (r == 0 && header->length > room)
        r = -EMSGSIZE;
    if (r == 0)
        r = receive_all(fd, body, header->length, fds);
    for (int i = 0; r < 0 && fds && i < 2; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
    return r;
}

static void set_timeout(int fd, time_t seconds)
{
    struct timeval t = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* Exchanges CONTROL_HELLO. 0, or -1 after the reason. */
static int say_hello(int fd, const char *name, struct control_hello *server)
{
    struct control_hello hello = {.version = CONTROL_VERSION, .pid = (int32_t)getpid()};
    struct control_header header;
    struct control_error error;
    union {
        struct control_hello hello;
        struct control_error error;
    } answer = {0};
    set_timeout(fd, HELLO_TIME);
    int r = control_send(fd, CONTROL_HELLO, &hello, sizeof hello);
    if (r == 0)
        r = control_receive(fd, &header, &answer, sizeof answer, NULL);
    set_timeout(fd, 0);
    if (r == 0 && header.type == CONTROL_HELLO && answer.hello.version == CONTROL_VERSION) {
        *server = answer.hello;
        return 0;
    }
    error = answer.error;
    error.text[sizeof error.text - 1] = '\0';
    if (r == 0 && header.type == CONTROL_ERROR)
        fprintf(stderr, "glass: the stack named %s refuses: %s\n", name, error.text);
    else if (r == -EAGAIN)
        fprintf(stderr, "glass: the stack named %s does not answer (is it stopped in a debugger?)\n", name);
    else if (r == -ECONNRESET || r == -EPIPE)
        fprintf(stderr, "glass: the stack named %s hung up: it is another user's, busy, or closing\n", name);
    else
        fprintf(stderr, "glass: the stack named %s speaks another language: %s\n", name,
                strerror(r < 0 ? -r : EPROTO));
    return -1;
}

int control_connect(const char *name, struct control_hello *server)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int r = control_path(name, false, to.sun_path, sizeof to.sun_path);
    if (r < 0 && r != -ENOENT) {
        fprintf(stderr, "glass: the control socket of %s: %s\n", name, strerror(-r));
        return -1;
    }
    int fd = r < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        if (r == 0 && errno != ENOENT && errno != ECONNREFUSED)
            fprintf(stderr, "glass: %s: %s\n", to.sun_path, strerror(errno));
        else
            control_say_absent(name);
    } else if (say_hello(fd, name, server) == 0) {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}
