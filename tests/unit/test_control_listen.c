/* The name of a running stack: one at a time, closed to others, and no trace left of dead ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../apps/control_path.h"

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "%s/glass-test-XXXXXX", P_tmpdir);
    return mkdtemp(directory) && setenv("XDG_RUNTIME_DIR", directory, 1) == 0 ? 0 : -1;
}

/* Fails when a test left a file. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode : 0;
}

static void path_is_in_the_runtime_directory(void **state)
{
    (void)state;
    char path[108], expected[108];
    snprintf(expected, sizeof expected, "%s/glass-one.sock", directory);
    assert_int_equal(control_path("one", false, path, sizeof path), 0);
    assert_string_equal(path, expected);
    assert_int_equal(control_path("../one", false, path, sizeof path), -EINVAL);
    assert_int_equal(control_path("one", false, path, 10), -ENAMETOOLONG);
}

static void directory_that_others_can_write_to_is_not_used(void **state)
{
    (void)state;
    char path[108];
    assert_int_equal(chmod(directory, 0777), 0);
    int error = control_path("one", false, path, sizeof path);
    assert_true(error < 0 || strncmp(path, directory, strlen(directory)) != 0);
}

static void socket_is_for_its_user_alone_and_goes_with_the_stack(void **state)
{
    (void)state;
    struct control_listener l;
    assert_int_equal(control_listen(&l, "one"), 0);
    assert_int_equal(mode_of(l.path), S_IFSOCK | 0600);
    control_unlisten(&l);
    assert_int_equal(mode_of(l.path), 0);
    assert_int_equal(mode_of(l.lock_path), 0);
    control_unlisten(&l); /* twice is harmless */
}

static void second_stack_of_a_name_is_refused_and_harms_nothing(void **state)
{
    (void)state;
    struct control_listener first, second, other;
    assert_int_equal(control_listen(&first, "one"), 0);
    assert_int_equal(control_listen(&second, "one"), -EADDRINUSE);
    assert_int_equal(mode_of(first.path), S_IFSOCK | 0600);
    assert_int_equal(control_listen(&other, "two"), 0);
    control_unlisten(&other);
    control_unlisten(&first);
    assert_int_equal(control_listen(&second, "one"), 0); /* free again */
    control_unlisten(&second);
}

static void socket_of_a_dead_stack_is_replaced(void **state)
{
    (void)state;
    struct control_listener l;
    pid_t child = fork();
    if (child == 0) { /* dies without tidying up */
        control_listen(&l, "one");
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    char path[108];
    assert_int_equal(control_path("one", false, path, sizeof path), 0);
    assert_int_equal(mode_of(path), S_IFSOCK | 0600);
    assert_int_equal(control_listen(&l, "one"), 0);
    control_unlisten(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(path_is_in_the_runtime_directory),
        TEST(directory_that_others_can_write_to_is_not_used),
        TEST(socket_is_for_its_user_alone_and_goes_with_the_stack),
        TEST(second_stack_of_a_name_is_refused_and_harms_nothing),
        TEST(socket_of_a_dead_stack_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
