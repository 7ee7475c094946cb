"""The laboratory: its command line, and its captures as tshark sees them."""
import filecmp
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import capture
import lab
from lab import Place

PCAPS = os.path.join(lab.TOP, "pcaps")
ANALYSIS = ("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "lost_segment",
            "ack_lost_segment", "duplicate_ack", "zero_window", "zero_window_probe", "zero_window_probe_ack",
            "window_update", "window_full", "keep_alive", "keep_alive_ack", "reused_ports")
FLAGS = (("SYN", "syn"), ("FIN", "fin"), ("RST", "reset"), ("PSH", "push"), ("ACK", "ack"), ("ECE", "ece"),
         ("CWR", "cwr"))
FIELDS = ("frame.number", "frame.time_epoch", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "_ws.malformed",
          "_ws.expert.severity", "ip.checksum.status", "tcp.checksum.status", "icmp.checksum.status",
          *("tcp.flags." + flag for _, flag in FLAGS), *("tcp.analysis." + flag for flag in ANALYSIS))
EXPERT_ERROR = "8388608"


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def lab(self, *arguments, code=0, data=None):
        done = self.place.glass("lab", *arguments, data=data)
        self.assertEqual(done.code, code, str(done))
        return done

    def names(self):
        return re.findall(r"^  (\S+) +\S", self.lab("--list").out, re.M)

    def assert_one_line(self, done, *parts):
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, r"\Aglass lab: [^\n]+\n\Z")
        for part in parts:
            self.assertIn(part, done.err)


