"""`tcp segment`: the segment that is being worked on, field by field."""
import gdb

from . import events, memory, stacks, text

WIDTH = 18
FIELDS_OF_SYN = 0x02
IN, OUT = "received", "to be sent"


class Segment:
    """A header, and what is known of the connection and the way it goes."""

    def __init__(self, header, way, conn=None, packet=None, event=None, length=None):
        self.header, self.way, self.conn, self.packet, self.event = header, way, conn, packet, event
        self.length = length


def _target(frame_values, tag):
    """The struct of that name that a frame's variables hold or point to; or None."""
    for value in frame_values:
        name, pointer = stacks.struct_of(value.type)
        if name == tag and not (pointer and int(value) == 0):
            yield value.dereference() if pointer else value


def _plausible(header):
    try:
        return 0 < int(header["source"]) and 0 < int(header["destination"]) and int(header["text"]["len"]) < 65536
    except gdb.MemoryError:
        return False


def _from_event(values, _):
    for event in _target(values, "event"):
        kind = memory.enum("event_kind").get(int(event["kind"]))
        if kind in ("EVENT_SEGMENT_IN", "EVENT_SEGMENT_OUT"):
            header = event["u"]["segment"]["header"]
            if int(header) and _plausible(header.dereference()):
                way = IN if kind.endswith("IN") else OUT
                return Segment(header.dereference(), way, event=event)
    return None


def _from_segment(values, _):
    for seg in _target(values, "tcp_segment"):
        header = seg["header"]
        if int(header) and _plausible(header.dereference()):
            return Segment(header.dereference(), IN, packet=seg["packet"].dereference())
    return None


def _from_header(values, frame):
    for header in _target(values, "tcp_header"):
        if _plausible(header):
            way = OUT if frame.name() in ("fill", "header_of", "reply", "tcp_reply_header", "tcp_write") else IN
            packet = next(_target(values, "ip_packet"), None)
            return Segment(header, way, packet=packet)
    return None


def _options(raw):
    """RFC 9293 3.1: the options of a header that the stack wrote, so without looking for lies."""
    found = dict.fromkeys(("mss", "has_window_scale", "window_scale", "sack_permitted", "has_timestamps", "ts_value",
                           "ts_echo", "sack_count"), 0)
    found["sack"] = []
    at = 0
    while at + 1 < len(raw) and raw[at] != 0:
        if raw[at] == 1:
            at += 1
            continue
        body = raw[at + 2:at + raw[at + 1]]
        if raw[at] == 2:
            found["mss"] = _number(body)
        elif raw[at] == 3:
            found.update(has_window_scale=1, window_scale=_number(body))
        elif raw[at] == 4:
            found["sack_permitted"] = 1
        elif raw[at] == 5:
            found["sack"] = [{"left": {"n": _number(body[i:i + 4])}, "right": {"n": _number(body[i + 4:i + 8])}}
                             for i in range(0, len(body) - 7, 8)]
            found["sack_count"] = len(found["sack"])
        elif raw[at] == 8:
            found.update(has_timestamps=1, ts_value=_number(body[:4]), ts_echo=_number(body[4:8]))
        at += max(2, raw[at + 1])
    return found


def _number(raw):
    return int.from_bytes(raw, "big")


def _from_frame(values, frame):
    """What tcp_output has just made: bytes by now."""
    if frame.name() != "tcp_output":
        return None
    for made in _target(values, "frame"):
        raw = memory.byte_string(made["head"].address, min(int(made["head_len"]), 120))
        if len(raw) < 40 or raw[9] != events.IP_TCP:
            continue
        tcp = raw[(raw[0] & 15) * 4:]
        length = int(made["body"][0]["len"]) + int(made["body"][1]["len"])
        return Segment({"source": _number(tcp[:2]), "destination": _number(tcp[2:4]), "seq": {"n": _number(tcp[4:8])},
                        "ack": {"n": _number(tcp[8:12])}, "flags": tcp[13], "window": _number(tcp[14:16]),
                        "urgent": _number(tcp[18:20]), "options": _options(tcp[20:(tcp[12] >> 4) * 4]),
                        "text": {"len": length, "at": made["body"][0]["at"]}}, OUT)
    return None


def find():
    """The innermost segment of the frames."""
    for frame in stacks.frames():
        values = list(stacks.variables(frame))
        for source in (_from_event, _from_segment, _from_header, _from_frame):
            try:
                found = source(values, frame)
            except gdb.MemoryError:
                continue
            if found:
                return found
    raise gdb.GdbError("no segment is being worked on here: go on with `tcp step segment`, or stop in a transition")


def connection_of(segment):
    """The connection that it belongs to, or None."""
    header = segment.header
    ports = (int(header["destination"]), int(header["source"]))
    local, remote = ports if segment.way == IN else reversed(ports)
    known = stacks.all_stacks()
    about = stacks.in_frames(known)
    if about and int(about.value["local"]["port"]) == local and int(about.value["remote"]["port"]) == remote:
        return about
    return None


