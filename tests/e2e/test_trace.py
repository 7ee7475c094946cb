"""glass trace: what a running stack does, beside what tshark sees on its wire."""
import contextlib
import json
import os
import pty
import re
import signal

import capture
import lab
from lab import KERNEL, STACK, Lab, Output, Peer

NUMBER = r"\d+\.\d{6} "


class Trace:
    """A glass trace that follows; leaving it is Ctrl-C, and must end with exit status 0."""

    def __init__(self, running, *arguments):
        self.process = running.start_glass("trace", *arguments, stdin=lab.subprocess.DEVNULL)
        self.output, self.errors = Output(self.process.stdout), Output(self.process.stderr)
        self.errors.wait_for("Ctrl-C ends it")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.end()

    def end(self, code=0):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.assert_ended(code)

    def assert_ended(self, code=0):
        self.process.wait(lab.PATIENCE)
        self.output.thread.join(lab.PATIENCE)
        self.errors.thread.join(lab.PATIENCE)
        if self.process.returncode != code:
            raise AssertionError(f"glass trace ended with {self.process.returncode}: {self.errors.tail()}")

    def lines(self):
        return list(self.output.lines)

    def objects(self):
        return [json.loads(line) for line in self.output.lines]


class Lines(lab.Test):
    lab_arguments = ("--service", "chargen=off")

    def fetch(self):
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))

    def test_the_handshake_line_by_line(self):
        with Trace(self.lab) as trace:
            self.fetch()
            trace.output.wait_for("LAST-ACK -> CLOSED")
        number = re.search(r"#(\d+) +CLOSED -> LISTEN", "\n".join(trace.lines()))[1]
        lines = [line for line in trace.lines() if f" #{number} " in line]
        at = 0
        for pattern in (r"  CLOSED -> LISTEN  \(10\.7\.0\.2:80 with 10\.7\.0\.1:\d+\)$",
                        r"< S  0:0\(0\) win \d+ <mss 1460,sackOK,ts \d+/0,wscale \d+> LISTEN$",
                        r"  LISTEN -> SYN-RECEIVED$",
                        r"> S\. 0:0\(0\) ack 1 win \d+ <mss 1460.*> SYN-RECEIVED$",
                        r"  retransmit timer in 1000\.000 ms$",
                        r"< \.  1:1\(0\) ack 1 win \d+ .*SYN-RECEIVED$",
                        r"  SYN-RECEIVED -> ESTABLISHED$",
                        r"  cwnd \d+ \(initial window\)$",
                        r"  rtt \d+\.\d{3} ms, srtt ", r"  sock_accept = 0$",
                        r"< P\. 1:\d+\(\d+\) ack 1 ", r"  sock_recv = \d+$", r"  sock_recv = EAGAIN$",
                        r"> P?\. +1:\d+\(\d+\) ack \d+ ", r"< F\. ", r"  ESTABLISHED -> CLOSE-WAIT$",
                        r"> F\. ", r"  CLOSE-WAIT -> LAST-ACK$", r"  LAST-ACK -> CLOSED$"):
            while at < len(lines) and not re.search("^" + NUMBER + f"#{number} " + pattern, lines[at]):
                at += 1
            self.assertLess(at, len(lines), f"no {pattern} in its place:\n" + "\n".join(lines))
            at += 1

    def test_explain_names_the_rule_below_its_event(self):
        with Trace(self.lab, "--explain") as trace:
            self.fetch()
            trace.output.wait_for("LAST-ACK -> CLOSED")
            trace.output.wait_for("Our FIN was the last")
        lines = trace.lines()
        at = next(i for i, line in enumerate(lines) if line.endswith("SYN-RECEIVED -> ESTABLISHED"))
        self.assertEqual(lines[at + 1],
                         " " * 11 + "RFC 9293 3.10.7.4 fifth: The ACK of our SYN completes the handshake.")
        for line in lines:  # an event, or the rule of the one before
            self.assertRegex(line, "^" + NUMBER + r"|^ {11}RFC \d+ .+: .+\.$")

    def test_absolute_shows_the_numbers_of_the_wire(self):
        with Trace(self.lab, "--absolute") as text, Trace(self.lab, "--json") as trace:
            self.fetch()
            trace.output.wait_for('"to":"CLOSED"')
            text.output.wait_for("-> CLOSED")
        syn_ack = next(e for e in trace.objects() if e.get("flags") == "S.")
        line = next(line for line in text.lines() if "> S. " in line)
        self.assertIn(f" {syn_ack['seq_raw']}:{syn_ack['seq_raw']}(0) ack {syn_ack['ack_raw']} ", line)

    def test_strangers_datagrams_and_calls(self):
        """A RST to a port that nobody has, UDP, ICMP, and what programs asked of the stack."""
        with Trace(self.lab) as trace:
            self.lab.curl(f"http://{STACK}:81/")
            self.assert_ok(self.lab.exec("ping", "-c", "1", STACK))
            self.assert_ok(self.lab.glass("ping", "-c", "1", KERNEL))
            self.assert_ok(self.lab.client("udp_ask", STACK, 7, "hello"))
            self.assert_ok(self.lab.client("udp_refused", STACK, 19))
            wanted = (rf"{KERNEL}:\d+ > {STACK}:81 S ", rf"{STACK}:81 > {KERNEL}:\d+ R\. 0:0\(0\) ack \d+ win 0$",
                      rf"dropped: .*\(TCP_NO_CONNECTION\)  {KERNEL}:\d+ > {STACK}:81 tcp \(\d+\)$",
                      rf"{KERNEL}(:\d+)? > {STACK} icmp type 8 code 0 \(echo request\) \(56\)$",
                      rf"{STACK} > {KERNEL}(:\d+)? icmp type 0 code 0 \(echo reply\) \(56\)$",
                      rf"{STACK}:\d+ > {KERNEL} icmp type 8 code 0 ",
                      rf"{KERNEL}:\d+ > {STACK}:7 udp \(5\)$", rf"{STACK}:7 > {KERNEL}:\d+ udp \(5\)$",
                      rf"  sock_recvfrom = 5  \(udp .*:7\)$",
                      rf"dropped: .*\(UDP_NO_PORT\)  {KERNEL}:\d+ > {STACK}:19 udp \(\d+\)$",
                      rf"{STACK} > {KERNEL} icmp type 3 code 3 \(destination unreachable\)")
            for pattern in wanted:
                trace.output.wait_for("^" + NUMBER + ".*" + pattern)

    def test_time_wait_its_timer_and_its_replies(self):
        """The stack closes first: the record that answers for the connection is seen, too."""
        peer = Peer(self.lab)
        with Trace(self.lab, "--explain") as trace:
            nc = self.lab.start_glass("nc", KERNEL, peer("listen"))
            peer("accept")
            nc.stdin.close()
            nc.stdin = None
            peer("drain")
            peer("close")
            trace.output.wait_for("FIN-WAIT-2 -> TIME-WAIT$")
            trace.output.wait_for(r"  time-wait timer in 60000\.000 ms$")
            trace.output.wait_for("RFC 9293 3.6: Who closed first waits 2 MSL")

    def test_count_ends_it(self):
        with Trace(self.lab, "--count", "3", "--explain") as trace:
            self.fetch()
            trace.assert_ended()
        self.assertEqual(len([line for line in trace.lines() if re.match(NUMBER, line)]), 3)

    def test_up_prints_the_same_lines(self):
        with Lab("--trace") as running, Trace(running) as trace:
            self.assert_ok(running.curl("-o", "/dev/null", f"http://{STACK}/"))
            running.output.wait_for("LAST-ACK -> CLOSED")
            trace.output.wait_for("LAST-ACK -> CLOSED")
            trace.end()
            theirs = [line for line in running.output.lines if re.match(NUMBER, line)]
            mine = trace.lines()
            self.assertEqual(theirs[theirs.index(mine[0]):][:len(mine)], mine)


