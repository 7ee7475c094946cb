"""glass under gdb: its own commands beside what the stack itself tells, values as gdb prints them, and a clock that
stands still while gdb holds the program."""
import ast
import os
import re
import shutil
import subprocess
import time
import unittest

import debugger
import lab
from debugger import Gdb
from lab import GLASS, KERNEL, STACK, Lab, Peer

HOLD = 3  # seconds; more than the first time-outs of a connection
UP = r"^glass: \S+ is up on "


class Case(unittest.TestCase):
    def setUp(self):
        why = debugger.works()
        if why:
            self.skipTest(why)
        self.place = lab.Place()
        self.addCleanup(self.place.remove)

    def script(self, text):
        name = self.place.file("script.gdb")
        with open(name, "w", encoding="ascii") as file:
            file.write(text)
        return name

    def find(self, pattern, lines):
        """The match of the one line that matches."""
        found = [match for line in lines if (match := re.search(pattern, line))]
        self.assertEqual(len(found), 1, f"{pattern}:\n" + "\n".join(lines))
        return found[0]


class Running(Lab):
    """`glass up` inside of a gdb that a test talks to: the stack runs while gdb is told `run` or `continue`."""

    def __init__(self, place, *arguments):
        super().__init__("--trace", *arguments, place=place)
        self.log = place.file("output")
        self.gdb = Gdb(place, GLASS)

    def __enter__(self):
        self.gdb.__enter__()
        return self

    def __exit__(self, *_):
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.wait()
        self.gdb.__exit__()

    def run(self):
        self.gdb.tell(f"run {' '.join(self.command[1:])} </dev/null >{self.log} 2>&1")
        lab.wait_until(lambda: re.search(UP, self.text(), re.M), "the stack is up")

    def text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="ascii", errors="replace") as file:
            return file.read()

    def wait_for(self, pattern):
        """The program's own output, not gdb's."""
        return lab.wait_until(lambda: re.search(pattern, self.text(), re.M), f"{pattern} in\n{self.text()}")

    def end(self, after=None):
        """Goes on without breakpoints, until the program says `after`, and closes it."""
        self.gdb("delete")
        self.gdb.tell("continue")
        if after:
            self.wait_for(after)
        self.glass("down")
        return self.gdb.answer()


class Loading(Case):
    def test_by_itself(self):
        done = debugger.batch(self.place, GLASS, "-ex", "help tcp", "-ex", "info pretty-printer")
        for word in ("tcp break", "tcp connections", "tcp history", "tcp listeners", "tcp segment", "tcp show",
                     "tcp step", "tcp timers", "glasstack"):
            self.assertIn(word, done.out, str(done))
        self.assertEqual(done.err, "")

    def test_gdb_says_what_to_type_when_it_may_not(self):
        done = debugger.batch(self.place, GLASS, "-ex", "tcp connections", trusted=self.place.file("elsewhere"))
        self.assertIn("auto-loading has been declined", done.err)
        self.assertIn(f"add-auto-load-safe-path {os.path.realpath(GLASS)}", done.out)

    def test_an_installed_program_has_its_own(self):
        program = self.place.file("usr/bin/glass")
        package = self.place.file("usr/share/glasstack/gdb/glass_gdb")
        os.makedirs(os.path.dirname(program))
        shutil.copy(GLASS, program)
        shutil.copytree(os.path.join(lab.TOP, "gdb/glass_gdb"), package)
        done = debugger.batch(self.place, program, "-ex", "python import glass_gdb; print(glass_gdb.__file__)",
                              trusted=program)
        self.assertEqual(done.out.strip().splitlines()[-1], os.path.realpath(package) + "/__init__.py", str(done))
        listed = lab.run(["make", "-n", "install", "PREFIX=/usr"], cwd=lab.TOP).out
        self.assertIn("gdb/glass_gdb/*.py /usr/share/glasstack/gdb/glass_gdb/", listed)

    def test_the_python_is_clean(self):
        """No module that Debian's gdb lacks; and whatever checker there is finds nothing."""
        folder = os.path.join(lab.TOP, "gdb")
        names = [os.path.join(folder, "glass_gdb", name) for name in os.listdir(os.path.join(folder, "glass_gdb"))
                 if name.endswith(".py")] + [os.path.join(folder, "autoload.py")]
        known = {"gdb", "glass_gdb", "errno", "fnmatch", "functools", "ipaddress", "itertools", "os", "re", "sys"}
        for name in names:
            with open(name, encoding="ascii") as file:
                text = file.read()
            for node in ast.walk(ast.parse(text, name)):
                modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                self.assertLessEqual(set(modules), known, name)
            self.assertLessEqual(max(map(len, text.splitlines())), 120, name)
        if shutil.which("pyflakes3"):
            done = lab.run(["pyflakes3", *names])
            self.assertEqual(done.out, "", str(done))


