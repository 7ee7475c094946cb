/* Arguments: what is taken, what is refused, and that a refusal names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../apps/args.h"
#include "../../apps/commands.h"
#include "../../apps/control_path.h"
#include "../../apps/up.h"

static void numbers_are_whole_and_within_bounds(void **state)
{
    (void)state;
    int64_t n = -1;
    assert_true(arg_number("0", 0, 10, &n));
    assert_int_equal(n, 0);
    assert_true(arg_number("65535", 1, 65535, &n));
    assert_int_equal(n, 65535);
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1x", "0x10", "65536", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(arg_number(bad[i], 0, 65535, &n));
    assert_false(arg_number("0", 1, 65535, &n));
    assert_int_equal(n, 65535); /* untouched by refusals */
}

static void addresses_are_four_decimal_numbers(void **state)
{
    (void)state;
    uint32_t addr = 0;
    assert_true(arg_addr("10.7.0.2", &addr));
    assert_int_equal(addr, 0x0a070002);
    static const char *const bad[] = {"",          "10.7.0",    "10.7.0.256", "10.7.0.2.3",
                                      "10.7.0.2 ", "localhost", "::1",        "010.7.0.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(arg_addr(bad[i], &addr));
}

static void network_address_is_one_a_host_may_have(void **state)
{
    (void)state;
    uint32_t addr = 0;
    uint8_t prefix = 0;
    assert_true(arg_cidr("192.168.5.9/30", &addr, &prefix));
    assert_int_equal(addr, 0xc0a80509);
    assert_int_equal(prefix, 30);
    static const char *const bad[] = {
        "10.7.0.2",     "10.7.0.2/",          "10.7.0.2/31",    "10.7.0.2/7",   "10.7.0.2/x",
        "/24",          "10.7.0.0/24",        "10.7.0.255/24",  "127.0.0.1/8",  "0.0.0.1/8",
        "224.0.0.1/24", "255.255.255.254/24", "10.7.0.2/24/24", "10.7.0.2 /24", "100.100.100.1000/24",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(arg_cidr(bad[i], &addr, &prefix));
}

static void ports_have_numbers_or_textbook_names(void **state)
{
    (void)state;
    uint16_t port = 0;
    assert_true(arg_port("8080", &port));
    assert_int_equal(port, 8080);
    assert_true(arg_port("chargen", &port));
    assert_int_equal(port, 19);
    assert_false(arg_port("0", &port));
    assert_false(arg_port("65536", &port));
    assert_false(arg_port("gopher", &port));
}

static void services_start_at_the_textbook_ports(void **state)
{
    (void)state;
    struct service_config c;
    service_config_init(&c);
    assert_int_equal(c.port[SERVICE_ECHO].port, 7);
    assert_int_equal(c.port[SERVICE_DISCARD].port, 9);
    assert_int_equal(c.port[SERVICE_DAYTIME].port, 13);
    assert_int_equal(c.port[SERVICE_CHARGEN].port, 19);
    assert_int_equal(c.port[SERVICE_HTTP].port, 80);
    for (int i = 0; i < SERVICE_COUNT; i++)
        assert_non_null(c.port[i].name);
}

static void service_moves_or_is_switched_off(void **state)
{
    (void)state;
    char why[160];
    struct service_config c;
    service_config_init(&c);
    assert_true(service_config_parse(&c, "http=8080", why, sizeof why));
    assert_int_equal(c.port[SERVICE_HTTP].port, 8080);
    assert_true(service_config_parse(&c, "echo=80", why, sizeof why)); /* free by now */
    assert_int_equal(c.port[SERVICE_ECHO].port, 80);
    assert_true(service_config_parse(&c, "echo=80", why, sizeof why)); /* it may keep its own */
    assert_true(service_config_parse(&c, "chargen=off", why, sizeof why));
    assert_true(service_config_parse(&c, "discard=off", why, sizeof why)); /* two may be off */
    assert_int_equal(c.port[SERVICE_CHARGEN].port, 0);
}

static void wrong_service_is_refused_and_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"http", "'http'"}, {"=80", "''"},           {"gopher=70", "'gopher'"}, {"http=", "''"},
        {"http=0", "'0'"},  {"http=65536", "65536"}, {"http=-1", "'-1'"},       {"http=off ", "'off '"},
        {"http=7", "echo"}, {"htt=80", "'htt'"},     {"httpx=80", "'httpx'"},   {"HTTP=80", "'HTTP'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[160] = "";
        struct service_config c, before;
        service_config_init(&c);
        before = c;
        assert_false(service_config_parse(&c, bad[i][0], why, sizeof why));
        assert_non_null(strstr(why, bad[i][1]));
        for (int s = 0; s < SERVICE_COUNT; s++)
            assert_int_equal(c.port[s].port, before.port[s].port);
    }
}

