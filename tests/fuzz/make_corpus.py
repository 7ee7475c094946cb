#!/usr/bin/env python3
"""Writes the seeds of the corpus: small programs in the language of each target, named by what they do.

The files themselves are kept in the repository, beside some long programs that libFuzzer found to reach far (deep-N)
and those that earlier findings left (named after them). So this is run only when the language of a target changes:
tests/fuzz/make_corpus.py"""
import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
DEFAULTS = bytes(4)  # world_config: everything on, Ethernet's MTU


def write(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(data))


# --- segment: fuzz_segment.c ---

PROPER_ACK, TEXT, PARTIAL_ACK, SYN, TIMESTAMP, RESET, GO_BACK, TIME, SEND, RECEIVE, LET_GO, OPTION = (
    2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14)


def op(kind, who=0, *args, batch=0):
    return bytes([kind | who << 4, *args, batch])


def mutated(mask, *args, who=0):
    return op(0, who, mask, *args)


def segment_seeds():
    both = bytes(3)  # handshakes both ways, all options in our SYNs
    send, ack = op(SEND, 0, 0xc0, 40), op(PROPER_ACK)
    due, second = op(TIME, 0, 0), op(TIME, 0, 0xc1)
    seeds = {
        "text-both-ways": op(TEXT, 0, 3, 200) + send + ack + op(RECEIVE, 0, 0) + ack + second,
        "close-by-us": op(LET_GO, 0, 1) + ack + op(TEXT, 0, 4, 0) + second,
        "close-by-the-peer": op(TEXT, 0, 4, 100) + op(RECEIVE, 0, 0) + op(LET_GO, 0, 5) + ack + second,
        "simultaneous-close": op(LET_GO, 0, 5, batch=1) + op(TEXT, 0, 4, 0) + ack + second,
        "lost-in-the-middle": send + op(PARTIAL_ACK, 0, 0x78, 2, 2) + op(PARTIAL_ACK, 0, 0x78, 2, 4) + due + ack * 3,
        "time-out": send + due * 6 + op(PARTIAL_ACK, 0, 1) + due + ack * 4,
        "zero-window": mutated(0x10, 0, 0) + send + due * 5 + mutated(0x10, 1, 0) + due + ack,
        "holes": b"".join(op(TEXT, 0, 8, 50, 10 * k) for k in range(1, 9)) + op(TEXT, 0, 1, 255) + op(RECEIVE, 0, 0),
        "reset": op(RESET, 0, 0) + op(RECEIVE, 0, 0),
        "reset-in-window": op(RESET, 0, 9) + ack,
        "new-connection": op(SYN, 1, 0) + op(PROPER_ACK, 1) + op(SEND, 1, 0) + op(TEXT, 1, 2, 9) + op(RECEIVE, 1, 0),
        "odd-timestamps": op(TIMESTAMP, 0, 0x17, 9, 0x80, 0, 1) + op(TIMESTAMP, 0, 0, 9) + op(TIMESTAMP, 0, 0x1f, 9, 0, 0, 0),
        "active-text": op(SEND, 3, 0xc0, 9) + op(PROPER_ACK, 2) + op(TEXT, 2, 7, 80) + op(RECEIVE, 3, 0) + op(LET_GO, 3, 1),
        "options": b"".join(op(OPTION, 0, k, 3) for k in range(17)) + send + ack,
        "urgent": op(SEND, 0, 1, 9) + mutated(0x61, 0x38, 0, 20, 0, 8) + op(RECEIVE, 0, 0) + ack,
        "memory-fails": op(TIME, 0, 0x42) + send + op(TEXT, 0, 8, 50, 3) + op(TIME, 0, 0x41) + op(TEXT, 0, 1, 90) + due * 2,
    }
    for name, steps in seeds.items():
        write("segment", name, DEFAULTS + both + steps)
    beyond = b"".join(op(TEXT, 0, 1, 255) for _ in range(3)) + op(RECEIVE, 0, 0) + op(TEXT, 0, 8, 200, 250)
    write("segment", "beyond-our-window", b"\x00\x00\x10\x00" + both + beyond)
    window = bytes([2, 0x20, 0, 2])  # only the peer opens, without scale: 514 bytes
    write("segment", "small-window", DEFAULTS + window + (send + ack * 3 + due) * 2)
    write("segment", "plain-old-tcp", b"\x7f\xff\x40\x00" + bytes(3) + seeds["lost-in-the-middle"])
    write("segment", "small-buffers", b"\x00\x00\x2b\x71" + bytes(3) + seeds["text-both-ways"] + seeds["holes"])
    # once a finding: such a connection owed an ACK of the SYN for ever
    write("segment", "cookie-acknowledged-the-syn", b"\x00\x00\x00\x10\x03" + op(SYN, 0, 0) + op(SYN, 1, 0) + op(PROPER_ACK, 1))
    write("segment", "cookies", b"\x00\x00\x00\x10\x03" + b"".join(op(SYN, k, 0) for k in (0, 1, 2)) +
          b"".join(op(PROPER_ACK, k) + op(TEXT, k, 2, 20) for k in (0, 1, 2)) + op(SEND, 0, 0))


