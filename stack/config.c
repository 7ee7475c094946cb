/* The defaults of config.h as one value. */
#include "config.h"

static void *no_memory(void *context, size_t size)
{
    (void)context;
    (void)size;
    return NULL;
}

static void release_nothing(void *context, void *at, size_t size)
{
    (void)context;
    (void)at;
    (void)size;
}

void stack_config_init(struct stack_config *config)
{
    *config = (struct stack_config){
        .prefix = 24,
        .mtu = IP_MTU_DEFAULT,
        .ttl = IP_TTL_DEFAULT,
        .memory_limit = STACK_MEMORY_DEFAULT,
        .reassembly_time = IP_REASSEMBLY_TIME,
        .reassembly_max = IP_REASSEMBLY_MAX,
        .reassembly_size = IP_REASSEMBLY_SIZE,
        .icmp_rate = ICMP_RATE_DEFAULT,
        .outbox_max = OUTBOX_MAX_DEFAULT,
        .outbox_size = OUTBOX_SIZE_DEFAULT,
        .tcp_msl = TCP_MSL_DEFAULT,
        .tcp_fin_wait_2 = TCP_FIN_WAIT_2_DEFAULT,
        .tcp_rto_initial = TCP_RTO_INITIAL,
        .tcp_rto_min = TCP_RTO_MIN,
        .tcp_rto_max = TCP_RTO_MAX,
        .tcp_r1 = TCP_R1,
        .tcp_r2 = TCP_R2_DEFAULT,
        .tcp_r2_syn = TCP_R2_SYN_DEFAULT,
        .tcp_delayed_ack = TCP_DELAYED_ACK,
        .tcp_sws_override = TCP_SWS_OVERRIDE,
        .tcp_persist_max = TCP_PERSIST_MAX,
        .tcp_keepalive_idle = TCP_KEEPALIVE_IDLE,
        .tcp_keepalive_interval = TCP_KEEPALIVE_INTERVAL,
        .tcp_keepalive_probes = TCP_KEEPALIVE_PROBES,
        .tcp_send_buffer = TCP_SEND_BUFFER,
        .tcp_receive_buffer = TCP_RECEIVE_BUFFER,
        .tcp_send_buffer_max = TCP_SEND_BUFFER_MAX,
        .tcp_receive_buffer_max = TCP_RECEIVE_BUFFER_MAX,
        .tcp_connections_max = TCP_CONNECTIONS_MAX,
        .tcp_connections_per_peer_max = TCP_CONNECTIONS_PER_PEER,
        .tcp_awake_max = TCP_AWAKE_MAX,
        .tcp_window_scale = true,
        .tcp_timestamps = true,
        .tcp_sack = true,
        .tcp_dsack = true,
        .tcp_rack = true,
        .tcp_tlp = true,
        .tcp_frto = true,
        .tcp_prr = true,
        .tcp_limited_transmit = true,
        .tcp_idle_restart = true,
        .tcp_ecn = true,
        .tcp_syn_cookies = true,
        .tcp_path_mtu_probe = true,
        .tcp_autotune = true,
        .tcp_challenge_rate = TCP_CHALLENGE_RATE,
        .tcp_backlog_max = TCP_BACKLOG_MAX,
        .tcp_timewait_max = TCP_TIMEWAIT_MAX,
        .tcp_path_mtu_min = TCP_PATH_MTU_MIN,
        .memory = {no_memory, release_nothing, NULL},
    };
}
