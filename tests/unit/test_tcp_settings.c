/* --tcp: every name, what is taken, what is refused and named, and what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../apps/tcp_settings.h"
#include "../../apps/up.h"
#include "../../stack/cc.h"

static struct stack_config config;

static int begin(void **state)
{
    (void)state;
    stack_config_init(&config);
    return 0;
}

static void set(const char *text)
{
    char why[160];
    if (!tcp_settings_parse(&config, text, why, sizeof why))
        fail_msg("%s: %s", text, why);
}

static void each_switch_goes_off_and_on(void **state)
{
    (void)state;
    const struct {
        const char *name;
        const bool *at;
    } switches[] = {
        {"window-scale", &config.tcp_window_scale},
        {"timestamps", &config.tcp_timestamps},
        {"sack", &config.tcp_sack},
        {"dsack", &config.tcp_dsack},
        {"rack", &config.tcp_rack},
        {"tlp", &config.tcp_tlp},
        {"frto", &config.tcp_frto},
        {"prr", &config.tcp_prr},
        {"limited-transmit", &config.tcp_limited_transmit},
        {"idle-restart", &config.tcp_idle_restart},
        {"ecn", &config.tcp_ecn},
        {"syn-cookies", &config.tcp_syn_cookies},
        {"path-mtu-probe", &config.tcp_path_mtu_probe},
        {"autotune", &config.tcp_autotune},
        {"nodelay", &config.tcp_nodelay},
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        char text[64];
        bool others[sizeof switches / sizeof switches[0]];
        for (size_t j = 0; j < sizeof switches / sizeof switches[0]; j++)
            others[j] = *switches[j].at;
        for (int on = 0; on < 2; on++) {
            snprintf(text, sizeof text, "%s=%s", switches[i].name, on ? "on" : "off");
            set(text);
            for (size_t j = 0; j < sizeof switches / sizeof switches[0]; j++) /* and nothing else changed */
                assert_int_equal(*switches[j].at, j == i ? on : others[j]);
        }
    }
}

static void values_have_units(void **state)
{
    (void)state;
    set("delayed-ack=0,rto-min=1s,msl=500ms,send-buffer-max=4m,receive-buffer=16k,backlog-max=7,r1=9,"
        "connections-per-peer=3,user-timeout=2min,path-mtu-min=1280,keepalive-idle=2h");
    assert_int_equal(config.tcp_delayed_ack, 0);
    assert_int_equal(config.tcp_rto_min, SEC(1));
    assert_int_equal(config.tcp_msl, MSEC(500));
    assert_int_equal(config.tcp_send_buffer_max, 4 << 20);
    assert_int_equal(config.tcp_receive_buffer, 16384);
    assert_int_equal(config.tcp_backlog_max, 7);
    assert_int_equal(config.tcp_r1, 9);
    assert_int_equal(config.tcp_connections_per_peer_max, 3);
    assert_int_equal(config.tcp_user_timeout, SEC(120));
    assert_int_equal(config.tcp_path_mtu_min, 1280);
    assert_int_equal(config.tcp_keepalive_idle, SEC(7200));
}

static void initial_window_is_bytes_or_segments(void **state)
{
    (void)state;
    set("initial-window=14600");
    assert_int_equal(config.tcp_initial_window, 14600);
    set("initial-window=10seg");
    assert_int_equal(config.tcp_initial_window, 10 * 1460);
    config.mtu = 9000;
    set("initial-window=3seg");
    assert_int_equal(config.tcp_initial_window, 3 * 8960);
}

static void congestion_control_has_a_name(void **state)
{
    (void)state;
    set("congestion=reno");
    assert_ptr_equal(config.tcp_congestion, &cc_reno);
    set("congestion=cubic");
    assert_ptr_equal(config.tcp_congestion, &cc_cubic);
}

