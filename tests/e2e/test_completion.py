"""What bash offers after `glass`: the completion file, sourced by a bash that is told what was typed."""
import os
import pty
import re
import select
import time
import unittest

import lab
from lab import GLASS, Lab, Place

COMPLETION = os.path.join(lab.TOP, "share/bash-completion/glass")
SCRIPT = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_glass
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)

    def offers(self, *words):
        """What is offered for the last word; the program is called as GLASS names it."""
        done = lab.run(["bash", "--norc", "-c", SCRIPT, "bash", COMPLETION, GLASS, *words], env=self.place.env,
                       cwd=self.place.path)
        self.assertEqual((done.code, done.err), (0, ""), str(done))
        return [line for line in done.out.splitlines() if line]

    def test_bash_is_told_of_it(self):
        done = lab.run(["bash", "--norc", "-c", f"source {COMPLETION} && complete -p glass"], env=self.place.env)
        self.assertEqual(done.out, "complete -F _glass glass\n", str(done))

    def test_bash_itself_uses_it(self):
        """An interactive bash on a terminal: glass netstat --nu, and the Tab key."""
        ours, theirs = pty.openpty()
        bash = lab.start(["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                         env={**self.place.env, "TERM": "dumb", "INPUTRC": "/dev/null", "PS1": "ready "},
                         start_new_session=True)
        os.close(theirs)
        self.addCleanup(os.close, ours)
        text = b""

        def read_until(wanted):
            nonlocal text
            deadline = time.monotonic() + lab.PATIENCE
            while wanted not in text:
                self.assertTrue(select.select([ours], [], [], max(0, deadline - time.monotonic()))[0], text)
                text += os.read(ours, 65536)
            text = text[text.index(wanted) + len(wanted):]

        read_until(b"ready ")
        os.write(ours, f"source {COMPLETION}\n".encode())
        read_until(b"ready ")
        os.write(ours, b"glass netstat --nu\t")
        read_until(b"--numeric ")
        os.write(ours, b"\x15exit\n")
        bash.wait(lab.PATIENCE)

    def test_commands(self):
        listed = re.findall(r"(?m)^  ([a-z]+) +\S", self.place.glass("--help").out)
        self.assertEqual(sorted(self.offers("")), sorted([*listed, "--help", "--version"]))
        self.assertEqual(self.offers("ne"), ["netstat"])
        self.assertEqual(self.offers("help", "pi"), ["ping"])
        self.assertEqual(self.offers("no-such"), [])

    def test_options(self):
        self.assertEqual(self.offers("netstat", "--n"), ["--numeric", "--name"])
        self.assertEqual(self.offers("up", "--st"), ["--step-clock"])
        self.assertEqual(self.offers("up", "--step-clock", ""), ["auto", "on", "off"])
        self.assertIn("congestion=", self.offers("up", "--tcp", "con"))
        self.assertEqual(self.offers("up", "--service", "h"), ["http="])
        self.assertEqual(self.offers("ping", "-c", ""), [])

    def test_names_of_running_stacks(self):
        with Lab(place=self.place) as running:
            for command in ("down", "netstat", "exec", "trace", "nc", "get", "ping", "ports"):
                self.assertEqual(self.offers(command, "--name", running.name[:2]), [running.name], command)
        self.assertNotIn(running.name, self.offers("down", "--name", ""))

    def test_scenarios_of_the_laboratory(self):
        listed = re.findall(r"(?m)^  ([a-z][a-z0-9-]*) +\S", self.place.glass("lab", "--list").out)
        self.assertGreaterEqual(len(listed), 35)
        self.assertEqual(sorted(self.offers("lab", "")), sorted(listed))
        self.assertEqual(self.offers("lab", "handsh"), ["handshake"])

    def test_captures_and_folders(self):
        for name in ("one.pcap", "two.pcapng", "three.txt"):
            with open(self.place.file(name), "w"):
                pass
        os.makedirs(self.place.file("folder"), exist_ok=True)
        offered = self.offers("demo", "--pcap", "")
        self.assertLessEqual({"one.pcap", "two.pcapng", "folder"}, set(offered))
        self.assertNotIn("three.txt", offered)

    def test_what_exec_runs_is_a_command_line_of_its_own(self):
        self.assertIn("printenv", self.offers("exec", "--", "printe"))
        self.assertIn("printenv", self.offers("exec", "printe"))
        self.assertEqual(self.offers("exec", "--na"), ["--name"])

    def test_services(self):
        self.assertIn("https", self.offers("ports", "http"))

    def test_make_install_puts_it_and_the_manual_in_their_places(self):
        """With a make that does nothing but install what is built."""
        build = os.path.dirname(GLASS)
        if not os.path.exists(os.path.join(build, "libglasstack.a")):
            self.skipTest("the program is not in its build folder")
        target = self.place.file("root")
        done = lab.run(["make", "-C", lab.TOP, "-s", f"BUILD={build}", f"DESTDIR={target}", "PREFIX=/usr", "-o",
                        GLASS, "-o", f"{build}/glass", "-o", f"{build}/libglasstack.a", "install"], env=self.place.env,
                       patience=lab.LONG)
        self.assertEqual(done.code, 0, str(done))
        for name in ("bin/glass", "share/man/man1/glass.1", "share/bash-completion/completions/glass"):
            self.assertTrue(os.path.exists(os.path.join(target, "usr", name)), name)


if __name__ == "__main__":
    lab.main()