class Breakpoint(Case):
    """Without any of our commands: one breakpoint shows a connection's whole life."""

    SCRIPT = ("set pagination off\nset debuginfod enabled off\nbreak tcp_set_state\ncommands\nsilent\n"
              'printf "\\nstopped: "\noutput next\nprintf "\\n"\ncontinue\nend\nrun\n')

    def test_it_stops_once_per_transition(self):
        script = self.script(self.SCRIPT)
        self.place.env = debugger.environment(self.place)
        with Lab("--trace", place=self.place, wrap=("gdb", "-batch", "-nx", "-x", script, "--args")) as running:
            done = running.curl("-o", "/dev/null", f"http://{STACK}/")
            self.assertEqual(done.code, 0, str(done))
            running.output.wait_for("LAST-ACK -> CLOSED")
            self.assertEqual(running.glass("down").code, 0)
            running.assert_ended(0)
            lines = running.output.lines
        stops = [found[1] for line in lines if (found := re.match(r"stopped: +(.+)", line))]
        arrows = [found[1] for line in lines if (found := re.search(r" #\d+ +[A-Z0-9-]+ -> ([A-Z0-9-]+)", line))]
        self.assertEqual([name.removeprefix("TCP_").replace("_", "-") for name in stops], arrows)
        self.assertEqual(arrows[-4:], ["ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"])
        self.assertTrue(any("exited normally" in line for line in lines), running.output.tail())


SEGMENT = r" #1 ([<>]) (\S+) +(\d+):(\d+)\((\d+)\)(?: ack (\d+))? win (\d+)"
ARROW = r"([A-Z0-9-]+) -> ([A-Z0-9-]+)"
LIFE = [("CLOSED", "LISTEN"), ("LISTEN", "SYN-RECEIVED"), ("SYN-RECEIVED", "ESTABLISHED"),
        ("ESTABLISHED", "CLOSE-WAIT"), ("CLOSE-WAIT", "LAST-ACK"), ("LAST-ACK", "CLOSED")]


def relative(name, lines):
    """A variable of `tcp show`, relative."""
    found = [match for line in lines if (match := re.match(rf"  {re.escape(name)} +(\d+)", line))]
    return int(found[0][1]) if found else None


