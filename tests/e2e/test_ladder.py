"""glass ladder: of captures, checked against tshark segment by segment, and of a running stack."""
import os
import re
import signal
import unittest
import xml.etree.ElementTree as xml

import capture
import lab
from lab import KERNEL, STACK, Lab

ARROW = re.compile(r"^ *(?P<time>[0-9.]+) +(?P<left>\(?[A-Z0-9-]+\)?)? *\|"
                   r"(?P<arrow>(?P<tail><--|---|[ ]+(?:X|\(X\))--) (?:#\d+ )?(?P<flags>[A-Z,]+|none)(?:  len (?P<len>\d+))?"
                   r"(?:  (?P<word>again|late|gap|probe))? [^|]*)\|(?: (?P<right>\S.*))?$")
NUMBERS = re.compile(r"\| +seq (?P<seq>\d+)(?: +ack (?P<ack>\d+))? +win (?P<win>\d+) *\|")
LETTERS = {"SYN": "S", "FIN": "F", "RST": "R", "PSH": "P", "ACK": "A", "URG": "U", "ECE": "E", "CWR": "C"}
AGAIN = ("tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission"
         " || tcp.analysis.out_of_order")
SVG = "{http://www.w3.org/2000/svg}"


class Arrow:
    def __init__(self, first, second):
        match, numbers = ARROW.match(first), NUMBERS.search(second)
        if not match or not numbers:
            raise AssertionError(f"not an arrow with its numbers:\n{first}\n{second}")
        self.left, self.right = match["left"], match["right"]
        self.to_right = match["tail"] == "---"
        self.lost, self.word = "X" in match["arrow"], match["word"]
        flags = "".join(sorted(LETTERS[flag] for flag in match["flags"].split(",")))
        ack = int(numbers["ack"] or 0)
        self.segment = (self.to_right, flags, int(numbers["seq"]), ack, int(match["len"] or 0), int(numbers["win"]))


def arrows(text):
    """The arrows of one ladder that was drawn with --fold 0."""
    lines = text.splitlines()
    return [Arrow(line, lines[i + 1]) for i, line in enumerate(lines) if re.search(r"(<--|---|X--|\)--) ", line)]


def of_tshark(path, which, left):
    """What tshark reads: the same tuples. `left` is the address or port of the left end."""
    rows = capture.fields(path, which, "ip.src", "tcp.srcport", "tcp.flags.str", "tcp.seq", "tcp.ack", "tcp.len",
                          "tcp.window_size")
    return [(left in (source, port), "".join(sorted(flags.replace("·", ""))), int(seq), int(ack or 0), int(length),
             int(window)) for source, port, flags, seq, ack, length, window in rows]


class Ladder(lab.Test):
    def draw(self, path, *arguments, code=0):
        done = self.assert_ok(self.place.glass("ladder", path, *arguments), code)
        self.assertEqual(done.err, "")
        return done.out

    def assert_as_tshark(self, path, which, left, *arguments):
        drawn = arrows(self.draw(path, "--fold", "0", "--width", "120", *arguments))
        self.assertEqual([arrow.segment for arrow in drawn], of_tshark(path, which, left))
        return drawn