class CommandLine(Test):
    def test_the_list_names_every_scenario(self):
        names = self.names()
        self.assertGreaterEqual(len(names), 45)
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("break-fin-wait-2", names)

    def test_every_scenario_makes_its_point_and_says_what_the_applications_were_told(self):
        for name in self.names():
            with self.subTest(scenario=name):
                done = self.lab("--no-pcap", name)
                self.assertEqual(done.err, "")
                self.assertIn("What each application was told:", done.out)
                self.assertLessEqual(max(map(len, done.out.splitlines())), 80, done.out)
        self.assertEqual([f for f in os.listdir(self.place.path) if f.endswith(".pcap")], [])

    def test_the_textbook_numbers(self):
        out = self.lab("--no-pcap", "handshake").out
        for numbers in ("seq 100 ", "seq 2000  ack 101", "seq 101   ack 2001", "seq 2001  ack 201",
                        "seq 201   ack 2501"):
            self.assertIn(numbers, out)

    def test_rules_unless_brief(self):
        self.assertIn("RFC 9293", self.lab("--no-pcap", "handshake").out)
        self.assertIn("RFC 9293", self.lab("--no-pcap", "--explain", "refused").out)
        self.assertNotIn("RFC 9293", self.lab("--no-pcap", "--brief", "handshake").out)

    def test_the_capture_has_the_name_of_the_scenario(self):
        self.lab("refused")
        self.assertTrue(os.path.exists(self.place.file("refused.pcap")))
        self.lab("-o", "other.pcap", "refused")
        self.assertTrue(filecmp.cmp(self.place.file("refused.pcap"), self.place.file("other.pcap"), shallow=False))

    def test_a_picture_for_each_act(self):
        self.lab("--no-pcap", "--svg", "one.svg", "handshake")
        self.lab("--no-pcap", "--svg", "acts.svg", "reset")
        for name in ("one.svg", "acts-1.svg", "acts-2.svg"):
            root = ElementTree.parse(self.place.file(name)).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")

    def test_an_unknown_scenario_gets_the_closest_name(self):
        self.assert_one_line(self.lab("handshaek", code=2), "'handshaek'", "'handshake'")
        self.assert_one_line(self.lab("FIN-WAIT", code=2), "'FIN-WAIT'")
        self.assert_one_line(self.lab("x" * 5000, code=2))

    def test_wrong_arguments(self):
        for arguments in ([], ["handshake", "close"], ["--nonsense"], ["--svg"], ["-o"], ["-o", "", "close"],
                          ["-o", "-", "close"], ["--svg", "", "close"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.lab(*arguments, code=2).out, "")

    def test_output_that_cannot_be_written(self):
        for arguments in (["-o", "/nowhere/x.pcap"], ["-o", "/dev/full"], ["--svg", "/nowhere/x.svg", "--no-pcap"]):
            with self.subTest(arguments=arguments):
                done = self.lab(*arguments, "refused", code=1)
                self.assertRegex(done.err, r"\Aglass lab: /[^\n]+\n\Z")
        self.assert_one_line(self.lab("--pcaps", "/nowhere", code=1), "/nowhere")

    def test_a_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([lab.GLASS, "lab", "--no-pcap", "refused"], stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=lab.PATIENCE, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"\Aglass lab: [^\n]+\n\Z")


class Documentation(unittest.TestCase):
    def test_the_example_is_the_one_that_the_unit_tests_play(self):
        def code(text):
            return "".join(re.sub(r"/\*.*?\*/", "", text, flags=re.S).split())

        with open(os.path.join(lab.TOP, "docs/lab.md"), encoding="utf-8") as file:
            example = re.search(r"^```c\n(static void doubled_data.*?)^```", file.read(), re.M | re.S)[1]
        with open(os.path.join(lab.TOP, "tests/unit/test_lab.c"), encoding="utf-8") as file:
            self.assertIn(code(example), code(file.read()))

    def test_the_verbs_exist(self):
        with open(os.path.join(lab.TOP, "apps/stage.h"), encoding="utf-8") as file:
            known = set(re.findall(r"\b(stage_\w+)\(", file.read()))
        with open(os.path.join(lab.TOP, "docs/lab.md"), encoding="utf-8") as file:
            named = set(re.findall(r"\b(stage_[a-z_]+)\b(?!\.)", file.read()))
        self.assertEqual(named - known, set())


class Told(Test):
    """The end of each act: what the applications were told, and when."""

    def told(self, name):
        """For each act {side: [(what, seconds)]}."""
        acts = self.lab("--no-pcap", "--brief", name).out.split("What each application was told:\n")[1:]
        result = []
        for act in acts:
            sides, side = {}, None
            for line in act.splitlines():
                match = re.fullmatch(r"  (left |right|     ) (?:application:|            ) (.+)", line)
                if not match:
                    break
                side = match[1].strip() or side
                what, when = re.fullmatch(r"(.+) after ([\d.]+) s|nothing.*|nobody.*", match[2]).groups()
                sides.setdefault(side, []).append((what or match[2], float(when or 0)))
            result.append(sides)
        return result

    def test_a_peer_that_vanishes(self):
        """ETIMEDOUT where something is unacknowledged, nothing at all where all is acknowledged."""
        for name, least, most in (("syn-sent", 180, 240), ("established-busy", 300, 360), ("fin-wait-1", 300, 360),
                                  ("closing", 300, 360), ("last-ack", 300, 360), ("close-wait", 3900, 3960)):
            with self.subTest(state=name):
                what, when = self.told("break-" + name)[0]["left"][-1]
                self.assertEqual(what, "ETIMEDOUT")
                self.assertTrue(least <= when <= most, when)
        for name, state in (("established-idle", "ESTABLISHED"), ("fin-wait-2", "FIN-WAIT-2")):
            with self.subTest(state=name):
                what, _ = self.told("break-" + name)[0]["left"][-1]
                self.assertRegex(what, rf"\Anothing more until 864\d\d\.\d+ s \({state}\)\Z")

    def test_a_peer_that_restarts(self):
        for name, wanted in (("syn-sent", "ECONNREFUSED"), ("established-idle", "ECONNRESET"),
                             ("established-busy", "ECONNRESET"), ("fin-wait-1", "ECONNRESET"),
                             ("fin-wait-2", "ECONNRESET"), ("close-wait", "ECONNRESET"),
                             ("closing", "nothing more .* [(]CLOSED[)]"),
                             ("last-ack", "nothing more .* [(]CLOSED[)]")):
            with self.subTest(state=name):
                self.assertRegex(self.told("break-" + name)[1]["left"][-1][0], f"^{wanted}$")

    def test_every_break_has_three_acts(self):
        for name in self.names():
            if name.startswith("break-"):
                with self.subTest(scenario=name):
                    self.assertEqual(len(self.told(name)), 3)


class Step(Test):
    def start(self):
        process = lab.start([lab.GLASS, "lab", "--no-pcap", "--step", "handshake"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.place.env, cwd=self.place.path)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def enter(self, process):
        process.stdin.write(b"\n")
        process.stdin.flush()

    def test_nothing_goes_on_without_enter(self):
        process = self.start()
        output = lab.Output(process.stdout)
        output.wait_for("SYN-SENT")
        pressed = 0
        while not any("ESTABLISHED" in line for line in output.lines):
            self.assertIsNone(process.poll())
            before = len(output.lines)
            self.enter(process)
            pressed += 1
            lab.wait_until(lambda: len(output.lines) > before, "the next event")
        self.assertGreaterEqual(pressed, 3)
        process.stdin.close()  # the rest without waiting
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        output.thread.join(lab.PATIENCE)
        self.assertIn("What each application was told:", "\n".join(output.lines))

    def test_the_end_of_the_input_goes_on_without_waiting(self):
        done = self.lab("--no-pcap", "--step", "close", data="")
        self.assertIn("TIME-WAIT", done.out)
        self.assertIn("What each application was told:", done.out)


class Captures(Test):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.place.file("pcaps")
        os.mkdir(cls.folder)
        done = cls.place.glass("lab", "--pcaps", cls.folder)
        if done.code != 0:
            raise AssertionError(f"glass lab --pcaps: {done}")
        with open(os.path.join(cls.folder, "expected.txt"), encoding="ascii") as file:
            cls.expected = dict(line.rstrip("\n").split(": ", 1) for line in file)
        capture.tshark()
        with ThreadPoolExecutor(2) as pool:
            cls.seen = dict(zip(cls.expected, pool.map(cls.packets, cls.expected)))

    @classmethod
    def packets(cls, name):
        """What tshark says of each packet: {field: text}."""
        rows = capture.fields(os.path.join(cls.folder, name + ".pcap"), "frame", *FIELDS)
        return [dict(zip(FIELDS, row)) for row in rows]

    def captures(self):
        for name in self.expected:
            with self.subTest(scenario=name):
                yield name, self.seen[name]

    def test_one_for_each_scenario(self):
        self.assertEqual(sorted(self.expected), sorted(self.names()))

    def test_the_committed_ones_are_what_make_pcaps_writes(self):
        self.assertEqual(sorted(os.listdir(PCAPS)), sorted(os.listdir(self.folder)))
        _, different, unreadable = filecmp.cmpfiles(PCAPS, self.folder, os.listdir(self.folder), shallow=False)
        self.assertEqual((different, unreadable), ([], []), "make pcaps")

    def test_they_stay_small(self):
        total = sum(os.path.getsize(os.path.join(self.folder, name + ".pcap")) for name in self.expected)
        self.assertLess(total, 600_000)

    def test_tshark_finds_nothing_wrong(self):
        for _, packets in self.captures():
            for packet in packets:
                self.assertEqual(packet["_ws.malformed"], "", packet)
                self.assertNotIn(EXPERT_ERROR, packet["_ws.expert.severity"].split(","), packet)
                for layer in ("ip", "tcp", "icmp"):
                    self.assertNotIn("0", packet[layer + ".checksum.status"].split(","), packet)
                self.assertTrue(packet["tcp.checksum.status"] or packet["icmp.checksum.status"], packet)

    def test_tshark_sees_what_the_scenario_says(self):
        for name, packets in self.captures():
            seen = {flag: sum(bool(packet["tcp.analysis." + flag]) for packet in packets) for flag in ANALYSIS}
            wanted = dict(part.rsplit(" ", 1) for part in self.expected[name].split(", ") if part != "nothing")
            self.assertEqual({flag: count for flag, count in seen.items() if count},
                             {flag: int(count) for flag, count in wanted.items()})

    def sections(self):
        with open(os.path.join(self.folder, "README.md"), encoding="utf-8") as file:
            parts = re.split(r"^### (\S+)\.pcap\n", file.read(), flags=re.M)[1:]
        return dict(zip(parts[::2], parts[1::2]))

    def test_the_page_reads_every_packet(self):
        sections = self.sections()
        for name, packets in self.captures():
            self.assertEqual(re.findall(r"^(\d+)\. `", sections[name], re.M), [p["frame.number"] for p in packets])

    def test_the_page_has_the_flags_that_tshark_has(self):
        sections = self.sections()
        for name, packets in self.captures():
            text = re.sub(r"\n +", " ", sections[name])
            said = re.findall(r"^\d+\. `[\d.]+` [^*]*\*\*([A-Z,]+)\*\* SEQ", text, re.M)
            flags = [[word for word, flag in FLAGS if p["tcp.flags." + flag] in ("1", "True")]
                     for p in packets if not p["icmp.checksum.status"]]
            self.assertEqual([words.split(",") for words in said], flags)

    def test_the_handshake_has_the_textbook_numbers(self):
        self.assertEqual([tuple(int(p[f]) for f in ("tcp.seq_raw", "tcp.ack_raw", "tcp.len"))
                          for p in self.seen["handshake"]],
                         [(100, 0, 0), (2000, 101, 0), (101, 2001, 0), (101, 2001, 100), (2001, 201, 0),
                          (2001, 201, 500), (201, 2501, 0)])

    def test_time_is_virtual(self):
        epochs = [float(p["frame.time_epoch"]) for p in self.seen["keep-alive"]]
        self.assertEqual(epochs[0], 1767225600.0)
        self.assertEqual(round(max(b - a for a, b in zip(epochs, epochs[1:]))), 7200)


if __name__ == "__main__":
    lab.main()