class Session(Case):
    """gdb -batch follows a curl through all its transitions; what it says is what the trace says."""

    STOP = "echo <<\\n\ntcp show\necho ==\\n\ntcp segment\necho ==\\n\ntcp history 1\necho >>\\n\n"

    @classmethod
    def setUpClass(cls):
        if debugger.works():
            return
        place = lab.Place()
        place.env = debugger.environment(place)
        script = place.file("script.gdb")
        with open(script, "w", encoding="ascii") as file:
            file.write("tcp break * *\nrun\n" + (cls.STOP + "continue\n") * len(LIFE))
        try:
            with Lab("--trace", place=place, wrap=(*debugger.command("-batch", "-x", script), "--args")) as running:
                done = running.curl("-o", "/dev/null", f"http://{STACK}/")
                running.output.wait_for("LAST-ACK -> CLOSED", count=2)
                running.glass("down")
                running.assert_ended(0)
            cls.code, cls.lines = done.code, running.output.lines
        finally:
            place.remove()

    def parts(self):
        """For each stop: (what was printed up to it, tcp show, tcp segment, tcp history)."""
        before, text = [], list(self.lines)
        while "<<" in text:
            begin, end = text.index("<<"), text.index(">>")
            show, segment, history = "\n".join(text[begin + 1:end]).split("==\n")
            before += text[:begin]
            yield list(before), show.splitlines(), segment.splitlines(), history.splitlines()
            text = text[end + 1:]

    def test_it_stops_at_each_transition(self):
        self.assertEqual(self.code, 0)
        stops = [found.groups() for line in self.lines if (found := re.match(r"connection 1: " + ARROW, line))]
        traced = [found.groups() for line in self.lines if (found := re.search(r"^\d\S+ #1 +" + ARROW, line))]
        self.assertEqual(stops, LIFE)
        self.assertEqual(sorted(set(traced)), sorted(LIFE))
        self.assertTrue(any("exited normally" in line for line in self.lines))

    def test_each_names_its_rule(self):
        rules = [line for line in self.lines if re.match(r"connection 1: ", line) and "->" in line]
        for line in rules:
            self.assertRegex(line, r"   RFC \d+ \S+.*: [A-Z].*\.$")

    def test_segments_as_traced(self):
        checked = 0
        for before, _, segment, _ in self.parts():
            traced = [found for line in before if (found := re.search("^[0-9.]+" + SEGMENT, line))]
            title = re.match(r"segment (received|to be sent): ", segment[0])
            if not traced or not title:
                continue
            way, flags, left, right, length, ack, window = traced[-1].groups()
            self.assertEqual(title[1], "received" if way == "<" else "to be sent")
            self.assertEqual(self.find(r"^  SEG.SEQ +(\d+)  ", segment)[1], left)
            if ack:
                self.assertEqual(self.find(r"^  SEG.ACK +(\d+)  ", segment)[1], ack)
            self.assertEqual(self.find(r"^  flags .*\((\S+)\)$", segment)[1], flags)
            self.assertEqual(self.find(r"^  window +(\d+) ", segment)[1], window)
            self.assertEqual(int(right) - int(left), int(length))
            checked += 1
        self.assertGreaterEqual(checked, 3)

    def test_variables_as_traced(self):
        for before, show, _, _ in self.parts():
            sent = [found for line in before if (found := re.search(r"^[0-9.]+ #1 > (\S+) +\d+:(\d+)\(", line))]
            if not sent:
                continue
            counted = [int(found[2]) + any(flag in found[1] for flag in "SF") for found in sent]
            self.assertEqual(relative("SND.NXT", show), max(counted), show)
            self.assertLessEqual(relative("SND.UNA", show), relative("SND.NXT", show))
            self.assertEqual(relative("ISS", show), 0)
            came = [found for line in before if (found := re.search(r"^[0-9.]+ #1 < (\S+) +\d+:(\d+)\(", line))]
            highest = max(int(found[2]) + any(flag in found[1] for flag in "SF") for found in came)
            self.assertEqual(relative("RCV.NXT", show), highest, show)

    def test_absolute_numbers_differ_by_the_initial_one(self):
        for _, show, _, _ in self.parts():
            for first, names in (("ISS", ("SND.UNA", "SND.NXT")), ("IRS", ("RCV.NXT",))):
                numbers = {name: re.search(rf"^  {name} +(\d+) +(\d+)", "\n".join(show), re.M)
                           for name in (first, *names)}
                for name in names:
                    if numbers[first] and numbers[name]:
                        ahead = int(numbers[name][2]) - int(numbers[first][2])
                        self.assertEqual(ahead % 2**32, int(numbers[name][1]))

    def test_history_is_the_trace(self):
        before, _, _, history = list(self.parts())[-1]
        shape = re.compile(r"^(\d+\.\d+) #1 +(?:([<>] \S+ +\d+:\d+\(\d+\)(?: ack \d+)? win \d+)|" + ARROW + ")")
        told = [found.groups() for line in before if (found := shape.match(line))]
        kept = [found.groups() for line in history if (found := shape.match(line))]
        self.assertGreater(len(told), 10)
        self.assertEqual(kept, told)