def field(name, words):
    memory.write(f"  {name:<{WIDTH}}{words}")


def number(name, position, wire, known):
    field(name, f"{position}  ({wire} on the wire)" if known else f"{wire}")


def near(wire, isn, close_to):
    """The position closest to `close_to` that travels as `wire`: seq.h's seq_unwrap."""
    ahead = (wire - isn - close_to) & 0xFFFFFFFF
    return close_to + (ahead - (1 << 32) if ahead >= 1 << 31 else ahead)


def positions(segment, conn):
    """(SEG.SEQ, SEG.ACK) as positions; None where they cannot be known."""
    header = segment.header
    seq, ack = int(header["seq"]["n"]), int(header["ack"]["n"])
    if conn is None:
        return None, None
    c = conn.value
    before_syn = int(c["rcv"]["nxt"]) == 0
    iss, irs = int(c["iss"]), int(c["irs"])
    una, nxt = int(c["snd"]["una"]), int(c["rcv"]["nxt"])
    if segment.way == IN:
        return (0 if before_syn else near(seq, irs, nxt)), near(ack, iss, una)
    return near(seq, iss, una), (None if before_syn else near(ack, irs, nxt))


def ends(segment, conn):
    header = segment.header
    if conn is not None:
        pair = (conn.remote(), conn.local())
    elif segment.packet is not None:
        packet = segment.packet
        return (f"{text.address(packet['src'])}:{int(header['source'])}",
                f"{text.address(packet['dst'])}:{int(header['destination'])}")
    elif segment.event is not None:
        pair = (text.endpoint(segment.event["remote"]), text.endpoint(segment.event["local"]))
    else:
        return f"port {int(header['source'])}", f"port {int(header['destination'])}"
    return pair if segment.way == IN else pair[::-1]


def options_length(options):
    """Bytes, without what pads them to a multiple of four."""
    return (4 * bool(int(options["mss"])) + 3 * bool(options["has_window_scale"]) + 2 * bool(options["sack_permitted"])
            + 10 * bool(options["has_timestamps"]) + (2 + 8 * int(options["sack_count"])
                                                      if int(options["sack_count"]) else 0))


def window(segment, conn):
    wire, shift = int(segment.header["window"]), 0
    if conn is not None and not int(segment.header["flags"]) & FIELDS_OF_SYN:
        shift = int(conn.value["snd" if segment.way == IN else "rcv"]["shift"])
    return f"{wire << shift} bytes  ({wire} on the wire, times {1 << shift})" if shift else f"{wire} bytes"


def header_bytes(packet):
    """(length, checksum) from the bytes that came."""
    raw = memory.byte_string(packet["body"]["at"], min(int(packet["body"]["len"]), 20))
    return ((raw[12] >> 4) * 4, int.from_bytes(raw[16:18], "big")) if len(raw) == 20 else None


def text_of(segment):
    length = int(segment.header["text"]["len"])
    if segment.event is not None:
        length = int(segment.event["u"]["segment"]["len"])
    if length == 0:
        return "none"
    at = int(segment.header["text"]["at"])
    shown = " " + text.data(memory.byte_string(at, min(length, 49))) if at else ""
    return f"{length} bytes{shown}"


class Decode(memory.Command):
    """The segment that is being worked on where the program stopped, field by field: one that arrived, or one that
is about to leave.

Usage: tcp segment"""

    name = "segment"

    def run(self, arguments):
        self.words(arguments, 0, "")
        memory.need_program()
        segment = find()
        conn = connection_of(segment)
        header = segment.header
        source, target = ends(segment, conn)
        whose = f"for connection {conn.name}, {text.state(conn.value['state'])}" if conn else "for no connection yet"
        memory.write(f"segment {segment.way}: {source} > {target}, {whose}")
        field("source port", int(header["source"]))
        field("destination port", int(header["destination"]))
        seq, ack = positions(segment, conn)
        number("SEG.SEQ", seq, int(header["seq"]["n"]), seq is not None)
        if int(header["flags"]) & 0x10:
            number("SEG.ACK", ack, int(header["ack"]["n"]), ack is not None)
        self.rest(segment, conn)

    @staticmethod
    def rest(segment, conn):
        header = segment.header
        known = header_bytes(segment.packet) if segment.packet is not None else None
        length = known[0] if known else 20 + (options_length(header["options"]) + 3) // 4 * 4
        field("data offset", f"{length // 4}  ({length} bytes of header)")
        field("flags", f"{text.flag_names(header['flags'])}  ({text.flags(header['flags'])})")
        field("window", window(segment, conn))
        if known:
            field("checksum", f"{known[1]:#06x}, right")
        if int(header["flags"]) & 0x20:
            field("urgent pointer", int(header["urgent"]))
        field("options", text.options(header["options"]) or "none")
        field("text", text_of(segment))


COMMANDS = (Decode,)
