/* The commands that use a running stack: what they refuse and how they say it, and the text of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../apps/args.h"
#include "../../apps/commands.h"
#include "../../apps/netstat.h"
#include "../../apps/ping_stats.h"
#include "../../apps/relay.h"
#include "../../stack/ip_wire.h"

#define ARGS_MAX 10

static char said[4096]; /* by the last command, on both outputs */

/* Runs `command` with the words of `line`. Its exit status; what it printed is in `said`. */
static int run(int (*command)(int, char **), const char *line)
{
    static char words[512];
    char *argv[ARGS_MAX + 2] = {"glass test"};
    int argc = 1;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word && argc <= ARGS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    FILE *both = tmpfile();
    assert_non_null(both);
    fflush(stdout);
    fflush(stderr);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fileno(both), STDOUT_FILENO);
    dup2(fileno(both), STDERR_FILENO);
    optind = 0;
    int status = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(both);
    said[fread(said, 1, sizeof said - 1, both)] = '\0';
    fclose(both);
    return status;
}

static void assert_usage(int (*command)(int, char **), const char *line, const char *named)
{
    assert_int_equal(run(command, line), EXIT_USAGE);
    assert_non_null(strstr(said, named));
}

static void each_command_has_help(void **state)
{
    (void)state;
    int (*const commands[])(int, char **) = {cmd_netstat, cmd_nc, cmd_get, cmd_ping, cmd_demo};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_equal(run(commands[i], "--help"), EXIT_SUCCESS);
        assert_ptr_equal(strstr(said, "usage: glass "), said);
    }
}

static void a_wrong_argument_is_named(void **state)
{
    (void)state;
    assert_usage(cmd_netstat, "-x", "x");
    assert_usage(cmd_netstat, "-ano extra", "extra");
    assert_usage(cmd_netstat, "--name ../x", "../x");
    assert_usage(cmd_nc, "", "HOST and PORT");
    assert_usage(cmd_nc, "10.7.0.1", "HOST and PORT");
    assert_usage(cmd_nc, "10.7.0.1 0", "0");
    assert_usage(cmd_nc, "10.7.0.1 65536", "65536");
    assert_usage(cmd_nc, "10.7.0.1 no-such-service", "no-such-service");
    assert_usage(cmd_nc, "10.7.0.1 80 81", "too many");
    assert_usage(cmd_nc, "-w soon 10.7.0.1 80", "soon");
    assert_usage(cmd_nc, "-w -1 10.7.0.1 80", "-1");
    assert_usage(cmd_get, "", "URL");
    assert_usage(cmd_get, "ftp://host/", "ftp://host/");
    assert_usage(cmd_get, "http://a/ http://b/", "one URL");
    assert_usage(cmd_get, "-w 1e3 http://a/", "1e3");
    assert_usage(cmd_ping, "", "HOST");
    assert_usage(cmd_ping, "-c 0 10.7.0.1", "-c");
    assert_usage(cmd_ping, "-s 65508 10.7.0.1", "65508");
    assert_usage(cmd_ping, "-i 0.001 10.7.0.1", "0.001");
    assert_usage(cmd_ping, "-W never 10.7.0.1", "never");
    assert_usage(cmd_ping, "a b", "one HOST");
    assert_usage(cmd_demo, "extra", "extra");
}

