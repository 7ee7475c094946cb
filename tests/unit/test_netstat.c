/* The connection table beyond its columns: what is shown, the lines of -i, an object of --json; names; hints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "../../apps/args.h"
#include "../../apps/names.h"
#include "../../apps/netstat.h"
#include "../../apps/way_out.h"
#include "../../stack/ip_wire.h"
#include "attack.h"

static const struct tcp_info in_recovery = {
    .congestion_state = TCP_CONGESTION_RECOVERY,
    .congestion = "cubic",
    .timestamps = true,
    .window_scale = true,
    .send_shift = 7,
    .receive_shift = 0,
    .send_mss = 1448,
    .cwnd = 28960,
    .ssthresh = 14480,
    .srtt = 20125,
    .rttvar = 1500,
    .rto = 220000,
    .min_rtt = 19000,
    .in_flight = 13032,
    .unacknowledged = 14480,
    .sacked = 1448,
    .retransmitted = 3,
    .send_window = 64512,
    .receive_window = 65535,
    .bytes_acked = UINT64_C(5000000000),
};

static struct sock_info row(uint8_t protocol, uint16_t remote_port)
{
    return (struct sock_info){.protocol = protocol,
                              .local = {IP_ADDR(10, 7, 0, 2), 80},
                              .remote = {remote_port ? IP_ADDR(10, 7, 0, 1) : 0, remote_port},
                              .state = remote_port ? TCP_ESTABLISHED : TCP_LISTEN};
}

static void a_row_is_shown_when_it_was_asked_for(void **state)
{
    (void)state;
    const struct sock_info listener = row(IP_TCP, 0), connection = row(IP_TCP, 5), open = row(IP_UDP, 0),
                           ping = row(IP_ICMP, 5);
    static const struct {
        struct netstat_options options;
        bool listener, connection, open, ping;
    } cases[] = {
        {{0}, false, true, false, true},
        {{.listeners = true}, true, true, true, true},
        {{.only_listeners = true}, true, false, true, false},
        {{.listeners = true, .only_listeners = true}, true, false, true, false},
        {{.tcp = true}, false, true, false, false},
        {{.listeners = true, .udp = true}, false, false, true, false},
        {{.only_listeners = true, .tcp = true, .udp = true}, true, false, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(netstat_is_shown(&listener, &cases[i].options), cases[i].listener);
        assert_int_equal(netstat_is_shown(&connection, &cases[i].options), cases[i].connection);
        assert_int_equal(netstat_is_shown(&open, &cases[i].options), cases[i].open);
        assert_int_equal(netstat_is_shown(&ping, &cases[i].options), cases[i].ping);
    }
}

static void congestion_control_is_told_in_two_lines(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    netstat_print_info(to, &in_recovery);
    fclose(to);
    assert_string_equal(
        text,
        "      cubic recovery ts wscale:7,0 mss:1448 snd_wnd:64512 rcv_wnd:65535 bytes_acked:5000000000 "
        "bytes_received:0\n"
        "      cwnd:28960 ssthresh:14480 rtt:20.125/1.500 minrtt:19.000 rto:220 in_flight:13032 "
        "unacked:14480 sacked:1448 lost:0 retrans:3\n");
    free(text);
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    const struct tcp_info fresh = {
        .congestion = "reno", .slow_start = true, .ssthresh = UINT32_MAX, .cwnd = 1};
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    netstat_print_info(to, &fresh);
    fclose(to);
    assert_non_null(strstr(text, "reno open slow-start mss:0"));
    assert_null(strstr(text, "ssthresh"));
    assert_null(strstr(text, "rtt:"));
    free(text);
}

static void a_row_is_an_object(void **state)
{
    (void)state;
    struct sock_info rows[] = {row(IP_TCP, 0), row(IP_TCP, 2000)};
    struct netstat_options options = {.listeners = true};
    rows[1].timer_running = true;
    rows[1].timer = TCP_TIMER_RETRANSMIT;
    rows[1].timer_left = MSEC(1250);
    rows[1].retries = 2;
    rows[1].connection = 9;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    netstat_print_json(to, rows, 2, &options, 3);
    fclose(to);
    assert_string_equal(
        text,
        "{\"round\":3,\"proto\":\"tcp\",\"recv_q\":0,\"send_q\":0,\"local_addr\":\"10.7.0.2\","
        "\"local_port\":80,\"remote_addr\":null,\"remote_port\":null,\"state\":\"LISTEN\",\"pid\":null,"
        "\"program\":null,\"timer\":\"off\",\"timer_left\":0.000000,\"retries\":0,\"connection\":null}\n"
        "{\"round\":3,\"proto\":\"tcp\",\"recv_q\":0,\"send_q\":0,\"local_addr\":\"10.7.0.2\","
        "\"local_port\":80,\"remote_addr\":\"10.7.0.1\",\"remote_port\":2000,\"state\":\"ESTABLISHED\","
        "\"pid\":null,\"program\":null,\"timer\":\"on\",\"timer_left\":1.250000,\"retries\":2,"
        "\"connection\":9}\n");
    free(text);
}

static void names_come_from_the_systems_files(void **state)
{
    (void)state;
    struct names *names = names_new();
    assert_non_null(names);
    for (unsigned port = 1; port < 2000; port++) {
        const struct servent *entry = getservbyport(htons((uint16_t)port), "tcp");
        const char *name = names_service(names, IP_TCP, (uint16_t)port);
        assert_int_equal(entry != NULL, name != NULL);
        if (entry)
            assert_string_equal(name, entry->s_name);
    }
    assert_null(names_service(names, IP_ICMP, 7));
    assert_null(names_host(names, 0));
    assert_null(names_service(NULL, IP_TCP, 80));
    assert_null(names_host(NULL, IP_ADDR(127, 0, 0, 1)));
    names_free(names);
    names_free(NULL);
}

static void a_hint_can_be_typed_as_it_stands(void **state)
{
    (void)state;
    char text[64], little[8];
    assert_string_equal(arg_program(), "glass");
    assert_string_equal(arg_hint(text, sizeof text, "up", "glass"), "glass up");
    assert_string_equal(arg_hint(text, sizeof text, "netstat", "lab"), "glass netstat --name lab");
    arg_set_program("build/glass");
    assert_string_equal(arg_hint(text, sizeof text, "up", "glass"), "build/glass up");
    assert_string_equal(arg_hint(little, sizeof little, "up", "glass"), "build/g");
    arg_set_program(""); /* a caller may give a program no name at all */
    assert_string_equal(arg_program(), "build/glass");
    arg_set_program("glass");
}

