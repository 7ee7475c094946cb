"""A breakpoint on tcp_set_state shows a connection's whole life: it stops once for each transition."""
import os
import re
import shutil
import unittest

import lab
from lab import STACK, Lab

SCRIPT = """\
set pagination off
set debuginfod enabled off
break tcp_set_state
commands
silent
printf "\\nstopped: "
output next
printf "\\n"
continue
end
run
"""


class Breakpoint(unittest.TestCase):
    def setUp(self):
        if not shutil.which("gdb"):
            self.skipTest("gdb is not installed")
        done = lab.run(["gdb", "-batch", "-nx", "-ex", "run", "--args", shutil.which("true")])
        if "exited normally" not in done.out:
            self.skipTest(f"gdb may not trace programs here: {done.err.strip()}")

    def test_it_stops_once_per_transition(self):
        place = lab.Place()
        self.addCleanup(place.remove)
        script = place.file("commands")
        with open(script, "w") as file:
            file.write(SCRIPT)
        # The leak detector of the sanitizers cannot work in a process that is traced.
        place.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        with Lab("--trace", place=place, wrap=("gdb", "-batch", "-nx", "-x", script, "--args")) as running:
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


if __name__ == "__main__":
    lab.main()
