"""The stack's view as packet comments: glass annotate on captures, glass up --pcap FILE.pcapng live; read back with
tshark, and compared with what glass trace says of the same connection."""
import os
import re
import shutil
import unittest

import capture
import lab
from lab import STACK, Lab

CAPTURES = os.path.join(lab.HERE, "captures")
SEPARATOR = "\x1f"


def comments(path, *fields, only=""):
    """[(fields..., [lines of the comment])] of each frame."""
    arguments = [capture.tshark(), "-n", "-r", path, "-T", "fields", "-E", f"separator={SEPARATOR}"]
    for field in ("frame.number", *fields, "frame.comment"):
        arguments += ["-e", field]
    if only:
        arguments += ["-Y", only]
    done = lab.run(arguments, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.code != 0:
        raise AssertionError(f"tshark: {done}")
    rows = []
    for line in done.out.splitlines():
        number, *values, comment = line.split(SEPARATOR)
        rows.append((int(number), *values, comment.replace("\\n", "\n").split("\n") if comment else []))
    return rows


def states(rows, connection=None):
    """The states that comments tell of a connection, in their order."""
    seen = []
    for *_, lines in rows:
        views = [line for line in lines if line.startswith("view: ")]
        if connection and not any(view.endswith(f"connection #{connection}") for view in views):
            continue
        for line in lines:
            match = re.fullmatch(r"state: (\S+) -> (\S+)", line)
            if match:
                seen.append(match.groups())
    return seen


def annotate(*arguments):
    return lab.run([lab.GLASS, "annotate", *arguments])


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.place = lab.Place()
        self.addCleanup(self.place.remove)

    def annotated(self, path, *arguments):
        to = self.place.file("out.pcapng")
        done = annotate(path, "-o", to, *arguments)
        self.assertEqual(done.code, 0, str(done))
        return to

    def assert_one_line(self, done, code, words):
        self.assertEqual(done.code, code, str(done))
        self.assertEqual(len(done.err.splitlines()), 1, str(done))
        self.assertTrue(done.err.startswith("glass annotate: "), str(done))
        self.assertIn(words, done.err)


class Files(Case):
    def test_each_frame_has_its_view(self):
        out = self.annotated(os.path.join(CAPTURES, "half-close.pcap"))
        rows = comments(out, "ip.src")
        self.assertEqual(len(rows), 10)
        for _, source, lines in rows:
            view = f"view: 10.9.0.2 {'sent' if source == '10.9.0.2' else 'received'}, connection #1"
            self.assertTrue(lines[0] == view or lines[0].startswith("replay: equivalent: "), lines)

    def test_states_are_those_of_the_trace(self):
        name = os.path.join(CAPTURES, "half-close.pcap")
        for side in ("10.9.0.1", "10.9.0.2"):
            out = self.annotated(name, "--as", side)
            told = states(comments(out))
            trace = lab.run([lab.GLASS, "replay", name, "--as", side, "--trace"])
            traced = re.findall(r"(?m)^\S+ #1   ([A-Z][A-Z0-9-]+) -> ([A-Z][A-Z0-9-]+)", trace.out)
            traced = [change for change in traced if change != ("TIME-WAIT", "CLOSED")]
            self.assertEqual(told, traced)

    def test_rules_windows_and_timers_are_told(self):
        out = self.annotated(os.path.join(CAPTURES, "half-close.pcap"))
        text = "\n".join("\n".join(lines) for *_, lines in comments(out))
        for pattern in (r"(?m)^rule: RFC 9293 3\.10\.7\.2: ", r"(?m)^snd: UNA 0 -> 1, NXT 1, WND \d+",
                        r"(?m)^rcv: NXT 1 -> 10, WND \d+", r"(?m)^cwnd: \d+, ssthresh none, in flight 0$",
                        r"(?m)^timer: retransmit in \d+\.\d{3} ms$", r"(?m)^call: sock_send = 20$",
                        r"(?m)^rtt: \d+\.\d{3} ms, srtt "):
            self.assertRegex(text, pattern)

    def test_retransmissions_and_losses_are_told(self):
        out = self.annotated(os.path.join(CAPTURES, "lossy-server.pcap"), "--as", "10.9.0.2")
        text = "\n".join("\n".join(lines) for *_, lines in comments(out))
        self.assertRegex(text, r"(?m)^segment: retransmitted$")
        self.assertRegex(text, r"(?m)^replay: it seems never to have arrived$")

    def test_packets_and_times_stay(self):
        name = os.path.join(CAPTURES, "web.pcap")
        out = self.annotated(name)
        fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "eth.src", "ip.id", "tcp.seq_raw", "tcp.checksum",
                  "tcp.payload")
        self.assertEqual(capture.fields(out, "frame", *fields), capture.fields(name, "frame", *fields))

    def test_every_scenario_is_well_formed(self):
        for name in ("handshake", "sack", "path-mtu", "syn-flood", "ecn"):
            path = os.path.join(lab.TOP, "pcaps", name + ".pcap")
            out = self.annotated(path, "--as", "10.0.0.2")
            capture.check(out, clean=False)
            self.assertEqual(len(comments(out)), len(capture.fields(path, "frame", "frame.number")))

    def test_capinfos_accepts_it(self):
        program = shutil.which("capinfos")
        if not program:
            self.skipTest("capinfos is not installed")
        out = self.annotated(os.path.join(CAPTURES, "udp-and-ping.pcap"))
        done = lab.run([program, "-t", "-c", "-E", out])
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("pcapng", done.out)
        self.assertRegex(done.out, r"Number of packets: +32")

    def test_frames_of_others_pass_unchanged(self):
        """Two captures in one: the other's frames have no comment, whatever link they are of."""
        other = os.path.join(lab.TOP, "pcaps/handshake.pcap")
        mixed = self.place.file("mixed.pcapng")
        if not shutil.which("mergecap"):
            self.skipTest("mergecap is not installed")
        done = lab.run(["mergecap", "-a", "-F", "pcapng", "-w", mixed, os.path.join(CAPTURES, "half-close.pcap"), other])
        self.assertEqual(done.code, 0, str(done))
        out = self.annotated(mixed, "--as", "10.9.0.2")
        rows = comments(out, "ip.src")
        self.assertEqual([lines for _, source, lines in rows if source.startswith("10.0.0.")], [[]] * 7)
        self.assertEqual(sum(1 for *_, lines in rows if lines), 10)
        self.assertEqual(capture.fields(out, "frame", "frame.time_epoch", "ip.src", "tcp.seq_raw"),
                         capture.fields(mixed, "frame", "frame.time_epoch", "ip.src", "tcp.seq_raw"))

    def test_old_comments_stay(self):
        first = self.annotated(os.path.join(CAPTURES, "half-close.pcap"), "--as", "10.9.0.1")
        second = self.place.file("second.pcapng")
        self.assertEqual(annotate(first, "-o", second, "--as", "10.9.0.2").code, 0)
        for (*_, old), (*_, both) in zip(comments(first), comments(second), strict=True):
            self.assertEqual(both[:len(old)], old)
            self.assertGreater(len(both), len(old))

    def test_the_same_bytes_again(self):
        one, two = self.place.file("one.pcapng"), self.place.file("two.pcapng")
        for to in (one, two):
            self.assertEqual(annotate(os.path.join(CAPTURES, "lossy-server.pcap"), "-o", to).code, 0)
        self.assertEqual(lab.sha256_of(one), lab.sha256_of(two))

    def test_standard_output(self):
        done = annotate(os.path.join(CAPTURES, "half-close.pcap"), "-o", "-")
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual(done.out_bytes[:4], b"\x0a\x0d\x0d\x0a")
        self.assertIn("10 of 10 frames", done.err)


