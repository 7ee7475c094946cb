#!/usr/bin/env python3
"""Goodput over a bad link: glass sends to the kernel, the kernel sends to the kernel, over the same faulty wire
(tun/link.c), at the same time and with the same seed; printed as ratios. No test: a machine's load shows in it.

    tests/bench/loss.py [CELL]...      only cells whose name contains one of these

Environment: BUILD (build), ROUNDS (1; each with another seed), SCALE (1; a factor for the time of each cell),
TCP (options of glass up --tcp)."""
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
ROUNDS = int(os.environ.get("ROUNDS", "1"))
SCALE = float(os.environ.get("SCALE", "1"))
TCP = os.environ.get("TCP", "")
PATIENCE = 60
BDP = 20_000_000 * 0.020 / 8 / 1500  # of the queue cells, datagrams

# name: faults, seconds, flows
CELLS = {}
for rtt, seconds in ((1, 4), (20, 5), (100, 10)):
    rate = 100 if rtt == 100 else 50
    for loss in ("0.1", "1", "3"):
        # Four flows where one would meet too few losses to tell luck from skill.
        CELLS[f"loss {loss} %, {rtt} ms"] = (f"loss={loss}%,delay={rtt / 2}ms,rate={rate}mbit,queue=200",
                                            seconds, 4 if rtt == 100 or (rtt == 20 and loss != "0.1") else 1)
CELLS["reordering 1 %, 20 ms"] = ("reorder=1%,delay=10ms,rate=50mbit,queue=200", 5, 1)
for share in (0.25, 0.5, 1, 2, 4):
    CELLS[f"queue {share} BDP, 20 ms"] = (f"delay=10ms,rate=20mbit,queue={max(2, round(share * BDP))}", 6, 1)
CELLS["two flows, 20 ms"] = (f"delay=10ms,rate=20mbit,queue={round(BDP)}", 15, 2)


def python(name, *arguments):
    return [sys.executable, "-B", os.path.join(HERE, name + ".py"), *map(str, arguments)]


def first_line(process, what):
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{what}: {process.communicate()[1]}")
    return line


class Pair:
    """A sender, a receiver that is the kernel, and the wire between them; measured in .bytes of each flow."""

    def __init__(self, seconds, flows):
        self.seconds, self.flows, self.started, self.errors = seconds, flows, [], ""
        self.about = ""

    def start(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, **options)
        self.started.append(process)
        return process

    def measure(self):
        self.sink = self.start([*self.at_receiver, *python("sink", self.sender, 80, self.seconds, self.flows)],
                               env=self.env)

    def result(self):
        out, errors = self.sink.communicate(timeout=self.seconds + PATIENCE)
        if self.sink.returncode != 0:
            raise SystemExit(f"the receiver failed: {errors}")
        return [int(n) * 8 / self.seconds / 1e6 for n in out.split()]

    def end(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


class Kernel(Pair):
    sender = "10.8.0.2"

    def __init__(self, faults, seconds, flows):
        super().__init__(seconds, flows)
        self.env = os.environ
        wire = self.start([os.path.join(BUILD, "tests/bench/wire"), faults])
        fds = first_line(wire, "wire").split()[1:]
        ends = [self.enter(wire.pid, *fds[:2]), self.enter(wire.pid, *fds[2:])]
        self.at_receiver = ends[0]
        self.about = first_line(self.start([*ends[1], *python("source", self.sender, 80, "cubic")]), "source").strip()

    @staticmethod
    def enter(pid, user, net):
        command = ["nsenter", f"--net=/proc/{pid}/fd/{net}"]
        if user != "-1" and os.geteuid() != 0:
            command += [f"--user=/proc/{pid}/fd/{user}", "--preserve-credentials"]
        return [*command, "--"]


class Glass(Pair):
    sender = "10.7.0.2"

    def __init__(self, faults, seconds, flows, runtime):
        super().__init__(seconds, flows)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": runtime}
        glass = os.path.join(BUILD, "glass")
        command = [glass, "up", "--name", "bench", "--link", faults, "--www", runtime, *(["--tcp", TCP] if TCP else [])]
        first_line(self.start(command, env=self.env), "glass up")
        self.at_receiver = [glass, "exec", "--name", "bench", "--"]
        self.command = glass

    def counters(self):
        done = subprocess.run([self.command, "netstat", "-s", "--name", "bench"], capture_output=True, text=True,
                              env=self.env)
        return done.stdout


def jain(rates):
    return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates)) if any(rates) else 0


def round_of(name, number, runtime):
    """The rates of both, in Mbit/s, measured side by side; and what glass counted."""
    faults, seconds, flows = CELLS[name]
    faults += f",seed={number + 1}"
    pairs = []
    try:
        pairs.append(Glass(faults, seconds * SCALE, flows, runtime))
        pairs.append(Kernel(faults, seconds * SCALE, flows))
        for pair in pairs:
            pair.measure()
        rates = [pair.result() for pair in pairs]
        return *rates, pairs[0].counters(), pairs[1].about
    finally:
        for pair in pairs:
            pair.end()


def spread(values):
    return f"{statistics.median(values):6.2f} [{min(values):.2f}..{max(values):.2f}]"


def main():
    wanted = [name for name in CELLS if not sys.argv[1:] or any(part in name for part in sys.argv[1:])]
    rates = {name: ([], []) for name in wanted}
    fairness = {name: ([], []) for name in wanted}
    about = ""
    with tempfile.TemporaryDirectory(prefix="glass-bench-") as runtime:
        with open(os.path.join(runtime, "large"), "wb") as file:
            file.truncate(1 << 34)  # all holes
        for number in range(ROUNDS):  # interleaved: what the machine does besides hits every cell
            for name in wanted:
                *both, counters, about = round_of(name, number, runtime)
                for i, flows in enumerate(both):
                    rates[name][i].append(sum(flows))
                    fairness[name][i].append(jain(flows))
                if os.environ.get("VERBOSE"):
                    print(name, both, re.sub(r"\n +", "; ", counters), sep="\n", flush=True)
    print(f"goodput in Mbit/s, median [least..most] of {ROUNDS} rounds; the kernel's congestion control is {about}")
    print(f"{'':24} {'glass to kernel':>24} {'kernel to kernel':>24} {'ratio':>7}  Jain's index")
    below = 0
    for name in wanted:
        ours, theirs = rates[name]
        ratio = statistics.median(ours) / statistics.median(theirs)
        below += round(ratio, 2) < 1
        flows = CELLS[name][2]
        fair = f"{statistics.median(fairness[name][0]):.3f}, kernel {statistics.median(fairness[name][1]):.3f}"
        print(f"{name:24} {spread(ours):>24} {spread(theirs):>24} {ratio:7.2f}  {fair if flows > 1 else '-'}")
    print(f"{below} of {len(wanted)} cells below 1.00")


if __name__ == "__main__":
    main()