class Stepping(Case):
    def test_each_event_of_the_trace_is_a_step(self):
        """Twenty steps from the first on, each the next line of the trace but for timers that are set."""
        with Running(self.place) as up:
            up.gdb("tcp break CLOSED LISTEN")
            up.run()
            curl = up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            steps = []
            for _ in range(12):
                steps += [line for line in up.gdb("tcp step") if re.match(r"\d+\.\d{6} ", line)]
            self.assertEqual(len(steps), 12)
            up.end("LAST-ACK -> CLOSED")
            self.assertEqual(curl.wait(lab.PATIENCE), 0)
            traced = [line for line in up.text().splitlines() if re.match(r"\d\S+ #1 ", line)
                      and not re.search(r"timer (in|off)", line)]
            token = re.compile(r"\S+ #1 +((?:[<>] +\S+ +\S+|\S+ -> \S+|[a-z]\w+))")
            self.assertEqual([token.match(line)[1] for line in steps],
                             [token.match(line)[1] for line in traced[:12]])

    def test_one_kind_only_and_several_at_once(self):
        with Running(self.place) as up:
            up.gdb("tcp break CLOSED LISTEN")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            lines = up.gdb("tcp step 3 state")
            arrows = [found.groups() for line in lines if (found := re.search(ARROW, line))]
            self.assertEqual(arrows, LIFE[:3])
            self.assertTrue(any("RFC 9293" in line for line in lines), lines)
            self.assertIn("tcp_set_state", "".join(lines))
            segment = up.gdb("tcp step segment")
            self.assertTrue(re.search(SEGMENT, "\n".join(segment)), segment)
            decoded = up.gdb("tcp segment")
            self.assertRegex(decoded[0], rf"^segment (received: {KERNEL}|to be sent: {STACK}):\d+ > ")
            # It stops in what decided or was called, not in what tells of it.
            self.assertRegex("".join(up.gdb("tcp step call")), r"#\d+ +sock_\w+ \(\w+=")
            self.assertNotRegex("".join(up.gdb("tcp step timer")), r"#\d+ +(tcb_timer_\w+|\w+_event) \(")
            up.end()

    def test_a_breakpoint_on_the_way_stops_it(self):
        with Running(self.place) as up:
            up.gdb("tcp break CLOSED LISTEN")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            up.gdb("tcp break * ESTABLISHED")
            lines = up.gdb("tcp step 1000")
            self.assertIn("connection 1: SYN-RECEIVED -> ESTABLISHED", "\n".join(lines))
            self.assertRegex("\n".join(lines), r"Breakpoint \d+, .*tcp_set_state")
            up.end()


