/* glass netstat -i: what loss recovery and congestion control know of a connection, as ss -i shows it of the
 * kernel's.
 *
 * Sizes are bytes, cwnd too (RFC 5681 counts so; ss counts the kernel's in segments). Called by
 * netstat_table.c. */
#include "netstat.h"

#define NO_SSTHRESH UINT32_MAX

/* "0.125" of microseconds. */
static double milliseconds(uint32_t microseconds)
{
    return (double)microseconds / 1000;
}

static void print_options(FILE *out, const struct tcp_info *tcp)
{
    if (tcp->timestamps)
        fputs(" ts", out);
    if (tcp->sack)
        fputs(" sack", out);
    if (tcp->ecn)
        fputs(" ecn", out);
    if (tcp->window_scale)
        fprintf(out, " wscale:%u,%u", tcp->send_shift, tcp->receive_shift);
}

static void print_times(FILE *out, const struct tcp_info *tcp)
{
    if (tcp->srtt > 0)
        fprintf(out, " rtt:%.3f/%.3f", milliseconds(tcp->srtt), milliseconds(tcp->rttvar));
    if (tcp->min_rtt > 0)
        fprintf(out, " minrtt:%.3f", milliseconds(tcp->min_rtt));
    fprintf(out, " rto:%.0f", milliseconds(tcp->rto));
}

void netstat_print_info(FILE *out, const struct tcp_info *tcp)
{
    fprintf(out, "      %s %s%s", tcp->congestion, tcp_congestion_state_name(tcp->congestion_state),
            tcp->slow_start ? " slow-start" : "");
    print_options(out, tcp);
    fprintf(out, " mss:%u snd_wnd:%u rcv_wnd:%u bytes_acked:%llu bytes_received:%llu\n", tcp->send_mss,
            tcp->send_window, tcp->receive_window, (unsigned long long)tcp->bytes_acked,
            (unsigned long long)tcp->bytes_received);
    fprintf(out, "      cwnd:%u", tcp->cwnd);
    if (tcp->ssthresh != NO_SSTHRESH)
        fprintf(out, " ssthresh:%u", tcp->ssthresh);
    print_times(out, tcp);
    fprintf(out, " in_flight:%u unacked:%u sacked:%u lost:%u retrans:%u\n", tcp->in_flight,
            tcp->unacknowledged, tcp->sacked, tcp->lost, tcp->retransmitted);
}