static void without_a_stack_the_commands_say_how_to_start_one(void **state)
{
    (void)state;
    static const struct {
        int (*command)(int, char **);
        const char *line;
    } cases[] = {
        {cmd_netstat, "--name no-such-stack"},
        {cmd_nc, "--name no-such-stack 10.7.0.1 80"},
        {cmd_get, "--name no-such-stack http://10.7.0.1/"},
        {cmd_ping, "--name no-such-stack 10.7.0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(cases[i].command, cases[i].line), EXIT_FAILURE);
        assert_non_null(strstr(said, "no stack named no-such-stack is running"));
        assert_non_null(strstr(said, "glass up"));
    }
}

static void seconds_are_read_strictly(void **state)
{
    (void)state;
    usec t;
    assert_true(arg_seconds("1", &t) && t == SEC(1));
    assert_true(arg_seconds("0.25", &t) && t == MSEC(250));
    assert_true(arg_seconds("0", &t) && t == 0);
    assert_true(arg_seconds("86400", &t) && t == SEC(86400));
    static const char *const wrong[] = {"",    ".",    "1.2.3", "-1",  "+1",   "1s",
                                        "1e3", "0x10", "nan",   "inf", "86401"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(arg_seconds(wrong[i], &t));
}

/* --- the table --- */

static struct sock_info row(uint8_t protocol, uint16_t port, uint32_t remote, uint16_t remote_port)
{
    return (struct sock_info){.protocol = protocol,
                              .local = {IP_ADDR(10, 7, 0, 2), port},
                              .remote = {remote, remote_port},
                              .state = TCP_ESTABLISHED};
}

static void the_timer_is_shown_as_netstat_shows_it(void **state)
{
    (void)state;
    static const struct {
        bool running;
        enum tcp_timer which;
        usec left;
        uint32_t retries;
        const char *text;
    } cases[] = {
        {false, TCP_TIMER_RETRANSMIT, 0, 0, "off (0.00/0/0)"},
        {true, TCP_TIMER_RETRANSMIT, MSEC(189), 2, "on (0.18/2/0)"},
        {true, TCP_TIMER_KEEPALIVE, SEC(7200), 0, "keepalive (7200.00/0/0)"},
        {true, TCP_TIMER_TIME_WAIT, MSEC(59990), 0, "timewait (59.99/0/0)"},
        {true, TCP_TIMER_PERSIST, MSEC(5), 3, "probe (0.00/3/0)"},
        {true, TCP_TIMER_RETRANSMIT, -5, 0, "on (0.00/0/0)"},
        {true, (enum tcp_timer)99, SEC(1), 9, "off (0.00/0/0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[48];
        struct sock_info info = {.timer_running = cases[i].running,
                                 .timer = cases[i].which,
                                 .timer_left = cases[i].left,
                                 .retries = cases[i].retries};
        netstat_timer(&info, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static char *table(struct sock_info *rows, size_t count, struct netstat_options options)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    netstat_print(to, rows, count, &options);
    fclose(to);
    return text;
}

static void the_table_is_sorted_and_hides_listeners_unless_asked(void **state)
{
    (void)state;
    struct sock_info listener = row(6, 80, 0, 0);
    listener.state = TCP_LISTEN;
    listener.local.addr = 0;
    struct sock_info rows[] = {
        row(17, 7, 0, 0),
        row(6, 80, IP_ADDR(10, 7, 0, 9), 1000),
        listener,
        row(6, 80, IP_ADDR(10, 7, 0, 1), 2000),
        row(1, 50000, IP_ADDR(10, 7, 0, 1), 0),
    };
    char *all = table(rows, 5, (struct netstat_options){.listeners = true, .numeric = true, .timers = true});
    static const char expected[] =
        "Proto Recv-Q Send-Q Local Address         Foreign Address       State        PID/Program name "
        "Timer\n"
        "tcp        0      0 *:80                  *:*                   LISTEN       -                off "
        "(0.00/0/0)\n"
        "tcp        0      0 10.7.0.2:80           10.7.0.1:2000         ESTABLISHED  -                off "
        "(0.00/0/0)\n"
        "tcp        0      0 10.7.0.2:80           10.7.0.9:1000         ESTABLISHED  -                off "
        "(0.00/0/0)\n"
        "udp        0      0 10.7.0.2:7            *:*                                -                off "
        "(0.00/0/0)\n"
        "icmp       0      0 10.7.0.2:50000        10.7.0.1:*                         -                off "
        "(0.00/0/0)\n";
    assert_string_equal(all, expected);
    free(all);
    char *connections = table(rows, 5, (struct netstat_options){.numeric = true});
    assert_null(strstr(connections, "LISTEN"));
    assert_null(strstr(connections, "udp"));
    assert_non_null(strstr(connections, "ESTABLISHED"));
    free(connections);
}

static void the_owner_is_shown_with_its_name(void **state)
{
    (void)state;
    char expected[64], name[32] = "";
    FILE *f = fopen("/proc/self/comm", "r");
    assert_non_null(f);
    assert_non_null(fgets(name, sizeof name, f));
    fclose(f);
    name[strcspn(name, "\n")] = '\0';
    struct sock_info info = row(6, 80, IP_ADDR(10, 7, 0, 1), 2000);
    info.owner = (uint32_t)getpid();
    snprintf(expected, sizeof expected, " %u/%s", info.owner, name);
    char *text = table(&info, 1, (struct netstat_options){.numeric = true});
    assert_non_null(strstr(text, expected));
    free(text);
}

static void round_trip_times_are_summed_up(void **state)
{
    (void)state;
    static const usec times[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct ping_stats s = {0};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        ping_stats_add(&s, times[i]);
    assert_int_equal(s.min, 2);
    assert_int_equal(s.max, 9);
    assert_int_equal(ping_stats_mean(&s), 5);
    assert_int_equal(ping_stats_deviation(&s), 2);
    struct ping_stats one = {0};
    ping_stats_add(&one, 1234);
    assert_int_equal(ping_stats_deviation(&one), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_help),
        cmocka_unit_test(a_wrong_argument_is_named),
        cmocka_unit_test(without_a_stack_the_commands_say_how_to_start_one),
        cmocka_unit_test(seconds_are_read_strictly),
        cmocka_unit_test(the_timer_is_shown_as_netstat_shows_it),
        cmocka_unit_test(the_table_is_sorted_and_hides_listeners_unless_asked),
        cmocka_unit_test(the_owner_is_shown_with_its_name),
        cmocka_unit_test(round_trip_times_are_summed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