# --- datagram: fuzz_datagram.c; checksums are put right by the target ---

US, PEER = bytes([10, 7, 0, 2]), bytes([10, 7, 0, 1])
FIX = 0x8000


def ip(protocol, body, flags=0):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, flags, 64, protocol, 0) + PEER + US + body


def tcp(port, seq, ack, flags, window=65535, options=b"", text=b"", to=80):
    return ip(6, struct.pack(">HHIIBBHHH", port, to, seq, ack, (20 + len(options)) << 2, flags, window, 0, 0) +
              options + text)


def datagrams(*all_of_them, time=0):
    return b"\x01" + b"".join(struct.pack(">BH", time, FIX | len(d)) + d for d in all_of_them)


def datagram_seeds():
    states = range(1000, 1010)
    for name, flags in {"ack": 0x10, "syn": 2, "rst": 4, "fin": 0x11, "text": 0x18}.items():
        text = b"text" if name == "text" else b""
        write("datagram", f"{name}-in-every-state", datagrams(
            *(tcp(port, 5001, 1001, flags, text=text, to=2000 if port == 1000 else 80) for port in states)))
    sack = bytes([1, 1, 5, 10]) + struct.pack(">II", 2000, 3000)
    write("datagram", "sack", datagrams(tcp(1003, 5001, 1001, 0x10, options=sack)))
    write("datagram", "syn-ack-to-syn-sent", datagrams(tcp(1000, 9000, 1001, 0x12, options=bytes([2, 4, 5, 180]), to=2000)))
    write("datagram", "udp", datagrams(ip(17, struct.pack(">HHHH", 53, 9999, 12, 0) + b"text"),
                                       ip(17, struct.pack(">HHHH", 53, 9, 8, 0))))
    write("datagram", "ping", datagrams(ip(1, bytes([8, 0, 0, 0, 0, 7, 0, 1]) + b"echo"),
                                        ip(1, bytes([0, 0, 0, 0, 0, 77, 0, 1]) + b"reply")))
    write("datagram", "fragment", datagrams(ip(17, bytes(16), 0x2000), ip(17, bytes(8), 2)))


# --- fragment: fuzz_fragment.c ---


def piece(n, eighths, length, flags=0, own_id=1, settle=1):
    return struct.pack(">BHB", n | own_id << 3 | flags << 4 | settle << 6, eighths, length)


def fragment_seeds():
    sizes = bytes([10, 20, 30, 40, 50]) + struct.pack(">H", 2000)
    head = b"\x07" + sizes
    pieces = [piece(0, 0, 5), piece(0, 5, 9)]  # 88 bytes: 8 + 10 * 8
    write("fragment", "in-order", head + b"".join(pieces))
    write("fragment", "backwards", head + b"".join(reversed(pieces)))
    write("fragment", "overlap", head + piece(1, 0, 10) + piece(1, 4, 10) + piece(1, 14, 30))
    write("fragment", "echo", head + piece(2, 0, 20) + piece(2, 20, 40))
    write("fragment", "same-identification", head + piece(0, 0, 5, own_id=0) + piece(3, 5, 40, own_id=0))
    write("fragment", "two-ends", head + piece(1, 5, 5, flags=1) + piece(1, 10, 30) + piece(1, 0, 5))


