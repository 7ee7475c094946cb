"""`tcp show`: a transmission control block in the words of RFC 9293 3.3.1."""
from . import connections, memory, stacks, text

MOST = 20  # segments in flight that are shown
WIDTH = 10


def line(name, relative, absolute="", remark=""):
    memory.write(f"  {name:<{WIDTH}}{relative:>12}{absolute:>14}   {remark}".rstrip())


def plain(name, words):
    memory.write(f"  {name:<{WIDTH}}  {words}")


def sequence(name, position, isn, remark=""):
    line(name, int(position), (int(isn) + int(position)) & 0xFFFFFFFF, remark)


def head(found):
    c = found.value
    kind = "passive open" if c["passive"] else "active open"
    sock = c["sock"]
    if int(sock):
        owner = f"owner: process {int(sock['owner'])}" if int(sock["owner"]) else "owner: this program"
    else:
        owner = "its owner has closed it" if c["orphan"] else "not accepted yet"
    memory.write(f"connection {found.name}: {found.local()} with {found.remote()}, {text.state(c['state'])} "
                 f"({kind}; {owner})")


def peer_is_known(c):
    """Its SYN has come: RCV.NXT is behind it."""
    return int(c["rcv"]["nxt"]) > 0


def send_variables(c):
    s, iss = c["snd"], c["iss"]
    memory.write("Send sequence variables")
    line("", "relative", "absolute")
    sequence("ISS", 0, iss)
    sequence("SND.UNA", s["una"], iss)
    sequence("SND.NXT", s["nxt"], iss)
    line("SND.WND", int(s["wnd"]), remark=f"largest so far {int(s['max_wnd'])}")
    if int(s["up"]) > int(s["una"]):
        sequence("SND.UP", s["up"], iss)
    else:
        line("SND.UP", "none")
    if peer_is_known(c):
        sequence("SND.WL1", s["wl1"], c["irs"])
        sequence("SND.WL2", s["wl2"], iss)


def receive_variables(c):
    r, irs = c["rcv"], c["irs"]
    memory.write("Receive sequence variables")
    if not peer_is_known(c):
        line("IRS", "not known")
        return
    sequence("IRS", 0, irs)
    sequence("RCV.NXT", r["nxt"], irs)
    line("RCV.WND", int(r["adv"]) - int(r["nxt"]))
    if int(r["up"]) > int(r["q"]["head"]):
        sequence("RCV.UP", r["up"], irs)
    else:
        line("RCV.UP", "none")
    if int(r["fin"]):
        sequence("FIN", r["fin"], irs, "the peer's; it sends no more")


def agreed(c):
    words = [f"MSS {int(c['snd']['mss'])}"]
    if c["scale_ok"]:
        words.append(f"window scale {int(c['rcv']['shift'])} (theirs {int(c['snd']['shift'])})")
    words += [name for field, name in (("ts_ok", "timestamps"), ("sack_ok", "SACK"), ("ecn_ok", "ECN")) if c[field]]
    plain("options", ", ".join(words))


def buffers(c):
    s, r = c["snd"], c["rcv"]
    unsent = max(0, int(s["q"]["tail"]) - max(int(s["nxt"]), 1))
    plain("to send", f"{connections.queued(s['q'])} of {int(s['bound'])} bytes, {unsent} of them unsent"
          + (", then a FIN" if s["fin"] and int(s["nxt"]) <= int(s["q"]["tail"]) else ""))
    held = [(int(r["held"]["at"][i]["left"]), int(r["held"]["at"][i]["right"]))
            for i in range(min(int(r["held"]["count"]), 64))]
    holes = "".join(f", out of order [{left}, {right})" for left, right in held)
    plain("to read", f"{connections.queued(r['q'])} of {int(r['bound'])} bytes{holes}")
    owed = [word for word, owes in (("an ACK", r["ack_now"]), (f"{int(r['dup_acks_owed'])} duplicate ACKs",
                                                              int(r["dup_acks_owed"]))) if owes]
    if owed:
        plain("owed", " and ".join(owed))


