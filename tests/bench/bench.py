#!/usr/bin/env python3
"""make bench: how fast glass is, every figure beside its references, measured in the same run. docs/bench.md says what
the rows mean. No test: a machine's load shows in it.

Environment: BUILD (build), GLASS (BUILD/glass), ROUNDS (5), SCALE (1; a factor for the time of each measurement),
ROWS (all; names of groups, separated by commas: download upload latency connections http loss hook idle memory scale
instructions)."""
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
INSIDE = "GLASS_BENCH_INSIDE"
LARGE_MIB = 16  # of the file that is downloaded again and again: it stays in the caches, as the references' text does

import cells  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
from places import Process, cpu_times, cpus, stolen_since  # noqa: E402
from rows import GROUPS, SIZES, IDLE  # noqa: E402


def give_up(why, status=1):
    print(f"make bench: {why}", file=sys.stderr)
    sys.exit(status)


def setting(name, default, kind, least, most):
    try:
        value = kind(os.environ.get(name) or default)
        if least <= value <= most:
            return value
    except ValueError:
        pass
    give_up(f"{name}: '{os.environ[name]}' is not a number from {least} to {most}", 2)


def enter_namespace():
    """Runs itself again in a network namespace of its own; an ordinary user becomes root of it."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        give_up(f"cannot make a network namespace ({tried.stderr.strip()}): run it as root")
    if not os.access(os.environ.get("GLASS_TUN") or "/dev/net/tun", os.R_OK | os.W_OK):
        give_up("/dev/net/tun may not be opened: 'glass up' says what to do about it")
    os.environ[INSIDE] = "1"
    os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])


class Bench:
    """What all groups share."""

    def __init__(self, tmp):
        self.tmp, self.www = tmp, os.path.join(tmp, "www")
        self.build = os.path.abspath(os.environ.get("BUILD") or os.path.join(TOP, "build"))
        self.glass = os.path.abspath(os.environ.get("GLASS") or os.path.join(self.build, "glass"))
        self.tools = cells.Tools(self.build)
        self.rounds = setting("ROUNDS", "5", int, 1, 1000)
        self.scale = setting("SCALE", "1", float, 0.1, 100)
        own = self.glass == os.path.join(self.build, "glass")
        plain = os.path.join(self.build, "without-hook")
        self.glass_without_hook = os.path.join(plain, "build/glass") if own else None
        self.core_without_hook = os.path.join(plain, "core")
        self.nginx = shutil.which("nginx", path=f"{self.build}/nginx/usr/sbin:{os.environ['PATH']}:/usr/sbin")
        self.waited, self.remarks = [], []
        if not own:
            self.remark("memory, scale and instructions are of this tree's core, not of GLASS")
        self.offload = "--offload" in self.help_of(self.glass)
        self.single = ["--offload", "off"] if self.offload else []

    @staticmethod
    def help_of(glass):
        try:
            return subprocess.run([glass, "up", "--help"], capture_output=True, text=True, check=False).stdout
        except OSError as error:
            give_up(f"{glass}: {error.strerror}")

    def seconds(self, n):
        return round(n * self.scale, 3)

    def remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)

    @staticmethod
    def background(command, ready):
        return Process(command, ready)

    def make_www(self):
        os.mkdir(self.www)
        with open(os.path.join(self.www, "small.html"), "w", encoding="ascii") as file:
            file.write("<!doctype html><title>bench</title><p>A small page, always the same.\n")
        with open(os.path.join(self.www, "large"), "wb") as file:
            for _ in range(LARGE_MIB):
                file.write(os.urandom(1 << 20))
        os.chmod(self.tmp, 0o755)

    def machine(self):
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "?")
        return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cpu": model,
                "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(), "rounds": self.rounds,
                "load_before": os.getloadavg()[0], "offload": self.offload}


def wanted_groups():
    names = os.environ.get("ROWS", "").replace(",", " ").split()
    known = [group.name for group in GROUPS]
    for name in names:
        if name not in known:
            give_up(f"ROWS: there is no '{name}': {' '.join(known)}", 2)
    return [group for group in GROUPS if not names or group.name in names]


def run(group, bench):
    print(f"  {group.name}", end="", flush=True, file=sys.stderr)
    try:
        group.set_up()
        for _ in range(bench.rounds):
            group.measure()
            print(".", end="", flush=True, file=sys.stderr)
    finally:
        group.tear_down()
        print(file=sys.stderr)


def curves(groups):
    """What is drawn."""
    out = {}
    for group in groups:
        if group.name == "idle":
            for key in ("bulk", "short", "echo"):
                out[key] = {n: group.series[f"{key} {n}"] for n in (0, *IDLE) if group.series.get(f"{key} {n}")}
        if group.name == "scale":
            out["cost"] = {name: {n: group.series[f"{key} {n}"] for n in SIZES} for key, name in (
                ("exchange", "a segment and its answer"), ("setup", "set-up"), ("tick", "a tick"))}
    return out


def measure(bench):
    bench.make_www()
    os.environ["XDG_RUNTIME_DIR"] = bench.tmp
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    groups = [kind(bench) for kind in wanted_groups()]
    about, before = bench.machine(), cpu_times()
    for group in groups:
        run(group, bench)
    about["steal_percent"] = round(100 * stolen_since(before), 2)
    about["repeated"] = sum(group.repeated for group in groups)
    about["waited_percent"] = round(100 * statistics.median(bench.waited), 1) if bench.waited else None
    return groups, about


def tell(groups, about, bench):
    entries = report.results(groups)
    drawn = curves(groups)
    print(f"{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel']}; {bench.rounds} rounds; the stack on CPU "
          f"{cpus()[0]}, clients on CPU {cpus()[1]}")
    print(f"load before {about['load_before']:.2f}, stolen by the host {about['steal_percent']} %, "
          f"{about['repeated']} measurements repeated for it" +
          (f", bulk stacks waited for their CPU {about['waited_percent']} % of the time\n"
           if about["waited_percent"] is not None else "\n"))
    if about["steal_percent"] > 3 or (about["waited_percent"] or 0) > 10:
        print("note: this machine was busy with other things; see docs/bench.md about noise")
    report.print_table(entries)
    for remark in bench.remarks:
        print(f"note: {remark}")
    report.write_json(os.path.join(bench.build, "bench.json"), about, entries, drawn)
    picture = os.path.join(bench.build, "bench.svg")
    wrote = f", {picture}" if plot.write(picture, drawn) else ""
    print(f"{report.summary(entries)}; {os.path.join(bench.build, 'bench.json')}{wrote}")


def main():
    wanted_groups()
    if not os.environ.get(INSIDE):
        enter_namespace()
    with tempfile.TemporaryDirectory(prefix="glass-bench-") as tmp:
        bench = Bench(tmp)
        groups, about = measure(bench)
        tell(groups, about, bench)


if __name__ == "__main__":
    main()