# --- icmp: fuzz_icmp.c ---


def icmp_seeds():
    # how: type by the low bits, 0x40 and up: a code follows instead of "fragmentation needed"
    def error(how, rest, quote, code=None):
        return bytes([0, how]) + (bytes([code]) if how >> 6 else b"") + struct.pack(">HB", rest, quote)
    send, ack, due = bytes([0x18, 0xc0, 9]), bytes([0x1a]), bytes([0x0e])
    head = DEFAULTS + bytes(1)
    for quote in range(3):
        write("icmp", f"mtu-quote-{quote}", head + send + b"".join(error(0, mtu, quote) for mtu in (1000, 60, 0)) + due * 3 + ack)
        write("icmp", f"port-quote-{quote}", head + send + error(0x40, 0, quote, 3) + due)
    write("icmp", "datagrams", head + bytes([0x19, 4, 0x09, 4]) + error(0x40, 0, 1, 3) + error(0x40, 0, 2, 1) + error(0x44, 0, 0, 0))
    write("icmp", "mutated-quote", head + send + error(0, 1200, 0x40 | 2) + bytes([24, 1]) + due + ack)


# --- calls: fuzz_calls.c ---

SOCKS = 12


def call(which, sock, *args):
    return bytes([which * SOCKS + sock, *args])


def calls_seeds():
    listen, out = call(0, 1, 0x78), call(0, 0, 0)  # stack 1 listens at 80; stack 0 opens a socket
    wait, minute = bytes([140]), bytes([202, 20])
    joined = listen + out + call(5, 0, 8) + wait * 2 + call(4, 1)
    text = call(0, 0, 0x80, 9) + wait + call(2, 3, 0) + call(0, 3, 0x40, 9) + wait + call(2, 0, 0)
    end = call(7, 0, 1) + wait + call(7, 3, 1) + minute
    settings = b"\x00\x00\x00" + DEFAULTS * 2
    write("calls", "session", settings + joined + text + end)
    write("calls", "session-with-loss", b"\x20\x12\x34" + DEFAULTS * 2 + joined + text * 4 + end)
    write("calls", "session-without-memory", b"\x90\x12\x34" + DEFAULTS + b"\x05" + DEFAULTS + b"\x09" + joined + text + end)
    write("calls", "half-close", settings + joined + call(6, 0, 1) + wait + call(2, 3, 0) + text + end)
    write("calls", "to-itself", settings + call(0, 0, 0x18) + call(5, 0, 0) + wait + text + call(7, 0, 1) + minute)
    write("calls", "udp-and-ping", settings + call(0, 2, 3) + call(4, 2, 8, 3) + call(0, 4, 6) + call(4, 4, 8, 9) + wait)
    write("calls", "refused", settings + out + call(5, 0, 8) + wait + call(5, 0, 8) + wait + call(7, 0, 0))


# --- http, httpd, options: text and headers ---