static int next(struct arg_common *common, int *status, int argc, char **argv)
{
    static const struct option longs[] = {
        {"wait", required_argument, NULL, 'w'}, ARG_NAME_OPTION, ARG_HELP_OPTION, ARG_END_OF_TABLE};
    optind = 0;
    return arg_next(argc, argv, "uw:", longs, common, status);
}

static void shared_options_are_read_once_for_all(void **state)
{
    (void)state;
    int status;
    int64_t wait = -1;
    struct arg_common common = {"help\n", "glass", &wait};
    char *good[] = {"glass x", "--name", "lab", "-w", "1.5", "-u", "rest", NULL};
    assert_int_equal(next(&common, &status, 7, good), 'u');
    assert_string_equal(common.stack, "lab");
    assert_int_equal(wait, SEC(1) * 3 / 2);
    char *bad_name[] = {"glass x", "--name", "../x", NULL};
    assert_int_equal(next(&common, &status, 3, bad_name), -2);
    assert_int_equal(status, 2);
    char *bad_wait[] = {"glass x", "-w", "soon", NULL};
    assert_int_equal(next(&common, &status, 3, bad_wait), -2);
    assert_int_equal(status, 2);
    char *none[] = {"glass x", "rest", NULL};
    assert_int_equal(next(&common, &status, 2, none), -1);
}

/* Of the network this test happens to be in, only what does not depend on it. */
static void an_address_of_the_own_network_is_always_taken(void **state)
{
    (void)state;
    const struct way_out stack = {IP_ADDR(10, 7, 0, 2), 24, true};
    char why[120] = "";
    assert_int_equal(way_out_check(&stack, IP_ADDR(10, 7, 0, 99), why, sizeof why), 0);
    assert_int_equal(way_out_check(&stack, stack.addr, why, sizeof why), 0);
    assert_string_equal(why, "");
    assert_true(way_out_check(&stack, IP_ADDR(127, 0, 0, 1), why, sizeof why) < 0);
    assert_non_null(strstr(why, "127.0.0.1 is each host's own loopback"));
}

struct seen {
    struct sock_info connection;
    unsigned connections;
};

static void see(void *context, const struct sock_info *info)
{
    struct seen *seen = context;
    if (!netstat_connected(info))
        return;
    seen->connection = *info;
    seen->connections++;
}

static struct sock_info only_connection(const struct stack *stack)
{
    struct seen seen = {0};
    stack_each_socket(stack, see, &seen);
    assert_int_equal(seen.connections, 1);
    return seen.connection;
}

/* From SYN-RECEIVED to TIME-WAIT: who owns it, and what there is to say of it. */
static void a_connection_has_an_owner_before_it_is_accepted(void **state)
{
    (void)state;
    struct sock *server;
    struct attack *a = attack_new(NULL, 5);
    assert_int_equal(sock_setopt(a->listener, SOCK_OPT_OWNER, 4711), 0);
    attack_segment(a, PEER, (struct tcp_header){.source = 1000, .flags = TCP_SYN, .window = 1000}, 0);
    struct sock_info info = only_connection(&a->stack);
    assert_int_equal(info.state, TCP_SYN_RECEIVED);
    assert_int_equal(info.owner, 4711);
    assert_true(info.has_tcp);
    attack_drain(a);
    attack_end(a);

    a = attack_new(NULL, 5);
    assert_int_equal(sock_setopt(a->listener, SOCK_OPT_OWNER, 4711), 0);
    struct sock *client = attack_client(a, PORT);
    attack_drain(a);
    assert_int_equal(only_connection(&a->client).tcp.state, TCP_ESTABLISHED);
    assert_int_equal(only_connection(&a->client).owner, 0);
    assert_int_equal(only_connection(&a->stack).owner, 4711);
    assert_int_equal(sock_accept(a->listener, &server, NULL), 0);
    assert_int_equal(sock_setopt(server, SOCK_OPT_OWNER, 4712), 0);
    assert_int_equal(only_connection(&a->stack).owner, 4712);
    assert_string_equal(only_connection(&a->stack).tcp.congestion, "cubic");
    sock_close(server);
    attack_drain(a);
    assert_int_equal(only_connection(&a->stack).owner, 0); /* its owner let go */
    sock_close(client);
    attack_drain(a);
    info = only_connection(&a->stack);
    assert_int_equal(info.state, TCP_TIME_WAIT);
    assert_false(info.has_tcp);
    attack_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_shown_when_it_was_asked_for),
        cmocka_unit_test(congestion_control_is_told_in_two_lines),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(a_row_is_an_object),
        cmocka_unit_test(names_come_from_the_systems_files),
        cmocka_unit_test(a_hint_can_be_typed_as_it_stands),
        cmocka_unit_test(shared_options_are_read_once_for_all),
        cmocka_unit_test(a_connection_has_an_owner_before_it_is_accepted),
        cmocka_unit_test(an_address_of_the_own_network_is_always_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
