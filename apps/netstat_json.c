/* glass netstat --json: one object a line (RFC 8259), for programs. Addresses and ports are never names; what
 * is not there is null; times are seconds. Called by netstat.c. */
#include "netstat.h"

#include <stdlib.h>
#include "args.h"
#include "trace_json.h"

static void end(FILE *out, const char *which, struct endpoint e)
{
    char addr[16];
    addr_text(e.addr, addr);
    fprintf(out, e.addr ? ",\"%s_addr\":\"%s\"" : ",\"%s_addr\":null", which, addr);
    fprintf(out, e.port ? ",\"%s_port\":%u" : ",\"%s_port\":null", which, e.port);
}

static void owner(FILE *out, uint32_t pid)
{
    char program[NETSTAT_OWNER_MAX];
    if (pid == 0) {
        fputs(",\"pid\":null,\"program\":null", out);
        return;
    }
    netstat_program(pid, program, sizeof program);
    fprintf(out, ",\"pid\":%u,\"program\":", pid);
    trace_json_string(out, program);
}

/* `name`: microseconds; null: no sample yet. */
static void seconds(FILE *out, const char *name, uint32_t microseconds)
{
    if (microseconds > 0)
        fprintf(out, ",\"%s\":%u.%06u", name, microseconds / 1000000, microseconds % 1000000);
    else
        fprintf(out, ",\"%s\":null", name);
}

static void tcp_object(FILE *out, const struct tcp_info *tcp)
{
    fprintf(out, ",\"tcp\":{\"congestion\":\"%s\",\"congestion_state\":\"%s\",\"slow_start\":%s",
            tcp->congestion, tcp_congestion_state_name(tcp->congestion_state),
            tcp->slow_start ? "true" : "false");
    fprintf(out, ",\"cwnd\":%u,\"ssthresh\":", tcp->cwnd);
    fprintf(out, tcp->ssthresh == UINT32_MAX ? "null" : "%u", tcp->ssthresh);
    seconds(out, "srtt", tcp->srtt);
    seconds(out, "rttvar", tcp->rttvar);
    seconds(out, "min_rtt", tcp->min_rtt);
    seconds(out, "rto", tcp->rto);
    fprintf(out, ",\"in_flight\":%u,\"unacknowledged\":%u,\"sacked\":%u,\"lost\":%u,\"retransmitted\":%u",
            tcp->in_flight, tcp->unacknowledged, tcp->sacked, tcp->lost, tcp->retransmitted);
    fprintf(out,
            ",\"mss\":%u,\"send_window\":%u,\"receive_window\":%u,\"send_buffer\":%u,\"receive_buffer\":%u",
            tcp->send_mss, tcp->send_window, tcp->receive_window, tcp->send_buffer, tcp->receive_buffer);
    fprintf(out, ",\"bytes_acked\":%llu,\"bytes_received\":%llu", (unsigned long long)tcp->bytes_acked,
            (unsigned long long)tcp->bytes_received);
    fprintf(out,
            ",\"timestamps\":%s,\"sack\":%s,\"ecn\":%s,\"window_scale\":", tcp->timestamps ? "true" : "false",
            tcp->sack ? "true" : "false", tcp->ecn ? "true" : "false");
    if (tcp->window_scale)
        fprintf(out, "[%u,%u]}", tcp->send_shift, tcp->receive_shift);
    else
        fputs("null}", out);
}

static void row(FILE *out, const struct sock_info *i, int64_t round)
{
    usec left = i->timer_running && i->timer_left > 0 ? i->timer_left : 0;
    fputc('{', out);
    if (round > 0)
        fprintf(out, "\"round\":%lld,", (long long)round);
    fprintf(out, "\"proto\":\"%s\",\"recv_q\":%u,\"send_q\":%u", netstat_protocol(i->protocol),
            i->receive_queue, i->send_queue);
    end(out, "local", i->local);
    end(out, "remote", i->remote);
    if (i->protocol == IP_TCP)
        fprintf(out, ",\"state\":\"%s\"", tcp_state_name(i->state));
    else
        fputs(",\"state\":null", out);
    owner(out, i->owner);
    fprintf(out, ",\"timer\":\"%s\",\"timer_left\":%lld.%06lld,\"retries\":%u,\"connection\":",
            netstat_timer_kind(i), (long long)(left / SEC(1)), (long long)(left % SEC(1)),
            i->timer_running ? i->retries : 0);
    fprintf(out, i->connection ? "%u" : "null", i->connection);
    if (i->has_tcp)
        tcp_object(out, &i->tcp);
    fputs("}\n", out);
}

void netstat_print_json(FILE *out, struct sock_info *rows, size_t count,
                        const struct netstat_options *options, int64_t round)
{
    qsort(rows, count, sizeof *rows, netstat_order);
    for (size_t i = 0; i < count; i++)
        if (netstat_is_shown(&rows[i], options))
            row(out, &rows[i], round);
}