#define ARGV_MAX 16

/* What up_parse makes of these words (ended by NULL). */
static int status_of(struct up_config *c, bool *go_on, char *const words[])
{
    char *argv[ARGV_MAX] = {(char *)"glass up"};
    int argc = 1, status = -1;
    for (; words[argc - 1]; argc++)
        argv[argc] = words[argc - 1];
    *go_on = up_parse(c, argc, argv, &status);
    return status;
}

static void up_without_arguments_is_the_laboratory_of_the_readme(void **state)
{
    (void)state;
    bool go_on;
    struct up_config c;
    assert_int_equal(status_of(&c, &go_on, (char *[]){NULL}), 0);
    assert_true(go_on);
    assert_string_equal(c.name, "glass");
    assert_string_equal(c.tun, "glass0");
    assert_int_equal(c.addr, 0x0a070002);
    assert_int_equal(c.prefix, 24);
    assert_false(c.host || c.trace || c.addr_given);
    assert_int_equal(c.mtu, 0);
    assert_null(c.pcap);
}

static void up_takes_every_option(void **state)
{
    (void)state;
    bool go_on;
    struct up_config c;
    assert_int_equal(
        status_of(&c, &go_on,
                  (char *[]){"--name", "b", "--ip=10.8.0.9/16", "--tun", "t9", "--host", "--mtu", "576",
                             "--www", "d", "--pcap", "-", "--trace", "--service=http=8080", NULL}),
        0);
    assert_true(go_on && c.host && c.trace && c.addr_given);
    assert_string_equal(c.name, "b");
    assert_int_equal(c.addr, 0x0a080009);
    assert_int_equal(c.prefix, 16);
    assert_string_equal(c.tun, "t9");
    assert_int_equal(c.mtu, 576);
    assert_string_equal(c.services.www, "d");
    assert_string_equal(c.pcap, "-");
    assert_int_equal(c.services.port[SERVICE_HTTP].port, 8080);
}

static void up_refuses_a_wrong_argument_with_status_2(void **state)
{
    (void)state;
    static char *const bad[][3] = {
        {"--frob"},
        {"extra"},
        {"--mtu", "67"},
        {"--mtu", "65536"},
        {"--mtu"},
        {"--ip", "10.7.0.2"},
        {"--name", "../x"},
        {"--name", ""},
        {"--tun", "t/0"},
        {"--tun", "t%d"},
        {"--www", ""},
        {"--pcap", ""},
        {"--service", "http"},
        {"--host=1"},
        {"--tun", "sixteencharacter"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool go_on;
        struct up_config c;
        assert_int_equal(status_of(&c, &go_on, bad[i]), EXIT_USAGE);
        assert_false(go_on);
    }
}

static void kernel_gets_the_first_other_address(void **state)
{
    (void)state;
    assert_int_equal(up_kernel_addr(0x0a070002, 24), 0x0a070001);
    assert_int_equal(up_kernel_addr(0x0a070001, 24), 0x0a070002);
    assert_int_equal(up_kernel_addr(0x0a0700fe, 24), 0x0a070001);
    assert_int_equal(up_kernel_addr(0xc0a80509, 30), 0xc0a8050a);
    assert_int_equal(up_kernel_addr(0x0a070002, 8), 0x0a000001);
}

static void names_cannot_leave_the_directory(void **state)
{
    (void)state;
    assert_true(control_name_valid("glass"));
    assert_true(control_name_valid("A-1_b.c"));
    assert_true(control_name_valid("abcdefghijklmnopqrstuvwxyz012345"));
    static const char *const bad[] = {
        "", ".", "..", "a/b", "-x", ".hidden", "a b", "a\n", "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(control_name_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_and_within_bounds),
        cmocka_unit_test(addresses_are_four_decimal_numbers),
        cmocka_unit_test(network_address_is_one_a_host_may_have),
        cmocka_unit_test(ports_have_numbers_or_textbook_names),
        cmocka_unit_test(services_start_at_the_textbook_ports),
        cmocka_unit_test(service_moves_or_is_switched_off),
        cmocka_unit_test(wrong_service_is_refused_and_named),
        cmocka_unit_test(up_without_arguments_is_the_laboratory_of_the_readme),
        cmocka_unit_test(up_takes_every_option),
        cmocka_unit_test(up_refuses_a_wrong_argument_with_status_2),
        cmocka_unit_test(kernel_gets_the_first_other_address),
        cmocka_unit_test(names_cannot_leave_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