class Tables(Case):
    """A running stack that gdb is attached to, beside netstat and the kernel's own table."""

    def attach(self, running, *commands):
        words = [word for text in commands for word in ("-ex", text)]
        done = debugger.batch(self.place, "-p", str(running.process.pid), *words)
        self.assertEqual(done.code, 0, str(done))
        return done.out.splitlines()

    def test_connections_as_netstat_and_the_kernel_have_them(self):
        with Lab(place=self.place) as running:
            peer = Peer(running)
            peer("connect", STACK, 9)
            peer("send", 5)
            waiting = Peer(running)
            waiting("connect", STACK, 80)
            lab.wait_until(lambda: len([row for row in running.connections() if row.state == "ESTABLISHED"]) == 2,
                           "two connections")
            rows = running.connections()
            kernel = running.exec("ss", "-tnoie").out
            lines = self.attach(running, "tcp connections", "tcp listeners", "tcp show 1", "tcp show 2")
            for row in rows:
                ends = f"{re.escape(row.local)} +{re.escape(row.remote)}"
                found = self.find(rf"ESTABLISHED +{ends} +(\d+) +(\d+) +(\d+)", lines)
                self.assertEqual((int(found[1]), int(found[2])), (row.receive, row.send))
                self.assertEqual(found[3], "0")
            for port in (7, 9, 13, 19, 80):
                self.find(rf"^\*:{port} +0 +0 +\d+ +process {running.process.pid}$", lines)
            scales = re.findall(r"wscale:(\d+),(\d+)", kernel)  # theirs to send to us, ours to them
            self.assertEqual(len(set(scales)), 1, kernel)
            self.assertIn(f"window scale {scales[0][0]} (theirs {scales[0][1]})", "\n".join(lines))
            shown = [i for i, line in enumerate(lines) if line.startswith("connection ")]
            numbers = [relative("RCV.NXT", lines[i:]) for i in shown]
            self.assertEqual(sorted(numbers), [1, 6])
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)  # it goes on

    def test_history_from_the_moment_it_was_attached(self):
        with Lab(place=self.place) as running:
            peer = Peer(running)
            peer("connect", STACK, 7)
            peer("send", 6)
            peer("receive", 6)
            with Gdb(self.place, "-p", str(running.process.pid)) as gdb:
                gdb.tell("continue")
                peer("send", 6)
                peer("receive", 6)
                gdb.interrupt(running.process.pid)
                lines = gdb("tcp history 1")
                gdb("detach")
            text = "\n".join(lines)
            self.assertRegex(text, r"#1 < P\. +7:13\(6\) ack 7 ")
            self.assertRegex(text, r"#1 > P\. +7:13\(6\) ack 13 ")
            self.assertNotRegex(text, r"[<>] P\. +1:7\(6\)")
            digest = peer("send", 6)
            self.assertEqual(peer("receive", 6), digest)

    def test_an_idle_connection_at_rest_is_a_record(self):
        with Lab("--tcp", "awake=0", place=self.place) as running:
            peer = Peer(running)
            peer("connect", STACK, 9)
            peer("send", 5)
            row = running.wait_for_connection("ESTABLISHED")
            lines = lab.wait_until(lambda: next((shown for shown in [self.attach(running, "tcp connections", "tcp show 1")]
                                                 if "at rest" in "\n".join(shown)), None), "a connection at rest")
            self.find(rf"1  ESTABLISHED +{re.escape(row.local)} +{re.escape(row.remote)} .* keepalive in [\d.]+ ", lines)
            self.find("connection 1: .* ESTABLISHED, at rest", lines)
            self.assertEqual(relative("RCV.NXT", lines), 6)
            peer("send", 7)  # it wakes, and nothing is lost
            lines = lab.wait_until(lambda: next((shown for shown in [self.attach(running, "tcp show 1")]
                                                 if relative("RCV.NXT", shown) == 13), None), "the rest")

    def test_time_wait_is_a_record(self):
        with Lab(place=self.place) as running:
            peer = Peer(running)
            peer("connect", STACK, 13)
            peer("drain")  # the service closes first
            peer("close")
            row = running.wait_for_connection("TIME-WAIT")
            lines = self.attach(running, "tcp connections", "tcp show 1", "tcp timers")
            ends = f"{re.escape(row.local)} +{re.escape(row.remote)}"
            self.find(rf"1  TIME-WAIT +{ends} .* time-wait in [\d.]+ s$", lines)
            self.assertTrue(any("TIME-WAIT" in line and line.startswith("connection 1") for line in lines))

    def test_interrupted_while_it_sleeps(self):
        """Ctrl-C is the debugger's: the stack stays up."""
        with Running(self.place) as up:
            up.run()
            pid = int(lab.run(["pgrep", "-n", "-f", up.name + " --trace"]).out.split()[-1])
            text = "\n".join(up.gdb.interrupt(pid))
            self.assertIn("SIGTRAP", text)
            self.assertEqual(up.gdb("tcp connections"), [
                "#  state  local  remote  to read  to send  in flight  next timer", "no connections"])
            self.assertEqual(up.gdb("tcp timers")[-1], "no timer runs")
            up.gdb.tell("continue")
            self.assertEqual(up.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)
            up.glass("down")
            self.assertIn("exited normally", "\n".join(up.gdb.answer()))


class Core(Case):
    def test_what_was_can_be_seen(self):
        with open(GLASS, "rb") as file:
            if b"__asan_init" in file.read():
                self.skipTest("the sanitizers' shadow memory fills terabytes of a core file")
        core = self.place.file("core")
        with Running(self.place) as up:
            up.gdb("tcp break ESTABLISHED CLOSE-WAIT")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            live = {text: up.gdb(text) for text in ("tcp show 1", "tcp history 1", "tcp connections", "tcp segment")}
            up.gdb(f"generate-core-file {core}")
            up.end()
        for text, said in live.items():
            done = debugger.batch(self.place, GLASS, core, "-ex", "echo <<\\n", "-ex", text)
            self.assertEqual(done.out.split("<<\n")[1].splitlines(), said, str(done))
        done = debugger.batch(self.place, GLASS, core, "-ex", "tcp step")
        self.assertIn("this is a core file: it shows what was, and cannot go on", done.err)