class OfACapture(Ladder):
    lab_capture = True

    @classmethod
    def arrange(cls):
        www = cls.place.file("www")
        os.mkdir(www)
        lab.make_file(os.path.join(www, "data"), 200_000)
        cls.lab_arguments = ("--www", www)

    def fetched(self, count=1):
        """A capture of so many connections of curl, complete."""
        path = self.place.file("curl.pcap")
        with Lab(*self.lab_arguments, capture=True, place=self.place) as running:
            for _ in range(count):
                self.assert_ok(running.curl("-o", "/dev/null", f"http://{STACK}/data"))
            running.wait_for_none(local_port=80)
            os.rename(running.capture, path)
        return path

    def test_every_segment_once_as_tshark_reads_it(self):
        path = self.fetched()
        drawn = self.assert_as_tshark(path, "tcp", KERNEL)
        self.assertGreater(len(drawn), 12)
        self.assertEqual(drawn[0].left, "(SYN-SENT)")
        self.assertEqual(drawn[1].right, "(SYN-RECEIVED)")
        self.assertEqual([arrow.right for arrow in drawn if arrow.right][-1], "(CLOSED)")

    def test_a_long_run_is_folded_and_nothing_is_lost_in_the_count(self):
        path = self.fetched()
        text = self.draw(path)
        self.assertLess(len(text.splitlines()), 60)
        folded = [int(n) for n in re.findall(r" segments, (\d+) bytes", text)]
        shown = [int(n) for n in re.findall(r"<-- [A-Z,]+  len (\d+)", text)]
        total = sum(int(row[0]) for row in capture.fields(path, f"ip.src == {STACK}", "tcp.len"))
        self.assertEqual(sum(folded) + sum(shown), total)

    def test_each_of_several_connections(self):
        path = self.fetched(3)
        listed = self.draw(path, "--list").splitlines()
        self.assertEqual(len(listed), 3)
        for number, line in enumerate(listed, 1):
            rows = capture.fields(path, f"tcp.stream == {number - 1}", "tcp.srcport", "tcp.len")
            ports = re.search(rf"#{number}  {KERNEL}:(\d+) with {STACK}:80: (\d+) segments, (\d+) bytes$", line)
            self.assertEqual(int(ports[2]), len(rows))
            self.assertEqual(int(ports[3]), sum(int(length) for _, length in rows))
            self.assert_as_tshark(path, f"tcp.stream == {number - 1}", KERNEL, "--connection", str(number))
            self.assertEqual(self.draw(path, "--port", ports[1], "--fold", "0"),
                             self.draw(path, "--connection", str(number), "--fold", "0"))
        whole = self.draw(path)
        self.assertEqual([line for line in whole.splitlines() if line.startswith("#")], listed)

    def test_it_is_as_wide_as_it_is_asked_to_be_and_plain_ascii(self):
        path = self.fetched()
        for width in (80, 100, 161):
            text = self.draw(path, "--width", str(width))
            self.assertEqual(max(len(line) for line in text.splitlines()[:2]), width)
            self.assertLessEqual(max(len(line) for line in text.splitlines()), width)
            self.assertTrue(text.isascii())
            self.assertNotIn("\033", text)
        self.assertIn("◄", self.draw(path, "--unicode"))
        self.assertIn("\033[", self.draw(path, "--color"))

    def test_retransmissions_are_those_that_tshark_sees(self):
        path = self.place.file("lossy.pcap")
        with Lab(*self.lab_arguments, "--link", "loss=5%,seed=11", capture=True, place=self.place) as running:
            self.assert_ok(running.curl("-o", "/dev/null", f"http://{STACK}/data"))
            running.wait_for_none(local_port=80)
            os.rename(running.capture, path)
        drawn = self.assert_as_tshark(path, "tcp", KERNEL)
        numbers = [int(row[0]) for row in capture.fields(path, "tcp", "frame.number")]
        said = {numbers[i] for i, arrow in enumerate(drawn) if arrow.word in ("again", "late")}
        self.assertEqual(said, {int(row[0]) for row in capture.fields(path, AGAIN, "frame.number")})
        self.assertTrue(any(arrow.lost for arrow in drawn))

    # --- other captures ---

    @staticmethod
    def has_both_fins(path):
        """The file is still written to, and may end anywhere."""
        try:
            return len(capture.fields(path, "tcp.flags.fin == 1", "frame.number")) >= 2
        except AssertionError:
            return False

    def kernel_to_kernel(self):
        """A conversation of the kernel with itself on lo, whose link is Ethernet."""
        path = self.place.file("kernel.pcap")
        self.lab.exec("ip", "link", "set", "lo", "up")
        dumpcap = self.lab.start("dumpcap", "-q", "-P", "-i", "lo", "-f", "tcp port 8099", "-w", path,
                                 stderr=lab.subprocess.STDOUT)
        output = lab.Output(dumpcap.stdout)
        output.wait_for("File: ")
        server = self.lab.start("sh", "-c", "head -c 100000 /dev/zero | nc -N -l 127.0.0.1 8099",
                                stdin=lab.subprocess.DEVNULL)
        lab.wait_until(lambda: self.lab.exec("nc", "-N", "127.0.0.1", "8099", data=b"hello").out_bytes,
                       "an answer")
        server.wait(lab.PATIENCE)
        lab.wait_until(lambda: self.has_both_fins(path), "both FINs in the file")
        dumpcap.send_signal(signal.SIGINT)
        dumpcap.wait(lab.PATIENCE)
        output.thread.join(lab.PATIENCE)
        return path

    def test_a_capture_of_two_kernels_on_ethernet(self):
        path = self.kernel_to_kernel()
        stream = capture.fields(path, "tcp.flags.fin == 1", "tcp.stream")[0][0]
        port = capture.fields(path, f"tcp.stream == {stream}", "tcp.srcport")[0][0]
        drawn = self.assert_as_tshark(path, f"tcp.stream == {stream}", port, "--connection", str(int(stream) + 1))
        states = [state for arrow in drawn for state in (arrow.left, arrow.right) if state]
        self.assertTrue(all(re.fullmatch(r"\([A-Z0-9-]+\)", state) for state in states), states)
        self.assertIn("(ESTABLISHED)", states)

    def test_an_annotated_capture_has_its_stacks_states(self):
        path = self.place.file("annotated.pcapng")
        with Lab("--pcap", path, place=self.place) as running:
            self.assert_ok(running.curl("-o", "/dev/null", f"http://{STACK}/"))
            running.wait_for_none(local_port=80)
        text = self.draw(path)
        self.assertRegex(text, r"(?m)^ +ms inferred +annotated$")
        self.assertRegex(text, r"\| LISTEN\n|\| SYN-RECEIVED\n")
        self.assertNotRegex(text, r"\| \([A-Z-]+\)$")
        self.assertIn("(SYN-SENT)", text)
        self.assertIn("| CLOSE-WAIT", text)

    # --- pictures ---

    def picture(self, path, *arguments):
        file = self.place.file("ladder.svg")
        done = self.assert_ok(self.place.glass("ladder", path, "--svg", file, *arguments))
        self.assertEqual(done.out, "")
        with open(file, encoding="utf-8") as svg:
            return svg.read()

    def test_a_picture_is_well_formed_and_stands_alone(self):
        text = self.picture(self.fetched())
        root = xml.fromstring(text)
        self.assertEqual(root.tag, SVG + "svg")
        self.assertRegex(root.find(SVG + "title").text, rf"#1  {KERNEL}:\d+ with {STACK}:80")
        self.assertTrue(root.find(SVG + "desc").text)
        words = [element.text for element in root.iter(SVG + "text")]
        for word in ("SYN", "SYN,ACK", "FIN,ACK", "(SYN-SENT)", "(ESTABLISHED)"):
            self.assertIn(word, words)
        self.assertTrue(list(root.iter(SVG + "line")))
        self.assertIn("prefers-color-scheme: dark", root.find(SVG + "style").text)
        for never in ("<script", "href", "@import", "foreignObject"):
            self.assertNotIn(never, text)
        self.assertEqual(set(re.findall(r"url\(.", text)), {"url(#"})  # its own arrow heads

    def test_the_picture_is_of_the_first_unless_another_is_chosen(self):
        path = self.fetched(2)
        done = self.assert_ok(self.place.glass("ladder", path, "--svg", self.place.file("first.svg")))
        self.assertIn("the first of several connections", done.err)
        self.assertIn("<title id=\"title\">#2 ", self.picture(path, "--connection", "2"))

    # --- what is no capture ---

    def assert_refused(self, *arguments, code=1, says="ladder: "):
        done = self.place.glass("ladder", *arguments)
        self.assertEqual((done.code, done.out, len(done.err.splitlines())), (code, "", 1), str(done))
        self.assertRegex(done.err, "^glass ladder: ")
        self.assertRegex(done.err, says)

    def test_what_cannot_be_read_gets_one_line(self):
        garbage, empty, no_tcp = (self.place.file(name) for name in ("garbage", "empty", "no_tcp.pcap"))
        with open(garbage, "wb") as file:
            file.write(b"no capture at all, but long enough to be looked at twice")
        open(empty, "wb").close()
        with open(no_tcp, "wb") as file:
            file.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000"))
        self.assert_refused(garbage, says="garbage")
        self.assert_refused(empty, says="empty")
        self.assert_refused(no_tcp, says="no TCP segments")
        self.assert_refused(self.place.file("absent"), says="absent")
        self.assert_refused(self.place.path)
        self.assert_refused("--list", garbage)
        self.assert_refused(garbage, "--svg", self.place.file("never.svg"))
        self.assertFalse(os.path.exists(self.place.file("never.svg")))

    def test_what_comes_before_the_damage_is_drawn(self):
        path, cut = self.fetched(), self.place.file("cut.pcap")
        with open(path, "rb") as file, open(cut, "wb") as shorter:
            shorter.write(file.read()[:500])
        done = self.place.glass("ladder", cut)
        self.assertEqual((done.code, len(done.err.splitlines())), (1, 1), str(done))
        self.assertRegex(done.err, "^glass ladder: .*cut.pcap")
        self.assertIn("--- SYN ---", done.out)

    def test_a_connection_that_is_not_there(self):
        path = self.fetched()
        self.assert_refused(path, "--connection", "2", says="it has 1")
        self.assert_refused(path, "--port", "8080", says="8080")
        self.assert_refused(path, "--svg", "/nowhere/at/all.svg", says="No such file")

    def test_wrong_arguments(self):
        for wrong in (["--width", "79"], ["--width", "x"], ["--fold", "-1"], ["--connection", "0"], ["--port", "0"],
                      ["--color=maybe"], ["--svg", ""], ["a", "b"], ["--live", "a"], ["--name", "x", "a"], ["--list"],
                      ["--list", "--svg", "x", "a"], ["--nonsense"], ["--name", "/"]):
            with self.subTest(arguments=wrong):
                done = self.place.glass("ladder", *wrong)
                self.assertEqual((done.code, done.out, len(done.err.splitlines())), (2, "", 1), str(done))


