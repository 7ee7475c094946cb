"""How gdb prints the program's values: states, flags, addresses, sequence numbers and times as the RFC writes them."""
import gdb

from . import events, memory, stacks, text


class Line:
    """A value as one line."""

    def __init__(self, value, write):
        self.value, self.write = value, write

    def to_string(self):
        try:
            return self.write(self.value)
        except (gdb.error, KeyError, OverflowError):
            return "?"


class Fields:
    """A struct as a line and its fields, some of them written in another way."""

    def __init__(self, value, write, special):
        self.value, self.write, self.special = value, write, special

    def to_string(self):
        if self.write is None:
            return None
        try:
            return self.write(self.value)
        except (gdb.error, KeyError, OverflowError):
            return "?"

    def children(self):
        for field in self.value.type.strip_typedefs().fields():
            if field.name is None:  # an unnamed union: all that it may be
                for inner in field.type.fields():
                    yield inner.name, self.value[field][inner]
            elif field.name in self.special:
                yield field.name, self.special[field.name](self.value[field.name], self.value)
            else:
                yield field.name, self.value[field.name]


def wireseq(value):
    return str(int(value["n"]))


def endpoint(value):
    return text.endpoint(value) if int(value["addr"]) or int(value["port"]) else "none"


def span(value):
    length = int(value["len"])
    if length == 0 or int(value["at"]) == 0:
        return f"{length} bytes"
    return f"{length} bytes {text.data(memory.byte_string(value['at'], min(length, 49)))}"


def interval(value):
    return f"[{int(value['left'])}, {int(value['right'])})"


def sent(value):
    left = int(value["left"])
    return f"[{left}, {left + int(value['len'])}) " + ", ".join(
        [word for word in ("sacked", "lost", "resent") if value[word]] or ["no news"])


def ring(value):
    head, tail = int(value["head"]), int(value["tail"])
    return f"[{head}, {tail}) in {int(value['size'])} bytes"


def ranges(value):
    return " ".join(interval(value["at"][i]) for i in range(min(int(value["count"]), 64))) or "none"


def rtt(value):
    return (f"srtt {text.duration(value['srtt']) if int(value['srtt']) else 'none'}, "
            f"rttvar {text.duration(value['rttvar'])}, rto {text.duration(value['rto'])}")


def options(value):
    return text.options(value) or "none"


def connection(value):
    return (f"#{int(value['id'])} {text.endpoint(value['local'])} with {text.endpoint(value['remote'])}, "
            f"{text.state(value['state'])}")


def timewait(value):
    return (f"#{int(value['id'])} port {int(value['local_port'])} with {text.address(value['remote_addr'])}:"
            f"{int(value['remote_port'])}, TIME-WAIT")


def header(value):
    line = f"{text.flags(value['flags'])} seq {int(value['seq']['n'])}"
    if int(value["flags"]) & 0x10:
        line += f" ack {int(value['ack']['n'])}"
    return f"{line} win {int(value['window'])} {text.options(value['options'])}".rstrip()


def segment(value):
    line = f"{text.flags(value['flags'])} {int(value['seq'])}:{int(value['seq']) + int(value['text']['len'])}"
    line += f"({int(value['text']['len'])})"
    return line + (f" ack {int(value['ack'])}" if int(value["flags"]) & 0x10 else "") + f" win {int(value['wnd'])}"


def socket(value):
    kind = ("TCP", "UDP", "ping")[int(value["type"])] if int(value["type"]) < 3 else "?"
    return f"{kind} socket {endpoint(value['local'])}" + (", listening" if value["listening"] else "")


def packet(value):
    return (f"{text.address(value['src'])} > {text.address(value['dst'])}, protocol {int(value['protocol'])}, "
            f"{int(value['body']['len'])} bytes")


def state_field(value, _):
    return text.state(value)


def flags_field(value, _):
    return text.flags(value)


def address_field(value, _):
    return text.address(value)


def recovery_field(value, _):
    return text.name_of("recovery", value, "RECOVERY_").lower()


def deadlines_field(value, conn):
    """due[], by name and seen from the stack's now."""
    try:
        now = int(conn["tcp"].dereference()["core"].dereference()["now"])
    except gdb.MemoryError:
        return value
    low, high = value.type.range()
    shown = [f"{text.timer(i)} {text.due(value[i], now)}" for i in range(low, high + 1)
             if int(value[i]) != text.NEVER]
    return "{" + ", ".join(shown) + "}" if shown else "none runs"


LINES = {"wireseq": wireseq, "endpoint": endpoint, "span": span, "range": interval, "sent": sent, "ring": ring,
         "sendq": ring, "ranges": ranges, "rtt": rtt, "tcp_options": options}
FIELDS = {
    "tcp_conn": (connection, {"state": state_field, "due": deadlines_field}),
    "tcp_timewait": (timewait, {"remote_addr": address_field}),
    "tcp_header": (header, {"flags": flags_field}),
    "tcp_segment": (segment, {"flags": flags_field}),
    "tcp_snd": (None, {"recovery": recovery_field}),
    "ip_packet": (packet, {"src": address_field, "dst": address_field}),
    "sock": (socket, {}),
}


def lookup(value):
    plain = value.type.unqualified()
    if plain.name == "usec":
        return Line(value, text.duration)
    plain = plain.strip_typedefs()
    if plain.code == gdb.TYPE_CODE_ENUM and plain.tag == "tcp_state":
        return Line(value, text.state)
    if plain.code != gdb.TYPE_CODE_STRUCT:
        return None
    if plain.tag in LINES:
        return Line(value, LINES[plain.tag])
    if plain.tag in ("event", "record"):
        return events.EventPrinter(value)
    if plain.tag in FIELDS:
        return Fields(value, *FIELDS[plain.tag])
    return None


lookup.name = "glasstack"


def register(objfile):
    if lookup not in objfile.pretty_printers:
        objfile.pretty_printers.append(lookup)


class Conn(gdb.Function):
    """$conn(N): the connection with that number, a struct tcp_conn *.

$conn(): the one that is being worked on, or the only one."""

    def __init__(self):
        super().__init__("conn")

    @memory.clear
    def invoke(self, *names):
        if len(names) > 1:
            raise gdb.GdbError("$conn(N): one connection at a time")
        found = stacks.connection("".join(
            name.string() if name.type.code == gdb.TYPE_CODE_ARRAY else str(int(name)) for name in names))
        if found.is_record:
            raise gdb.GdbError(f"connection {found.name} is only a record by now: see `tcp show {found.name}`")
        return found.value.address


Conn()