class Wrong(Case):
    good = os.path.join(CAPTURES, "half-close.pcap")

    def test_arguments(self):
        for arguments, words in (((), "which capture?"),
                                 ((self.good,), "where to? -o FILE.pcapng"),
                                 ((self.good, "-o", ""), "where to? -o FILE.pcapng"),
                                 (("", "-o", "x.pcapng"), "which capture?"),
                                 ((self.good, "-o", self.good), "is the capture itself"),
                                 (("-", "-o", "x.pcapng"), "standard input"),
                                 ((self.good, "-o", "x.pcapng", "--as", "nobody"), "--as"),
                                 ((self.good, "-o", "x.pcapng", "--as", "192.0.2.1"), "nothing in")):
            self.assert_one_line(annotate(*arguments), 2, words)
        self.assertFalse(os.path.exists("x.pcapng"))

    def test_the_capture_under_another_name(self):
        """It would be emptied before it is read."""
        path, link = self.place.file("x.pcap"), self.place.file("y.pcapng")
        shutil.copy(self.good, path)
        os.symlink(path, link)
        self.assert_one_line(annotate(path, "-o", link), 2, "is the capture itself")
        self.assertEqual(lab.sha256_of(path), lab.sha256_of(self.good))

    def test_files(self):
        self.assert_one_line(annotate("/nowhere", "-o", self.place.file("o")), 1, "No such file")
        self.assert_one_line(annotate(self.good, "-o", "/nowhere/o"), 1, "cannot write /nowhere/o: No such file")
        self.assert_one_line(annotate(self.good, "-o", "/dev/full"), 1, "cannot write /dev/full: No space left")
        with open(self.good, "rb") as file:
            data = file.read()
        path = self.place.file("cut.pcap")
        with open(path, "wb") as file:
            file.write(data[:-3])
        self.assert_one_line(annotate(path, "-o", self.place.file("o")), 1, "damaged after frame 9")
        self.assertFalse(os.path.exists(self.place.file("o")))

    def test_help(self):
        done = annotate("--help")
        self.assertEqual(done.code, 0)
        self.assertIn("usage: glass annotate FILE -o FILE.pcapng", done.out)


