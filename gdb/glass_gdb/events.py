"""An event of the stack as a line, in the notation of `glass trace`."""
import gdb

from . import memory, text

COLUMN = 72  # of the state, behind a segment
IP_TCP = 6


class Event:
    """struct event as it is told, or the copy of it in a struct record."""

    def __init__(self, event, record=None, time=None):
        self.event, self.record = event, record
        self.kind = memory.enum("event_kind")[int(event["kind"])].removeprefix("EVENT_")
        self.connection = int(event["connection"])
        self.time = int(event["time"]) if time is None else time

    def header(self):
        if self.record is not None:
            return self.record["header"]
        return self.event["u"]["segment"]["header"].dereference()

    def _word(self, pointer):
        return self.record["word"].string() if self.record is not None else pointer.string()

    def _segment(self):
        u, header = self.event["u"]["segment"], self.header()
        seq, length = int(u["seq"]), int(u["len"])
        line = "< " if self.kind == "SEGMENT_IN" else "> "
        if not self.connection:
            line = self._ends()
        line += f"{text.flags(header['flags']):<2} {seq}:{seq + length}({length})"
        if int(header["flags"]) & 0x10:
            line += f" ack {int(u['ack'])}"
        line += f" win {int(u['window'])}"
        if int(header["flags"]) & 0x20:
            line += f" urg {int(header['urgent'])}"
        line += (" " + text.options(header["options"])).rstrip()
        if self.connection:
            line = f"{line:<{COLUMN - 14}} {text.state(self.event['state'])}"
        return line + (", again" if u["retransmitted"] else "")

    def _ends(self):
        local, remote = text.endpoint(self.event["local"]), text.endpoint(self.event["remote"])
        return f"{remote} > {local} " if self.kind.endswith("IN") else f"{local} > {remote} "

    def _datagram(self):
        u = self.event["u"]["datagram"]
        what = "udp" if int(self.event["protocol"]) == 17 else f"icmp type {int(u['type'])} code {int(u['code'])}"
        return f"{self._ends()}{what} ({int(u['len'])})"

    def _state(self):
        u = self.event["u"]["change"]
        line = f"  {text.state(u['from'])} -> {text.state(u['to'])}"
        if int(u["from"]) == 0:
            line += f"  ({text.endpoint(self.event['local'])} with {text.endpoint(self.event['remote'])})"
        return line

    def _timer(self):
        u = self.event["u"]["timer"]
        if self.kind == "TIMER_FIRED":
            return f"  {text.timer(u['which'])} timer fired"
        return f"  {text.timer(u['which'])} timer {text.due(u['due'], self.time)}"

    def _window(self):
        u = self.event["u"]["window"]
        threshold = "" if int(u["ssthresh"]) == text.NO_THRESHOLD else f" ssthresh {int(u['ssthresh'])}"
        return f"  cwnd {int(u['cwnd'])}{threshold} ({self._word(u['why'])})"

    def _rtt(self):
        u = self.event["u"]["rtt"]
        return (f"  rtt {text.duration(u['sample'])}, srtt {text.duration(u['srtt'])}, "
                f"rto {text.duration(u['rto'])}")

    def _drop(self):
        return "dropped: " + text.name_of("drop", self.event["u"]["drop"]["why"], "DROP_")

    def _call(self):
        u = self.event["u"]["call"]
        return f"  {self._word(u['name'])} = {text.result(u['result'])}"

    def packet(self):
        """The beginning of the datagram that was dropped."""
        drop = self.event["u"]["drop"]
        if self.record is not None:
            return memory.byte_string(self.record["packet"].address, min(int(self.record["packet_len"]), 128))
        return memory.byte_string(drop["packet"], min(int(drop["len"]), 128)) if int(drop["packet"]) else b""

    def line(self, started=0):
        write = {"SEGMENT_IN": self._segment, "SEGMENT_OUT": self._segment, "DATAGRAM_IN": self._datagram,
                 "DATAGRAM_OUT": self._datagram, "STATE": self._state, "TIMER_SET": self._timer,
                 "TIMER_FIRED": self._timer, "WINDOW": self._window, "RTT": self._rtt, "DROP": self._drop,
                 "CALL": self._call}.get(self.kind, lambda: "  " + self.kind.lower())
        since = self.time - started
        number = f"#{self.connection} " if self.connection else ""
        return f"{since // 1000000}.{since % 1000000:06d} {number}{write()}"

    def rule(self):
        return text.rule(self.event["rule"])


def told(event, core):
    """An event that is just being told: its time is not filled in yet."""
    return Event(event, time=int(core["now"]))


def recorded(record):
    return Event(record["event"], record)


def ends_of_packet(raw):
    """((address, port) of source, of destination) of a TCP datagram as bytes; None when it is cut off or no TCP."""
    if len(raw) < 20 or raw[9] != IP_TCP:
        return None
    header = (raw[0] & 15) * 4
    if len(raw) < header + 4:
        return None
    number = int.from_bytes
    return ((number(raw[12:16], "big"), number(raw[header:header + 2], "big")),
            (number(raw[16:20], "big"), number(raw[header + 2:header + 4], "big")))


def ends_of_event(event):
    return tuple((int(event[end]["addr"]), int(event[end]["port"])) for end in ("remote", "local"))


class EventPrinter:
    """struct event and struct record: the line without its time."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            if self.value.type.strip_typedefs().tag == "record":
                return recorded(self.value).line()
            return Event(self.value).line()
        except (gdb.error, KeyError):
            return "no event"