HEADS = {
    "get": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "query": b"HEAD /a%20b/./c/../d?x=y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "absolute": b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
    "range": b"GET /f HTTP/1.1\r\nHost: a\r\nRange: bytes=1-9\r\nIf-Range: \"5f-1a2b\"\r\n\r\n",
    "conditions": b"GET /f HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/\"5f-1a2b\", *\r\nIf-Modified-Since: "
                  b"Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "smuggled": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


def http_seeds():
    for name, head in HEADS.items():
        write("http", name, b"\x04\x01" + head)
    parts = {"path": (0, b"/a/%2e%2e/b//c/?q"), "ranges": (1, b"bytes=-5, 7-"), "chunks": (2, b"5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"),
             "date-asctime": (3, b"Sun Nov  6 08:49:37 1994"), "date-850": (3, b"Sunday, 06-Nov-94 08:49:37 GMT")}
    for name, (what, text) in parts.items():
        write("http", name, bytes([what, 2]) + text)


def httpd_seeds():
    for name, head in HEADS.items():
        cut = len(head) // 2
        steps = bytes([0, cut]) + head[:cut] + b"\x3e" + bytes([0, len(head) - cut]) + head[cut:] + bytes([4, 15])
        write("httpd", name, b"\x00" + steps + bytes([5, 1]) + b"\x7e")
    write("httpd", "pipelined", b"\x01" + b"\x0a\x0a\x0a\x02\x0b" + bytes([4, 15, 5, 1]))
    write("httpd", "aborted", b"\x00" + b"\x0a" + bytes([5, 2]) + b"\x8a" + bytes([0x84, 1, 0x85, 0]))


def options_seeds():
    header = struct.pack(">HHIIBBHHH", 1000, 80, 5, 6, 0xf0, 2, 65535, 0, 0)
    linux = bytes([2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7])
    sacks = bytes([1, 1, 5, 34]) + bytes(range(32))
    write("options", "linux-syn", header + linux + bytes(20) + b"text")
    write("options", "sack", header + sacks + bytes(4))
    for length in (0, 1, 2, 3, 9, 40, 255):
        write("options", f"length-{length}", header + bytes([8, length]) + bytes([1]) * 38)


# --- join: fuzz_join.c ---

def join_seeds():
    changed, unsummed, pushed, gap, resized, cut, stamped, watched = (1 << k for k in range(8))
    seq, plain = b"\x12\x34", bytes(1)
    small = bytes([resized, 0, 100])
    seeds = {
        "stream": plain * 60,
        "pushed": (plain * 3 + bytes([pushed])) * 8,
        "short-end": plain * 5 + bytes([resized, 1, 44]) + bytes([resized, 5, 168]) + plain * 5,
        "small": small + plain * 9,
        "beyond-ipv4": bytes([resized, 15, 100]) + plain * 30,
        "gap": plain * 3 + bytes([gap, 0, 1]) + plain * 3,
        "stamped": (plain * 3 + bytes([stamped])) * 4,
        "watched": plain * 3 + bytes([watched]) + plain * 3 + bytes([watched]) + plain * 3,
        "wrong-checksum": plain * 3 + bytes([changed | unsummed, 0, 36, 1]) + plain * 3,
        "cut-off": plain * 3 + bytes([cut, 0, 9]) + plain * 3,
    }
    for bit in range(8):
        for at in (0, 1, 6, 33):
            seeds[f"changed-{at}-{bit}"] = plain * 2 + bytes([changed, 0, at, 1 << bit]) + plain * 2
    for name, steps in seeds.items():
        write("join", name, (bytes(2) if name == "stream" else seq) + steps)


# --- capture: files, whole ---

def pcap(link, *frames, order="<", magic=0xa1b2c3d4):
    records = b"".join(struct.pack(order + "IIII", 1, 2, len(f), len(f)) + f for f in frames)
    return struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link) + records


def padded(data):
    return data + bytes(-len(data) % 4)


def block(order, kind, body):
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(order, code, value):
    return padded(struct.pack(order + "HH", code, len(value)) + value)


def pcapng(link, *frames, order="<"):
    text = block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    described = option(order, 9, b"\x09") + option(order, 14, bytes(8)) + option(order, 0, b"")
    text += block(order, 1, struct.pack(order + "HHI", link, 0, 65535) + described)
    comment = option(order, 1, b"state: LISTEN -> SYN-RECEIVED") + option(order, 1, b"second") + option(order, 0, b"")
    for f in frames:
        text += block(order, 6, struct.pack(order + "IIIII", 0, 1, 2, len(f), len(f)) + padded(f) + comment)
        text += block(order, 3, struct.pack(order + "I", len(f)) + padded(f))
        text += block(order, 2, struct.pack(order + "HHIIII", 0, 0, 1, 2, len(f), len(f)) + padded(f))
    return text + block(order, 5, bytes(12))