class Wire(lab.Test):
    """A whole download: the trace and tshark, which read the capture of the same run, agree on every segment."""

    lab_capture = True

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        lab.make_file(os.path.join(www, "data"), 300_000)
        cls.lab_arguments = ("--www", www, "--link", "loss=2%,delay=2ms,seed=7")

    def test_every_segment_of_a_download(self):
        with Trace(self.lab, "--json", "tcp port 80") as trace:
            self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/data", patience=lab.LONG))
            self.lab.wait_for_none(local_port=80)
            trace.output.wait_for('"from":"[A-Z-12]*","to":"CLOSED"')
        events = trace.objects()
        self.assertFalse([e for e in events if e["event"] == "lost"])
        port = next(e["remote_port"] for e in events if e["event"] == "segment-in")
        mine = {"segment-in": [], "segment-out": []}
        for e in events:
            if e["event"] in mine:
                mine[e["event"]].append((e["flag_bits"], e["seq"], e["ack"], e["len"], e["seq_raw"], e["window_raw"]))
        rows = capture.fields(self.lab.capture, f"tcp.port == {port}", "ip.src", "tcp.flags", "tcp.seq", "tcp.ack",
                              "tcp.len", "tcp.seq_raw", "tcp.window_size_value")
        theirs = {"segment-in": [], "segment-out": []}
        for source, flags, *numbers in rows:
            seq, ack, length, raw, window = (int(n or 0) for n in numbers)
            theirs["segment-in" if source == KERNEL else "segment-out"].append(
                (int(flags, 16) & 0xff, seq, ack, length, raw, window))
        self.assertGreater(len(theirs["segment-out"]), 200)
        for way in mine:
            self.assertEqual(mine[way], theirs[way])
        again = capture.fields(self.lab.capture, f"tcp.port == {port} && ip.src == {STACK} && "
                               "(tcp.analysis.retransmission || tcp.analysis.fast_retransmission ||"
                               " tcp.analysis.spurious_retransmission || tcp.analysis.out_of_order)", "tcp.seq")
        self.assertEqual({e["seq"] for e in events if e.get("retransmitted")}, {int(row[0]) for row in again})

    def test_json_tells_what_the_help_says(self):
        with Trace(self.lab, "--json") as trace:
            self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/data", patience=lab.LONG))
            self.lab.wait_for_none(local_port=80)
            trace.output.wait_for('"to":"CLOSED"')
        documented = self.assert_ok(self.lab.place.glass("trace", "--help")).out
        times, kinds = [], set()
        for e in trace.objects():
            kinds.add(e["event"])
            times.append(e["time_us"])
            self.assertIs(type(e["time_us"]), int)
            self.assertGreater(e["epoch_us"], 1_600_000_000_000_000)
            for key in e:
                self.assertIn(key, documented)
        self.assertEqual(times, sorted(times))
        self.assertLessEqual({"segment-in", "segment-out", "state", "timer-set", "window", "rtt", "call"}, kinds)