class OfTheLaboratory(Ladder):
    def test_a_keep_alive_is_a_probe_also_when_nothing_was_sent(self):
        done = self.assert_ok(self.place.glass("lab", "--no-pcap", "--brief", "keep-alive"))
        probes = re.findall(r"--- ACK  probe ", done.out)
        self.assertGreaterEqual(len(probes), 2)


class Live(Ladder):
    lab_capture = True

    def follow(self, *arguments):
        """The ladder beside the stack, and its output; it follows from now on."""
        process = self.lab.start_glass("ladder", "--live", *arguments)
        lab.Output(process.stderr).wait_for("following the stack")
        process.stderr = None
        output = lab.Output(process.stdout)
        process.stdout = None
        return process, output

    def end(self, process, output):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        output.thread.join(lab.PATIENCE)
        return "\n".join(output.lines)

    def test_beside_curl_as_its_capture_has_it(self):
        process, output = self.follow("--fold", "0", "--width", "120")
        self.assert_ok(self.lab.curl("-o", "/dev/null", f"http://{STACK}/"))
        output.wait_for(r"\| #\d+ CLOSED")
        text = self.end(process, output)
        number = re.search(rf"(?m)^ +#(\d+): {KERNEL}:(\d+) with {STACK}:80$", text)
        drawn = arrows(re.sub(rf"#{number[1]} ", "", text))
        self.assertEqual([arrow.segment for arrow in drawn],
                         of_tshark(self.lab.capture, f"tcp.port == {number[2]}", KERNEL))
        ours = [state for state in re.findall(r"\| #\d+ ([A-Z-]+)$", text, re.M)]
        self.assertEqual(ours, ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"])

    def test_rules_and_calls_when_asked_for(self):
        process, output = self.follow("--explain")
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"hello"))
        output.wait_for(r"\| #\d+ CLOSED")
        text = self.end(process, output)
        self.assertIn("RFC 9293 3.10.7.2: A SYN to a listener", text)
        self.assertRegex(text, r"sock_recv = 5 +\|")

    def test_only_one_port(self):
        process, output = self.follow("--port", "9")
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"not this"))
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 9, data=b"this"))
        output.wait_for(r"\| #\d+ CLOSED")
        text = self.end(process, output)
        self.assertIn(f"{STACK}:9", text)
        self.assertNotIn(f"{STACK}:7", text)

    def test_a_picture_at_the_end(self):
        file = self.place.file("live.svg")
        process, output = self.follow("--svg", file)
        self.assert_ok(self.lab.exec("nc", "-N", STACK, 7, data=b"hello"))
        self.lab.wait_for_none(local_port=7)
        self.assertEqual(self.end(process, output), "")
        words = [element.text for element in xml.parse(file).iter(SVG + "text")]
        self.assertIn("LAST-ACK", words)

    def test_a_picture_of_two_names_both(self):
        file = self.place.file("two.svg")
        process, output = self.follow("--svg", file)
        for port in (7, 9):
            self.assert_ok(self.lab.exec("nc", "-N", STACK, port, data=b"hello"))
            self.lab.wait_for_none(local_port=port)
        self.assertEqual(self.end(process, output), "")
        words = "\n".join(element.text for element in xml.parse(file).iter(SVG + "text"))
        named = re.findall(rf"^#(\d+): {KERNEL}:\d+ with {STACK}:(\d+)$", words, re.M)
        self.assertEqual([port for _, port in named], ["7", "9"])
        for number, _ in named:
            self.assertIn(f"#{number} SYN", words)

    def test_no_stack(self):
        done = self.place.glass("ladder", "--live", "--name", "nobody")
        self.assertEqual((done.code, done.out), (1, ""), str(done))
        self.assertEqual(len(done.err.splitlines()), 1)

    def test_it_ends_with_the_stack(self):
        with Lab(place=self.place) as running:
            process = running.start_glass("ladder")
            lab.Output(process.stderr).wait_for("following the stack")
            process.stderr = None
            running.stop()
            self.assertEqual(process.wait(lab.PATIENCE), 0)


if __name__ == "__main__":
    lab.main()
