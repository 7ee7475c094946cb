"""Values as people write them."""
import errno
import ipaddress

import gdb

from . import memory

NEVER = 2**63 - 1
NO_THRESHOLD = 2**32 - 1
FLAGS = ((0x01, "F", "FIN"), (0x02, "S", "SYN"), (0x04, "R", "RST"), (0x08, "P", "PSH"), (0x10, ".", "ACK"),
         (0x20, "U", "URG"), (0x40, "E", "ECE"), (0x80, "W", "CWR"))


def endpoint(value):
    return address(value["addr"]) + (f":{int(value['port'])}" if int(value["port"]) else "")


def address(number):
    return str(ipaddress.IPv4Address(int(number) & 0xFFFFFFFF))


def duration(usec):
    """'180 ms', '1.5 s', exactly."""
    usec = int(usec)
    if usec == NEVER:
        return "never"
    if abs(usec) < 1000:
        return f"{usec} us"
    number, unit = (usec / 1000, "ms") if abs(usec) < 1000000 else (usec / 1000000, "s")
    return f"{number:.6f}".rstrip("0").rstrip(".") + " " + unit


def due(when, now):
    """A deadline, seen from now."""
    when = int(when)
    if when == NEVER:
        return "off"
    return f"in {duration(when - now)}" if when > now else "now" if when == now else f"{duration(now - when)} ago"


def flags(number):
    """As tcpdump writes them: 'S.', 'FP.'."""
    return "".join(letter for bit, letter, _ in FLAGS if int(number) & bit) or "none"


def flag_names(number):
    return " ".join(name for bit, _, name in reversed(FLAGS) if int(number) & bit) or "none"


def options(o):
    """'<mss 1460,wscale 7>', as in a trace; nothing when there are none."""
    words = []
    if int(o["mss"]):
        words.append(f"mss {int(o['mss'])}")
    if o["sack_permitted"]:
        words.append("sackOK")
    if o["has_timestamps"]:
        words.append(f"ts {int(o['ts_value'])}/{int(o['ts_echo'])}")
    if o["has_window_scale"]:
        words.append(f"wscale {int(o['window_scale'])}")
    for i in range(min(int(o["sack_count"]), 4)):
        block = o["sack"][i]
        words.append(f"sack {int(block['left']['n'])}:{int(block['right']['n'])}")
    return "<" + ",".join(words) + ">" if words else ""


def state(number):
    """'SYN-RECEIVED'."""
    return name_of("tcp_state", number, "TCP_")


def name_of(enumeration, number, prefix):
    """An enumerator as the RFC writes it."""
    name = memory.enum(enumeration).get(int(number))
    return name.removeprefix(prefix).replace("_", "-") if name else f"?{int(number)}"


def timer(number):
    return name_of("tcp_timer", number, "TCP_TIMER_").lower()


def rule(number):
    """'RFC 9293 3.10.4: CLOSE sends a FIN ...'; nothing for a decision of ours."""
    number = int(number)
    if number == 0:
        return ""
    try:
        block = gdb.block_for_pc(int(gdb.parse_and_eval("&rule_info")))
        info = next(symbol for symbol in block if symbol.name == "table").value()[number]
        return f"{info['rfc'].string()} {info['section'].string()}: {info['sentence'].string()}"
    except (gdb.error, StopIteration):
        return name_of("rule", number, "RULE_")


def result(number):
    """What a socket call returned: a count, or the name of its error."""
    number = int(number)
    return "-" + errno.errorcode[-number] if -number in errno.errorcode else str(number)


ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"}


def data(raw, most=48):
    """The beginning of a text, as a C string."""
    shown = "".join(ESCAPES.get(b, chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw[:most])
    return f'"{shown}"' + ("..." if len(raw) > most else "")


def table(rows, right=()):
    """Rows as lines with aligned columns; those in `right` end at the same place."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()