class Errors(Case):
    """One clear line, whatever is asked."""

    ATTEMPT = ("python\ndef attempt(text):\n    try:\n        gdb.execute(text)\n    except gdb.error as error:\n"
               "        print(error)\nend")

    def said(self, gdb, text):
        return gdb(f"python attempt({text!r})")

    def test_without_a_program_that_runs(self):
        with Gdb(self.place, GLASS) as gdb:
            gdb(self.ATTEMPT)
            for text in ("connections", "show", "show 1", "timers", "listeners", "segment", "history", "step"):
                self.assertEqual(self.said(gdb, "tcp " + text), [
                    "the program is not being run: start it with `run`, or attach to it"], text)

    def test_bad_names(self):
        states = ("CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, "
                  "LAST-ACK, TIME-WAIT")
        with Gdb(self.place, GLASS) as gdb:
            gdb(self.ATTEMPT)
            for text, wanted in (
                    ("break", "tcp break: usage: tcp break FROM TO [CONN]"),
                    ("break OPEN CLOSED", f"'OPEN' is no state: {states}; * stands for any"),
                    ("break CLOSED x", f"'x' is no state: {states}; * stands for any"),
                    ("break LISTEN time_wait", "a connection never goes from LISTEN to TIME_WAIT "
                                               "(RFC 9293, figure 5)"),
                    ("break * * y", "tcp break: 'y' is not a connection's number"),
                    ("break * * 1 2", "tcp break: usage: tcp break FROM TO [CONN]"),
                    ("step 0", "tcp step: '0' is neither a number nor one of segment, state, timer, drop, call, "
                               "window, rtt, datagram"),
                    ("timers 1", "tcp timers: usage: tcp timers"),
                    ("connections some", "tcp connections: 'some' is not 'all'")):
                self.assertEqual(self.said(gdb, "tcp " + text), [wanted], text)

    def test_bad_connections(self):
        with Running(self.place) as up:
            up.gdb("tcp break * ESTABLISHED")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            up.gdb(self.ATTEMPT)
            absent = "there is no connection {0} (any more): see `tcp connections`; `tcp history {0}` may remember it"
            for text, wanted in (
                    *((f"show {name}", absent.format(name)) for name in ("7", "#7", "1.7")),
                    ("show 2.1", "there is no stack 2: the program has 1"),
                    ("show foo", "foo is no connection: give a number of `tcp connections`, a peer's address:port, or "
                                 "an expression that is a struct tcp_conn *"),
                    ("history 7", "nothing is remembered of a connection 7"),
                    ("history 1 x", "tcp history: 'x' is not a number of events")):
                self.assertEqual(self.said(up.gdb, "tcp " + text), [wanted], text)
            self.assertEqual(up.gdb("tcp show c"), up.gdb("tcp show 1"))
            up.end()

    def test_another_program(self):
        """The commands stay when gdb goes on with a program that is not ours."""
        with Gdb(self.place, GLASS) as gdb:
            gdb(self.ATTEMPT)
            gdb(f"file {shutil.which('true')}")
            gdb.tell("starti </dev/null")
            gdb.answer()
            self.assertEqual(self.said(gdb, "tcp connections"), [
                "no stack to be seen from here: is the program past stack_init, and in the right thread?"])


class Printers(Case):
    def test_as_the_rfc_writes_it(self):
        with Running(self.place) as up:
            up.gdb("tcp break SYN-RECEIVED ESTABLISHED")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()

            def value(text):
                return up.gdb("output " + text)[0]

            self.assertRegex(value("$conn(1)->remote"), rf"^{KERNEL}:\d+$")
            self.assertEqual(value("$conn(1)->local"), f"{STACK}:80")
            self.assertEqual(value("$conn()->local"), f"{STACK}:80")  # the only one
            self.assertIn("one connection at a time", value("$conn(1, 2)"))
            self.assertEqual(value("next"), "ESTABLISHED")
            self.assertRegex(value("*$conn(1)"), rf"^#1 {STACK}:80 with {KERNEL}:\d+, SYN-RECEIVED = .*"
                                                 r"state = SYN-RECEIVED, .*due = {retransmit in \d+(\.\d+)? ms")
            up.gdb("tcp step segment")  # the request
            up.gdb("frame function segment_in_event")
            self.assertRegex(value("seg->header->seq"), r"^\d+$")
            self.assertRegex(value("*seg->header"),
                             r"^(\.|P\.) seq \d+ ack \d+ win \d+ <ts \d+/\d+> = {.*flags = P?\.,")
            self.assertEqual(value("$conn(1)->tcp->core->config.tcp_msl"), "30 s")
            self.assertEqual(value("$conn(1)->tcp->core->config.tcp_delayed_ack"), "40 ms")
            self.assertEqual(value("$conn(1)->due[5]"), "never")
            up.end()