class Filters(lab.Test):
    def traffic(self):
        """TCP, then ICMP, then UDP."""
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        self.lab.wait_for_none(local_port=80)
        self.assert_ok(self.lab.exec("ping", "-c", "1", STACK))
        self.assert_ok(self.lab.client("udp_ask", STACK, 7, "hello"))

    def filtered(self, last, *words):
        """The objects that pass the filter; `last` is a line behind which nothing is expected."""
        with Trace(self.lab, "--json", *words) as trace:
            self.traffic()
            trace.output.wait_for(last)
        return trace.objects()

    def test_tcp_port_80(self):
        events = self.filtered('"to":"CLOSED"', "tcp", "port", "80")
        self.assertEqual({(e["protocol"], e["local_port"]) for e in events}, {("tcp", 80)})
        self.assertLessEqual({"segment-in", "segment-out", "state", "call"}, {e["event"] for e in events})

    def test_udp(self):
        events = self.filtered('"datagram-out".*"udp"', "udp")
        self.assertEqual({e["protocol"] for e in events}, {"udp"})

    def test_icmp(self):
        events = self.filtered('"datagram-out".*"type":0', "icmp")
        self.assertEqual({e["protocol"] for e in events}, {"icmp"})
        self.assertEqual([e["type"] for e in events if "type" in e], [8, 0])

    def test_only_segments_with_syn(self):
        events = self.filtered('"flags":"S\\."', "tcp[tcpflags] & tcp-syn != 0")
        self.assertEqual([e["flags"] for e in events if "flags" in e], ["S", "S."])
        self.assertIn("SYN-RECEIVED", [e.get("to") for e in events])  # it went with the SYN
        self.assertNotIn("ESTABLISHED", [e.get("to") for e in events])  # that came with the ACK

    def test_a_bad_filter_is_one_line_with_the_reason(self):
        for words in (("tcp", "prot", "80"), ("port 99999999999",), ("(",)):
            done = self.assert_ok(self.lab.glass("trace", *words), code=2)
            self.assertEqual(done.out, "")
            self.assertRegex(done.err, r"\Aglass trace: filter '[^\n]+': [^\n]+\n\Z")
        self.assertIn("syntax error", self.lab.glass("trace", "tcp", "prot", "80").err)
        done = self.assert_ok(self.lab.glass("trace", "port 80 or " * 1000 + "port 80"), code=2)
        self.assertRegex(done.err, r"\Aglass trace: the filter is longer than \d+ bytes[^\n]*\n\Z")