static void a_wrong_setting_is_refused_and_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "''"},
        {"sack", "sack: ''"},
        {"sack=", "sack"},
        {"sack=1", "on or off"},
        {"SACK=on", "'SACK'"},
        {"sack=off,", "''"},
        {"sack=off,speed=9", "'speed'"},
        {"tcp_sack=off", "'tcp_sack'"},
        {"congestion=vegas", "cubic or reno"},
        {"delayed-ack=500ms", "delayed-ack"},
        {"delayed-ack=40", "'40'"},
        {"rto-min=0", "rto-min"},
        {"rto-min=-1s", "'-1s'"},
        {"rto-min=2s,rto-max=1s", "rto-min: more than rto-max"},
        {"rto-initial=60s,rto-max=30s", "rto-initial: more than rto-max"},
        {"send-buffer-max=2k", "send-buffer: more"},
        {"receive-buffer=1", "receive-buffer"},
        {"receive-buffer-max=1025m", "receive-buffer-max"},
        {"initial-window=0", "initial-window"},
        {"initial-window=seg", "'seg'"},
        {"initial-window=0seg", "'0seg'"},
        {"initial-window=999999999999seg", "initial-window"},
        {"r1=256", "1 to 255"},
        {"backlog-max=0", "backlog-max"},
        {"path-mtu-min=65536", "path-mtu-min"},
        {"msl=99999999999999999999999s", "msl"},
        {"a-name-that-is-much-longer-than-any-setting-could-ever-have-and-still-goes-on-and-on=1",
         "too long"},
    };
    struct stack_config before = config;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[160] = "";
        if (tcp_settings_parse(&config, bad[i][0], why, sizeof why))
            fail_msg("taken: %s", bad[i][0]);
        if (!strstr(why, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], why);
        assert_memory_equal(&config, &before, sizeof config);
    }
}

static void the_list_shows_every_option_with_a_value_that_may_be_given_again(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    int options = 0;
    FILE *out = open_memstream(&text, &len);
    tcp_settings_print(out, &config);
    fclose(out);
    struct stack_config before = config;
    char *line = strchr(text, '\n') + 1; /* behind the heading */
    for (char *end; *line != '\n' && (end = strchr(line, '\n')); line = end + 1) {
        char name[64], value[64], both[160];
        assert_int_equal(sscanf(line, "%63s %63s", name, value), 2);
        if (strcmp(name, "initial-window") != 0 && strcmp(name, "congestion") != 0) {
            snprintf(both, sizeof both, "%s=%s", name, value);
            set(both); /* the default is within its own bounds, and says what it says */
            assert_memory_equal(&config, &before, sizeof config);
        }
        options++;
    }
    assert_in_range(options, 40, 60);
    free(text);
}

static bool parse_up(struct up_config *c, const char *option, const char *value, int *status)
{
    char *argv[] = {"glass up", (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL};
    return up_parse(c, 3, argv, status);
}

static void up_takes_them(void **state)
{
    (void)state;
    struct up_config c;
    int status;
    assert_true(parse_up(&c, "--tcp", "sack=off,congestion=reno", &status));
    assert_int_equal(c.tcp_count, 1);
    assert_string_equal(c.tcp[0], "sack=off,congestion=reno");
    assert_false(c.has_link);
    assert_true(parse_up(&c, "--link", "loss=2%,delay=1ms", &status));
    assert_true(c.has_link);
    assert_int_equal(c.link.loss, 20000);
    assert_false(parse_up(&c, "--tcp", "sack=2", &status));
    assert_int_equal(status, 2);
    assert_false(parse_up(&c, "--link", "loss=2", &status));
    assert_int_equal(status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_switch_goes_off_and_on, begin),
        cmocka_unit_test_setup(values_have_units, begin),
        cmocka_unit_test_setup(initial_window_is_bytes_or_segments, begin),
        cmocka_unit_test_setup(congestion_control_has_a_name, begin),
        cmocka_unit_test_setup(a_wrong_setting_is_refused_and_named, begin),
        cmocka_unit_test_setup(the_list_shows_every_option_with_a_value_that_may_be_given_again, begin),
        cmocka_unit_test_setup(up_takes_them, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