class Clock(Case):
    """While gdb holds the program no time passes for the stack."""

    def pause(self, up):
        up.gdb(f"python import time; time.sleep({HOLD})", patience=HOLD + lab.PATIENCE)

    def patient_kernel(self, up):
        """Its time goes on: it is not to send again what the stack does not acknowledge meanwhile."""
        route = f"10.7.0.0/24 dev glass0 proto kernel scope link src {KERNEL} rto_min {10 * HOLD}s"
        done = up.exec("ip", "route", "change", *route.split())
        self.assertEqual(done.code, 0, str(done))

    def times(self, up, pattern):
        return [float(found) for found in re.findall(rf"^(\S+) #1 +{pattern}", up.text(), re.M)]

    def test_in_the_handshake(self):
        """SYN,ACK is out, and no time-out sends it again."""
        with Running(self.place) as up:
            up.gdb("tcp break SYN-RECEIVED ESTABLISHED")
            up.run()
            curl = up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            before = up.gdb("tcp timers")
            self.pause(up)
            self.assertEqual(up.gdb("tcp timers"), before)
            up.end("LAST-ACK -> CLOSED")
            self.assertEqual(curl.wait(lab.PATIENCE), 0)
            self.assertEqual(len(self.times(up, r"> S\.")), 1, up.text())
            self.assertEqual(self.times(up, "retransmit timer fired"), [], up.text())
            self.assertLess(self.times(up, "LAST-ACK -> CLOSED")[0] - self.times(up, "CLOSED -> LISTEN")[0], HOLD - 1)

    def test_switched_off_the_time_out_comes(self):
        with Running(self.place, "--step-clock=off") as up:
            up.gdb("tcp break CLOSED LISTEN")
            up.run()
            up.start("curl", "-sS", "-o", "/dev/null", f"http://{STACK}/", stderr=subprocess.DEVNULL)
            up.gdb.answer()
            begun = time.monotonic()
            up.gdb("tcp step 3 segment")
            self.pause(up)
            passed = time.monotonic() - begun
            up.end("LAST-ACK -> CLOSED")
            self.assertGreater(self.times(up, "LAST-ACK -> CLOSED")[0] - self.times(up, "CLOSED -> LISTEN")[0],
                               min(passed, HOLD))

    def test_before_a_delayed_acknowledgment(self):
        with Running(self.place) as up:
            up.run()
            self.patient_kernel(up)
            peer = Peer(up)
            peer("connect", STACK, 9)
            up.wait_for("SYN-RECEIVED -> ESTABLISHED")
            up.gdb.interrupt(self.pid_of(up))
            up.gdb.tell("tcp step timer")
            peer("send", 1)
            self.assertIn("delayed-ack timer in 40 ms", "\n".join(up.gdb.answer()))
            self.pause(up)
            lines = up.gdb("tcp step timer")
            self.assertIn("delayed-ack timer fired", "\n".join(lines))
            up.end()
            came, fired = self.times(up, r"< P\. +1:2")[0], self.times(up, "delayed-ack timer fired")[0]
            self.assertGreaterEqual(round(fired - came, 6), 0.04)
            self.assertLess(fired - came, HOLD - 1)

    def test_before_a_retransmission(self):
        """Nothing comes back: the time-out is counted in the stack's own time."""
        with Running(self.place) as up:
            up.run()
            self.patient_kernel(up)
            peer = Peer(up)
            peer("connect", STACK, 7)
            up.wait_for("SYN-RECEIVED -> ESTABLISHED")
            deaf = up.exec("nft", "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; "
                                  f"add rule ip deaf in ip saddr {STACK} tcp flags & (syn|rst) == 0 drop")
            self.assertEqual(deaf.code, 0, str(deaf))
            up.gdb.interrupt(self.pid_of(up))
            up.gdb.tell("tcp step 2 segment")
            peer("send", 1)
            lines = "\n".join(up.gdb.answer())
            self.assertRegex(lines, r"#1 > P\. +1:2\(1\)")
            self.pause(up)
            up.gdb.tell("tcp step segment")
            again = "\n".join(up.gdb.answer())
            self.assertRegex(again, r"#1 > P\. +1:2\(1\)")
            up.gdb("kill")
            first, second = (float(re.search(r"^(\d+\.\d+) #1 > P\. +1:2\(1\)", text, re.M)[1])
                             for text in (lines, again))
            self.assertGreater(second - first, 0.005)  # a tail loss probe, or the time-out
            self.assertLess(second - first, HOLD - 1)

    def test_a_debugger_that_comes_later(self):
        with Lab("--trace", place=self.place) as running:
            running.exec("ping", "-c", "1", STACK)
            first = running.output.wait_for(r"^\d+\.\d+ .*icmp type 8")[0]
            begun = time.monotonic()
            debugger.batch(self.place, "-p", str(running.process.pid), "-ex",
                           f"python import time; time.sleep({HOLD})", patience=HOLD + lab.PATIENCE)
            running.exec("ping", "-c", "1", STACK)
            second = running.output.wait_for(r"^\d+\.\d+ .*icmp type 8", count=2)[1]
            passed = time.monotonic() - begun
            counted = float(second.split()[0]) - float(first.split()[0])
            self.assertGreater(passed - counted, HOLD - 0.1)

    def test_bad_value(self):
        done = self.place.glass("up", "--step-clock=sometimes")
        self.assertEqual(done.code, 2)
        self.assertRegex(done.err, r"^glass up: --step-clock: 'sometimes' is none of auto, on and off \(see .*\)\n$")

    def pid_of(self, up):
        return int(lab.run(["pgrep", "-n", "-f", up.name + " --trace"]).out.split()[-1])