def congestion(c):
    cc, s = c["cc"], c["snd"]
    threshold = int(cc["ssthresh"])
    name = cc["ops"]["name"].string() if int(cc["ops"]) else "none"
    phase = connections.RECOVERY[int(s["recovery"])] if int(s["recovery"]) else (
        "slow start" if int(cc["cwnd"]) < threshold else "congestion avoidance")
    shown = "not set" if threshold == text.NO_THRESHOLD else threshold
    plain("congestion", f"{name}, {phase}: cwnd {int(cc['cwnd'])}, ssthresh {shown}"
          + (f", duplicate ACKs {int(s['dup_acks'])}" if int(s["dup_acks"]) else ""))
    rtt = c["rtt"]
    measured = (f"srtt {text.duration(rtt['srtt'])}, rttvar {text.duration(rtt['rttvar'])}, " if int(rtt["srtt"])
                else "not measured yet, ")
    plain("round trip", measured + f"rto {text.duration(rtt['rto'])}"
          + (f", time-outs in a row {int(s['retries'])}" if int(s["retries"]) else "")
          + (f", segments sent again so far {int(s['resent_total'])}" if int(s["resent_total"]) else ""))


def records(c):
    """The transmissions in flight, struct sent."""
    flight = c["snd"]["flight"]
    if int(flight):
        for i in range(int(flight["count"])):
            yield flight["at"][int(flight["first"]) + i]


def fate(sent):
    return [word for word in ("sacked", "lost", "resent") if sent[word]] or ["no news"]


def in_flight(found):
    c = found.value
    sent = list(records(c))
    total = int(c["snd"]["nxt"]) - int(c["snd"]["una"])
    plain("in flight", f"{total} of the sequence space in {len(sent)} segment{'s'[:len(sent) != 1]}"
          if sent else "nothing")
    for each in sent[:MOST]:
        left, right = int(each["left"]), int(each["left"]) + int(each["len"])
        ago = text.duration(found.stack.now() - int(each["time"]))
        memory.write(f"  {'':<{WIDTH}}    [{left}, {right}) sent {ago} ago, {', '.join(fate(each))}")
    if len(sent) > MOST:
        memory.write(f"  {'':<{WIDTH}}    and {len(sent) - MOST} more")


def timers(found):
    now = found.stack.now()
    running = sorted(found.deadlines(), key=lambda timer: timer[1])
    plain("timers", ", ".join(f"{name} {text.due(when, now)}" for name, when in running) or "none runs")


def at_rest(found):
    r = found.value
    memory.write(f"connection {found.name}: {found.local()} with {found.remote()}, ESTABLISHED, at rest")
    memory.write("  Nothing is under way, so it is folded into a record; a segment or a call unfolds it.")
    line("SND.UNA", int(r["una"]), int(r["iss"]) + int(r["una"]) & 0xffffffff)
    line("RCV.NXT", int(r["nxt"]), int(r["irs"]) + int(r["nxt"]) & 0xffffffff)
    timers(found)


def record(found):
    tw = found.value
    memory.write(f"connection {found.name}: {found.local()} with {found.remote()}, TIME-WAIT")
    memory.write("  A record is all that is left of it: it acknowledges what comes late, for 2 MSL.")
    line("SND.NXT", "", int(tw["snd_nxt"]["n"]))
    line("RCV.NXT", "", int(tw["rcv_nxt"]["n"]))
    timers(found)


class Show(stacks.Argument, memory.Command):
    """A connection's transmission control block in the RFC's words, with its buffers, congestion and timers.

Usage: tcp show [CONN]

Sequence numbers are relative (the SYN is 0, the first byte 1) and as on the wire. Without CONN: the connection that
is being worked on where the program stopped, or the only one."""

    name = "show"

    def run(self, arguments):
        words = self.words(arguments, 1, "[CONN]")
        found = stacks.connection(words[0] if words else None)
        if found.is_record:
            (at_rest if isinstance(found, stacks.Resting) else record)(found)
            return
        c = found.value
        head(found)
        send_variables(c)
        receive_variables(c)
        memory.write("The rest")
        agreed(c)
        buffers(c)
        congestion(c)
        in_flight(found)
        timers(found)
        if int(c["error"]):
            plain("ended", f"with errno {int(c['error'])}")


COMMANDS = (Show,)