class Ends(lab.Test):
    def test_no_stack_is_one_line(self):
        done = self.place.glass("trace", "--name", "nobody")
        self.assertEqual((done.code, done.out), (1, ""))
        self.assertRegex(done.err, r"\Aglass[^\n]*: no stack named nobody[^\n]*\n")

    def test_bad_arguments(self):
        for arguments in (("--count", "0"), ("--count", "x"), ("--color=pink",), ("--name", "../x"), ("--no-such",)):
            done = self.place.glass("trace", *arguments)
            self.assertEqual((done.code, done.out), (2, ""), arguments)
            self.assertRegex(done.err, r"\Aglass trace: [^\n]+\n\Z")

    def test_it_sees_the_stack_close(self):
        with Lab() as running:
            peer = Peer(running)
            peer("connect", STACK, 7)
            trace = Trace(running)
            running.stop()
            trace.assert_ended(0)
        trace.errors.wait_for(f"^glass trace: the stack named {running.name} has closed$")
        trace.output.wait_for(r"> F?R?\. ")  # its last words, too

    def test_a_stack_that_vanishes(self):
        running = Lab()
        with contextlib.closing(contextlib.ExitStack()) as after:
            after.callback(running.abandon)
            running.__enter__()
            trace = Trace(running)
            running.process.kill()
            trace.assert_ended(1)
            trace.errors.wait_for("is gone without a word")

    def test_a_reader_that_goes_away_ends_it(self):
        process = self.lab.start_glass("trace", stdin=lab.subprocess.DEVNULL)
        errors = Output(process.stderr)
        errors.wait_for("Ctrl-C ends it")
        process.stdout.close()
        process.stdout = None
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        self.assertEqual(process.wait(lab.PATIENCE), -signal.SIGPIPE)


class SlowReader(lab.Test):
    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        cls.digest = lab.make_file(os.path.join(www, "data"), 10_000_000)
        cls.lab_arguments = ("--www", www)

    def test_the_stack_goes_on_and_says_how_much_was_missed(self):
        with Trace(self.lab) as trace, Trace(self.lab, "--count", "1000", "udp") as beside:
            trace.process.send_signal(signal.SIGSTOP)
            to = self.place.file("received")
            self.assert_ok(self.lab.curl("-o", to, f"http://{STACK}/data", patience=lab.LONG))
            self.assertEqual(lab.sha256_of(to), self.digest)
            self.lab.wait_for_none(local_port=80)
            self.assertTrue(beside.process.poll() is None)
            trace.process.send_signal(signal.SIGCONT)
            line, = trace.output.wait_for(r"^\.\.\. \d+ events lost: the reader is too slow$")
            self.assertGreater(int(line.split()[1]), 100)
            self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}:81/"), code=7)
            trace.output.wait_for("TCP_NO_CONNECTION")  # and it follows again


class Colour(lab.Test):
    def on_a_terminal(self, *arguments, env=()):
        """What glass trace writes to a terminal, until a handshake is over."""
        control, terminal = pty.openpty()
        environment = {**self.place.env, "TERM": "xterm", **dict(env)}
        process = lab.start([lab.GLASS, "trace", "--name", self.lab.name, "--count", "5", *arguments],
                            stdin=lab.subprocess.DEVNULL, stdout=terminal, stderr=lab.subprocess.PIPE,
                            env=environment)
        self.lab.programs.append(process)
        os.close(terminal)
        Output(process.stderr).wait_for("Ctrl-C ends it")
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        text = b""
        with contextlib.suppress(OSError):  # the terminal's way to say that nobody writes any more
            while piece := os.read(control, 65536):
                text += piece
        os.close(control)
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        return text.decode()

    def test_on_a_terminal_only(self):
        self.assertIn("\033[", self.on_a_terminal())
        self.assertNotIn("\033", self.on_a_terminal(env={"NO_COLOR": "1"}.items()))
        self.assertIn("\033[", self.on_a_terminal(env={"NO_COLOR": ""}.items()))
        self.assertNotIn("\033", self.on_a_terminal("--color=never"))
        self.assertIn("\033[", self.on_a_terminal("--color=always", env={"NO_COLOR": "1"}.items()))

    def test_not_into_a_pipe_unless_asked(self):
        for arguments, coloured in (((), False), (("--color=always",), True), (("--color=auto",), False)):
            with Trace(self.lab, "--count", "5", *arguments) as trace:
                self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
                trace.assert_ended()
            self.assertEqual("\033[" in "\n".join(trace.lines()), coloured)


if __name__ == "__main__":
    lab.main()