def capture_seeds():
    datagram = ip(17, struct.pack(">HHHH", 1, 2, 8, 0))
    frames = {"raw": (101, datagram), "ethernet": (1, bytes(12) + b"\x08\x00" + datagram + bytes(18)),
              "vlan": (1, bytes(12) + b"\x88\xa8\x00\x01\x81\x00\x00\x02\x08\x00" + datagram),
              "cooked": (113, bytes(14) + b"\x08\x00" + datagram), "cooked-2": (276, b"\x08\x00" + bytes(18) + datagram),
              "null": (0, b"\x02\x00\x00\x00" + datagram), "loop": (108, b"\x00\x00\x00\x02" + datagram),
              "wireless": (127, bytes(30))}
    for name, (link, frame) in frames.items():
        write("capture", name, pcap(link, frame, frame))
        write("capture", name + "-ng", pcapng(link, frame))
    write("capture", "big-endian", pcap(228, datagram, order=">", magic=0xa1b23c4d))
    write("capture", "big-endian-ng", pcapng(228, datagram, order=">"))
    write("capture", "cut-off", pcap(101, datagram)[:-3])
    write("capture", "cut-off-ng", pcapng(101, datagram)[:-3])
    write("capture", "no-capture", b"GET / HTTP/1.1\r\n\r\n")


# --- trace: one datagram ---

def trace_seeds():
    dense = bytes([2, 4, 5, 180, 3, 3, 7, 4, 2, 8, 10]) + bytes(8) + bytes([5, 18]) + bytes(range(16)) + bytes(3)
    write("trace", "dense-options", tcp(1003, 5001, 1001, 0x10, options=dense, text=b"text"))
    write("trace", "four-sack-blocks", tcp(1003, 5001, 1001, 0x12, options=bytes([1, 1, 5, 34]) + bytes(range(32)) + bytes(4)))
    write("trace", "udp", ip(17, struct.pack(">HHHH", 53, 9999, 12, 0) + b"text"))
    write("trace", "ping", ip(1, bytes([8, 0, 0, 0, 0, 7, 0, 1]) + b"echo"))
    write("trace", "fragment", ip(6, bytes(16), 2))
    write("trace", "cut-off", tcp(1003, 5001, 1001, 2)[:23])
    write("trace", "long-header", b"\x4f" + ip(17, bytes(60))[1:])
    write("trace", "no-datagram", b"\x60")


# --- ladder: a byte that says how, then a capture file or eight bytes a record ---

IN, OUT, STATE, TIMER, CALL, WINDOW, DROP, ICMP = range(8)


def ladder_record(kind, side, flags=0, seq=0, ack=0, length=0, options=0, rule=0, connection=1, wait=10):
    return bytes([side | kind << 1 | connection << 4, wait, flags, seq, ack, length, options, rule])


def ladder_seeds():
    syn, syn_ack, plain = (0x02, 0, 0), (0x12, 0, 1), (0x10, 1, 1)
    handshake = b"".join(ladder_record(OUT, side, *numbers) + ladder_record(IN, 1 - side, *numbers)
                         for side, numbers in ((0, syn), (1, syn_ack), (0, plain)))
    crossing = b"".join(ladder_record(kind, side, *syn) for kind, side in ((OUT, 0), (OUT, 1), (IN, 1), (IN, 0)))
    lost = ladder_record(OUT, 0, 0x18, 1, 1, 100) + ladder_record(TIMER, 0, 1) + ladder_record(OUT, 0, 0x18, 1, 1, 0xe4)
    others = ladder_record(STATE, 1, 3, 4, rule=3) + ladder_record(CALL, 1, 0x91) + ladder_record(WINDOW, 0, 9) + \
        ladder_record(DROP, 1, 0x10, 1, 1, 37, 1) + ladder_record(ICMP, 0, 3, 4)
    for name, how, records in (("handshake", 0xc0, handshake), ("crossing", 0x06, crossing), ("lost", 0x02, handshake + lost),
                               ("others", 0x0a, handshake + others), ("one-stack", 0x02, handshake[8:24] + others)):
        write("ladder", name, bytes([how]) + records)
    frames = [tcp(1003, 5001, 1001, flags) for flags in (0x02, 0x12, 0x10, 0x18, 0x11, 0x04)]
    write("ladder", "capture", b"\xc3" + pcap(101, *frames))
    write("ladder", "capture-ng", b"\x03" + pcapng(101, frames[0]))


def main():
    for make in (segment_seeds, datagram_seeds, fragment_seeds, icmp_seeds, calls_seeds, http_seeds, httpd_seeds,
                 options_seeds, join_seeds, capture_seeds, trace_seeds,
                 ladder_seeds):
        make()


if __name__ == "__main__":
    main()