class Live(lab.Test):
    """glass up --pcap FILE.pcapng --trace: the comments tell the life of a connection that the trace tells."""

    lab_arguments = ("--pcap", "live.pcapng", "--trace")

    def traced(self, connection):
        """Its changes of state, but for the end of TIME-WAIT: that is no packet's."""
        pattern = rf"\S+ #{connection}   ([A-Z][A-Z0-9-]+) -> ([A-Z][A-Z0-9-]+)"
        found = [match.groups() for line in list(self.lab.output.lines) if (match := re.match(pattern, line))]
        return [change for change in found if change != ("TIME-WAIT", "CLOSED")]

    def test_the_life_of_a_curl(self):
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        self.assert_ok(self.lab.exec("ping", "-n", "-c", 1, STACK))
        self.assertNotEqual(self.lab.exec("nc", "-z", STACK, 99).code, 0)
        self.lab.wait_for_none()
        path = os.path.join(self.place.path, "live.pcapng")
        told = states(comments(path), 1)
        lab.wait_until(lambda: self.traced(1) == told, f"the trace tells {told}; it told {self.traced(1)}")
        self.assertEqual(told[:3], [("CLOSED", "LISTEN"), ("LISTEN", "SYN-RECEIVED"), ("SYN-RECEIVED", "ESTABLISHED")])
        rows = comments(path, "ip.src")
        for _, source, lines in rows:
            self.assertTrue(lines[0].startswith(f"view: {STACK} {'sent' if source == STACK else 'received'}, "), lines)
        refused = [lines for *_, lines in comments(path, only="tcp.port == 99")]
        self.assertIn("drop: no connection and no listener (TCP_NO_CONNECTION)", refused[0])
        self.assertTrue(refused[1][1].startswith("rule: RFC 9293 3.10.7.1: "), refused[1])
        capture.check(path, clean=False)

    def test_replay_of_it_agrees(self):
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"to be echoed"))
        self.lab.wait_for_none()
        done = self.assert_ok(lab.run([lab.GLASS, "replay", os.path.join(self.place.path, "live.pcapng")]))
        self.assertRegex(done.out, r"(?m)^(same|equivalent): ")


class Pipe(unittest.TestCase):
    """A capture into a pipe: whoever reads it slowly gets every packet."""

    def test_nothing_is_lost(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        fifo = place.file("live.pcapng")
        os.mkfifo(fifo)
        reader = lab.start(["sh", "-c", f"cat {fifo} >{place.file('read.pcapng')}"])
        with Lab("--pcap", fifo, place=place) as running:
            done = running.exec("nc", "-N", STACK, 7, data=b"x" * 200000)
            self.assertEqual(len(done.out_bytes), 200000, done.err[-200:])
        self.assertEqual(reader.wait(lab.PATIENCE), 0)
        rows = comments(place.file("read.pcapng"), "ip.src", "tcp.len")
        self.assertTrue(all(lines for *_, lines in rows))
        both = {source: sum(int(length or 0) for _, origin, length, _ in rows if origin == source)
                for source in (STACK, lab.KERNEL)}
        self.assertGreaterEqual(min(both.values()), 200000)


if __name__ == "__main__":
    lab.main()