class OtherPrograms(Case):
    """Any program of the tree has the commands: here one with two stacks in virtual time."""

    def test_two_stacks(self):
        program = os.path.join(os.path.dirname(GLASS), "tests/unit/test_transfer")
        if not os.path.exists(program):
            self.skipTest(f"{program} is not built")
        script = self.script("tcp break * ESTABLISHED\nrun\ntcp connections\ntcp show 1.1\ntcp history 2.1\n"
                             "delete\ntcp break TIME-WAIT CLOSED\ncontinue\ntcp show\ntcp timers\n")
        done = debugger.batch(self.place, "-x", script, program, trusted=program)
        text = done.out
        self.assertRegex(text, r"(?m)^1\.1  SYN-SENT +10\.0\.0\.1:\d+ +10\.0\.0\.2:80 ")
        self.assertRegex(text, r"(?m)^2\.1  SYN-RECEIVED +10\.0\.0\.2:80 +10\.0\.0\.1:\d+ ")
        self.assertRegex(text, r"(?m)^connection 1\.1: 10\.0\.0\.1:\d+ with 10\.0\.0\.2:80, SYN-SENT \(active open; ")
        self.assertRegex(text, r"(?m)^\S+ #1   LISTEN -> SYN-RECEIVED$")
        self.assertIn("connection 1: TIME-WAIT -> CLOSED   RFC 9293 3.10.8: ", text)
        self.assertRegex(text, r"(?m)^now +time-wait +1\.1 +TIME-WAIT ")


class Replay(Case):
    """The same session on a capture: the stack's part of it happens again, in the capture's time, inside of gdb."""

    def capture(self):
        with Lab("--trace", capture=True, place=self.place) as running:
            self.assertEqual(running.curl("-o", "/dev/null", f"http://{STACK}/").code, 0)
            running.output.wait_for("LAST-ACK -> CLOSED")
            running.stop()
            return running.capture

    def test_a_curl_again(self):
        part = "tcp show 1\ntcp segment\n"
        script = self.script("tcp break * *\nrun\n" + (part + "continue\n") * (len(LIFE) - 1) + part +
                             "tcp history 1\ntcp step\n")
        done = debugger.batch(self.place, "-x", script, "--args", GLASS, "replay", self.capture())
        lines = done.out.splitlines()
        stops = [found.groups() for line in lines if (found := re.match(r"connection 1: " + ARROW, line))]
        self.assertEqual(stops, LIFE, str(done))
        self.assertEqual(len([line for line in lines if line.startswith("segment ")]), len(LIFE), str(done))
        told = [found[1] for line in lines if (found := re.match(r"\d+\.\d{6} #1 +([<>] \S+)", line))]
        self.assertEqual(told[:4], ["< S", "> S.", "< .", "< P."])
        self.assertEqual(done.err, "")


if __name__ == "__main__":
    lab.main()
